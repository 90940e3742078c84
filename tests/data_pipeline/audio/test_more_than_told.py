"""Files whose header tells of less audio than they hold: read to the end, or refused by name.

The header is what a decoder believes, so the rest would be lost without a word.
"""

import io
import struct

import numpy as np
import pytest
import soundfile

from data_pipeline.audio.reading import decode_recording
from data_pipeline.audio.refusals import AudioError


def noise(rate, seconds=2.0, channels=1):
    samples = np.random.default_rng(0).normal(0, 0.1, (round(rate * seconds), channels))
    samples[: len(samples) // 2] *= 0.01
    return samples


def encoded(container, subtype, rate=16000, seconds=2.0, channels=1, **options):
    content = io.BytesIO()
    samples = noise(rate, seconds, channels)
    soundfile.write(content, samples, rate, format=container, subtype=subtype, **options)
    return content.getvalue()


def mp3(rate=16000, seconds=2.0, mode="CONSTANT", channels=1, level=0.5):
    options = {"bitrate_mode": mode, "compression_level": level}
    return encoded("MP3", "MPEG_LAYER_III", rate, seconds, channels, **options)


def untagged(content):
    """An MP3 file without its first frame, where that holds a tag."""
    return content[content.find(content[:2], 40) :] if b"Info" in content[:64] else content


def seconds_of(content):
    return len(decode_recording(content, "upload").waveform) / 16000


def refusal(content):
    with pytest.raises(AudioError) as refused:
        decode_recording(content, "upload")
    return str(refused.value)


def flac(**options):
    return encoded("FLAC", "PCM_16", **options)


def wav(**options):
    return encoded("WAV", "PCM_16", **options)


ID3 = b"ID3\x04\0\0\0\0\x10\0" + bytes(2048)
# Bytes as they stand in a picture, the start of an MP3 frame among them.
PICTURE = np.random.default_rng(1).bytes(300_000) + b"\xff\xfb\x90\x00" + bytes(999)
JOINED = {
    "mp3 with a header": mp3() + mp3(),
    "mp3 of variable bit rate": mp3(mode="VARIABLE") + mp3(mode="VARIABLE"),
    "mp3 of other rates": mp3(44100) + mp3(16000),
    "mp3 of other rates the other way": mp3(16000) + mp3(44100),
    "mp3 without a header of other rates": untagged(mp3(16000)) + untagged(mp3(44100)),
    "mp3 mono and stereo": mp3(channels=1) + mp3(channels=2),
    "mp3 with tags between": mp3(44100) + b"TAG" + bytes(125) + ID3 + mp3(16000),
    "mp3 and wav": mp3() + wav(),
    "flac": flac() + flac(seconds=1.0),
    "flac of other rates": flac(rate=44100) + flac(rate=16000, channels=2),
    "wav": wav() + wav(seconds=1.0),
    "wav with a chunk behind": wav() + b"LIST\x04\0\0\0INFO" + wav(),
    "wav and wav with a list": wav() + wav()[:12] + b"LIST\x04\0\0\0INFO" + wav()[12:],
    "ogg and flac": encoded("OGG", "VORBIS") + flac(),
    "wav of two chunks of audio": wav() + b"data" + struct.pack("<I", 32000) + bytes(32000),
}


@pytest.mark.parametrize("kind", JOINED)
def test_joined_recordings_are_refused_by_name(kind):
    message = refusal(JOINED[kind])
    assert message.startswith("upload: holds ")
    assert "one after the other" in message and "make a file of each" in message


def test_mp3_without_headers_joined_is_read_to_its_end():
    whole = untagged(mp3(44100))
    assert seconds_of(whole + whole) == pytest.approx(2 * seconds_of(whole), abs=0.1)


@pytest.mark.parametrize("told", [1000, 31999])
def test_flac_that_tells_of_fewer_samples_is_refused(told):
    content = bytearray(flac())
    content[22:26] = struct.pack(">I", told)
    assert f"upload: holds 32000 samples, and its header tells of {told};" in refusal(content)


@pytest.mark.parametrize("seconds", [0.1, 0.25, 0.256, 0.3, 3.0, 20.0])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("tail", [b"", b"TAG" + bytes(125)])
def test_whole_flac_is_read(seconds, channels, tail):
    content = flac(seconds=seconds, channels=channels)
    assert seconds_of(content + tail) == pytest.approx(seconds)
    one_less = bytearray(content + tail)
    one_less[22:26] = struct.pack(">I", round(16000 * seconds) - 1)
    assert "its header tells of" in refusal(one_less)


def test_mp3_that_tells_of_fewer_frames_is_refused():
    content = bytearray(mp3(44100))
    place = content.find(b"Info") + 8
    [frames] = struct.unpack_from(">I", content, place)
    content[place : place + 4] = struct.pack(">I", frames // 2)
    assert "holds 2.04 s of audio, and its header tells of 1.02 s" in refusal(content)


def with_data_size(content, size):
    place = content.find(b"data") + 4
    return content[:place] + struct.pack("<I", size) + content[place + 4 :]


@pytest.mark.parametrize("size", [2, 3000, 16000, 64000 - 1026])
def test_wav_that_tells_of_fewer_bytes_is_refused(size):
    message = refusal(with_data_size(wav(), size))
    assert f"its header tells of {size} bytes of audio, and {64000 - size} more follow" in message


@pytest.mark.parametrize(
    "tail",
    [
        b"TAG" + bytes(range(125)),
        bytes(100_000),
        b"LIST" + struct.pack("<I", 3000) + b"INFO" + b"x" * 2996,
        b"LIST" + struct.pack("<I", 3000) + b"INFO" + b"x" * 2000,  # cut off
        b"afsp" + struct.pack("<I", 2000) + b"x" * 2000,
        b"id3 "
        + struct.pack("<I", 8)
        + b"ID3\4\0\0\0\0"
        + b"LIST"
        + struct.pack("<I", 4)
        + b"INFO",
    ],
)
def test_what_is_no_audio_may_follow_it(tail):
    assert seconds_of(wav() + tail) == 2.0


def test_chunk_behind_an_odd_number_of_bytes_may_be_unpadded():
    content = encoded("WAV", "PCM_U8", seconds=2001 / 16000)
    assert content[-1:] == b"\0"  # the padding
    tail = b"LIST" + struct.pack("<I", 3000) + b"x" * 3000
    for whole in (content + tail, content[:-1] + tail):
        assert seconds_of(whole) == 2001 / 16000


def big_endian_wav():
    content = encoded("WAV", "PCM_16", endian="BIG")
    assert content[:4] == b"RIFX"
    return content


def test_big_endian_wav_is_read_whole_and_refused_in_half():
    content = big_endian_wav()
    assert seconds_of(content) == 2.0
    message = refusal(content[: len(content) // 2])
    assert "cut off or its header is wrong (" in message and "of 64000 bytes" in message


def mp3_in_wav(content, rate, tail=b""):
    fields = (0x55, 1, rate, 8000, 1, 0, 12, 1, 2, 417, 1, 1393)
    format_chunk = b"fmt " + struct.pack("<IHHIIHHHHIHHH", 30, *fields)
    fact = b"fact" + struct.pack("<II", 4, 0)
    data = b"data" + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2) + tail
    body = b"WAVE" + format_chunk + fact + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_mp3_inside_wav_is_read_as_the_mp3_that_it_is(rate, mode):
    content = mp3(rate, 10.0, mode)
    expected = decode_recording(content, "upload").waveform
    wrapped = mp3_in_wav(content, rate, tail=b"LIST\x04\0\0\0INFO")
    assert decode_recording(wrapped, "upload").waveform.tobytes() == expected.tobytes()
    assert "cut off" in refusal(mp3_in_wav(content[: len(content) // 2], rate))


def test_mp3_inside_wav_without_a_tag_is_read_whole_or_refused():
    content = untagged(mp3(44100, 10.0))
    assert seconds_of(mp3_in_wav(content, 44100)) == pytest.approx(10.0, abs=0.1)
    whole = mp3(44100, 10.0, "VARIABLE")
    changing = whole[whole.find(whole[:2], 40) :]
    assert "bit rate changes and it has no tag" in refusal(mp3_in_wav(changing, 44100))


@pytest.mark.parametrize("rate", [16000, 44100])
def test_length_of_an_mp3_is_that_of_its_audio_not_of_its_picture(rate):
    # By the size of the file it would be over 20 minutes long.
    content = untagged(mp3(rate, 2.0, level=0.9))
    expected = decode_recording(content, "upload").waveform
    size = 12_000_000
    lengths = bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    before = b"ID3\x04\0\0" + lengths + (PICTURE * 40)[:size]
    for tagged in (before + content, content + b"APETAGEX" + bytes(24) + PICTURE * 40):
        assert decode_recording(tagged, "upload").waveform.tobytes() == expected.tobytes()


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
def test_picture_behind_an_mp3_is_no_second_recording(mode):
    assert seconds_of(mp3(44100, mode=mode) + PICTURE) == 2.0

"""OGG and MP3 files written by libsndfile, then cut, joined or stripped of their tag."""

import io
import struct

import numpy as np
import pytest
import soundfile

from data_pipeline.audio.containers import ogg_fault
from data_pipeline.audio.mp3 import walk_mp3
from data_pipeline.audio.reading import decode_recording
from data_pipeline.audio.refusals import AudioError

OGG = ("VORBIS", "OPUS")


def quiet_then_loud(rate, seconds=3.0):
    """Noise whose second half needs a higher bit rate than the first."""
    samples = np.random.default_rng(0).normal(0, 0.1, round(rate * seconds))
    samples[: len(samples) // 2] *= 0.01
    return samples


def encoded(samples, rate, container, subtype, **options):
    content = io.BytesIO()
    soundfile.write(content, samples, rate, format=container, subtype=subtype, **options)
    return content.getvalue()


def ogg(subtype, seconds=3.0):
    return encoded(quiet_then_loud(16000, seconds), 16000, "OGG", subtype)


def page_starts(content):
    """Where each page starts, then the end of the file."""
    return [i for i in range(len(content)) if content[i : i + 4] == b"OggS"] + [len(content)]


def num_samples(content):
    return len(decode_recording(content, "upload").waveform)


@pytest.mark.parametrize("seconds", [0.03, 0.5, 3, 30])
@pytest.mark.parametrize("subtype", OGG)
def test_whole_ogg_is_read_to_its_end_whatever_follows(subtype, seconds):
    content = ogg(subtype, seconds)
    for tail in (b"", bytes(999), b"TAG" + bytes(125)):
        assert abs(num_samples(content + tail) - 16000 * seconds) <= 1


@pytest.mark.parametrize("subtype", OGG)
def test_ogg_that_is_cut_anywhere_in_a_page_is_refused(subtype):
    content = ogg(subtype)
    starts = page_starts(content)
    cuts = {len(content) // 2, len(content) * 9 // 10, len(content) - 1}
    cuts |= {start + more for start in starts[1:-1] for more in (1, 4, 20, 27, 40)} - set(starts)
    for cut in cuts:
        with pytest.raises(AudioError, match="upload: cut off .its last OGG page"):
            decode_recording(content[:cut], "upload")


@pytest.mark.parametrize("subtype", OGG)
def test_ogg_without_the_flag_at_its_end_is_whole(subtype):
    # As Telegram on Android writes voice messages.
    content = ogg(subtype)
    assert ogg_fault(content[: page_starts(content)[-2]]) is None


@pytest.mark.parametrize("subtype", OGG)
def test_two_ogg_recordings_in_one_file_are_refused(subtype):
    # libsndfile reads the first and says nothing of the second.
    with pytest.raises(AudioError, match="several OGG recordings one after the other"):
        decode_recording(ogg(subtype) + ogg(subtype, 2.0), "upload")


@pytest.mark.parametrize("subtype", OGG)
def test_ogg_whose_last_page_tells_of_less_than_the_others_is_refused(subtype):
    content = bytearray(ogg(subtype))
    last = page_starts(content)[-2]
    # The checksum follows the change, so that the page is taken for whole.
    content[last + 6 : last + 14] = struct.pack("<q", 9000)
    content[last + 22 : last + 26] = bytes(4)
    content[last + 22 : last + 26] = struct.pack("<I", ogg_checksum(content[last:]))
    with pytest.raises(AudioError, match="its last OGG page tells of less audio"):
        decode_recording(bytes(content), "upload")


def ogg_checksum(page):
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = crc << 1 ^ (0x104C11DB7 if crc & 0x80000000 else 0)
    return crc


def test_pages_of_two_streams_in_turn_are_one_recording():
    vorbis, opus = ogg("VORBIS"), ogg("OPUS")
    mixed = b""
    for content in zip(parts(vorbis), parts(opus), strict=False):
        mixed += b"".join(content)
    assert ogg_fault(mixed) is None


def parts(content):
    starts = page_starts(content)
    return [content[a:b] for a, b in zip(starts, starts[1:], strict=False)]


def mp3(rate, mode, level=0.5):
    options = {"bitrate_mode": mode, "compression_level": level}
    return encoded(quiet_then_loud(rate), rate, "MP3", "MPEG_LAYER_III", **options)


def tells_mp3_length(content):
    return walk_mp3(content).told_frames is not None


def without_tag(content):
    """The file behind its first frame, which holds the tag."""
    assert tells_mp3_length(content)
    stripped = content[content.find(content[:2], 40) :]
    assert not tells_mp3_length(stripped)
    return stripped


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_mp3_with_a_tag_has_its_exact_length(rate, mode):
    content = mp3(rate, mode)
    assert tells_mp3_length(content)
    assert num_samples(content) == 48000
    with pytest.raises(AudioError, match="cut off"):
        decode_recording(content[: len(content) * 9 // 10], "upload")


def id3(size):
    lengths = bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    return b"ID3\x04\0\0" + lengths + bytes(size)


@pytest.mark.parametrize("level", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_whole_mp3_of_one_bit_rate_needs_no_tag(rate, level):
    whole = mp3(rate, "CONSTANT", level)
    # LAME leaves the tag out where the frames are too small for it.
    stripped = without_tag(whole) if tells_mp3_length(whole) else whole
    for content in (stripped, id3(50_000) + stripped, stripped + b"APETAGEX" + bytes(600)):
        # The encoder's delay and what fills the last frame are in it.
        assert 48000 <= num_samples(content) <= 48000 + 3 * 1152


@pytest.mark.parametrize("rate", [16000, 44100])
def test_mp3_of_changing_bit_rate_needs_a_tag(rate):
    with pytest.raises(AudioError, match="bit rate changes and it has no tag.*convert it again"):
        decode_recording(without_tag(mp3(rate, "VARIABLE")), "upload")


def test_tag_without_the_number_of_frames_is_none():
    content = bytearray(mp3(16000, "VARIABLE"))
    content[content.find(b"Xing") + 7] &= ~1
    assert not tells_mp3_length(bytes(content))


def test_tag_of_fraunhofer_is_none_to_libsndfile():
    content = mp3(16000, "VARIABLE")
    xing = content.find(b"Xing")
    [num_frames] = struct.unpack_from(">I", content, xing + 8)
    tag = b"VBRI" + struct.pack(">HHHIIHHHH", 1, 0, 75, len(content), num_frames, 1, 1, 2, 1)
    changed = bytearray(content)
    changed[4 : xing + 100] = bytes(xing + 96)
    changed[36 : 36 + len(tag)] = tag
    with pytest.raises(AudioError, match="bit rate changes"):
        decode_recording(bytes(changed), "upload")

"""Every file has the verdict and the bits of `load_waveform`, whoever decodes it."""

import io
import struct

import numpy as np
import pytest
import soundfile

from data_pipeline.audio.parallel_decoding import _is_plain_wav, decode_in_order
from data_pipeline.audio.reading import Segment, load_segment, load_waveform
from data_pipeline.audio.refusals import AudioError
from data_pipeline.audio.waveform import audio_sha256

TIME = np.arange(16000) / 16000
TONE = 0.4 * np.sin(2 * np.pi * 220 * TIME) * (1 - TIME)
STEREO = np.stack([TONE, 0.2 * TONE + 0.1], axis=1)

# Name -> (samples, rate, container, encoding); tensorflow-io decodes the first alone.
GOOD = {
    "pcm16": (TONE, 16000, "WAV", "PCM_16"),
    "stereo": (STEREO, 16000, "WAV", "PCM_16"),
    "float": (TONE, 16000, "WAV", "FLOAT"),
    "flac": (TONE, 16000, "FLAC", "PCM_16"),
    "flac_stereo": (STEREO, 16000, "FLAC", "PCM_16"),
    "vorbis": (STEREO, 16000, "OGG", "VORBIS"),
    "mp3": (STEREO, 16000, "MP3", "MPEG_LAYER_III"),
    "pcm24": (TONE, 16000, "WAV", "PCM_24"),
    "extensible": (TONE, 16000, "WAVEX", "PCM_16"),
    "rate": (STEREO, 44100, "WAV", "PCM_16"),
    "slow": (TONE, 8000, "FLAC", "PCM_16"),
}


def write_good(folder):
    paths = []
    for name, (samples, rate, container, encoding) in GOOD.items():
        paths.append(folder / f"{name}.audio")
        soundfile.write(paths[-1], samples, rate, format=container, subtype=encoding)
    return paths


def write_bad(folder):
    """Files of which tensorflow-io decodes some, refuses others and truncates the rest."""
    contents = {"empty": b"", "garbage": bytes(range(256)) * 20, "riff": b"RIFF\0\0\0\0WAVEfmt "}
    for kind in ("flac", "mp3", "vorbis", "pcm16"):
        whole = (folder / f"{kind}.audio").read_bytes()
        half = len(whole) // 2
        contents[f"{kind}_cut"] = whole[:half]
        contents[f"{kind}_damaged"] = whole[:half] + bytes(200) + whole[half + 200 :]
    mp3 = (folder / "mp3.audio").read_bytes()
    contents["mp3_without_tag"] = mp3[mp3.find(mp3[:2], 4) :]
    paths = [folder / "missing.wav", folder]
    for name, content in contents.items():
        paths.append(folder / name)
        paths[-1].write_bytes(content)
    sounds = {"silent": 0 * TONE, "short": TONE[:399], "nan": TONE * np.nan, "loud": TONE * 99}
    for name, samples in sounds.items():
        paths.append(folder / name)
        soundfile.write(paths[-1], samples, 16000, format="WAV", subtype="FLOAT")
    return paths


def decoded(paths):
    """Waveforms and errors; what the graph was given to transform must be the waveform."""
    segments = [path if isinstance(path, Segment) else Segment(path) for path in paths]
    for result in decode_in_order(segments, lambda samples: (samples,), workers=2):
        if not isinstance(result, AudioError):
            waveform, (transformed,) = result
            np.testing.assert_array_equal(transformed, waveform)
            result = waveform
        yield result


def test_good_and_bad_files_get_what_load_waveform_gives_them(tmp_path):
    good = write_good(tmp_path)
    bad = write_bad(tmp_path)
    # Mixed, so that a failure in the graph would show in its neighbours.
    paths = [path for pair in zip(good + good, bad + bad, strict=False) for path in pair]
    results = list(decoded(paths))
    assert len(results) == len(paths) > 30
    for path, result in zip(paths, results, strict=True):
        try:
            expected = load_waveform(path)
        except AudioError as error:
            assert str(result) == str(error), path
        else:
            assert result.dtype == np.float32
            assert result.tobytes() == expected.tobytes(), path


@pytest.mark.parametrize("name", GOOD)
def test_a_file_has_one_identity_whoever_decodes_it(tmp_path, name):
    write_good(tmp_path)
    path = tmp_path / f"{name}.audio"
    [waveform] = decoded([path])
    assert waveform.tobytes() == load_waveform(path).tobytes()
    assert audio_sha256(waveform) == audio_sha256(load_waveform(path))
    assert _is_plain_wav(path.read_bytes()) == (name == "pcm16")


def flac_of_two_seconds():
    samples = np.random.default_rng(0).normal(0, 0.1, 32000)
    content = io.BytesIO()
    soundfile.write(content, samples, 16000, format="FLAC", subtype="PCM_16")
    return bytearray(content.getvalue())


def claiming_more(content):
    # tensorflow-io waits for the samples for ever.
    content[22:26] = struct.pack(">I", 48000)


def damaged_in_the_middle(content):
    # tensorflow-io makes zeros of the frames and keeps the file.
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(3000)


@pytest.mark.parametrize("harm", [claiming_more, damaged_in_the_middle])
def test_flac_that_is_not_whole_is_refused_in_both_ways(tmp_path, harm):
    content = flac_of_two_seconds()
    harm(content)
    path = tmp_path / "harmed.flac"
    path.write_bytes(content)
    with pytest.raises(AudioError) as refused:
        load_waveform(path)
    [result] = decoded([path])
    assert isinstance(result, AudioError) and str(result) == str(refused.value)


HEADER = slice(0, 44)


@pytest.mark.parametrize(
    "changed",
    [
        lambda wav: wav[:12] + b"LIST" + struct.pack("<I", 5) + b"INFOx\0" + wav[12:],
        lambda wav: wav + b"LIST" + struct.pack("<I", 4) + b"INFO",
        lambda wav: wav[:-2],
        lambda wav: wav[:-1],
        lambda wav: wav[HEADER],
        lambda wav: wav[:40] + struct.pack("<I", 2**32 - 1) + wav[44:],
        lambda wav: b"RIFX" + wav[4:],
    ],
)
def test_wav_with_anything_else_in_it_goes_the_way_of_load_waveform(tmp_path, changed):
    plain = write_good(tmp_path)[0]
    path = tmp_path / "changed.wav"
    path.write_bytes(changed(plain.read_bytes()))
    assert not _is_plain_wav(path.read_bytes())
    [result] = decoded([path])
    try:
        expected = load_waveform(path)
    except AudioError as error:
        assert str(result) == str(error)
    else:
        assert result.tobytes() == expected.tobytes()


def test_plain_wav_has_the_same_bits_for_every_value(tmp_path):
    path = tmp_path / "all.wav"
    values = np.arange(-32768, 32768).astype(np.int16)
    soundfile.write(path, np.random.default_rng(0).permutation(values), 16000, subtype="PCM_16")
    [waveform] = decoded([path])
    assert waveform.tobytes() == load_waveform(path).tobytes()


def test_segments_are_cut_as_load_segment_does(tmp_path):
    write_good(tmp_path)
    path = tmp_path / "pcm16.audio"
    segments = [Segment(path, 0.1, 0.3), Segment(path), Segment(path, 0.1, 99.0)]
    cut, whole, beyond = decoded(segments)
    assert cut.tobytes() == load_segment(segments[0]).tobytes()
    assert whole.tobytes() == load_waveform(path).tobytes()
    assert "is beyond the recording" in str(beyond)

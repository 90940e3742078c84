import numpy as np
import pytest
import soundfile

from data_pipeline.audio.parallel_decoding import decode_in_order
from data_pipeline.audio.reading import load_waveform
from data_pipeline.audio.refusals import AudioError
from data_pipeline.audio.segments import Segment, load_segment

TIME = np.arange(16000) / 16000
TONE = 0.4 * np.sin(2 * np.pi * 220 * TIME) * (1 - TIME)
STEREO = np.stack([TONE, 0.2 * TONE + 0.1], axis=1)

# Name -> (samples, rate, container, encoding); the last four are not decoded in the graph.
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
            np.testing.assert_allclose(result, expected, atol=1e-6, err_msg=str(path))


@pytest.mark.parametrize("name", ["pcm16", "stereo", "float", "flac", "flac_stereo"])
def test_lossless_containers_give_the_same_bits(tmp_path, name):
    write_good(tmp_path)
    path = tmp_path / f"{name}.audio"
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

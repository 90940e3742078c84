"""The same bad inputs as files for `predict`, which decodes and resamples what the graph refuses.

What is wrong with the content of a recording gets the words of the graph (`bad_audio.error`).
"""

import numpy as np
import pytest
import soundfile
from bad_audio import FILES, NO_AUDIO, NOT_FINITE, RECORDINGS, BadFile, voice, wav

from ser_keras.predict.files import predict_files

NOT_AUDIO = "cannot be decoded (Format not recognised); expected a whole WAV, FLAC, OGG or MP3 file"
NO_DATA = NOT_AUDIO.replace("Format not recognised", "Error in WAV file. No 'data' chunk marker")
NO_CHANNEL = NOT_AUDIO.replace("Format not recognised", "Channel count is zero")
ANSWERED = ""
# Where predict says something else than the graph: it takes more kinds of files.
PREDICT_SAYS = {
    "no bytes": "the file is empty (0 bytes); expected WAV, FLAC, OGG or MP3",
    "text": NOT_AUDIO,
    "one byte": NOT_AUDIO,
    "header cut off": NO_DATA,
    "no audio chunk": NO_DATA,
    "audio before its format": NO_DATA,
    "chunks without end": ANSWERED,
    "8 bit": ANSWERED,
    "24 bit": ANSWERED,
    "float": ANSWERED,
    "NaN in float": NOT_FINITE,
    "EXTENSIBLE": ANSWERED,
    "mu-law": ANSWERED,
    "8 kHz": ANSWERED,
    "48 kHz": ANSWERED,
    "rate 0": "sample rate 0 Hz; expected 4000 to 384000 Hz",
    "0 channels": NO_CHANNEL,
    "no samples": NO_AUDIO,
    "long in many channels": ANSWERED,
}
# A file cannot lie about the number of its samples in this way.
CASES = [*FILES, *(case for case in RECORDINGS if case.num_samples is None)]


def write(path, case):
    if isinstance(case, BadFile):
        path.write_bytes(case.content)
    else:
        soundfile.write(path, case.samples.astype(np.float32), 16000, subtype="FLOAT")
    return path


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    for name, pitch_hz in [("before.wav", 140), ("after.wav", 230)]:
        (folder / name).write_bytes(wav(voice(0.6, pitch_hz)))
    return folder / "before.wav", folder / "after.wav"


@pytest.fixture(scope="module")
def good(served, neighbours):
    """What the neighbours get by themselves."""
    return list(predict_files(served, neighbours))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{type(case).__name__}: {case.name}")
def test_bad_file_gets_its_verdict_and_its_neighbours_theirs(
    served, neighbours, good, tmp_path, case
):
    path = write(tmp_path / "case.wav", case)
    before, amid, after = predict_files(served, [neighbours[0], path, neighbours[1]])
    [alone] = predict_files(served, [path])
    for one in (alone, amid):
        expected = PREDICT_SAYS.get(case.name, case.error)
        assert one.error == expected
        assert bool(one.emotion) == bool(one.probabilities) == (expected == ANSWERED)
        assert not (one.unsure and one.error)
    for neighbour, expected in zip((before, after), good, strict=True):
        assert neighbour.emotion == expected.emotion
        assert neighbour.probabilities == pytest.approx(expected.probabilities, abs=1e-5)

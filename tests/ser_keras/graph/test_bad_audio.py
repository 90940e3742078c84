"""Every bad input, alone and amid good ones, from Python's TensorFlow and over the C API alone."""

import numpy as np
import pytest
import tensorflow as tf
from bad_audio import (
    FILES,
    RECORDINGS,
    BadFile,
    BadRecording,
    chunk,
    format_chunk,
    riff,
    voice,
    wav,
)
from c_api import ask_in_process_of_its_own

from data_pipeline.contract import FRAME_COUNTS

CASES = [*FILES, *RECORDINGS]
# The good examples on either side of a bad one.
BEFORE, AFTER = voice(0.7), voice(0.4, pitch_hz=230)
GOOD_FILES = [BadFile("before", wav(BEFORE), ""), BadFile("after", wav(AFTER), "")]
GOOD_RECORDINGS = [BadRecording("before", BEFORE, ""), BadRecording("after", AFTER, "")]


def request(examples):
    """(signature, inputs) of some files, or of some recordings."""
    if isinstance(examples[0], BadFile):
        return "audio_bytes", {"audio_bytes": [example.content for example in examples]}
    lengths = [len(example.samples) for example in examples]
    waveform = np.zeros((len(examples), max(lengths)), np.float32)
    for row, example in zip(waveform, examples, strict=True):
        row[: len(example.samples)] = example.samples
    stated = [example.num_samples for example in examples]
    stated = [real if n is None else n for n, real in zip(stated, lengths, strict=True)]
    return "waveform", {"waveform": waveform, "num_samples": np.array(stated, np.int32)}


def amid_good_ones(bad):
    before, after = GOOD_FILES if isinstance(bad, BadFile) else GOOD_RECORDINGS
    return request([before, bad, after])


@pytest.fixture(scope="module")
def python(tiny_saved_model):
    """Function of a request: the answer of Python's TensorFlow."""
    loaded = tf.saved_model.load(str(tiny_saved_model))

    def ask(signature, inputs):
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        outputs = loaded.signatures[signature](**tensors)
        return {name: value.numpy() for name, value in outputs.items()}

    return ask


@pytest.fixture(scope="module")
def c_api_answers(tiny_saved_model):
    """Case name: (its answer alone, its answer amid good ones), over the C API."""
    requests = [request([case]) for case in CASES] + [amid_good_ones(case) for case in CASES]
    answers = ask_in_process_of_its_own(tiny_saved_model, requests)
    return list(zip(answers[: len(CASES)], answers[len(CASES) :], strict=True))


def check(answer, index, case):
    """The verdict of the case, and nothing that could be taken for an answer."""
    error = case.error
    if isinstance(case, BadRecording):
        error = error.format(sent=max(len(case.samples), len(BEFORE) if index else 0))
    assert answer["error"][index].decode() == error
    if case.error:
        assert answer["emotion"][index] == b""
        assert not answer["probabilities"][index].any() and not answer["logits"][index].any()
    else:
        assert answer["emotion"][index] in (b"angry", b"happy", b"neutral", b"sad")
        assert answer["probabilities"][index].sum() == pytest.approx(1)


def check_neighbours(answer, good):
    """They get what they get without it."""
    for name, values in good.items():
        for index, value in ((0, values[0]), (2, values[1])):
            if values.dtype.kind == "f":
                np.testing.assert_allclose(answer[name][index], value, rtol=1e-6, atol=1e-6)
            else:
                assert answer[name][index] == value


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{type(case).__name__}: {case.name}")
def test_bad_input_gets_its_verdict_and_its_neighbours_theirs(python, c_api_answers, case):
    good = GOOD_FILES if isinstance(case, BadFile) else GOOD_RECORDINGS
    expected_of_neighbours = python(*request(good))
    alone, amid = c_api_answers[CASES.index(case)]
    for answer in (python(*request([case])), alone):
        check(answer, 0, case)
    for answer in (python(*amid_good_ones(case)), amid):
        check(answer, 1, case)
        check_neighbours(answer, expected_of_neighbours)


def test_a_batch_of_nothing_but_bad_files_is_answered(python):
    answer = python(*request([case for case in FILES if case.error]))
    assert all(answer["error"]) and not any(answer["emotion"])


def test_an_empty_batch_is_answered(python):
    answer = python("audio_bytes", {"audio_bytes": np.array([], object)})
    assert answer["probabilities"].shape == (0, 4)


def test_surplus_examples_are_told_so_and_the_others_answered(python):
    answer = python("audio_bytes", {"audio_bytes": [wav(AFTER)] * 66})
    assert all(answer["emotion"][:64]) and not any(answer["error"][:64])
    for name in ("probabilities", "logits", "emotion"):
        assert not answer[name][64:].any()
    assert (
        answer["error"].tolist()[64:]
        == [b"the request holds more than 64 examples; send them in several requests"] * 2
    )


@pytest.mark.parametrize(("size", "seconds"), [(16, 60), (17, 56.47), (32, 30)])
def test_recordings_may_be_shorter_in_large_batches(python, size, seconds):
    files = [wav(AFTER)] * (size - 1) + [riff_of_silence(61 * 16000)]
    answer = python("audio_bytes", {"audio_bytes": files})
    expected = f"61 s long; expected at most {seconds:g} s: cut it into utterances"
    assert answer["error"][-1].decode() == expected
    assert not any(answer["error"][:-1])


def test_features_of_more_than_a_minute_are_refused(python):
    frames = {"mfcc": (6000, 39), "mel_narrow": (9, 64), "mel_wide": (9, 128)}
    inputs = {name: np.zeros((1, *shape), np.float32) for name, shape in frames.items()}
    inputs |= {FRAME_COUNTS[name]: np.array([shape[0]], np.int32) for name, shape in frames.items()}
    answer = python("features", inputs)
    assert answer["error"][0] == b"num_mfcc_frames is 6000; expected 1 to 5998"
    inputs["num_mfcc_frames"][:] = 5998
    assert python("features", inputs)["error"][0] == b""


@pytest.mark.parametrize("empty", ["mfcc", "mel_narrow", "mel_wide"])
def test_features_of_no_frame_are_refused_and_fail_no_request(python, empty):
    depths = {"mfcc": 39, "mel_narrow": 64, "mel_wide": 128}
    frames = {name: 0 if name == empty else 9 for name in depths}
    inputs = {name: np.ones((2, frames[name], depths[name]), np.float32) for name in depths}
    inputs |= {FRAME_COUNTS[name]: np.full(2, frames[name], np.int32) for name in depths}
    answer = python("features", inputs)
    expected = f"{FRAME_COUNTS[empty]} is 0; expected 1 to 0"
    assert [error.decode() for error in answer["error"]] == [expected] * 2
    assert not any(answer["emotion"])
    assert not answer["probabilities"].any() and not answer["logits"].any()


def riff_of_silence(num_samples):
    return riff(format_chunk(), chunk(b"data", bytes(2 * num_samples)))

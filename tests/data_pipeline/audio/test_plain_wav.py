"""Plain WAV files give the same samples whoever decodes them."""

import sys

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from data_pipeline.audio import parallel_decoding as plain_wav


@pytest.fixture
def found_anew():
    """The choice of a decoder, made again in the test and after it."""
    plain_wav.decoder.cache_clear()
    yield
    plain_wav.decoder.cache_clear()


@pytest.fixture
def written(tmp_path):
    """A plain file with every kind of sample, and its samples."""
    edges = [-32768, -32767, -1, 0, 1, 255, 256, 32767]
    samples = np.r_[edges, np.random.default_rng(3).integers(-32768, 32768, 5000)].astype(np.int16)
    path = tmp_path / "plain.wav"
    soundfile.write(path, samples, 16000, subtype="PCM_16")
    return tf.constant(path.read_bytes()), samples / np.float32(32768)


def test_samples_are_those_of_soundfile_to_the_bit(written):
    file_bytes, samples = written
    np.testing.assert_array_equal(plain_wav.plain_samples(file_bytes), samples)


def test_both_decoders_agree_where_both_are(written):
    if plain_wav.decoder() != plain_wav.TENSORFLOW_IO:
        pytest.skip("tensorflow-io does not load here")
    file_bytes, _ = written
    first, second = (decode(file_bytes) for decode in plain_wav._DECODERS.values())
    np.testing.assert_array_equal(first, second)


def test_without_tensorflow_io_tensorflow_decodes(found_anew, monkeypatch, written):
    monkeypatch.setitem(sys.modules, "tensorflow_io", None)  # what an import then raises for
    assert plain_wav.decoder() == plain_wav.TENSORFLOW
    file_bytes, samples = written
    np.testing.assert_array_equal(plain_wav.plain_samples(file_bytes), samples)


def test_a_tensorflow_io_whose_operations_do_not_load_is_passed_over(found_anew, monkeypatch):
    class Broken:
        def __getattr__(self, name):
            raise NotImplementedError("unable to open file: libtensorflow_io.so")

    monkeypatch.setitem(sys.modules, "tensorflow_io", Broken())
    assert plain_wav.decoder() == plain_wav.TENSORFLOW

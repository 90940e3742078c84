"""Both extractors against openSMILE's own MFCC12_E_D_A figures and against each other."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline.contract import NUM_MFCC
from data_pipeline.features.mfcc import (
    FEATURE_NAMES,
    num_mfcc_frames,
    opensmile_mfcc,
    tensorflow_mfcc,
)

# From the openSMILE library with its own configuration file; not computed by this project.
ORACLE = np.load(Path(__file__).parents[2] / "oracles" / "mfcc12_e_d_a.npz")
SIGNALS = ("voice_2s3", "short_0s4", "quiet_1s", "clipped_1s", "noise_1s")


def oracle_waveform(signal):
    return ORACLE[f"{signal}/pcm"].astype(np.float32) / 32768


def voiced_noise(num_samples, seed):
    """Pulses and noise through a formant under a slow envelope; not on the grid of 16 bits."""
    rng = np.random.default_rng(seed)
    source = 0.05 * rng.standard_normal(num_samples)
    source[:: rng.integers(80, 160)] += 1.0
    time = np.arange(200) / 16000
    formant = np.exp(-200 * time) * np.sin(2 * np.pi * rng.uniform(300, 900) * time)
    voice = np.convolve(source, formant)[:num_samples]
    envelope = np.interp(np.arange(num_samples), np.linspace(0, num_samples, 9), rng.random(9))
    return (0.3 * voice * envelope).astype(np.float32)


def alone(waveform):
    return tensorflow_mfcc(waveform[None], [len(waveform)])[0].numpy()


@pytest.mark.parametrize("signal", SIGNALS)
def test_opensmile_agrees_with_the_oracle(signal):
    features = opensmile_mfcc(oracle_waveform(signal))
    assert features.dtype == np.float32 and features.flags.c_contiguous
    np.testing.assert_allclose(features, ORACLE[f"{signal}/features"], rtol=0, atol=2e-4)


@pytest.mark.parametrize("signal", SIGNALS)
def test_tensorflow_agrees_with_the_oracle(signal):
    features = alone(oracle_waveform(signal))
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, ORACLE[f"{signal}/features"], rtol=0, atol=2e-4)


def test_columns_are_in_the_order_of_the_oracle():
    kinds = {"pcm_fftMag_mfcc": "mfcc_", "pcm_LOGenergy": "log_energy"}
    expected = []
    for name in ORACLE["names"]:
        stem, _, index = name.rstrip("]").partition("[")
        base = stem.removesuffix("_de").removesuffix("_de")
        order = ("", "_delta", "_acceleration")[(len(stem) - len(base)) // 3]
        expected.append(kinds[base] + index + order)
    assert tuple(expected) == FEATURE_NAMES


def test_contract_has_the_number_of_columns():
    assert len(FEATURE_NAMES) == 3 * 13 == NUM_MFCC


@pytest.mark.parametrize("num_samples", [880, 1039, 1040, 4321, 40000])
def test_both_agree_on_voiced_noise(num_samples):
    waveform = voiced_noise(num_samples, seed=num_samples)
    features = opensmile_mfcc(waveform)
    assert features.shape == (num_mfcc_frames(num_samples), NUM_MFCC)
    np.testing.assert_allclose(alone(waveform), features, rtol=0, atol=5e-4)


def test_both_agree_on_full_scale_and_digital_silence():
    waveform = np.zeros(8000, np.float32)
    waveform[3000:5000] = np.sign(np.sin(np.arange(2000) / 9))
    waveform[100] = 0.9 / 32768  # under one step of 16 bits: nothing
    features = opensmile_mfcc(waveform)
    assert not features[:10].any()
    np.testing.assert_allclose(alone(waveform), features, rtol=0, atol=5e-4)


@pytest.mark.parametrize("num_samples", [400, 560, 720])
def test_both_agree_on_static_features_of_one_to_three_frames(num_samples):
    # openSMILE reads zeros beyond the end of so short a signal: its deltas are not ours.
    waveform = voiced_noise(num_samples, seed=3)
    features = opensmile_mfcc(waveform)
    np.testing.assert_allclose(alone(waveform)[:, :13], features[:, :13], rtol=0, atol=5e-4)
    assert not np.allclose(alone(waveform)[:, 13:], features[:, 13:], atol=0.1)


def test_single_frame_has_no_slope():
    assert not alone(voiced_noise(400, seed=1))[:, 13:].any()


@pytest.mark.parametrize("padding", [0.0, 0.7, np.nan])
def test_utterance_of_a_padded_batch_gives_what_it_gives_alone(padding):
    lengths = [16000, 399, 400, 880, 6407]
    batch = np.full((len(lengths), 16100), padding, np.float32)
    for row, length in zip(batch, lengths, strict=True):
        row[:length] = voiced_noise(length, seed=length)
    features = tensorflow_mfcc(batch, np.array(lengths, np.int32)).numpy()
    assert features.shape == (len(lengths), num_mfcc_frames(16100), NUM_MFCC)
    for row, samples, length in zip(features, batch, lengths, strict=True):
        num_frames = num_mfcc_frames(length)
        assert not row[num_frames:].any()
        if num_frames:
            np.testing.assert_allclose(row[:num_frames], alone(samples[:length]), atol=1e-5)


def test_nan_stays_in_its_utterance_and_is_not_hidden():
    batch = np.stack([voiced_noise(8000, seed=seed) for seed in (1, 2)])
    batch[0, 4000] = np.nan
    features = tensorflow_mfcc(batch, [8000, 8000]).numpy()
    assert np.isnan(features[0]).any(axis=0).all()
    np.testing.assert_allclose(features[1], alone(batch[1]), atol=1e-5)


def test_graph_of_unknown_sizes_gives_the_same_and_holds_core_operations_only():
    signature = [tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([None], tf.int32)]
    graph = tf.function(tensorflow_mfcc, input_signature=signature)
    waveform = voiced_noise(5000, seed=5)
    np.testing.assert_allclose(graph(waveform[None], [5000])[0], alone(waveform), atol=1e-5)
    kinds = {operation.type for operation in graph.get_concrete_function().graph.get_operations()}
    assert "RFFT" in kinds
    assert not {kind for kind in kinds if "PyFunc" in kind or kind.startswith("IO>")}


@pytest.mark.parametrize("num_samples", [0, 399, 400, 559, 560, 719, 16000])
def test_frames_are_counted_as_they_fit(num_samples):
    starts = [start for start in range(0, num_samples, 160) if start + 400 <= num_samples]
    counted = num_mfcc_frames(num_samples)
    assert type(counted) is int and counted == len(starts)
    in_graph = num_mfcc_frames(tf.constant([[num_samples, num_samples]]))
    assert in_graph.dtype == tf.int32 and in_graph.numpy().tolist() == [[counted, counted]]


def test_integers_are_refused():
    pcm = ORACLE["short_0s4/pcm"]
    with pytest.raises(TypeError, match="^Received dtype=int16. Expected floating point"):
        opensmile_mfcc(pcm)
    with pytest.raises(TypeError, match="^Received dtype=int16. Expected floating point"):
        tensorflow_mfcc(pcm[None], [len(pcm)])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_opensmile_refuses_values_that_it_would_hide(bad):
    waveform = voiced_noise(800, seed=0)
    waveform[5] = bad
    with pytest.raises(ValueError, match="NaN or infinite"):
        opensmile_mfcc(waveform)


@pytest.mark.parametrize("shape", [(399,), (0,), (1, 800)])
def test_opensmile_refuses_other_shapes(shape):
    with pytest.raises(
        ValueError,
        match="^Received waveform.shape=.* Expected .num_samples,. with at least 400 samples",
    ):
        opensmile_mfcc(np.full(shape, 0.1, np.float32))


WORKER_SCRIPT = """
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import numpy as np
from data_pipeline.features.mfcc import opensmile_mfcc

def extract(seed):
    opensmile_mfcc(np.random.default_rng(seed).uniform(-0.5, 0.5, 800).astype(np.float32))
    return "tensorflow" in sys.modules

if __name__ == "__main__":
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        imported = [*pool.map(extract, range(2)), extract(2)]
    print(imported)
"""


def test_workers_do_without_tensorflow_and_leave_no_files(tmp_path):
    script, folder = tmp_path / "script.py", tmp_path / "temporary"
    script.write_text(WORKER_SCRIPT)
    folder.mkdir()
    root = str(Path(__file__).parents[3])
    environment = os.environ | {"TMPDIR": str(folder), "PYTHONPATH": root}
    finished = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == "[False, False, False]"
    assert not list(folder.iterdir())

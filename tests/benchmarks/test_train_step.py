"""The benchmark compares equal work, notices when it does not, and counts its floor rightly."""

from dataclasses import replace

import pytest
import tensorflow as tf

from benchmarks import agreement, versions
from benchmarks.plain import give_weights
from benchmarks.scaling import line
from benchmarks.train_step import step_operations


@pytest.fixture
def eagerly():
    """At these sizes tracing a graph would take far longer than running it once."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def test_both_versions_do_the_same_work_and_a_difference_is_noticed(monkeypatch, eagerly):
    monkeypatch.setattr(versions, "NETWORK", replace(versions.NETWORK, units=6, filters=(5, 3)))
    monkeypatch.setattr(versions, "NUM_FRAMES", (46, 24))
    monkeypatch.setattr(versions, "MFCC_FRAMES", 12)
    monkeypatch.setattr(agreement, "BATCH", 9)
    models = {version: versions.build(version) for version in versions.VERSIONS}
    give_weights(models["plain"], models["ours"])
    found = agreement.compare(models)
    assert found["gradient_difference"] < agreement.TOLERANCE
    assert found["float32_gradient_error"] < 0.1

    cell = models["plain"].get_layer("ds_lstm_2").cell
    cell.gamma.assign(cell.gamma * 1.01)
    with pytest.raises(RuntimeError, match="different work"):
        agreement.compare(models)


def test_operations_of_a_step():
    """Counted by hand in GFLOP: CNN 47, MFCC LSTM 36, DS-LSTM 19."""
    assert step_operations() == pytest.approx((47 + 36 + 19) * 1e9, rel=0.01)


def test_a_straight_line_is_called_straight():
    rows = [{"utterances": n, "seconds": 3 + 0.02 * n} for n in (500, 1500, 5531)]
    fitted = line(rows, "seconds")
    assert fitted["per_utterance"] == pytest.approx(0.02)
    assert fitted["at_start"] == pytest.approx(3)
    assert fitted["largest_over_line"] == pytest.approx(1)
    rows[-1]["seconds"] *= 1.5
    assert line(rows, "seconds")["largest_over_line"] == pytest.approx(1.5)

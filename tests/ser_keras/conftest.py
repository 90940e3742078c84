"""A small model of the project's inputs and outputs, and its SavedModel, for several tests."""

import json
import shutil
from collections.abc import Sequence

import keras
import pytest
import tensorflow as tf
from keras import ops

from data_pipeline.contract import INPUT_NAMES
from ser_keras.graph.layout import INFO_PATH
from ser_keras.model_info import ModelInfo

# A processor as two devices, for what runs on several; before TensorFlow looks at the machine.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


def build_tiny_model(inputs: Sequence[str], num_frames=(12, 7)) -> keras.Model:
    """Inputs and outputs of the real models: a loop over the mels, the true length of the MFCC."""
    keras.utils.set_random_seed(7)
    shapes = {
        "mfcc": ((None, 39), "float32"),
        "num_mfcc_frames": ((), "int32"),
        "mel_narrow": ((num_frames[0], 64), "float32"),
        "mel_wide": ((num_frames[1], 128), "float32"),
    }
    tensors = {
        name: keras.Input(shapes[name][0], dtype=shapes[name][1], name=name) for name in inputs
    }
    summaries = [
        keras.layers.LSTM(3)(keras.layers.Rescaling(0.01)(tensors[name]))
        for name in ("mel_narrow", "mel_wide")
        if name in inputs
    ]
    if "mfcc" in inputs:
        count = ops.cast(tensors["num_mfcc_frames"], "float32")
        summaries.append(ops.sum(tensors["mfcc"], axis=1) / count[:, None])
    joined = ops.concatenate(summaries, axis=-1)
    return keras.Model(tensors, {"logits": keras.layers.Dense(4)(joined)})


@pytest.fixture(scope="session")
def tiny_info() -> ModelInfo:
    """What the tiny model knows of itself; it was not calibrated."""
    return ModelInfo(
        variant="dual_level",
        preset="paper",
        emotions=("angry", "happy", "neutral", "sad"),
        features={"sample_rate": 16000, "mfcc": "tensorflow", "n_fft": [256, 512]},
        num_frames=(12, 7),
        n_mels=(64, 128),
        inputs=INPUT_NAMES,
        corpus="made up",
        protocol="speaker",
        fold=0,
        weighted_accuracy=0.5,
        unweighted_accuracy=0.5,
    )


@pytest.fixture(scope="session")
def tiny_model_of():
    """The builder of a tiny model with some of the inputs."""
    return build_tiny_model


@pytest.fixture(scope="session")
def tiny_model(tiny_info) -> keras.Model:
    return build_tiny_model(tiny_info.inputs)


@pytest.fixture(scope="session")
def tiny_saved_model(tiny_model, tiny_info, tmp_path_factory):
    """The version folder of the tiny model's SavedModel; not to be written to."""
    from ser_keras.export.saved_model import export_saved_model

    return export_saved_model(tiny_model, tiny_info, tmp_path_factory.mktemp("served") / "tiny")


@pytest.fixture(scope="session")
def served(tiny_saved_model):
    """The tiny model, loaded as `predict` does."""
    from ser_keras.predict.served_model import ServedModel

    return ServedModel(tiny_saved_model)


@pytest.fixture
def copy_with_info(tmp_path):
    """Function that copies a version folder and gives the copy another info.json.

    What it shall hold is a ModelInfo, or any JSON.
    """
    numbers = iter(range(1000))

    def copy(version_dir, info):
        copied = shutil.copytree(version_dir, tmp_path / f"copy_{next(numbers)}")
        content = info.to_json() if isinstance(info, ModelInfo) else info
        (copied / INFO_PATH).write_text(json.dumps(content), encoding="utf-8")
        return copied

    return copy

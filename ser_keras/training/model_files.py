"""A trained model on disk: our own JSON and a file of weights."""

import io
from pathlib import Path

import keras

from data_pipeline.files import replace_file
from ser_keras.errors import SerError
from ser_keras.model_info import INFO_FILE, ModelInfo
from ser_keras.models.variants import build_model
from ser_keras.runs.files import CONFIG_NAME, WEIGHTS_NAME, read_json, write_json
from ser_keras.settings import Network, Settings


class Weights(io.BytesIO):
    """A file of weights in memory, for Keras under its usual name.

    HDF5 itself never sees the disk: it wants locks that network file systems may not have, and on
    a full disk it ends the whole process.
    """

    def __str__(self) -> str:
        return WEIGHTS_NAME


def save_model(model: keras.Model, settings: Settings, info: ModelInfo, directory: Path) -> None:
    """Write config.json (how to build it), model.weights.h5 and info.json (what it is).

    A `.keras` file would be a program that loading runs; these are data.
    """
    directory.mkdir(parents=True, exist_ok=True)
    weights = Weights()
    model.save_weights(weights)
    replace_file(directory / WEIGHTS_NAME, weights.getvalue())
    write_json(directory / CONFIG_NAME, settings.to_json())
    write_info(info, directory)


def write_info(info: ModelInfo, directory: Path) -> None:
    """Write what a model knows of itself beside its weights."""
    write_json(directory / INFO_FILE, info.to_json())


def load_model(directory: Path) -> tuple[keras.Model, ModelInfo]:
    """Build the model that `save_model` wrote and load its weights.

    Returns:
        The model, not compiled, and what it knows of itself.

    Raises:
        SerError: a file is missing or damaged, or does not fit the others.
    """
    directory = Path(directory)
    try:
        info = ModelInfo.from_json(read_json(directory / INFO_FILE))
        model = build_from(info, Settings.from_json(read_json(directory / CONFIG_NAME)).network)
        model.load_weights(Weights((directory / WEIGHTS_NAME).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SerError) as error:
        reason = str(error).splitlines()[0]
        raise SerError(
            f"{directory}: cannot load the model ({reason}), expected config.json, info.json and "
            "model.weights.h5 as train.py writes them: train the fold again"
        ) from error
    return model, info


def build_from(info: ModelInfo, network: Network) -> keras.Model:
    """The model that `info` describes, its weights as they start."""
    return build_model(info.variant, network, len(info.emotions), info.num_frames, info.n_mels)

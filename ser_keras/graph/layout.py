"""Where everything lies in an export, and what its signatures are called.

A folder of versions, as TensorFlow Serving reads it: `<name>/<integer>/`. Finding one needs no
TensorFlow.
"""

import json
from pathlib import Path

from ser_keras.errors import SerError
from ser_keras.model_info import INFO_FILE, ModelInfo

# --- Signatures ---

AUDIO_BYTES, WAVEFORM, FEATURES = "audio_bytes", "waveform", "features"
# Of models that take the profile of a voice: files with it, and what a profile is made from.
ADAPTED, ADAPTED_WAVEFORM, FUNCTIONALS = "adapted", "adapted_waveform", "functionals"
# FEATURES without a branch on the size of the batch, for converters; no signature.
UNDIVIDED = "features_undivided"
# What a server calls where a request names no signature; it does what AUDIO_BYTES does.
DEFAULT = "serving_default"

# --- The model that comes with the project ---

SHIPPED = Path(__file__).parents[1] / "shipped"

# --- Inside a version folder ---

GRAPH_FILE = "saved_model.pb"
# Stored with the graph: what the model knows of itself, one emotion a line, and a page for people.
ASSETS = Path("assets")
LABELS_FILE = "labels.txt"
MODEL_CARD_FILE = "model_card.md"
INFO_PATH = ASSETS / INFO_FILE
# The linear head as arrays: what `adapt` makes profiles with.
VOICES_FILE = "voices.npz"
CHECKSUM_FILE = "checksums.sha256"
# Where a server looks for requests to itself.
WARMUP_FILE = Path("assets.extra") / "tf_serving_warmup_requests"


def saved_versions(directory: Path | str) -> dict[int, Path]:
    """Find what lies in `directory` under a number, by that number; other names are passed by."""
    return {int(path.name): path for path in Path(directory).glob("*") if path.name.isdecimal()}


def read_info(version_dir: Path) -> ModelInfo:
    """Read what the model of a version folder knows of itself.

    Raises:
        SerError: it is not there, or not what an export writes.
    """
    path = version_dir / INFO_PATH
    try:
        return ModelInfo.from_json(json.loads(path.read_text(encoding="utf-8")))
    except PermissionError as error:
        raise SerError(f"{path}: cannot be read ({error.strerror}); check its rights") from None
    except (OSError, ValueError, SerError):
        raise SerError(
            f"{path}: missing or damaged; expected a SavedModel that was written by: "
            "python -m ser_keras export"
        ) from None

"""What a served model knows of voices: its linear head, and whose profiles it takes."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np

from ser_keras.errors import SerError
from ser_keras.graph.layout import ASSETS, VOICES_FILE
from ser_keras.model_info import ModelInfo
from ser_keras.voices.linear_head import LinearHead
from ser_keras.voices.profile_file import VoiceProfile

WEIGHTS = "variables/variables.data-*"


def model_sha256(version_dir: Path) -> str:
    """A checksum of the weights of an export."""
    content = hashlib.sha256()
    for path in sorted(version_dir.glob(WEIGHTS)):
        content.update(path.read_bytes())
    return content.hexdigest()


def read_head(version_dir: Path, info: ModelInfo) -> LinearHead:
    """The linear head of an export.

    Raises:
        SerError: the model takes no profiles, or its file is missing or damaged.
    """
    _check_takes_profiles(version_dir, info)
    path = version_dir / ASSETS / VOICES_FILE
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return LinearHead(**{name: arrays[name] for name in arrays.files})
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
        raise SerError(
            f"{path}: missing or damaged; export the model again: python -m ser_keras export"
        ) from None


def check_profile(profile: VoiceProfile, version_dir: Path, info: ModelInfo) -> None:
    """Refuse the profile of another model.

    Raises:
        SerError: the model takes no profiles, or this one was made for another model.
    """
    _check_takes_profiles(version_dir, info)
    if profile.model_sha256 != model_sha256(version_dir):
        raise SerError(
            f"received a profile that was made for another model ({profile.model}), expected one "
            f"for {version_dir}: make it again with: python -m ser_keras adapt --model "
            f"{version_dir} RECORDINGS --out FILE"
        )


def _check_takes_profiles(version_dir: Path, info: ModelInfo) -> None:
    if not info.takes_profile:
        raise SerError(
            f"{version_dir}: this model takes no profiles of voices; expected one that was trained "
            "with --preset recommended"
        )

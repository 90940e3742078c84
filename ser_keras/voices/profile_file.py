"""The profile of a voice in a file: statistics, never audio."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline.files import replace_file
from ser_keras.errors import SerError

FORMAT = 1
# Of a number in the file: far below what an answer can tell.
DIGITS = 5


@dataclass(frozen=True, kw_only=True)
class VoiceProfile:
    """What some recordings say of a voice, to one model.

    Attributes:
        model: name of the model, for people.
        model_sha256: of its weights: to another model the numbers mean nothing.
        recordings, seconds: how many it is made from, and how long they are together.
        mixed: how far they are of many emotions, 0 (one alone) to 1.
        profile: float32 (2, num_functionals): mean of the voice, and logarithm of its deviation,
            in standard units of the training voices.
    """

    model: str
    model_sha256: str
    recordings: int
    seconds: float
    mixed: float
    profile: np.ndarray


def write_profile(profile: VoiceProfile, path: Path) -> None:
    """Write a profile as JSON, replacing the file in one step.

    Raises:
        SerError: the file cannot be written.
    """
    mean, log_deviation = profile.profile.astype(float).round(DIGITS).tolist()
    content = {
        "format": FORMAT,
        "model": profile.model,
        "model_sha256": profile.model_sha256,
        "recordings": profile.recordings,
        "seconds": round(profile.seconds, 3),
        "mixed": round(profile.mixed, 3),
        "mean": mean,
        "log_deviation": log_deviation,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps(content) + "\n")
    except OSError as error:
        raise SerError(
            f"{path}: cannot be written ({error.strerror}); give another --out"
        ) from None


def read_profile(path: Path) -> VoiceProfile:
    """Read what `write_profile` wrote.

    Raises:
        SerError: the file is missing, damaged, or no profile.
    """
    again = "make it with: python -m ser_keras adapt RECORDINGS --out FILE"
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        numbers = np.array([content["mean"], content["log_deviation"]], np.float32)
        profile = VoiceProfile(
            model=str(content["model"]),
            model_sha256=str(content["model_sha256"]),
            recordings=int(content["recordings"]),
            seconds=float(content["seconds"]),
            mixed=float(content["mixed"]),
            profile=numbers,
        )
    except OSError as error:
        raise SerError(f"{path}: cannot be read ({error.strerror}); {again}") from None
    except (ValueError, TypeError, KeyError, UnicodeDecodeError):
        raise SerError(f"{path}: is no profile of a voice, or damaged; {again}") from None
    is_whole = content.get("format") == FORMAT and numbers.ndim == 2
    if not (is_whole and np.isfinite(numbers).all() and math.isfinite(profile.seconds)):
        raise SerError(f"{path}: is no profile of a voice of this version, or damaged; {again}")
    return profile

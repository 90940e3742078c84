"""Keras as everything here relies on it, whatever a user's own configuration of Keras says.

Keras reads `~/.keras/keras.json` and KERAS_BACKEND when it is imported. An engine other than
TensorFlow cannot train, export or serve these models; another default precision, image format or
constant would change numbers that no configuration of a run tells.
"""

import json
import os
from pathlib import Path
from typing import Any

from ser_keras.errors import SerError

ENGINE = "tensorflow"
# Name in Keras's configuration -> what is relied on.
RELIED_ON = {"floatx": "float32", "image_data_format": "channels_last", "epsilon": 1e-7}
POLICY = "float32"


def use_engine() -> None:
    """Import Keras for a program, with the settings that everything here relies on.

    Raises:
        SerError: Keras is set to another engine, or cannot read its settings.
    """
    refuse_other_engines()
    try:
        import keras
    except ValueError as error:  # one of its settings is none
        path = _configuration_path()
        raise SerError(f"{path}: {error}; correct it, or take it away") from None
    for name, value in RELIED_ON.items():
        getattr(keras.config, f"set_{name}")(value)
    keras.config.set_dtype_policy(POLICY)
    # Variables of Keras's own for trying scripts out would end a training early.
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)


def refuse_other_engines() -> None:
    """Look at Keras's choice without importing it: another engine may not even be installed.

    Raises:
        SerError: naming where the choice stands.
    """
    from_variable = os.environ.get("KERAS_BACKEND")
    path = _configuration_path()
    chosen = from_variable or _configuration(path).get("backend") or ENGINE
    if chosen == ENGINE:
        return
    where = "KERAS_BACKEND" if from_variable else str(path)
    raise SerError(
        f"received {chosen} as Keras's engine ({where}), expected {ENGINE}: models here are made, "
        f"exported and served by it; set KERAS_BACKEND={ENGINE}"
    )


def check_engine() -> None:
    """Refuse settings of Keras that would change numbers, where a program of a user's own set them.

    Raises:
        SerError: naming the setting, what it is and what is expected.
    """
    import keras

    found: dict[str, Any] = {name: getattr(keras.config, name)() for name in RELIED_ON}
    found |= {"backend": keras.config.backend()}
    for name, expected in {**RELIED_ON, "backend": ENGINE}.items():
        if found[name] != expected:
            raise SerError(
                f"received {name}={found[name]!r} of Keras, expected {expected!r}: other values "
                "change the numbers of a model; set it back before you build one"
            )


def _configuration_path() -> Path:
    """Where Keras looks for a user's settings."""
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    return Path(home) / "keras.json"


def _configuration(path: Path) -> dict[str, Any]:
    try:
        configuration = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # Keras passes over it, too
    return configuration if isinstance(configuration, dict) else {}

"""What a run is called, and the folder that it gets."""

from pathlib import Path

from ser_keras.runs.config import RunConfig
from ser_keras.runs.opening import holds_run
from ser_keras.settings import CLASSICAL, NORMALISED_BY, PRESETS, Settings, as_text, differing


def run_name(config: RunConfig) -> str:
    """A name that tells runs apart by what people compare, every setting of their own in it."""
    if config.model:
        return f"{config.corpus}-{config.protocol}-{config.model['name']}"
    parts = _common_parts(config)
    if config.init:
        parts.append(f"init-{config.init['weights_sha256'][:8]}")
    if isinstance(config.settings, Settings):
        own = differing(config.settings, config.preset)
        parts += [f"{name}={as_text(value)}" for name, value in own.items()]
    elif config.settings.normalised_by != NORMALISED_BY[0]:
        parts.append(f"normalised_by={config.settings.normalised_by}")
    return "-".join(parts)


def _common_parts(config: RunConfig) -> list[str]:
    preset = [] if config.preset == CLASSICAL else [config.preset]
    return [config.corpus, config.variant, *preset, config.protocol, f"seed{config.seed}"]


def _older_name(config: RunConfig) -> str:
    """What the run was called before every setting had its place in the name."""
    parts = _common_parts(config)
    if isinstance(config.settings, Settings):
        gate_norm = config.settings.network.gate_norm
        usual = PRESETS[config.preset].network.gate_norm
        parts += [gate_norm] if gate_norm != usual else []
    return "-".join(parts)


def run_folder(config: RunConfig, parent: Path) -> Path:
    """The folder of a run below `parent`.

    Where a folder of the older name holds a run of the same settings, that one goes on.
    """
    named, older = parent / run_name(config), parent / _older_name(config)
    return older if not named.exists() and holds_run(older, config) else named

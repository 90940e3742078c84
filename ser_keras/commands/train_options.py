"""The command line of `train.py`: its options, each checked where it is read."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from data_pipeline.command_line import ALL, batch_size, fold_number, learning_rate, positive, seed
from ser_keras.layers.ds_lstm_cell import GATE_NORMS
from ser_keras.models.variants import VARIANTS
from ser_keras.settings import PRESETS


def parse_args(
    argv: Sequence[str] | None, description: str, protocols: Sequence[str]
) -> argparse.Namespace:
    """Parse the command line; usage errors exit with 2.

    Args:
        argv: The arguments; None for those of the process.
        description: What stands above the options in the help.
        protocols: Names of the protocols, the default first.

    Returns:
        The options by name. `protocol` and `variant` are lists, `preset` is never None.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR", help="prepared folder; without it, the demo corpus")
    add(
        "--fold",
        nargs="?",
        const=ALL,
        default=ALL,
        type=fold_number,
        metavar="K",
        help="one fold by its number, from 0; `all`, also without a number: every fold",
    )
    add(
        "--protocol",
        nargs="+",
        choices=(*protocols, ALL),
        default=protocols[:1],
        metavar="NAME",
        help="what the test part is: speaker = voices (sessions for IEMOCAP) that training never "
        "hears, random = a stratified fifth of the utterances; one or both, or `all` (default: "
        f"{protocols[0]})",
    )
    add(
        "--variant",
        nargs="+",
        choices=(*VARIANTS, ALL),
        default=["dual_level"],
        metavar="NAME",
        help=f"systems of Table 1: one or several of {', '.join(VARIANTS)}, or `all` (default: "
        "dual_level)",
    )
    add(
        "--preset",
        choices=PRESETS,
        help="settings as the paper prints them, as its authors ran them, or small ones for the "
        "demo (default: paper; without --data, demo; see docs/fidelity.md)",
    )
    add(
        "--gate-norm",
        choices=GATE_NORMS,
        help="where the DS-LSTM normalises its gates, instead of the preset's: after_sigmoid as "
        "the paper prints it, before_sigmoid as is usual; needs ds_lstm or dual_level",
    )
    add("--epochs", type=positive, metavar="N", help="instead of the preset's")
    add("--batch-size", type=batch_size, metavar="N", help="instead of the preset's; 8 or more")
    add("--learning-rate", type=learning_rate, metavar="X", help="instead of the preset's")
    add("--seed", type=seed, default=0, metavar="N", help="of folds, weights and shuffling")
    add(
        "--repeats",
        type=positive,
        default=1,
        metavar="N",
        help="train with N seeds, --seed and the numbers after it (default: %(default)s)",
    )
    add(
        "--run-dir",
        type=Path,
        metavar="DIR",
        help="folder of the run (default: runs/ and the settings' names); of several runs, the "
        "folder that gets one of each (default: runs)",
    )
    add(
        "--export",
        type=Path,
        metavar="DIR",
        help="where a single run is exported to (default: saved_models/ and the run's name); "
        "several runs export nothing, `python -m ser_keras export` does that",
    )
    arguments = parser.parse_args(argv)
    arguments.preset = arguments.preset or ("paper" if arguments.data else "demo")
    arguments.protocol = chosen_names(arguments.protocol, protocols)
    arguments.variant = chosen_names(arguments.variant, VARIANTS)
    _check_together(parser, arguments)
    return arguments


def _check_together(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    gateless = [name for name in arguments.variant if "ds_lstm" not in VARIANTS[name]]
    if arguments.gate_norm and gateless:
        parser.error(
            f"received --gate-norm with {', '.join(gateless)}, expected ds_lstm or dual_level: "
            "the others have no such gates"
        )
    num_runs = count_runs(arguments)
    if arguments.export and num_runs > 1:
        parser.error(
            f"received --export with {num_runs} runs, expected a single run: export one of them "
            "with `python -m ser_keras export RUN_DIR --fold K --out DIR`"
        )


def count_runs(arguments: argparse.Namespace) -> int:
    """How many runs a command line asks for."""
    return len(arguments.protocol) * len(arguments.variant) * arguments.repeats


def run_folder(arguments: argparse.Namespace, name: str) -> Path:
    """Where the run of this name goes: what --run-dir names is one run's folder, or holds them."""
    if arguments.run_dir and count_runs(arguments) == 1:
        return arguments.run_dir
    return (arguments.run_dir or Path("runs")) / name


def chosen_names(given: Sequence[str], names: Iterable[str]) -> list[str]:
    """The names that a list on the command line means: each once, `all` for every one."""
    return list(names) if ALL in given else list(dict.fromkeys(given))

"""The options of `train`: each checked where it is read, then put together into an order."""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_pipeline.command_line import ALL, chosen_names, fold_number, seed, whole_number
from data_pipeline.contract import PROTOCOLS, USUAL_PROTOCOLS
from ser_keras.settings import (
    PRESETS,
    VARIANTS,
    Settings,
    gateless,
    listed_settings,
    reader_of,
)

# Option -> the setting that it is short for.
SHORT_FORMS = {
    "gate_norm": "network.gate_norm",
    "epochs": "optimiser.epochs",
    "batch_size": "optimiser.batch_size",
    "learning_rate": "optimiser.learning_rate",
}


@dataclass(frozen=True, kw_only=True)
class TrainingOrder:
    """What a command line asks for, every default filled in.

    Attributes:
        data: prepared folders; none for the demo corpus.
        copies: prepared folders of copies at other speeds, to be trained on beside them.
        fold: number of a fold, or `all`.
        protocols, variants: names, each once.
        preset: name of the settings that these are based on.
        settings: the preset with what is set instead.
        seeds: one or more, neighbours.
        run_dir: folder of the run, or of the runs; None for `runs`.
        export: where a single run is exported to; None for its place in `saved_models`.
        tested: whether the test part is read.
        init: the model that training begins with; None for new weights.
        init_statistics: what becomes of its moving statistics, "kept" or "new".
        network_given: names of the network settings that the command line names.
    """

    data: tuple[Path, ...]
    fold: int | str
    protocols: tuple[str, ...]
    variants: tuple[str, ...]
    preset: str
    settings: Settings
    seeds: range
    run_dir: Path | None
    export: Path | None
    tested: bool
    init: Path | None = None
    init_statistics: str = "kept"
    network_given: tuple[str, ...] = ()
    copies: tuple[Path, ...] = ()

    @property
    def num_runs(self) -> int:
        """How many runs are asked for."""
        return len(self.protocols) * len(self.variants) * len(self.seeds)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `train`."""
    add = parser.add_argument
    add(
        "--data",
        nargs="+",
        default=[],
        type=Path,
        metavar="DIR",
        help="prepared folder, or several, which are trained on together; without it, the demo "
        "corpus",
    )
    add(
        "--copies",
        nargs="+",
        default=[],
        type=Path,
        metavar="DIR",
        help="prepared folders of the same recordings at other speeds (`prepare --speed`), which "
        "the linear head of --preset recommended is fitted on beside them, as of other voices; "
        "nobody is tested on them",
    )
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
        choices=(*PROTOCOLS, ALL),
        default=list(PROTOCOLS)[:1],
        metavar="NAME",
        help="what the test part is: speaker = voices (sessions for IEMOCAP) that training never "
        f"hears, random = a stratified fifth of the utterances, given = the folds that the corpus "
        f"brings, corpus = one of several corpora; one or several of {', '.join(PROTOCOLS)}, or "
        f"`all` = {' and '.join(USUAL_PROTOCOLS)} (default: {next(iter(PROTOCOLS))})",
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
    _add_settings(parser)
    add("--seed", type=seed, default=0, metavar="N", help="of folds, weights and shuffling")
    add(
        "--repeats",
        type=whole_number(1),
        default=1,
        metavar="N",
        help="train with N seeds, --seed and the numbers after it (default: %(default)s)",
    )
    add(
        "--init",
        type=Path,
        metavar="MODEL",
        help="begin with the weights of a trained model and go on with your recordings: an export "
        "(saved_models/<name>), or a fold of a run (runs/<name>/fold_<k>). Its network settings "
        "and the length of its spectrograms are kept; other emotions get new heads",
    )
    add(
        "--init-statistics",
        choices=("kept", "new"),
        default="kept",
        help="the model's moving statistics of batch normalisation: go on from them, or begin anew "
        "(default: %(default)s)",
    )
    add(
        "--no-test",
        action="store_true",
        help="search for a recipe without seeing the test part: it is neither read nor scored; the "
        "same command without --no-test scores it later, without training again",
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


def _add_settings(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group(
        "settings",
        "A preset is a set of settings (docs/fidelity.md); what is set instead becomes part of\n"
        "the run's name.",
    ).add_argument
    add(
        "--preset",
        choices=PRESETS,
        help="settings as the paper prints them, as its authors ran them, or small ones for the "
        "demo (default: paper; without --data, demo)",
    )
    add(
        "--set",
        dest="settings",
        nargs="+",
        action="extend",
        default=[],
        type=read_setting,
        metavar="NAME=VALUE",
        help="any setting instead of the preset's, such as optimiser.learning_rate=3e-4 or "
        f"network.filters=32,16; those of the paper are {listed_settings()}",
    )
    add(
        "--balance",
        action="append_const",
        const=True,
        default=[],
        help="hear every emotion of every corpus equally often in training; short for --set "
        "input.balance=true",
    )
    for option, name in SHORT_FORMS.items():
        flag = f"--{option.replace('_', '-')}"
        short = f"short for --set {name}="
        read = reader_of(name)
        add(flag, action="append", default=[], type=read, metavar="VALUE", help=short)


def read_setting(text: str) -> tuple[str, Any]:
    """The whole name and the value of a setting: "optimiser.epochs=3"."""
    name, equals, value = text.partition("=")
    try:
        read = reader_of(name)
    except KeyError:
        equals = ""
    if not equals:
        raise argparse.ArgumentTypeError(
            f"received {text!r}, expected NAME=VALUE with one of the settings {listed_settings()}"
        )
    try:
        return name, read(value)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(
            f"{name}: {error}; the settings are {listed_settings()}"
        ) from None


def order_of(arguments: argparse.Namespace) -> TrainingOrder:
    """What the options ask for together; usage errors end the program with 2."""
    refuse = arguments.usage_error
    given = list(_given_settings(arguments))
    twice = [name for name, count in Counter(name for name, _ in given).items() if count > 1]
    if twice:
        refuse(
            f"received {', '.join(twice)} more than once, expected each setting once; the settings "
            f"are {listed_settings()}"
        )
    preset = arguments.preset or ("paper" if arguments.data else "demo")
    settings = PRESETS[preset].with_values(dict(given))
    if arguments.copies and not settings.network.functionals_weight:
        refuse(
            "received --copies without a linear head, which alone is fitted on them, expected "
            "--preset recommended, or network.functionals_weight above 0"
        )
    if arguments.copies and not arguments.data:
        refuse("received --copies without --data, expected the folder that they are copies of")
    if "input.speeds" in dict(given):
        refuse("received input.speeds, which follows from the folders of --copies: give these")
    if settings.input.validation_trains and not settings.optimiser.last_epoch:
        refuse(
            "received input.validation_trains without optimiser.last_epoch, expected both: on "
            "recordings that were trained on, no epoch can be chosen"
        )
    order = TrainingOrder(
        data=tuple(arguments.data),
        fold=arguments.fold,
        protocols=tuple(_protocols(arguments.protocol)),
        variants=tuple(chosen_names(arguments.variant, VARIANTS)),
        preset=preset,
        settings=settings,
        seeds=range(arguments.seed, arguments.seed + arguments.repeats),
        run_dir=arguments.run_dir,
        export=arguments.export,
        tested=not arguments.no_test,
        init=arguments.init,
        init_statistics=arguments.init_statistics,
        network_given=tuple(name for name, _ in given if name.startswith("network.")),
        copies=tuple(arguments.copies),
    )
    without_gates = gateless(order.variants)
    if "network.gate_norm" in dict(given) and without_gates:
        refuse(
            f"received --gate-norm with {', '.join(without_gates)}, expected ds_lstm or "
            "dual_level: the others have no such gates"
        )
    if order.export and order.num_runs > 1:
        refuse(
            f"received --export with {order.num_runs} runs, expected a single run: export one of "
            "them with `python -m ser_keras export RUN_DIR --fold K --out DIR`"
        )
    return order


def _protocols(given: Sequence[str]) -> list[str]:
    """The protocols that are named; `all` is those that every corpus can have."""
    named = [name for name in given if name != ALL]
    usual = list(USUAL_PROTOCOLS) if ALL in given else []
    return list(dict.fromkeys([*usual, *named]))


def _given_settings(arguments: argparse.Namespace) -> Iterator[tuple[str, Any]]:
    yield from arguments.settings
    for option, name in (SHORT_FORMS | {"balance": "input.balance"}).items():
        yield from ((name, value) for value in getattr(arguments, option))

"""Every corpus by its name: the one place that knows which there are.

Command lines take the names from here, so nothing heavy is imported before a corpus is read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_pipeline.corpora.corpus import Corpus
from data_pipeline.corpora.crema_d import read_crema_d
from data_pipeline.corpora.emodb import read_emodb
from data_pipeline.corpora.emotions import Choice, as_asked
from data_pipeline.corpora.iemocap import options_asked, read_iemocap
from data_pipeline.corpora.nemo import read_nemo
from data_pipeline.corpora.ravdess import read_ravdess
from data_pipeline.corpora.standards.audformat_db import read_audformat
from data_pipeline.corpora.standards.emobox import read_emobox
from data_pipeline.corpora.standards.manifest import read_manifest
from data_pipeline.errors import DataError
from data_pipeline.names import visible


def _read_demo(root: Path | None, **options: Any) -> Corpus:
    # It brings NumPy and what writes audio files.
    from data_pipeline.corpora.demo.reader import read_demo

    return read_demo(root, **options)


CORPORA: dict[str, Callable[..., Corpus]] = {
    "demo": _read_demo,
    "iemocap": read_iemocap,
    "emodb": read_emodb,
    "ravdess": read_ravdess,
    "crema_d": read_crema_d,
    "nemo": read_nemo,
    "emobox": read_emobox,
    "audformat": read_audformat,
    "manifest": read_manifest,
}
# What many corpora come in: the name says nothing of the corpus.
STANDARDS = ("emobox", "audformat", "manifest")
# Corpora with scenarios and with a label for excitement.
IEMOCAP_LAYOUT = ("demo", "iemocap")
# Options that not every reader has: as the command line calls them, and who has them.
FLAGS = {
    "subset": "--subset",
    "excited_as_happy": "--happy-without-excited",
    "audio": "--audio",
    "speaker": "--speaker",
    "table": "--table",
    "emotion": "--emotion",
}
OWNERS = {
    "subset": IEMOCAP_LAYOUT,
    "excited_as_happy": IEMOCAP_LAYOUT,
    "audio": ("emobox",),
    "speaker": ("emobox", "audformat"),
    "table": ("audformat",),
    "emotion": ("audformat",),
}


def read_corpus(
    name: str,
    root: str | Path | None,
    *,
    strict: bool = False,
    subset: str = "all",
    excited_as_happy: bool = True,
    emotions: Sequence[str] = (),
    mapped: Mapping[str, str] | None = None,
    **options: str | Sequence[str] | None,
) -> Corpus:
    """Read a corpus by its name.

    Args:
        name: a key of `CORPORA`.
        root: its folder, or the CSV file of a manifest; None for the demo corpus in its cache.
        strict: take every note about the corpus for an error.
        subset: "all", "improvised" or "scripted" (IEMOCAP and demo).
        excited_as_happy: whether excited utterances count as happy (IEMOCAP and demo).
        emotions: those to use, or `all`; none: those that the reader takes by itself.
        mapped: emotion -> emotion that it counts as.
        **options: of single readers, such as `audio` of EmoBox; None asks for nothing.

    Returns:
        The corpus; its `options` say what was asked for.

    Raises:
        DataError: unknown name, no root, an option the corpus does not have, an emotion it does
            not have, or what its reader raises.
    """
    if name not in CORPORA:
        raise DataError(f"corpus {name!r} is not known; choose one of {', '.join(CORPORA)}")
    if root is None and name != "demo":
        raise DataError(f"no root given for corpus {name}; give the place where it lies")
    given = {option: value for option, value in options.items() if value is not None}
    asked: dict[str, Any] = {**options_asked(subset, excited_as_happy), **given}
    _check_options(name, asked)
    choice = Choice(emotions=tuple(emotions), mapped=dict(mapped or {}))
    path = None if root is None else _without_tilde(Path(root))
    return as_asked(CORPORA[name](path, strict=strict, choice=choice, **asked), choice)


def _check_options(name: str, asked: Iterable[str]) -> None:
    """Refuse options that belong to another reader."""
    wrong = [option for option in asked if name not in OWNERS[option]]
    if wrong:
        owners = dict.fromkeys(owner for option in wrong for owner in OWNERS[option])
        raise DataError(
            f"corpus {name} has no {' and no '.join(FLAGS[option] for option in wrong)}; leave "
            f"it out, only {' and '.join(owners)} {'have' if len(owners) > 1 else 'has'} it"
        )


def _without_tilde(root: Path) -> Path:
    try:
        return root.expanduser()
    except RuntimeError:  # ~nobody, or no home
        raise DataError(f"{visible(root)}: no such home folder; write the folder out") from None


def options_of_older_folder(
    corpus: str, subset: str, label_map: Mapping[str, str]
) -> dict[str, Any]:
    """What `read_corpus` was asked for, of a prepared folder that does not say so itself.

    Args:
        corpus: its name.
        subset: as the metadata says.
        label_map: as the metadata says: without `exc`, excited utterances were left out.

    Returns:
        Keyword arguments of `read_corpus`.
    """
    return options_asked(subset, corpus not in IEMOCAP_LAYOUT or "exc" in label_map)

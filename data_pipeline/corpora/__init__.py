"""One reader a corpus: from a folder, or a CSV file, to `Utterance` rows."""

from collections.abc import Callable
from pathlib import Path

from data_pipeline.corpora.corpus import Corpus
from data_pipeline.corpora.crema_d import read_crema_d
from data_pipeline.corpora.demo.reader import read_demo
from data_pipeline.corpora.emodb import read_emodb
from data_pipeline.corpora.iemocap import read_iemocap
from data_pipeline.corpora.manifest import read_manifest
from data_pipeline.corpora.ravdess import read_ravdess
from data_pipeline.errors import DataError

CORPORA: dict[str, Callable[..., Corpus]] = {
    "crema_d": read_crema_d,
    "demo": read_demo,
    "emodb": read_emodb,
    "iemocap": read_iemocap,
    "manifest": read_manifest,
    "ravdess": read_ravdess,
}
# Corpora with scenarios and with a label for excitement.
IEMOCAP_LAYOUT = ("demo", "iemocap")
# Their options, as the command line calls them.
FLAGS = {"subset": "--subset", "excited_as_happy": "--happy-without-excited"}


def read_corpus(
    name: str,
    root: str | Path | None,
    *,
    strict: bool = False,
    subset: str = "all",
    excited_as_happy: bool = True,
) -> Corpus:
    """Read a corpus by its name.

    Args:
        name: a key of `CORPORA`.
        root: its folder, or the CSV file of a manifest; None for the demo corpus in its cache.
        strict: take every note about the corpus for an error.
        subset: "all", "improvised" or "scripted" (IEMOCAP and demo).
        excited_as_happy: whether excited utterances count as happy (IEMOCAP and demo).

    Raises:
        DataError: unknown name, no root, an option the corpus does not have, or what its reader
            raises.
    """
    if name not in CORPORA:
        raise DataError(f"corpus {name!r} is not known; choose one of {', '.join(CORPORA)}")
    if root is None and name != "demo":
        raise DataError(f"no root given for corpus {name}; give the place where it lies")
    options = {} if subset == "all" else {"subset": subset}
    options |= {} if excited_as_happy else {"excited_as_happy": False}
    if options and name not in IEMOCAP_LAYOUT:
        raise DataError(
            f"corpus {name} has no {' and no '.join(map(FLAGS.get, options))}; leave it out, only "
            f"{' and '.join(IEMOCAP_LAYOUT)} have it"
        )
    path = None if root is None else Path(root).expanduser()
    return CORPORA[name](path, strict=strict, **options)

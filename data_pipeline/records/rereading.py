"""The corpus of a prepared folder, read again: for what needs the recordings themselves."""

from pathlib import Path

from data_pipeline.corpora.catalogue import read_corpus
from data_pipeline.corpora.corpus import Corpus
from data_pipeline.records.prepared import Prepared


def read_again(prepared: Prepared, root: str | Path | None) -> Corpus:
    """Read the corpus that a folder was prepared from, with the options of then.

    Args:
        prepared: from `load_prepared`.
        root: where the corpus lies now, as `prepare --root` was told; None for the demo corpus.

    Returns:
        The corpus; the folder lacks those of its utterances that were rejected.

    Raises:
        DataError: what `read_corpus` raises.
    """
    return read_corpus(prepared.reader, root, **prepared.reader_options)

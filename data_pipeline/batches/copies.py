"""Copies of recordings at other speeds, to be learnt from beside the recordings themselves.

A copy is lower and slower, or higher and faster: as if somebody else had said it. Nobody is
validated or tested on one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from data_pipeline.errors import DataError
from data_pipeline.records.prepared import Prepared, RecordFile, load_prepared, renamed
from data_pipeline.rows import UtteranceRow


@dataclass(frozen=True)
class WithCopies(Prepared):
    """A prepared folder, or several as one, with the records of copies behind its own.

    Attributes:
        copies: folders of the same corpora at other speeds. Their rows come last, named
            `<utterance>@<speed>`, by speakers named likewise.
    """

    copies: tuple[Prepared, ...] = ()

    @property
    def shards(self) -> list[RecordFile]:
        """What each shard holds, those of the copies last."""
        return [*super().shards, *(shard for copy in self.copies for shard in copy.shards)]

    @property
    def shard_paths(self) -> list[Path]:
        """Paths of the shards, in the same order."""
        return [*super().shard_paths, *(path for copy in self.copies for path in copy.shard_paths)]

    @property
    def speeds(self) -> tuple[float, ...]:
        """Of the copies, each once, ascending."""
        return tuple(sorted({copy.features.speed for copy in self.copies}))

    @cached_property
    def originals(self) -> tuple[UtteranceRow, ...]:
        """The rows of the recordings themselves."""
        return Prepared(self.directory, self.metadata, self.parts).utterances

    @cached_property
    def utterances(self) -> tuple[UtteranceRow, ...]:
        """One row an utterance, in record order, those of the copies last."""
        copied = (_copied(self, copy, row) for copy in self.copies for row in copy.utterances)
        return (*self.originals, *copied)


def with_copies(prepared: Prepared, directories: Sequence[str | Path]) -> WithCopies:
    """Put copies beside a prepared folder.

    Args:
        prepared: what is trained, validated and tested on.
        directories: what `prepare --speed` made of the same corpus; of several, of any of them.

    Raises:
        DataError: what `load_prepared` raises; or a folder is not of copies, or of another corpus,
            other emotions or other features.
    """
    copies = sorted(map(load_prepared, directories), key=lambda c: (c.corpus, c.features.speed))
    for copy in copies:
        _check(prepared, copy)
    return WithCopies(prepared.directory, prepared.metadata, prepared.parts, tuple(copies))


def copies_of(prepared: Prepared, utterance_ids: Iterable[str]) -> list[str]:
    """The copies of these utterances that there are, by their names."""
    wanted = set(utterance_ids)
    if not isinstance(prepared, WithCopies):
        return []
    copied = prepared.utterances[len(prepared.originals) :]
    return [row.utterance_id for row in copied if row.utterance_id.rpartition("@")[0] in wanted]


def _check(prepared: Prepared, copy: Prepared) -> None:
    if copy.features.speed == 1:
        raise DataError(
            f"{copy.directory}: its recordings have their own speed, expected copies at another "
            "one: make them with `python -m data_pipeline prepare --speed 0.9` and the options of "
            f"{prepared.directory}"
        )
    wanted, found = prepared.features, replace(copy.features, speed=1.0)
    corpora = {part.corpus for part in prepared.parts or (prepared,)}
    if (copy.emotions, found) != (prepared.emotions, wanted) or copy.corpus not in corpora:
        raise DataError(
            f"{copy.directory}: holds copies of {copy.corpus} with {found.mfcc} MFCC, FFT points "
            f"{found.n_fft} and the emotions {', '.join(copy.emotions)}; expected those of "
            f"{prepared.directory}: prepare them with its options and --speed"
        )


def _copied(prepared: Prepared, copy: Prepared, row: UtteranceRow) -> UtteranceRow:
    if prepared.parts:
        row = renamed(copy, row, prepared.group_by)
    mark = f"@{copy.features.speed:g}"
    speaker = row.speaker and row.speaker + mark
    return replace(row, utterance_id=row.utterance_id + mark, speaker=speaker)

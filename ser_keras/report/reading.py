"""The runs of a report: read, put together where they can be compared, and named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_pipeline.contract import EVALUATION, PROTOCOLS
from data_pipeline.errors import shown
from ser_keras.errors import SerError
from ser_keras.report.paper_table import TITLES
from ser_keras.report.reported_run import ReportedRun, flat_settings
from ser_keras.runs.contents import COMMON, is_tested, read_run_folder
from ser_keras.runs.packed import is_packed, read_packed_run


def read_runs(directories: Sequence[Path]) -> list[ReportedRun]:
    """Read runs, each once, in the order of the paper's table and then as named.

    Args:
        directories: run folders as training writes them, or packed ones.

    Raises:
        SerError: a folder without a finished fold, files that contradict each other, or an unknown
            protocol.
    """
    unique = {Path(directory).resolve(): Path(directory) for directory in directories}
    runs = [_read_run(directory) for directory in unique.values()]
    order = list(TITLES)
    runs.sort(key=lambda run: order.index(run.variant) if run.variant in order else len(order))
    return [run for chapter in chapters_of(runs) for run in _with_titles(chapter.runs)]


@dataclass(frozen=True)
class Chapter:
    """Runs whose figures can stand in one table.

    Attributes:
        runs: in the order given.
        apart: why they are apart from the first chapter on a corpus of the same name; "" for that
            one.
    """

    runs: tuple[ReportedRun, ...]
    apart: str = ""

    @property
    def corpus(self) -> str:
        """Name of the corpus."""
        return self.runs[0].identity["corpus"]


def chapters_of(runs: Sequence[ReportedRun]) -> list[Chapter]:
    """Put runs together that are of the same utterances and emotions, each with the first it fits.

    Args:
        runs: in an order that is kept.
    """
    chapters: list[Chapter] = []
    for run in runs:
        reasons = [next(filter(None, (_differs(o, run) for o in c.runs)), "") for c in chapters]
        if "" in reasons:
            number = reasons.index("")
            chapters[number] = replace(chapters[number], runs=(*chapters[number].runs, run))
            continue
        pairs = zip(chapters, reasons, strict=True)
        same = [reason for c, reason in pairs if c.corpus == run.identity["corpus"]]
        chapters.append(Chapter((run,), same[0] if same else ""))
    return chapters


def _read_run(directory: Path) -> ReportedRun:
    read = read_packed_run if is_packed(directory) else read_run_folder
    contents = read(directory)
    run = ReportedRun(
        directory=directory,
        results=tuple(result for result in contents.results if is_tested(result)),
        untested=tuple(result for result in contents.results if not is_tested(result)),
        predictions=tuple(contents.predictions.values()),
        histories=contents.histories,
        num_folds=contents.num_folds,
    )
    if run.protocol not in (*PROTOCOLS, EVALUATION):
        raise SerError(
            f"{directory}: received a run of the protocol {run.protocol}, expected "
            f"{' or '.join(PROTOCOLS)}: make the report with the version that trained it"
        )
    return run


def _differs(first: ReportedRun, other: ReportedRun) -> str:
    """Why the figures of two runs cannot stand in one table; "" where they can."""
    for name in COMMON:
        here, there = first.identity[name], other.identity[name]
        if here != there:
            return (
                f"{name} is {here} in {shown(first.directory)} and {there} in "
                f"{shown(other.directory)}"
            )
    if fact := other_recordings(first, other):
        return f"{fact} in {shown(first.directory)} and {shown(other.directory)}"
    return ""


def _with_titles(runs: Sequence[ReportedRun]) -> list[ReportedRun]:
    """The runs by name; a further one of the same system and protocol says what differs."""
    first_of: dict[tuple[str, str], ReportedRun] = {}
    named: list[ReportedRun] = []
    taken: set[tuple[str, str]] = set()
    for run in runs:
        key = (run.variant, run.protocol)
        first = run if run.is_evaluation else first_of.setdefault(key, run)
        plain, own = (flat_settings(r.identity) for r in (first, run))
        differing = [name for name in own if own[name] != plain.get(name)]
        details = [f"{name.split('.')[-1]} {own[name]}" for name in differing]
        name = run.identity["model"]["name"] if run.is_evaluation else run.variant
        title = ", ".join([TITLES.get(name, name), *details])
        if (title, run.protocol) in taken:
            title = f"{title}, {shown(run.directory)}"
        taken.add((title, run.protocol))
        named.append(replace(run, title=title))
    return named


# --- Whether two runs are of the same recordings ---


def other_recordings(first: ReportedRun, other: ReportedRun) -> str:
    """What shows that two runs are of different recordings; "" where nothing does.

    Runs of this version carry a checksum of all recordings with their speakers and emotions.
    Older ones are compared by what their folds tell.
    """
    keys = first.recordings_key, other.recordings_key
    if all(keys):
        return "" if keys[0] == keys[1] else "the recordings, their speakers or emotions differ"
    if _data_key(first) == _data_key(other) is not None:
        return ""
    return _other_counts(first, other) or _other_utterances(first, other)


def may_differ(first: ReportedRun, other: ReportedRun) -> bool:
    """Whether nothing tells that the recordings are the same.

    Features of another kind have another `data_key`, of the same recordings too: that says nothing.
    """
    known = first.recordings_key and other.recordings_key
    alike = first.identity.get("features") == other.identity.get("features")
    return not known and alike and _data_key(first) != _data_key(other)


def _data_key(run: ReportedRun) -> str | None:
    return run.identity.get("data_key")


def _other_counts(first: ReportedRun, other: ReportedRun) -> str:
    counts = first.num_utterances, other.num_utterances
    if 0 in counts or counts[0] == counts[1]:
        return ""
    return f"there are {counts[0]:,} and {counts[1]:,} utterances"


def _other_utterances(first: ReportedRun, other: ReportedRun) -> str:
    here, there = _tested(first), _tested(other)
    if first.is_whole and other.is_whole and here.keys() != there.keys():
        return f"the tested utterances differ, first {min(here.keys() ^ there.keys())!r},"
    differing = sorted(i for i in here.keys() & there.keys() if here[i] != there[i])
    if differing:
        return f"the emotion or the speaker of {differing[0]!r} differs"
    return ""


def _tested(run: ReportedRun) -> Mapping[str, tuple[str, str]]:
    """Utterance -> its emotion and its speaker."""
    return {
        utterance_id: (part.emotions[label], speaker)
        for part in run.predictions
        for utterance_id, label, speaker in zip(
            part.utterance_ids, part.labels, part.speakers, strict=True
        )
    }

"""Whether two runs are of the same recordings: only then their figures stand in one table."""

from collections.abc import Mapping

from ser_keras.report.reported_run import ReportedRun


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

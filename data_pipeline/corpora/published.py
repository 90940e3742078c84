"""Published counts of a corpus by speaker: a copy of a part of it is held against its own part."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from data_pipeline.corpora.reading import WHOLE, count_notes


@dataclass(frozen=True, kw_only=True)
class Published:
    """How many files a corpus has, as its authors or its copies say.

    Attributes:
        whole: code of an emotion -> files of all speakers.
        speakers: every speaker -> code -> files; a code that is not named is not known.
    """

    whole: Mapping[str, int] = field(default_factory=dict)
    speakers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def compare_speakers(
    found: Counter[tuple[str, str]], published: Published
) -> tuple[list[str], list[str]]:
    """Compare what is there with what is published of these speakers and emotions.

    Speakers or emotions that are missing as a whole make it a part of the corpus, not a wrong one.

    Args:
        found: (speaker, code) -> files, whether used or not.
        published: of the corpus; an empty one is not compared.

    Returns:
        Notes about counts that differ, and remarks about what is missing as a whole.
    """
    there = {speaker for speaker, _ in found}
    codes = {code for _, code in found}
    speakers = [speaker for speaker in published.speakers if speaker in there]
    absent = [speaker for speaker in published.speakers if speaker not in there]
    absent_codes = [code for code in published.whole if code not in codes]
    expected = {
        f"speaker {speaker}": _of_codes(published.speakers[speaker], codes) for speaker in speakers
    }
    named = Counter({(f"speaker {speaker}", code): n for (speaker, code), n in found.items()})
    notes = count_notes(named, expected)
    if not absent and not notes:
        summed: Counter[tuple[str, str]] = Counter()
        for (_, code), count in found.items():
            summed[WHOLE, code] += count
        notes = count_notes(summed, {WHOLE: _of_codes(published.whole, codes)})
    if published.speakers:
        notes += _unknown_notes(sorted(there - set(published.speakers)))
    return notes, _part_remarks(absent, len(published.speakers), absent_codes)


def _of_codes(counts: Mapping[str, int], codes: set[str]) -> dict[str, int]:
    return {code: count for code, count in counts.items() if code in codes}


def _unknown_notes(speakers: Sequence[str]) -> list[str]:
    return [f"speakers that the corpus does not have: {', '.join(speakers)}"] if speakers else []


def _part_remarks(absent: Sequence[str], num_speakers: int, codes: Sequence[str]) -> list[str]:
    parts = []
    if absent:
        named = ", ".join(absent[:5]) + (", ..." if len(absent) > 5 else "")
        parts.append(f"{len(absent)} of {num_speakers} speakers ({named})")
    if codes:
        parts.append(f"all files of {', '.join(codes)}")
    return [f"a part of the corpus, without {' and without '.join(parts)}"] if parts else []

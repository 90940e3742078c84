"""What a report says about systems side by side: pairs, the paper's claims, what stands out."""

from collections.abc import Sequence
from dataclasses import dataclass

from ser_keras.report.paper_table import CLAIMS, TABLE_1
from ser_keras.report.reading import Run, differ_by_seed_alone, flat_settings
from ser_keras.report.tables import (
    chooses_an_epoch,
    escape,
    folds_in_words,
    number_range,
    percent,
    points,
    table,
    with_interval,
)
from ser_keras.scores.accuracies import SHORT
from ser_keras.scores.statistics import (
    MIN_SPEAKERS,
    Comparison,
    bootstrap_interval,
    compare,
    holm,
    matched_confusions,
    speaker_confusions,
)

SIGNIFICANT = 0.05
# Verdict on a claim -> the same in a sentence.
VERDICTS = {
    "holds": "holds",
    "unsure": "same direction, not significant",
    "not seen": "not above, not significant",
    "reversed": "significantly the other way round",
}
SIZE_HEADER = ("utterances", "speakers")
DIFFERENCE_HEADER = (
    "WA [95\N{NO-BREAK SPACE}%]",
    "p (adjusted)",
    "UA [95\N{NO-BREAK SPACE}%]",
    "p (adjusted)",
)


@dataclass(frozen=True)
class Pair:
    """Two runs, and the comparisons of their WA and UA by name."""

    first: Run
    second: Run
    scores: dict[str, Comparison]


def claimed_pairs(runs: Sequence[Run]) -> list[Pair]:
    """The pairs that the paper makes a claim about, as far as these runs have them."""
    return [_pair(*two) for two in _claimed(runs) if _meet(*two)]


def other_pairs(runs: Sequence[Run]) -> list[Pair]:
    """Other pairs, fixed before any figure is seen.

    The dual level (without one, the first run) and every system that the paper says nothing about;
    then runs of one system that differ in their settings, of one seed where there are such.
    """
    return [_pair(*two) for two in _others(runs) if _meet(*two)]


def _claimed(runs: Sequence[Run]) -> list[tuple[Run, Run]]:
    first_of = _first_of_variant(runs)
    return [(first_of[a], first_of[b]) for a, b in CLAIMS if {a, b} <= first_of.keys()]


def _others(runs: Sequence[Run]) -> list[tuple[Run, Run]]:
    first_of = _first_of_variant(runs)
    reference = first_of.get("dual_level", runs[0])
    claimed = {frozenset(claim) for claim in CLAIMS}
    pairs = [
        (reference, run)
        for run in first_of.values()
        if run is not reference and frozenset((reference.variant, run.variant)) not in claimed
    ]
    for number, run in enumerate(runs):
        before = [other for other in runs[:number] if other.variant == run.variant]
        # Another seed draws other folds under `random`, and another network anywhere.
        of_seed = [other for other in before if other.results[0]["seed"] == run.results[0]["seed"]]
        pairs += [(other, run) for other in (of_seed or before)[:1]]
    return [two for two in pairs if not differ_by_seed_alone(*two)]


def _meet(first: Run, second: Run) -> bool:
    """Whether any utterance was tested by both: with a few folds of each it may be none."""
    one, other = (
        {i for part in run.predictions for i in part.utterance_ids} for run in (first, second)
    )
    return not one.isdisjoint(other)


def _first_of_variant(runs: Sequence[Run]) -> dict[str, Run]:
    first_of: dict[str, Run] = {}
    for run in runs:
        first_of.setdefault(run.variant, run)
    return first_of


def _pair(first: Run, second: Run) -> Pair:
    matrices = matched_confusions(first.predictions, second.predictions)
    return Pair(first, second, {name: compare(*matrices, name) for name in SHORT})


def pair_table(pairs: Sequence[Pair]) -> list[str]:
    """A line a pair: differences with intervals, p-values, and those adjusted for their number."""
    rows = []
    for pair, cells in zip(pairs, _difference_cells(pairs), strict=True):
        names = f"{escape(pair.first.title)} – {escape(pair.second.title)}"
        rows.append([names, *_sizes(pair), *cells])
    return table(("first – second", *SIZE_HEADER, *DIFFERENCE_HEADER), rows)


def claim_table(pairs: Sequence[Pair]) -> list[str]:
    """The same for the paper's claims, with its own difference of UA and a verdict on ours."""
    rows = []
    for pair, verdict, cells in zip(pairs, verdicts(pairs), _difference_cells(pairs), strict=True):
        claim = f"{escape(pair.first.title)} above {escape(pair.second.title)}"
        paper = _paper_difference(pair.first.variant, pair.second.variant)
        rows.append([claim, f"{paper:+.1f}", *_sizes(pair), *cells, f"**{verdict}**"])
    header = ("the paper's claim", "paper UA", *SIZE_HEADER, *DIFFERENCE_HEADER, "by UA")
    return table(header, rows)


def _sizes(pair: Pair) -> tuple[str, str]:
    one = pair.scores["unweighted_accuracy"]
    return f"{one.num_utterances:,}", f"{one.num_speakers}"


def _difference_cells(pairs: Sequence[Pair]) -> list[list[str]]:
    adjusted = {name: _adjusted(pairs, name) for name in SHORT}
    rows = []
    for number, pair in enumerate(pairs):
        cells = []
        for name, one in pair.scores.items():
            cells.append(with_interval(one.difference, one.interval, points))
            cells.append(f"{_p(one.p_value)} ({_p(adjusted[name][number])})")
        rows.append(cells)
    return rows


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "&lt; 0.001"


def _adjusted(pairs: Sequence[Pair], name: str) -> list[float]:
    return holm([pair.scores[name].p_value for pair in pairs])


def _paper_difference(first: str, second: str) -> float:
    return TABLE_1[first].unweighted_accuracy - TABLE_1[second].unweighted_accuracy


# --- The paper's ordering ---


def verdicts(pairs: Sequence[Pair]) -> list[str]:
    """What the adjusted test of UA says about each claim that the first is above the second."""
    differences = [pair.scores["unweighted_accuracy"].difference for pair in pairs]
    adjusted = _adjusted(pairs, "unweighted_accuracy")
    return [_verdict(d, p) for d, p in zip(differences, adjusted, strict=True)]


def _verdict(difference: float, p_value: float) -> str:
    if p_value < SIGNIFICANT:
        return "holds" if difference > 0 else "reversed"
    return "unsure" if difference > 0 else "not seen"


def claims_in_words(pairs: Sequence[Pair]) -> str:
    """One sentence over all claims of the paper that these runs can answer."""
    found = verdicts(pairs)
    counts = [f"{words}: {found.count(v)}" for v, words in VERDICTS.items() if v in found]
    speakers = number_range([p.scores["unweighted_accuracy"].num_speakers for p in pairs])
    return (
        "The paper says that DS-LSTM is significantly above Base 1 to 4 and the dual level above "
        "all six, and has the dual level above DS-LSTM in its table: "
        f"{len(CLAIMS)} comparisons, of which these runs can answer {len(pairs)}. "
        f"**{'; '.join(counts).capitalize()}** (pooled UA, epoch chosen on validation, 5 % after "
        f"adjustment, {speakers} speakers)."
    )


def parameters_in_words(runs: Sequence[Run]) -> list[str]:
    """What replacing two LSTMs by one DS-LSTM does to the size, where both were trained."""
    first_of = _first_of_variant(runs)
    if not {"ds_lstm", "base_4"} <= first_of.keys():
        return []
    ours, theirs = (first_of[name].results[0]["parameters"] for name in ("ds_lstm", "base_4"))
    change = ours / theirs - 1
    return [
        f"The paper says that DS-LSTM has 25 % fewer parameters than Base 4; that counts gate "
        f"networks, six against eight. Of numbers that are saved, DS-LSTM has {ours:,} here and "
        f"Base 4 {theirs:,}: {abs(change):.0%} {'more' if change > 0 else 'fewer'}, the moving "
        "statistics of every step of the recurrent normalisation included."
    ]


# --- What stands out ---


def best_in_words(runs: Sequence[Run]) -> str:
    """Which whole run has the highest pooled UA, and how sure that is."""
    whole = [run for run in runs if run.is_whole]
    if not whole:
        return "No run has finished all folds of this protocol: the figures are of a part of it."
    among = "" if len(whole) == len(runs) else " (of the runs with all folds)"
    best = max(whole, key=lambda run: run.summary["unweighted_accuracy"]["pooled"])
    ends = bootstrap_interval(speaker_confusions(best.predictions)[1], "unweighted_accuracy")
    score = percent(best.summary["unweighted_accuracy"]["pooled"])
    sure = f" (95 % interval {percent(ends[0])} to {percent(ends[1])})" if ends else ""
    return f"Highest pooled UA{among}: **{escape(best.title)}, {score} %**{sure}."


def notes(runs: Sequence[Run]) -> list[str]:
    """What a reader has to know about these runs: missing folds, emotions, speakers."""
    lines = []
    for first, second in _claimed(runs) + _others(runs):
        if not _meet(first, second):
            lines.append(
                f"- {escape(first.title)} and {escape(second.title)}: their finished folds tested "
                "no utterance in common, so they are not compared."
            )
    for run in runs:
        title = escape(run.title)
        if not run.is_whole:
            lines.append(
                f"- {title}: {folds_in_words(run)} folds are finished; its figures are of other "
                "utterances than those of a whole run. Only the paired tests compare like with "
                "like."
            )
        absent = run.summary["absent_emotions"]
        if absent:
            lines.append(
                f"- {title}: the test parts of folds {', '.join(absent)} lack an emotion; their UA "
                f"is over the others. {_pooled_emotions(run)}"
            )
    lines += _settings_note(runs)
    few = [run for run in runs if len(speaker_confusions(run.predictions)[0]) < MIN_SPEAKERS]
    for run in few:
        lines.append(f"- {escape(run.title)}: fewer than {MIN_SPEAKERS} speakers, so no interval.")
    return lines


def _pooled_emotions(run: Run) -> str:
    rows = zip(run.results[0]["emotions"], run.summary["confusion_matrix"], strict=True)
    untested = [escape(emotion) for emotion, row in rows if not sum(row)]
    if not untested:
        return "The pooled figures have all."
    return f"No finished fold tests {', '.join(untested)}: the pooled figures lack it too."


def _settings_note(runs: Sequence[Run]) -> list[str]:
    """Settings in which networks of different systems differ: then not the system alone does."""
    networks = [run for run in _first_of_variant(runs).values() if chooses_an_epoch(run)]
    settings = {run.title: flat_settings(run.results[0]) for run in networks}
    names = dict.fromkeys(name for own in settings.values() for name in own)
    lines = []
    for name in names:
        titles_of: dict[str, list[str]] = {}
        for title, own in settings.items():
            titles_of.setdefault(str(own.get(name, "none")), []).append(title)
        if len(titles_of) > 1:
            parts = (f"{escape(v)} ({escape(', '.join(t))})" for v, t in titles_of.items())
            lines.append(f"- Not trained alike: {name.split('.')[-1]} {'; '.join(parts)}.")
    return lines

"""What a report says about systems side by side: pairs, and the paper's claims."""

from collections.abc import Sequence
from dataclasses import dataclass

from ser_keras.report.paper_table import CLAIMS, TABLE_1
from ser_keras.report.reported_run import ReportedRun, differ_by_seed_alone
from ser_keras.report.tables import (
    escape,
    number_range,
    points,
    table,
    with_interval,
)
from ser_keras.scores.accuracies import SHORT
from ser_keras.scores.statistics import (
    Comparison,
    compare,
    holm,
    matched_confusions,
)

SIGNIFICANT = 0.05
# What the test finds about a claim -> the same in a sentence.
FINDINGS = {
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

    first: ReportedRun
    second: ReportedRun
    scores: dict[str, Comparison]


def claimed_pairs(runs: Sequence[ReportedRun]) -> list[Pair]:
    """The pairs that the paper makes a claim about, as far as these runs have them."""
    return [_pair(*two) for two in _claimed(runs) if meet(*two)]


def other_pairs(runs: Sequence[ReportedRun]) -> list[Pair]:
    """Other pairs, fixed before any figure is seen.

    The dual level (without one, the first run) and every system that the paper says nothing about;
    then runs of one system that differ in their settings, of one seed where there are such.
    """
    return [_pair(*two) for two in _others(runs) if meet(*two)]


def possible_pairs(runs: Sequence[ReportedRun]) -> list[tuple[ReportedRun, ReportedRun]]:
    """The runs of all pairs, also of those that cannot be compared."""
    return _claimed(runs) + _others(runs)


def _claimed(runs: Sequence[ReportedRun]) -> list[tuple[ReportedRun, ReportedRun]]:
    first_of = first_of_variant(runs)
    return [(first_of[a], first_of[b]) for a, b in CLAIMS if {a, b} <= first_of.keys()]


def _others(runs: Sequence[ReportedRun]) -> list[tuple[ReportedRun, ReportedRun]]:
    first_of = first_of_variant(runs)
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
        of_seed = [other for other in before if other.identity["seed"] == run.identity["seed"]]
        pairs += [(other, run) for other in (of_seed or before)[:1]]
    return [two for two in pairs if not differ_by_seed_alone(*two)]


def meet(first: ReportedRun, second: ReportedRun) -> bool:
    """Whether any utterance was tested by both: with a few folds of each it may be none."""
    one, other = (
        {i for part in run.predictions for i in part.utterance_ids} for run in (first, second)
    )
    return not one.isdisjoint(other)


def first_of_variant(runs: Sequence[ReportedRun]) -> dict[str, ReportedRun]:
    """The first run of each system."""
    first_of: dict[str, ReportedRun] = {}
    for run in runs:
        first_of.setdefault(run.variant, run)
    return first_of


def _pair(first: ReportedRun, second: ReportedRun) -> Pair:
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
    """The same for the paper's claims, with its own difference of UA and a finding on ours."""
    rows = []
    for pair, finding, cells in zip(pairs, findings(pairs), _difference_cells(pairs), strict=True):
        claim = f"{escape(pair.first.title)} above {escape(pair.second.title)}"
        paper = _paper_difference(pair.first.variant, pair.second.variant)
        rows.append([claim, f"{paper:+.1f}", *_sizes(pair), *cells, f"**{finding}**"])
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


def findings(pairs: Sequence[Pair]) -> list[str]:
    """What the adjusted test of UA says about each claim that the first is above the second."""
    differences = [pair.scores["unweighted_accuracy"].difference for pair in pairs]
    adjusted = _adjusted(pairs, "unweighted_accuracy")
    return [_finding(d, p) for d, p in zip(differences, adjusted, strict=True)]


def _finding(difference: float, p_value: float) -> str:
    if p_value < SIGNIFICANT:
        return "holds" if difference > 0 else "reversed"
    return "unsure" if difference > 0 else "not seen"


def claims_in_words(pairs: Sequence[Pair]) -> str:
    """One sentence over all claims of the paper that these runs can answer."""
    found = findings(pairs)
    counts = [f"{words}: {found.count(v)}" for v, words in FINDINGS.items() if v in found]
    speakers = number_range([p.scores["unweighted_accuracy"].num_speakers for p in pairs])
    return (
        "The paper says that DS-LSTM is significantly above Base 1 to 4 and the dual level above "
        "all six, and has the dual level above DS-LSTM in its table: "
        f"{len(CLAIMS)} comparisons, of which these runs can answer {len(pairs)}. "
        f"**{'; '.join(counts).capitalize()}** (pooled UA, epoch chosen on validation, 5 % after "
        f"adjustment, {speakers} speakers)."
    )


def parameters_in_words(runs: Sequence[ReportedRun]) -> list[str]:
    """What replacing two LSTMs by one DS-LSTM does to the size, where both were trained."""
    first_of = first_of_variant(runs)
    if not {"ds_lstm", "base_4"} <= first_of.keys():
        return []
    ours, theirs = (first_of[name].identity["parameters"] for name in ("ds_lstm", "base_4"))
    change = ours / theirs - 1
    return [
        f"The paper says that DS-LSTM has 25 % fewer parameters than Base 4; that counts gate "
        f"networks, six against eight. Of numbers that are saved, DS-LSTM has {ours:,} here and "
        f"Base 4 {theirs:,}: {abs(change):.0%} {'more' if change > 0 else 'fewer'}, the moving "
        "statistics of every step of the recurrent normalisation included."
    ]

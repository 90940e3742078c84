"""What a report says about systems side by side: pairs, the paper's claims, what to be aware of."""

from collections.abc import Sequence

from ser_keras.paper_table import CLAIMS, TABLE_1
from ser_keras.report_runs import Run
from ser_keras.report_tables import (
    SHORT,
    escape,
    folds_in_words,
    interval,
    percent,
    points,
    table,
)
from ser_keras.statistics import (
    MIN_SPEAKERS,
    Comparison,
    bootstrap_interval,
    compare,
    holm,
    matched_confusions,
    speaker_confusions,
)

SIGNIFICANT = 0.05

# --- Two systems ---


def pairs(runs: Sequence[Run]) -> list[tuple[Run, Run]]:
    """Which systems are compared: fixed before any figure is seen.

    Those of the paper's claims; then the dual level (without one, the first run) and every other
    system; then runs of one system that differ in their settings.
    """
    first_of = {run.variant: run for run in reversed(runs)}
    chosen = [(first_of[a], first_of[b]) for a, b in CLAIMS if a in first_of and b in first_of]
    reference = first_of.get("dual_level", runs[0])
    chosen += [(reference, run) for run in first_of.values() if run is not reference]
    chosen += [(first_of[run.variant], run) for run in runs if first_of[run.variant] is not run]
    seen, unique = set(), []
    for pair in chosen:
        key = frozenset(map(id, pair))
        if key not in seen:
            unique.append(pair)
        seen.add(key)
    return unique


def comparisons(chosen: Sequence[tuple[Run, Run]]) -> list[dict[str, Comparison]]:
    """For each pair, the comparison of WA and of UA."""
    found = []
    for first, second in chosen:
        matrices = matched_confusions(first.predictions, second.predictions)
        found.append({name: compare(*matrices, name) for name in SHORT})
    return found


def comparison_table(chosen, found: Sequence[dict[str, Comparison]]) -> list[str]:
    """A line a pair: differences with intervals, p-values, and those adjusted for their number."""
    adjusted = {name: holm([pair[name].p_value for pair in found]) for name in SHORT}
    rows = []
    for number, (pair, comparison) in enumerate(zip(chosen, found, strict=True)):
        cells = []
        for name in SHORT:
            one = comparison[name]
            p_values = f"{one.p_value:.3f} ({adjusted[name][number]:.3f})"
            cells += [f"{points(one.difference)} {interval(one.interval, points)}", p_values]
        rows.append([escape(f"{pair[0].title} against {pair[1].title}"), *cells])
    header = ("first against second", "WA [95 %]", "p (adjusted)", "UA [95 %]", "p (adjusted)")
    return table(header, rows)


# --- The paper's ordering ---


def claims_in_words(chosen, found: Sequence[dict[str, Comparison]]) -> list[str]:
    """A sentence for each claim of the paper that these runs can answer, and one over all."""
    adjusted = holm([pair["unweighted_accuracy"].p_value for pair in found])
    lines, held = [], 0
    for (first, second), comparison, p_value in zip(chosen, found, adjusted, strict=True):
        if (first.variant, second.variant) not in CLAIMS:
            continue
        one = comparison["unweighted_accuracy"]
        held += one.difference > 0 and p_value < SIGNIFICANT
        paper = _paper_difference(first.variant, second.variant)
        lines.append(
            f"- {escape(first.title)} above {escape(second.title)}: paper {paper:+.1f} points of "
            f"UA; here {points(one.difference)} {interval(one.interval, points)}: "
            f"**{_verdict(one.difference, p_value)}** (adjusted p {p_value:.3f})."
        )
    if not lines:
        return []
    return [_claims_summary(len(lines), held), "", *lines]


def _paper_difference(first: str, second: str) -> float:
    return TABLE_1[first].unweighted_accuracy - TABLE_1[second].unweighted_accuracy


def _verdict(difference: float, p_value: float) -> str:
    if p_value < SIGNIFICANT:
        return "holds" if difference > 0 else "the other way round"
    return "same direction, not significant" if difference > 0 else "not seen"


def _claims_summary(number: int, held: int) -> str:
    return (
        f"The paper says that DS-LSTM is significantly above Base 1 to 4, and the dual level "
        f"above everything. These runs can answer {number} of its {len(CLAIMS)} comparisons: "
        f"{held or 'none'} of them {'holds' if held == 1 else 'hold'} here at 5 %, judged by the "
        "UA of all test utterances with the epoch chosen on validation."
    )


def parameters_in_words(runs: Sequence[Run]) -> list[str]:
    """What replacing two LSTMs by one DS-LSTM does to the size, where both were trained."""
    first_of = {run.variant: run for run in reversed(runs)}
    counts = [
        first_of[v].results[0].get("parameters") for v in ("ds_lstm", "base_4") if v in first_of
    ]
    if len(counts) < 2 or None in counts:
        return []
    change = counts[0] / counts[1] - 1
    return [
        f"The paper says that DS-LSTM has 25 % fewer parameters than Base 4; that counts gate "
        f"networks, six against eight. Counted in weights, DS-LSTM has {counts[0]:,} here and "
        f"Base 4 {counts[1]:,}: {abs(change):.0%} {'more' if change > 0 else 'fewer'}."
    ]


# --- What stands out ---


def best_in_words(runs: Sequence[Run]) -> str:
    """Which whole run has the highest pooled UA, and how sure that is."""
    whole = [run for run in runs if run.is_whole]
    if not whole:
        return "No run has finished all folds of this protocol: the figures are of a part of it."
    best = max(whole, key=lambda run: run.summary["unweighted_accuracy"]["pooled"])
    ends = bootstrap_interval(speaker_confusions(best.predictions)[1], "unweighted_accuracy")
    score = percent(best.summary["unweighted_accuracy"]["pooled"])
    unsure = f"95 % interval {percent(ends[0])} to {percent(ends[1])}" if ends else "no interval"
    return f"Highest UA over all test utterances: **{escape(best.title)}, {score} %** ({unsure})."


def notes(runs: Sequence[Run]) -> list[str]:
    """What a reader has to know about these runs: missing folds, emotions, speakers."""
    lines = []
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
                "is over the others. The pooled figures have all."
            )
    few = [run for run in runs if len(speaker_confusions(run.predictions)[0]) < MIN_SPEAKERS]
    for run in few:
        lines.append(f"- {escape(run.title)}: fewer than {MIN_SPEAKERS} speakers, so no interval.")
    return lines

"""What a report about one or more runs says, section by section; each protocol has its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data_pipeline.contract import EVALUATION, PROTOCOLS
from ser_keras.report.comparisons import (
    claim_table,
    claimed_pairs,
    claims_in_words,
    other_pairs,
    pair_table,
    parameters_in_words,
)
from ser_keras.report.figures import (
    WithInterval,
    confusion_figure,
    interval_figure,
    learning_curve_figure,
    speaker_figure,
)
from ser_keras.report.floors import floors
from ser_keras.report.notes import best_in_words, notes
from ser_keras.report.page import MARKDOWN_BEGIN, Report
from ser_keras.report.paper_table import PAPER_CORPUS, PAPER_DATA, TABLE_1
from ser_keras.report.reading import Chapter, chapters_of
from ser_keras.report.reported_run import ReportedRun, unheard_alone
from ser_keras.report.tables import (
    chooses_an_epoch,
    escape,
    optimism_table,
    score_table,
    seed_table,
    speaker_table,
    untested_table,
)
from ser_keras.report.transfer import add_transfer
from ser_keras.report.voices import (
    add_adapted,
    add_calibration,
    add_groups,
    evaluation_table,
)
from ser_keras.scores.accuracies import SHORT, accuracies
from ser_keras.scores.statistics import bootstrap_interval, speaker_confusions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What is said of runs that were not tested.
UNTESTED = (
    "These runs were trained with `--no-test`: their test parts were neither read nor scored. The "
    "figures are of the validation parts, on which the epoch was chosen, mean ± deviation over the "
    "folds: they compare recipes and are no result."
)
EVALUATIONS = (
    "Models that were trained elsewhere, asked about this corpus (`ser evaluate`). Only utterances "
    "by voices that a model has never heard say how good it is on new ones; what it has heard is "
    "scored apart, and nothing here is ranked."
)
READING = """\
- **WA** (weighted accuracy) is the share of utterances named rightly. **UA** (unweighted accuracy)
  is the mean of the emotions' recalls, so that a rare emotion counts as much as a frequent one.
- **WA**, **UA**: mean ± sample standard deviation over the folds. **Pooled**: all test utterances
  of all folds together, which is steadier where folds are small or lack an emotion.
- **[95 %]**: percentile bootstrap that resamples speakers, not utterances. With ten speakers it
  is somewhat too narrow: expect it to hold the true value about nine times in ten. Systems whose
  intervals overlap may still differ: that is what the paired test is for.
- **Best on test**: what the same trainings would have claimed by choosing the epoch on the test
  part, WA and UA separately. The **gap** to the honest figure is what such a claim adds.
- **p**: swap test on the same utterances, swapping all predictions of a speaker between two
  systems at once; **adjusted** by Holm's method for the number of pairs in the table.
- **By UA**: a claim *holds* where the first system is above and the adjusted p is under 0.05, and
  is *reversed* where it is below; over 0.05 it is *unsure* (above) or *not seen* (below). With few
  speakers *unsure* is no evidence against a claim: ten allow no p under 0.002, before adjustment.
- *Floors*: always the most frequent emotion; and the most frequent emotion of that speaker outside
  the test part. A system that is not above both has not learnt emotions.
"""


def make_report(runs: Sequence[ReportedRun]) -> Report:
    """The report about runs, as `read_runs` gives them: a chapter for each corpus."""
    report, chapters = Report(), chapters_of(runs)
    names = list(dict.fromkeys(chapter.corpus for chapter in chapters))
    report.add(f"{MARKDOWN_BEGIN}{escape(', '.join(names))}")
    add_transfer(report, runs)
    for number, chapter in enumerate(chapters):
        where = Place(
            f" on {escape(chapter.corpus)}" if len(chapters) > 1 else "",
            f"{number + 1}-" if len(chapters) > 1 else "",
        )
        _add_chapter(report, chapter, where)
    if any(run.is_tested for run in runs):
        report.add("## How to read this")
        report.add(READING.rstrip())
    return report


@dataclass(frozen=True)
class Place:
    """Where a section is: what its heading adds, and what the names of its pictures begin with."""

    heading: str
    picture: str


def _add_chapter(report: Report, chapter: Chapter, where: Place) -> None:
    runs = chapter.runs
    if where.heading:
        report.add(f"## Corpus {escape(chapter.corpus)}")
    if chapter.apart:
        report.add(f"The runs that follow stand by themselves: {escape(chapter.apart)}.")
    _add_overview(report, runs)
    for protocol in sorted({run.protocol for run in runs}, reverse=True):
        of_protocol = [run for run in runs if run.protocol == protocol]
        if protocol == EVALUATION:
            _add_evaluations(report, where, of_protocol)
        else:
            _add_protocol(report, where, protocol, of_protocol)


def _add_overview(report: Report, runs: Sequence[ReportedRun]) -> None:
    result = runs[0].identity
    subset = "" if result["subset"] == "all" else f", {result['subset']} utterances only"
    emotions = ", ".join(escape(emotion) for emotion in result["emotions"])
    corpus = f"Corpus {escape(result['corpus'])}{subset}"
    tested = [run for run in runs if run.is_tested]
    if not tested:
        report.add(f"{corpus}; emotions: {emotions}. No run was tested: there is no result here.")
        return
    largest = max(tested, key=lambda run: sum(len(part.labels) for part in run.predictions))
    speakers, confusions = speaker_confusions(largest.predictions)
    report.add(
        f"{corpus}: {confusions.sum():,} test utterances of "
        f"{len(speakers)} speakers; emotions: {emotions}. Each protocol is a "
        "section of its own, since a figure is worth something only with its protocol beside it. "
        "All figures are percentages of test parts, with the epoch chosen on a validation part, "
        "unless a column says otherwise. [How to read this](#how-to-read-this) is at the end."
    )


def _add_protocol(report: Report, where: Place, protocol: str, runs: Sequence[ReportedRun]) -> None:
    tested = [run for run in runs if run.is_tested]
    untested = [run for run in runs if not run.is_tested]
    report.add(f"## Protocol {protocol}{where.heading}")
    report.add(PROTOCOLS[protocol])
    if tested:
        _add_results(report, where, protocol, tested)
    if untested:
        report.add("### Not tested")
        report.add(UNTESTED)
        report.add(*untested_table(untested))


def _add_results(report: Report, where: Place, protocol: str, runs: Sequence[ReportedRun]) -> None:
    below = floors(runs)
    report.add(best_in_words(runs))
    report.add(*score_table(runs, below))
    report.add(*notes(runs), *_paper_note(runs))
    report.add_picture(f"{where.picture}{protocol}-intervals", *_intervals(runs, below))
    report.add(*seed_table(runs))
    _add_comparisons(report, runs)
    report.add("### What choosing the epoch on the test part would have claimed")
    report.add(*_gap_in_words(runs))
    report.add(*optimism_table(runs))
    report.add("### Which emotions are mistaken for which")
    report.add_picture(f"{where.picture}{protocol}-confusion", *_confusions(runs))
    _add_learning_curves(report, f"{where.picture}{protocol}", runs)
    report.add("### Speakers")
    report.add_picture(f"{where.picture}{protocol}-speakers", *_speakers(runs))
    report.add(*speaker_table(runs))
    add_adapted(report, f"{where.picture}{protocol}", runs)
    add_calibration(report, runs)
    add_groups(report, runs)


def _add_evaluations(report: Report, where: Place, runs: Sequence[ReportedRun]) -> None:
    """Trained models on this corpus: a row for what each has heard of it, and what not."""
    report.add(f"## Trained models{where.heading}")
    report.add(EVALUATIONS)
    report.add(*evaluation_table(runs))
    judged = [unheard for run in runs if (unheard := unheard_alone(run))]
    if not judged:
        report.add("No model has utterances here that it is known never to have heard.")
        return
    report.add("### Which emotions are mistaken for which")
    report.add_picture(f"{where.picture}{EVALUATION}-confusion", *_confusions(judged))
    report.add("### Speakers")
    report.add_picture(f"{where.picture}{EVALUATION}-speakers", *_speakers(judged))
    report.add(*speaker_table(judged))
    add_calibration(report, judged)
    add_groups(report, judged)


def _paper_note(runs: Sequence[ReportedRun]) -> list[str]:
    if not any(run.variant in TABLE_1 for run in runs):
        return []
    result = runs[0].identity
    if result["protocol"] == "random" and all(result[k] == v for k, v in PAPER_DATA.items()):
        return [
            "- The paper's figures are best epochs on the test fold: hold them against "
            "*best on test*."
        ]
    return [
        f"- The paper's figures are of {PAPER_CORPUS} under random folds, best epochs on the test "
        "fold. They stand here for the order of the systems, not to be compared in height."
    ]


def _add_comparisons(report: Report, runs: Sequence[ReportedRun]) -> None:
    runs = [run for run in runs if run.is_ranked]
    if not runs:
        return
    claimed, other = claimed_pairs(runs), other_pairs(runs)
    if claimed:
        report.add("### Does the paper's order of the systems hold here?")
        report.add(claims_in_words(claimed))
        report.add(*claim_table(claimed))
        report.add(*parameters_in_words(runs))
    if other:
        report.add("### System against system, on the same utterances")
        report.add(*pair_table(other))


def _gap_in_words(runs: Sequence[ReportedRun]) -> list[str]:
    gaps = []
    for run in filter(chooses_an_epoch, runs):
        summary = run.summary
        if summary["optimistic"] is not None:
            claimed, honest = (
                s["unweighted_accuracy"]["mean"] for s in (summary["optimistic"], summary)
            )
            gaps.append(100 * (claimed - honest))
    if not gaps:
        return []
    spread = f"{min(gaps):.1f}" if len(gaps) == 1 else f"{min(gaps):.1f} to {max(gaps):.1f}"
    return [
        f"The same trainings, scored at the best epoch of the test part: {spread} points of UA "
        "more. Nothing else in this report uses such figures."
    ]


# --- Pictures: (alternative text, figure) ---


def _intervals(runs: Sequence[ReportedRun], below: Sequence[ReportedRun]) -> tuple[str, Figure]:
    rows = [(run.title, _scores_with_intervals(run)) for run in runs]
    floor = {}
    if below:
        floor = {short: below[0].summary[name]["pooled"] for name, short in SHORT.items()}
    spoken = "; ".join(
        f"{title}: " + ", ".join(f"{short} {scores[short][0]:.1%}" for short in scores)
        for title, scores in rows
    )
    return f"Pooled accuracies with 95 % intervals. {spoken}.", interval_figure(rows, floor)


def _scores_with_intervals(run: ReportedRun) -> dict[str, WithInterval]:
    confusions = speaker_confusions(run.predictions)[1]
    return {
        short: (run.summary[name]["pooled"], bootstrap_interval(confusions, name))
        for name, short in SHORT.items()
    }


def _confusions(runs: Sequence[ReportedRun]) -> tuple[str, Figure]:
    emotions = runs[0].identity["emotions"]
    matrices = {run.title: np.array(run.summary["confusion_matrix"]) for run in runs}
    spoken = "; ".join(f"{title}: {_largest_mistake(m, emotions)}" for title, m in matrices.items())
    alt = f"Confusion matrices of all test utterances; rows true, columns predicted. {spoken}."
    return alt, confusion_figure(matrices, emotions)


def _largest_mistake(matrix: np.ndarray, emotions: Sequence[str]) -> str:
    wrong = matrix * (1 - np.eye(len(matrix), dtype=int))
    if not wrong.any():
        return "no mistakes"
    true, predicted = np.unravel_index(wrong.argmax(), wrong.shape)
    return f"most often {emotions[true]} taken for {emotions[predicted]} ({wrong.max()})"


def _add_learning_curves(report: Report, picture: str, runs: Sequence[ReportedRun]) -> None:
    trained = {
        run.title: [(run.histories[r["fold"]], r["best_epoch"]) for r in run.results]
        for run in runs
        if all(result["fold"] in run.histories for result in run.results)
    }
    if trained:
        report.add("### Learning curves")
        chosen = "; ".join(
            f"{title}: epochs {', '.join(str(epoch) for _, epoch in folds)}"
            for title, folds in trained.items()
        )
        alt = f"UA on training and validation by epoch, and the chosen epochs. {chosen}."
        report.add_picture(f"{picture}-curves", alt, learning_curve_figure(trained))


def _speakers(runs: Sequence[ReportedRun]) -> tuple[str, Figure]:
    of_run = {}
    for run in runs:
        names, matrices = speaker_confusions(run.predictions)
        of_run[run.title] = dict(
            zip(names, accuracies(matrices, "weighted_accuracy").tolist(), strict=True)
        )
    spoken = "; ".join(
        f"{title}: {min(scores.values()):.0%} to {max(scores.values()):.0%}"
        for title, scores in of_run.items()
    )
    return f"WA of each speaker. {spoken}. The table below has the figures.", speaker_figure(of_run)

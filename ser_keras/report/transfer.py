"""What a system that was trained on some corpora scores on others: a matrix of corpora."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from data_pipeline.contract import EVALUATION, HEARD
from ser_keras.heard import UNHEARD
from ser_keras.report.figures import transfer_figure
from ser_keras.report.page import Report
from ser_keras.report.paper_table import TITLES
from ser_keras.report.reported_run import ReportedRun
from ser_keras.report.tables import NONE, escape, percent, table
from ser_keras.scores.accuracies import UNWEIGHTED, accuracies
from ser_keras.scores.groups import parts_by_group
from ser_keras.scores.predictions import Predictions
from ser_keras.scores.statistics import speaker_confusions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Of several protocols that fill a cell the first one here does; below the first three every voice
# may have been heard, which the cell says.
PREFERENCE = ("corpus", "speaker", EVALUATION, "given", "random")
OF_NEW_VOICES = PREFERENCE[:3]
IN_WORDS = (
    "Pooled UA in percent. Rows: what a system was trained on; columns: what it was tested on, by "
    "voices that it had not heard. The protocol and the number of utterances stand in the cell; "
    "*given* and *random* may test voices that were heard. A cell of an evaluation is of what the "
    "model has not heard, and *heard* where there is nothing such or the model does not know. "
    "Of several runs of a system the first fills a cell, whole runs before others."
)


@dataclass
class Cell:
    """What is known of a pair of corpora.

    Attributes:
        run: that the figure is of; one alone, since several would count an utterance twice.
        predictions: that it is of; none where all of it was heard.
    """

    run: ReportedRun
    predictions: list[Predictions] = field(default_factory=list)

    @property
    def accuracy(self) -> float | None:
        """Pooled UA in [0, 1]; None where everything was heard."""
        if not self.predictions:
            return None
        return float(accuracies(speaker_confusions(self.predictions)[1].sum(axis=0), UNWEIGHTED))

    def in_words(self) -> str:
        """The figure and its protocol."""
        if self.accuracy is None:
            return "heard"
        name = self.run.protocol
        protocol = name if name in OF_NEW_VOICES else f"*{name}*"
        utterances = sum(len(part.labels) for part in self.predictions)
        return f"{percent(self.accuracy)} ({protocol}, {utterances:,})"


# (trained on, tested on) -> what is known.
Matrix = dict[tuple[str, str], Cell]


def add_transfer(report: Report, runs: Sequence[ReportedRun]) -> None:
    """Add the matrices to a report that has runs across corpora."""
    matrices = transfer_matrices([run for run in runs if run.is_tested and _counts(run)])
    if not matrices:
        return
    report.add("## From corpus to corpus")
    report.add(IN_WORDS)
    report.add_picture("transfer", *_picture(matrices))
    for title, matrix in matrices.items():
        report.add(f"**{escape(title)}**")
        report.add(*matrix_table(matrix))


def _counts(run: ReportedRun) -> bool:
    """An evaluation may be of a fine-tuned model; a training that heard the test part may not."""
    return run.is_ranked or run.is_evaluation


def transfer_matrices(runs: Sequence[ReportedRun]) -> dict[str, Matrix]:
    """System -> its matrix, of those that were tested on a corpus that they were not trained on."""
    matrices: dict[str, Matrix] = {}
    for run in sorted(runs, key=lambda r: (PREFERENCE.index(r.protocol), not r.is_whole)):
        matrix = matrices.setdefault(_system(run), {})
        for result, part in zip(run.results, run.predictions, strict=True):
            trained, tested = (_names(result, key) for key in ("trained_on", "tested_on"))
            if "+" in tested:
                continue  # several corpora at once: what came from where is not known
            cell = matrix.get((trained, tested))
            if cell is None or not cell.predictions:
                cell = matrix[trained, tested] = Cell(run)
            if cell.run is run and (new := _unheard(run, part)) is not None:
                cell.predictions.append(new)
    return {title: m for title, m in matrices.items() if any(a != b for a, b in m)}


def _system(run: ReportedRun) -> str:
    normalised = run.identity["settings"].get("normalised_by", "train")
    own = ", each corpus normalised by itself" if normalised == "corpus" else ""
    return f"{TITLES.get(run.variant, run.variant)}{own}"


def _names(result: Mapping[str, Any], key: str) -> str:
    # Results of earlier versions are of one corpus.
    return "+".join(result.get(key) or [result["corpus"]])


def _unheard(run: ReportedRun, part: Predictions) -> Predictions | None:
    if not run.is_evaluation:
        return part
    return parts_by_group(part, HEARD).get(UNHEARD)


def matrix_table(matrix: Matrix) -> list[str]:
    """The matrix as a table."""
    rows, columns = _axes(matrix)
    lines = [
        [escape(r), *(matrix[r, c].in_words() if (r, c) in matrix else NONE for c in columns)]
        for r in rows
    ]
    return table(("trained on", *map(escape, columns)), lines)


def _axes(matrix: Matrix) -> tuple[list[str], list[str]]:
    """Rows, first those that stand for one corpus, and columns."""
    rows = sorted({trained for trained, _ in matrix}, key=lambda name: (name.count("+"), name))
    return rows, sorted({tested for _, tested in matrix})


def _picture(matrices: dict[str, Matrix]) -> tuple[str, Figure]:
    panels = {}
    for title, matrix in matrices.items():
        rows, columns = _axes(matrix)
        values = [[_value(matrix, r, c) for c in columns] for r in rows]
        panels[title] = (rows, columns, values)
    spoken = "; ".join(
        f"{title}, {trained} to {tested}: {cell.in_words()}"
        for title, matrix in matrices.items()
        for (trained, tested), cell in matrix.items()
    )
    return f"UA by corpora trained on and tested on. {spoken}.", transfer_figure(panels)


def _value(matrix: Matrix, trained: str, tested: str) -> float | None:
    cell = matrix.get((trained, tested))
    return cell.accuracy if cell else None

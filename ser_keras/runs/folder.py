"""The run folder: folds that are kept, results that stand alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from data_pipeline.contract import GROUPS, HEARD
from data_pipeline.rows import UtteranceRow
from ser_keras.runs.config import RunConfig
from ser_keras.runs.contents import is_tested
from ser_keras.runs.files import (
    CHECKPOINT_NAME,
    PREDICTIONS_NAME,
    RESULT_NAME,
    SUMMARY_NAME,
    fold_dir,
    read_json,
    read_predictions,
    write_json,
    write_predictions,
)
from ser_keras.runs.outcome import AdaptedPart, FoldOutcome, ScoredPart, adapted_to_json
from ser_keras.scores.accuracies import SHORT, score_predictions
from ser_keras.scores.groups import parts_by_group
from ser_keras.scores.predictions import Predictions
from ser_keras.scores.strangers import strangers_of_folds
from ser_keras.scores.summary import summarise, summarise_untested

# Libraries whose version may change the numbers of a result.
LIBRARIES = ("tensorflow", "keras", "numpy", "scikit-learn", "opensmile", "librosa")


# --- Folds ---


def is_finished(run_dir: Path, number: int, tested: bool = False) -> bool:
    """Whether a fold is whole: result.json is written last.

    Args:
        run_dir: the run folder.
        number: the fold.
        tested: whether its test part is to be scored, too.
    """
    path = fold_dir(run_dir, number) / RESULT_NAME
    return path.exists() and (not tested or is_tested(read_json(path)))


@dataclass(frozen=True, kw_only=True)
class FoldDetails:
    """What else a result.json says of a fold.

    Attributes:
        held_out: what the test part is, for people.
        num_frames: timesteps of the (narrow, wide) spectrogram; None for an SVM.
        parameters: every number that is saved with the model.
        cores: processors that the training might use; None where that says nothing.
        utterances: part -> number of utterances.
        trained_on, tested_on: names of the corpora that the training part and the test part are
            from.
        left_out: of an evaluation: emotion that the model does not know -> utterances.
        unspoken: of an evaluation: emotions of the model that the corpus does not have.
        heard: of an evaluation: whether it is "known" what the model has heard, and the "scores"
            of what it has and has not.
        heard_by_init: of a run that went on from another model: how many "recordings" and "voices"
            of the test part that one was trained on.
    """

    held_out: str
    num_frames: tuple[int, int] | None = None
    parameters: int
    cores: int | None = None
    utterances: Mapping[str, int]
    trained_on: Sequence[str]
    tested_on: Sequence[str]
    left_out: Mapping[str, int] | None = None
    unspoken: Sequence[str] | None = None
    heard: Mapping[str, object] | None = None
    heard_by_init: Mapping[str, int] | None = None

    def to_json(self) -> dict[str, object]:
        """Ready for JSON; what does not apply is left out."""
        return {name: value for name, value in vars(self).items() if value is not None}


def finish_fold(
    run_dir: Path,
    number: int,
    config: RunConfig,
    outcome: FoldOutcome,
    rows: Sequence[UtteranceRow],
    details: FoldDetails,
    heard: Sequence[str] | None = None,
) -> dict:
    """Write predictions.csv, then result.json, which marks the fold as whole.

    Args:
        run_dir: the run folder.
        number: the fold.
        config: the resolved configuration of the run.
        outcome: what training came to; without a test part there is no predictions.csv.
        rows: the test utterances, in the order of the labels of the outcome.
        details: more for result.json.
        heard: how the model has heard each of the rows before; None where nobody looked.

    Returns:
        The content of result.json, complete by itself.
    """
    result = {
        **config.to_json(),
        "fold": number,
        **details.to_json(),
        "versions": library_versions(),
        **outcome.to_json(),
    }
    return _write_result(run_dir, result, outcome.test, rows, heard)


def finish_test(
    run_dir: Path,
    number: int,
    test: ScoredPart,
    calibration: Mapping | None,
    rows: Sequence[UtteranceRow],
    adapted: Mapping[str, AdaptedPart],
) -> dict:
    """Add the figures of the test part to a fold that was finished without them.

    Args:
        run_dir: the run folder.
        number: the fold.
        test: what the kept weights say about the test part.
        calibration: what the calibration does there, as `scores.calibration` gives it; None for
            a model that was not calibrated.
        rows: the test utterances, in the order of the labels.
        adapted: what they say with profiles of the voices.

    Returns:
        The new content of result.json.
    """
    result = read_json(fold_dir(run_dir, number) / RESULT_NAME)
    result |= {"calibration": calibration} if calibration is not None else {}
    result |= {"tested": True, **test.to_json()}
    result |= adapted_to_json(adapted)
    return _write_result(run_dir, result, test, rows)


def _write_result(
    run_dir: Path,
    result: dict,
    test: ScoredPart | None,
    rows: Sequence[UtteranceRow],
    heard: Sequence[str] | None = None,
) -> dict:
    directory = fold_dir(run_dir, result["fold"])
    if test:
        predictions = Predictions(
            utterance_ids=tuple(row.utterance_id for row in rows),
            speakers=tuple(row.speaker for row in rows),
            fold=result["fold"],
            emotions=tuple(result["emotions"]),
            labels=test.labels,
            probabilities=test.probabilities,
            groups={name: tuple(getattr(row, name) for row in rows) for name in GROUPS}
            | ({HEARD: tuple(heard)} if heard is not None else {}),
        )
        write_predictions(directory / PREDICTIONS_NAME, predictions)
        if len(set(predictions.groups["corpus"])) > 1:
            of_corpora = parts_by_group(predictions, "corpus")
            result["by_corpus"] = {name: _scores(part) for name, part in of_corpora.items()}
    write_json(directory / RESULT_NAME, result)
    (directory / CHECKPOINT_NAME).unlink(missing_ok=True)
    return result


def _scores(part: Predictions) -> dict[str, object]:
    """What a result says of a part of the test part."""
    scores = score_predictions(part.labels, part.probabilities, part.emotions)
    return {"utterances": len(part.labels), **scores.to_json()}


def library_versions() -> dict[str, str]:
    """Versions of what computed a result."""
    return {"python": python_version()} | {name: version(name) for name in LIBRARIES}


# --- The folds together ---


def finished_results(run_dir: Path, num_folds: int) -> list[dict]:
    """result.json of every finished fold, in order."""
    return [
        read_json(fold_dir(run_dir, number) / RESULT_NAME)
        for number in range(num_folds)
        if is_finished(run_dir, number)
    ]


def best_validated_fold(run_dir: Path, num_folds: int) -> Path:
    """The folder of the fold with the highest UA on its validation part, never on its test part."""
    best = max(
        finished_results(run_dir, num_folds),
        key=lambda result: result["validation"]["unweighted_accuracy"],
    )
    return fold_dir(run_dir, best["fold"])


def write_summary(run_dir: Path, num_folds: int) -> dict:
    """Write summary.json over the folds finished so far, and return it.

    Where one fold or more were tested, it is of those; else it holds the validation figures.
    """
    results = finished_results(run_dir, num_folds)
    tested = [result for result in results if is_tested(result)]
    summary = summarise(tested, num_folds) if tested else summarise_untested(results, num_folds)
    if len(tested) == num_folds:
        paths = (fold_dir(run_dir, result["fold"]) / PREDICTIONS_NAME for result in tested)
        if found := strangers_of_folds(tested, list(map(read_predictions, paths))):
            summary["strangers"] = found
    write_json(Path(run_dir) / SUMMARY_NAME, summary)
    return summary


def summary_in_words(summary: Mapping) -> str:
    """A summary as people read it, the protocol first."""
    finished, total = summary["folds_finished"], summary["folds_total"]
    head = f"protocol {summary['protocol']}, {finished} of {total} folds"
    if not is_tested(summary):
        lines = [
            f"  {SHORT[n]} {_spread(s)} on validation" for n, s in summary["validation"].items()
        ]
        return "\n".join([f"{head}, test parts not read", *lines])
    lines = [_score_line(summary, name) for name in SHORT]
    absent = (_absent_line(*item) for item in summary["absent_emotions"].items())
    adapted = (_adapted_line(*item) for item in summary.get("adapted", {}).items())
    strangers = (_strangers_line(*item) for item in summary.get("strangers", {}).items())
    return "\n".join([head, *lines, *adapted, *strangers, *absent])


def _strangers_line(kind: str, calibration: Mapping) -> str:
    found = calibration["cross_fitted"]
    share = f"{found['right'] / found['answered']:.1%}" if found["answered"] else "none"
    return (
        f"  {kind.replace('_', ' ')}: {found['answered']} of {found['utterances']} answers to "
        f"unheard voices are not called unsure, {share} of them right (at least "
        f"{found['lower_bound']:.1%})"
    )


def _adapted_line(number: str, scores: Mapping) -> str:
    figures = ", ".join(
        f"{SHORT[name]} {_spread(scores[name])} (pooled {scores[name]['pooled']:.1%})"
        for name in SHORT
    )
    return f"  adapted to each tested voice by {number} of its other recordings: {figures}"


def _score_line(summary: Mapping, name: str) -> str:
    score, optimistic = summary[name], summary["optimistic"]
    line = f"  {SHORT[name]} {_spread(score)} (pooled {score['pooled']:.1%})"
    if optimistic is None:  # nobody watched the test part during training
        return line
    claimed = f"{optimistic[name]['mean']:.1%}"
    return f"{line}; the best epoch on the test part would have claimed {claimed}"


def _spread(score: Mapping) -> str:
    deviation = score["sample_standard_deviation"]
    return f"{score['mean']:.1%}" + ("" if deviation is None else f" +- {deviation:.1%}")


def _absent_line(fold: str, emotions: Sequence[str]) -> str:
    return (
        f"  fold {fold} tests no {', '.join(emotions)}: its UA is the mean over the other "
        "emotions; the pooled scores are over all that were tested"
    )

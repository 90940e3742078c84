"""The run folder: settings that never mix, folds that are kept, results that stand alone."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from data_pipeline.rows import UtteranceRow
from ser_keras.errors import SerError
from ser_keras.scores.accuracies import summarise
from ser_keras.runs.files import CHECKPOINT_NAME, Predictions, write_json, write_predictions


def open_run(run_dir: Path, config: Mapping) -> None:
    """Begin a run, or go on with one of the same settings.

    Raises:
        SerError: The folder holds a run with other settings.
    """
    path = Path(run_dir) / "config.json"
    config = json.loads(json.dumps(config))  # as it reads back: tuples are lists
    if path.exists():
        differing = _differing(_read_json(path), config)
        if differing:
            raise SerError(
                f"{run_dir}: holds a run with other settings ({'; '.join(differing)}), expected "
                "the same: put this run elsewhere, or remove that folder to start over"
            )
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, config)


def _differing(old: Mapping, new: Mapping, prefix="") -> list[str]:
    lines = []
    for name in sorted(old.keys() | new.keys()):
        before, now = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            lines += _differing(before, now, f"{prefix}{name}.")
        elif before != now:
            lines.append(f"{prefix}{name}: there {before}, here {now}")
    return lines


def fold_dir(run_dir: Path, number: int) -> Path:
    """The folder of one fold."""
    return Path(run_dir) / f"fold_{number}"


def is_finished(run_dir: Path, number: int) -> bool:
    """Whether a fold is whole: result.json is written last."""
    return (fold_dir(run_dir, number) / "result.json").exists()


def finish_fold(
    run_dir: Path,
    number: int,
    config: Mapping,
    outcome: Mapping,
    rows: Sequence[UtteranceRow],
    details: Mapping,
) -> dict:
    """Write predictions.csv, then result.json, which marks the fold as whole.

    Args:
        run_dir: The run folder.
        number: The fold.
        config: The resolved configuration of the run.
        outcome: What `fit_fold` returned.
        rows: utterance_id and speaker of each test utterance, in the order of its labels.
        details: More for result.json: counts of the parts, parameters, the held-out group.

    Returns:
        The content of result.json, complete by itself.
    """
    directory = fold_dir(run_dir, number)
    write_predictions(
        directory / "predictions.csv",
        Predictions(
            tuple(row.utterance_id for row in rows),
            tuple(row.speaker for row in rows),
            number,
            tuple(config["emotions"]),
            np.asarray(outcome["labels"]),
            outcome["probabilities"],
        ),
    )
    measured = ("best_epoch", "last_epoch", "seconds_per_epoch", "validation")
    result = {
        **config,
        "fold": number,
        **details,
        **{name: outcome[name] for name in measured},
        **outcome["scores"],
        "optimistic": outcome["optimistic"],
    }
    write_json(directory / "result.json", result)
    (directory / CHECKPOINT_NAME).unlink(missing_ok=True)
    return result


def finished_results(run_dir: Path, num_folds: int) -> list[dict]:
    """result.json of every finished fold, in order."""
    return [
        _read_json(fold_dir(run_dir, number) / "result.json")
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
    """Write summary.json over the folds finished so far, and return it."""
    summary = summarise(finished_results(run_dir, num_folds), num_folds)
    write_json(Path(run_dir) / "summary.json", summary)
    return summary


def in_words(summary: Mapping) -> str:
    """A summary as people read it, the protocol first."""
    finished, total = summary["folds_finished"], summary["folds_total"]
    lines = [f"protocol {summary['protocol']}, {finished} of {total} folds"]
    for name, short in (("weighted_accuracy", "WA"), ("unweighted_accuracy", "UA")):
        score, optimistic = summary[name], summary["optimistic"][name]
        deviation = score["sample_standard_deviation"]
        spread = "" if deviation is None else f" +- {deviation:.1%}"
        lines.append(
            f"  {short} {score['mean']:.1%}{spread} (pooled {score['pooled']:.1%}); the best epoch "
            f"on the test part would have claimed {optimistic['mean']:.1%}"
        )
    return "\n".join(lines + [_absent_line(*item) for item in summary["absent_emotions"].items()])


def _absent_line(fold: str, emotions: Sequence[str]) -> str:
    return (
        f"  fold {fold} tests no {', '.join(emotions)}: its UA is the mean over the other "
        "emotions; the pooled scores are over all that were tested"
    )


def _read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SerError(
            f"{path}: cannot be read ({error}), expected JSON as train.py writes it: remove the "
            "folder and run again"
        ) from error

"""Packed runs: the same reports from a few files, none from files that contradict each other."""

import csv
import json
import shutil

import numpy as np
import pytest
from made_runs import write_run

from ser_keras.__main__ import main
from ser_keras.errors import SerError
from ser_keras.runs.contents import read_run_folder
from ser_keras.runs.packed import is_packed, pack_run, read_packed_run


def report_files(out, *directories):
    """Every file of a report, by name."""
    assert main(["report", *map(str, directories), "--out", str(out)]) == 0
    return {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"folds": (1,), "summary": False},
        {"folds": (0,), "untested": (1,)},
        {"folds": (), "untested": (0, 1)},
        {"watched": False},
    ],
)
def test_a_packed_run_gives_the_same_report(tmp_path, changes):
    folder = write_run(tmp_path / "run", **changes)
    other = write_run(tmp_path / "other", 0.6, variant="ds_lstm")
    packed = pack_run(folder, tmp_path / "packed" / "run")
    assert is_packed(packed) and not is_packed(folder)
    expected = report_files(tmp_path / "a", folder, other)
    assert report_files(tmp_path / "b", packed, other) == expected


def test_a_packed_run_holds_every_figure_of_its_folds(tmp_path):
    folder = write_run(tmp_path / "run")
    history = folder / "fold_1" / "history.csv"
    with history.open(newline="") as file:
        header, *rows = csv.reader(file)
    with history.open("w", newline="") as file:  # as of a fold that was tested in every epoch
        csv.writer(file).writerows([[*header, "optimistic"], *([*row, "0.5"] for row in rows)])
    packed = pack_run(folder, tmp_path / "packed")
    assert sorted(path.name for path in packed.iterdir()) == [
        "history.csv",
        "predictions.csv",
        "run.json",
    ]
    content = json.loads((packed / "run.json").read_text())
    assert content["config"] == json.loads((folder / "config.json").read_text())
    assert content["folds_total"] == 2
    for number, result in enumerate(content["results"]):
        assert result == json.loads((folder / f"fold_{number}" / "result.json").read_text())
    texts = [(folder / f"fold_{n}" / "predictions.csv").read_text() for n in (0, 1)]
    lines = texts[0].splitlines() + texts[1].splitlines()[1:]
    assert (packed / "predictions.csv").read_text().splitlines() == lines
    with (packed / "history.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header[:2] == ["fold", "epoch"] and header[-1] == "optimistic"
    assert [row[:2] for row in rows] == [[str(f), str(e)] for f in (0, 1) for e in range(1, 7)]
    assert [row[-1] for row in rows] == [""] * 6 + ["0.5"] * 6
    read, expected = read_packed_run(packed), read_run_folder(folder)
    assert (read.results, read.num_folds) == (expected.results, expected.num_folds)
    for number, columns in expected.histories.items():
        for name, values in columns.items():
            np.testing.assert_array_equal(read.histories[number][name], values)


def test_packing_again_replaces_what_was_there(tmp_path):
    packed = pack_run(write_run(tmp_path / "run"), tmp_path / "packed")
    pack_run(write_run(tmp_path / "untested", folds=(), untested=(0, 1)), packed)
    assert sorted(path.name for path in packed.iterdir()) == ["history.csv", "run.json"]
    assert not read_packed_run(packed).predictions


def edit_json(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def edit_lines(path, change):
    path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines())))


def without_fold_1(lines):
    return lines[:1] + [line for line in lines[1:] if line.split(",")[2] != "1"]


def wrong_answers(lines):
    return [line.replace(",angry,angry,", ",sad,angry,", 1) for line in lines]


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        ("run.json", lambda c: c.pop("folds_total"), "cannot be read as a run"),
        ("run.json", lambda c: c.update(results=[]), "has results without a fold"),
        ("run.json", lambda c: c.update(folds_total=1), "has results of the folds 0, 1 of 1"),
        ("run.json", lambda c: c["results"].reverse(), "has results of the folds 1, 0 of 2"),
        ("run.json", lambda c: c["config"].update(seed=9), "has results whose seed is not that"),
        ("run.json", lambda c: c["results"][0].update(corpus="x"), "whose corpus is not that"),
        ("run.json", lambda c: c["results"][0].pop("optimistic"), "has results without optimistic"),
        ("run.json", lambda c: c["results"].pop(), "predictions.csv: has the folds 0, 1, expected"),
        (
            "run.json",
            lambda c: c["results"][1].update(
                tested=False, validation={"weighted_accuracy": 1, "unweighted_accuracy": 1}
            ),
            "predictions.csv: has the folds 0, 1, expected 0 as in run.json",
        ),
        ("predictions.csv", without_fold_1, "has the folds 0, expected 0, 1 as in run.json"),
        ("predictions.csv", wrong_answers, "another confusion matrix than run.json for fold 0"),
        ("predictions.csv", lambda lines: lines[:1], "has the folds none, expected 0, 1"),
        ("predictions.csv", None, "predictions.csv: cannot be read"),
        ("history.csv", lambda lines: [*lines, "7,1,0.5,0.5"], "has the folds 0, 1, 7, expected"),
        ("history.csv", lambda lines: [*lines, "x,1,0.5,0.5"], "history.csv: cannot be read"),
        ("history.csv", lambda lines: ["a,b", "1,2"], "history.csv: cannot be read"),
    ],
)
def test_files_that_contradict_each_other_are_refused_in_one_line(tmp_path, name, edit, message):
    packed = pack_run(write_run(tmp_path / "run"), tmp_path / "packed")
    if edit is None:
        (packed / name).unlink()
    else:
        (edit_json if name == "run.json" else edit_lines)(packed / name, edit)
    with pytest.raises(SerError, match=message) as caught:
        read_packed_run(packed)
    assert str(packed) in str(caught.value) and "\n" not in str(caught.value)


def test_a_run_folder_that_contradicts_itself_is_not_packed(tmp_path):
    folder = write_run(tmp_path / "run")
    shutil.copy(folder / "fold_0" / "predictions.csv", folder / "fold_1")
    with pytest.raises(SerError, match="another confusion matrix than result.json"):
        pack_run(folder, tmp_path / "packed")
    shutil.rmtree(folder / "fold_1")
    edit_json(folder / "config.json", lambda config: config.update(variant="base_1"))
    with pytest.raises(SerError, match="whose variant is not that of the configuration"):
        pack_run(folder, tmp_path / "packed")
    assert not (tmp_path / "packed").exists()
    with pytest.raises(SerError, match="is the run folder itself"):
        pack_run(folder, folder)

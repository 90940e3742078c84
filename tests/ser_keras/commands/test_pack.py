"""`python -m ser_keras pack`: what it writes where, and what it refuses."""

import pytest
from made_runs import write_run

from data_pipeline.command_line import run_command
from ser_keras.commands import pack


def call(*arguments):
    return run_command("pack", pack, list(map(str, arguments)))


def test_each_run_gets_a_folder_of_its_name(tmp_path, capsys):
    runs = [write_run(tmp_path / name, seed=seed) for seed, name in enumerate(("one", "two"))]
    out = tmp_path / "out"
    assert call(*runs, "--out", out) == 0
    assert capsys.readouterr().out.splitlines() == [str(out / "one"), str(out / "two")]
    assert (out / "one" / "run.json").exists() and (out / "two" / "history.csv").exists()


def test_two_runs_of_one_name_are_a_usage_error(tmp_path, capsys):
    runs = [write_run(tmp_path / name) for name in ("one", "two")]
    (tmp_path / "other").mkdir()
    with pytest.raises(SystemExit) as caught:
        call(*runs, tmp_path / "other" / "one", "--out", tmp_path / "out")
    assert caught.value.code == 2
    assert "several runs called one" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_is_no_run_is_one_line(tmp_path, capsys):
    assert call(tmp_path, "--out", tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "no finished fold there" in error
    assert error.count("\n") == 1


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["run.json", "predictions.csv", "history.csv", "take1.wav"])
def test_what_packing_did_not_write_is_not_replaced(tmp_path, capsys, name):
    run, out = write_run(tmp_path / "run"), tmp_path / "out"
    (out / "run").mkdir(parents=True)
    (out / "run" / name).write_text("mine")
    before = contents(out)
    assert call(run, "--out", out) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {out / 'run'}: holds {name}, expected a new folder")
    assert error.count("\n") == 1
    assert contents(out) == before


def test_a_table_of_somebody_elses_in_a_packed_run_is_not_replaced(tmp_path, capsys):
    run, out = write_run(tmp_path / "run"), tmp_path / "out"
    assert call(run, "--out", out) == 0
    (out / "run" / "README.md").write_text("mine")
    assert call(run, "--out", out) == 0  # what is only beside it does not matter
    (out / "run" / "history.csv").write_text("date,what happened\n1918,peace\n")
    before = contents(out)
    assert call(run, "--out", out) == 1
    assert "holds history.csv, expected" in capsys.readouterr().err
    assert contents(out) == before


def test_packing_that_was_killed_is_done_again(tmp_path):
    run, out = write_run(tmp_path / "run"), tmp_path / "out"
    assert call(run, "--out", out) == 0
    whole = contents(out)
    (out / "run" / "run.json").unlink()
    (out / "run" / ".run.json.123.partial").write_text("{")
    assert call(run, "--out", out) == 0
    (out / "run" / ".run.json.123.partial").unlink()
    assert contents(out) == whole


def test_a_place_that_is_a_file_is_one_line(tmp_path, capsys):
    run = write_run(tmp_path / "run")
    (tmp_path / "file").write_text("mine")
    assert call(run, "--out", tmp_path / "file") == 1
    error = capsys.readouterr().err
    assert "cannot be made" in error and error.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"

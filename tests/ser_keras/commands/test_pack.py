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

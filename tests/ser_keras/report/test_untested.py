"""Runs that were trained with --no-test, whole or in part, and those that were tested later."""

import json

import pytest
from made_runs import cells, write_run

from ser_keras.__main__ import main
from ser_keras.errors import SerError
from ser_keras.report.reading import read_runs
from ser_keras.report.sections import make_report

NO_RESULT = "on which the epoch was chosen, mean ± deviation over the folds: they compare recipes"


def report_text(*directories):
    return "\n".join(make_report(read_runs(directories)).lines)


def test_untested_runs_stand_in_a_table_of_their_own(tmp_path):
    text = report_text(
        write_run(tmp_path / "a"),
        write_run(tmp_path / "b", 0.9, folds=(), untested=(0, 1), variant="ds_lstm"),
        write_run(tmp_path / "c", 0.8, folds=(), untested=(0,), variant="base_1"),
    )
    tested, untested = text.split("### Not tested\n")
    untested, reading = untested.split("## How to read this")
    assert NO_RESULT in untested
    # 0.9 and 0.8 in the two folds: their deviation is 0.1 / sqrt(2).
    assert cells(untested, "DS-LSTM")[1:] == ["2", "90.0 ± 0.0", "85.0 ± 7.1"]
    assert cells(untested, "Base 1 (MFCC)")[1:] == ["1 of 2", "80.0", "80.0"]
    assert "DS-LSTM" not in tested and "Base 1" not in tested and "Dual level" not in untested
    assert tested + "## How to read this" + reading == report_text(tmp_path / "a")


def test_a_report_about_untested_runs_alone_has_no_result(tmp_path):
    untested = {"folds": (), "untested": (0, 1)}
    run = write_run(tmp_path / "run", **untested)
    report = make_report(read_runs([run]))
    text = "\n".join(report.lines)
    assert "No run was tested: there is no result here." in text
    assert "test utterances" not in text and "pooled" not in text and "](#" not in text
    assert text.count("### ") == 1 and NO_RESULT in text
    assert not report.pictures
    assert main(["report", str(run), "--out", str(tmp_path / "out")]) == 0
    assert "<h3" in (tmp_path / "out" / "report.html").read_text()


def test_each_protocol_has_its_untested_runs(tmp_path):
    text = report_text(
        write_run(tmp_path / "a", protocol="random"),
        write_run(tmp_path / "b", folds=(), untested=(0, 1), protocol="speaker"),
    )
    speaker, random = text.split("## Protocol ")[1:]
    assert "### Not tested" in speaker and "### Speakers" not in speaker
    assert "### Not tested" not in random and "### Speakers" in random


def test_a_run_tested_in_part_is_reported_with_its_tested_folds(tmp_path):
    mixed = write_run(tmp_path / "mixed", folds=(0,), untested=(1,))
    text = report_text(mixed)
    alone = report_text(write_run(tmp_path / "alone", folds=(0,)))
    note = "- Dual level: 1 of 2 folds are tested, fold 1 trained only (`--no-test`); its figures"
    assert note in text and "### Not tested" not in text
    assert text.replace("tested, fold 1 trained only (`--no-test`)", "finished") == alone


def test_what_was_not_watched_is_not_claimed(tmp_path):
    watched = write_run(tmp_path / "a", 0.7)
    later = write_run(tmp_path / "b", 0.8, watched=False, variant="ds_lstm")
    text = report_text(watched, later)
    claims = text.split("### What choosing the epoch")[1]
    row = cells(claims, "DS-LSTM")
    assert row[3:5] == row[6:8] == ["–", "–"] and row[8] == "3–5 of 6"
    gap = next(line for line in claims.splitlines() if line.startswith("The same trainings"))
    alone = report_text(watched)
    assert gap in alone
    assert "The same trainings" not in report_text(later)
    assert cells(text, "DS-LSTM")[2] == "2"


def test_titles_tell_tested_and_untested_runs_of_one_system_apart(tmp_path):
    write_run(tmp_path / "a")
    write_run(tmp_path / "b", folds=(), untested=(0, 1), seed=1)
    titles = [run.title for run in read_runs([tmp_path / "a", tmp_path / "b"])]
    assert titles == ["Dual level", "Dual level, seed 1"]


def test_an_untested_fold_without_validation_figures_is_refused(tmp_path):
    directory = write_run(tmp_path / "run", folds=(), untested=(0,))
    path = directory / "fold_0" / "result.json"
    result = json.loads(path.read_text())
    for validation, message in (({"loss": 1}, "has no validation.weighted"), (None, "be read")):
        path.write_text(json.dumps(result | {"validation": validation}))
        with pytest.raises(SerError, match=message) as caught:
            read_runs([directory])
        assert "\n" not in str(caught.value)


def test_a_protocol_that_is_not_known_is_refused_not_published(tmp_path):
    directory = write_run(tmp_path / "run", protocol="moon")
    with pytest.raises(
        SerError, match="protocol moon, expected speaker or random or given or corpus"
    ):
        read_runs([directory])

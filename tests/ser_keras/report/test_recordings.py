"""Runs of other recordings are no opponents: what tells them apart, also in older runs."""

import json

import made_runs
import pytest
from made_runs import write_run

from ser_keras.__main__ import main
from ser_keras.errors import SerError
from ser_keras.report.reading import chapters_of, read_runs
from ser_keras.report.sections import make_report
from ser_keras.runs.packed import pack_run

NOTE = "compare the two only if you know that both folders hold the same recordings"


def older(run, utterances=None, without_data_key=False):
    """The run as a version wrote it that did not know the recordings."""
    for path in (run / "config.json", *run.glob("fold_*/result.json")):
        content = json.loads(path.read_text())
        content.pop("recordings_key")
        if without_data_key:
            content.pop("data_key")
        if path.name == "result.json" and utterances:
            content["utterances"] = utterances
        path.write_text(json.dumps(content))
    return run


def apart(*runs):
    """Why the second of two runs has a chapter of its own."""
    first, second = chapters_of(read_runs(runs))
    assert not first.apart
    assert all(str(run) in second.apart for run in runs)
    return second.apart


def report_text(*runs):
    return "\n".join(make_report(read_runs(runs)).lines)


def test_other_recordings_under_the_same_names_are_apart(tmp_path):
    """Nothing else differs: two manifests of the same names, speakers and emotions."""
    runs = [
        write_run(tmp_path / name, accuracy, data_key=name, recordings_key=name)
        for name, accuracy in (("one", 0.7), ("two", 0.6))
    ]
    assert "the recordings, their speakers or emotions differ" in apart(*runs)
    packed = [pack_run(run, tmp_path / "packed" / run.name) for run in runs]
    apart(*packed)
    command = ["report", *map(str, runs), "--out", str(tmp_path / "out")]
    assert main(command) == 0
    text = (tmp_path / "out" / "report.md").read_text()
    assert "stand by themselves: the recordings, their speakers or emotions differ" in text
    assert "### System against system" not in text


def test_any_two_of_many_runs_are_compared(tmp_path):
    """Each of the older run's neighbours may be of its recordings, but not both."""
    first = older(write_run(tmp_path / "a"))
    others = [write_run(tmp_path / n, recordings_key=n, variant="ds_lstm") for n in ("b", "c")]
    assert len(chapters_of(read_runs([first, others[0]]))) == 1
    apart(*others)
    together, alone = chapters_of(read_runs([first, *others]))
    assert (len(together.runs), len(alone.runs)) == (2, 1)


def test_other_features_of_the_same_recordings_are_compared(tmp_path):
    runs = [
        write_run(tmp_path / f"{n}", data_key=f"{n}", recordings_key="same", features={"n_fft": n})
        for n in (256, 512)
    ]
    assert NOTE not in report_text(*runs)


def test_older_runs_of_one_prepared_folder_are_compared(tmp_path):
    runs = [older(write_run(tmp_path / v, variant=v)) for v in ("dual_level", "ds_lstm")]
    new = write_run(tmp_path / "new", variant="base_1", recordings_key="known")
    assert NOTE not in report_text(*runs, new)


def test_older_runs_of_whole_and_half_a_corpus_are_apart(tmp_path):
    whole = older(write_run(tmp_path / "whole"), {"train": 60, "validation": 20, "test": 40})
    half = older(
        write_run(tmp_path / "half", data_key="half"), {"train": 30, "validation": 10, "test": 20}
    )
    assert "there are 120 and 60 utterances" in apart(whole, half)


def test_older_runs_that_tested_other_utterances_are_apart(tmp_path, monkeypatch):
    here = older(write_run(tmp_path / "here"))
    monkeypatch.setattr(made_runs, "LABELS", made_runs.LABELS[::-1].copy())
    there = older(write_run(tmp_path / "there", data_key="other"))
    assert "the emotion or the speaker of 'u" in apart(here, there)
    monkeypatch.undo()
    monkeypatch.setattr(made_runs, "NUM_UTTERANCES", 100)
    monkeypatch.setattr(made_runs, "LABELS", made_runs.LABELS[:100])
    fewer = older(write_run(tmp_path / "fewer", data_key="other"))
    assert "the tested utterances differ, first 'u100'" in apart(here, fewer)


def test_where_nobody_can_tell_the_report_says_so(tmp_path):
    one = older(write_run(tmp_path / "one"))
    two = older(write_run(tmp_path / "two", variant="ds_lstm", data_key="other"))
    assert NOTE in report_text(one, two)
    new = write_run(tmp_path / "new", variant="base_1", data_key="x", recordings_key="known")
    assert NOTE in report_text(one, new)
    nothing = older(write_run(tmp_path / "nothing", variant="base_1"), without_data_key=True)
    assert NOTE in report_text(one, nothing)


@pytest.mark.parametrize("key", ["data_key", "recordings_key", "variant", "seed"])
def test_folds_of_two_runs_in_one_folder_are_refused(tmp_path, key):
    run = write_run(tmp_path / "run", recordings_key="known")
    path = run / "fold_1" / "result.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {key: 7 if key == "seed" else "other"}))
    with pytest.raises(SerError, match=rf"its folds are of different runs \({key} differs\)"):
        read_runs([run])

"""The rehearsal of a million, with a few hundred: every step runs, and no work is quadratic."""

import pytest

from benchmarks import million
from data_pipeline.records import preparing
from data_pipeline.records.prepared import load_prepared
from data_pipeline.splits import folds, leakage


class CountedRow:
    """A row that counts how often a column of any row is looked at."""

    looks = 0

    def __init__(self, row):
        self._row = row

    def __getattr__(self, name):
        CountedRow.looks += 1
        return getattr(self._row, name)


@pytest.fixture(autouse=True)
def extractors(monkeypatch):
    """The rehearsal exchanges them."""
    monkeypatch.setattr(preparing, "EXTRACTORS", {"opensmile": million.made_up_outcomes})


def looks_by_row(folder, size, protocol):
    """How often each row is looked at to make the folds of a protocol and to audit them."""
    million.make_files(folder, size)
    million.preparing(folder, size)()
    rows = [CountedRow(row) for row in load_prepared(folder / "prepared").utterances]
    CountedRow.looks = 0
    made = folds.assign_folds(rows, protocol, "speaker", 0, emotions=million.EMOTIONS)
    leakage.audit(rows, made, protocol)
    return CountedRow.looks / size


@pytest.mark.parametrize("protocol", ["speaker", "random", "given", "corpus"])
def test_folds_and_audit_look_at_each_row_as_often_whatever_the_size(
    protocol, tmp_path, monkeypatch
):
    monkeypatch.setattr(million, "OF_A_SPEAKER", 10)
    small = looks_by_row(tmp_path / "small", 300, protocol)
    assert looks_by_row(tmp_path / "large", 1200, protocol) < 1.2 * small


def test_every_step_of_the_rehearsal_runs(tmp_path, capsys):
    million.make_files(tmp_path, 600)
    result = {600: {step: million.measured(step, tmp_path, 600) for step in million.STEPS}}
    assert all(one["gigabytes"] > 0 for one in result[600].values())
    assert "prepare, nothing to do" in million.in_words(result)
    assert "already prepared" in capsys.readouterr().err

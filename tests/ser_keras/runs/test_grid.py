"""Names, durations and the estimate of the time left; commands/test_train.py runs real grids."""

import json
from types import SimpleNamespace

import pytest

from ser_keras.runs.grid import Run, duration, seconds_left


def make_run(tmp_path, variant, *fold_seconds):
    """A run of two-epoch folds that took so many seconds each."""
    for number, seconds in enumerate(fold_seconds):
        folder = tmp_path / variant / f"fold_{number}"
        folder.mkdir(parents=True)
        result = {"seconds_per_epoch": seconds / 2, "last_epoch": 2}
        (folder / "result.json").write_text(json.dumps(result))
    return Run(tmp_path / variant, SimpleNamespace(variant=variant), 5, range(5))


def test_a_fold_lasts_as_long_as_those_of_its_variant_or_of_all(tmp_path):
    quick, slow = make_run(tmp_path, "base_1", 10, 20), make_run(tmp_path, "dual_level", 90)
    new = make_run(tmp_path, "base_2")
    jobs = [(quick, 2), (quick, 3), (slow, 1), (new, 0)]
    assert seconds_left([quick, slow, new], jobs) == pytest.approx(15 + 15 + 90 + 40)
    assert seconds_left([quick], []) == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (89, "89 s"),
        (91, "2 min"),
        (3569, "59 min"),
        (3570, "1 h 00 min"),
        (3900, "1 h 05 min"),
        (90_000, "25 h 00 min"),
    ],
)
def test_durations_are_said_as_people_say_them(seconds, words):
    assert duration(seconds) == words

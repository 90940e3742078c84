"""Run folders: what is taken for one, what is refused, and that nothing of others is touched."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import pytest
from made_runs import make_config, write_run

from data_pipeline.rows import UtteranceRow
from ser_keras.errors import SerError
from ser_keras.runs.config import RunConfig, recordings_key
from ser_keras.runs.files import fold_dir, write_json
from ser_keras.runs.opening import holds_run, kept_apart, open_run, refuse_file, writing_into

CONFIG = make_config()


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_that_is_new_or_empty_becomes_a_run(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".config.json.12.partial").touch()  # killed in its first write
    for folder in (tmp_path / "a" / "b", tmp_path / "empty"):
        open_run(folder, CONFIG)
        assert holds_run(folder, CONFIG)
        open_run(folder, CONFIG)


@pytest.mark.parametrize(
    "name",
    ["fold_0/take1.wav", "summary.json", ".hidden", "fold_0/result.json", ".thesis.1.partial"],
)
def test_a_folder_of_somebody_elses_is_refused_and_stays_as_it_is(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(SerError, match="not empty and not a run folder") as caught:
        open_run(tmp_path, CONFIG)
    assert f"holds {name.split('/')[0]}" in str(caught.value)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("text", ['{"my": "own"}', "[1]", "3", "no json", '{"settings": 7}', ""])
def test_somebody_elses_config_json_is_no_run(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(SerError, match="expected") as caught:
        open_run(tmp_path, CONFIG)
    message = str(caught.value)
    assert str(tmp_path / "config.json") in message and "\n" not in message
    assert "remove" not in message
    assert (tmp_path / "config.json").read_text() == text


@pytest.mark.parametrize("text", ['{"my": "own"}', "[1]", "no json"])
def test_a_summary_of_ones_own_is_not_replaced(tmp_path, text):
    open_run(tmp_path, CONFIG)
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(SerError, match=r"summary.json: was not written by training"):
        open_run(tmp_path, CONFIG)
    assert (tmp_path / "summary.json").read_text() == text


def test_a_run_folder_that_is_a_file_is_refused(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for run_dir in (file, file / "run"):
        for check in (refuse_file, lambda run_dir: open_run(run_dir, CONFIG)):
            with pytest.raises(SerError, match=r"is a file|is there and no folder|cannot be made"):
                check(run_dir)
    refuse_file(tmp_path / "new" / "run")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(SerError, match="is there and no folder"):
        open_run(tmp_path / "link", CONFIG)
    assert file.read_text() == "mine"


def test_a_fold_with_something_foreign_is_refused_before_it_is_trained(tmp_path):
    open_run(tmp_path, CONFIG)
    write = fold_dir(tmp_path, 1) / "take1.wav"
    write.parent.mkdir()
    write.write_text("mine")
    folds = [fold_dir(tmp_path, number) for number in (0, 1)]
    with (
        pytest.raises(SerError, match=r"fold_1: holds take1.wav, which training did not write"),
        kept_apart({tmp_path: CONFIG}, folds),
    ):
        pass
    assert write.read_text() == "mine"
    (folds[1] / "result.json").write_text("{}")  # what is finished is not trained again
    with kept_apart({tmp_path: CONFIG}, folds):
        pass


LOCK = """
import sys
from pathlib import Path
from data_pipeline.files import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


@contextmanager
def locked_elsewhere(folder):
    """Another process has the lock of a folder."""
    command = [sys.executable, "-c", LOCK, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        yield
        process.stdin.close()


def test_a_fold_that_another_process_trains_is_refused_and_others_are_free(tmp_path):
    open_run(tmp_path, CONFIG)
    folds = [fold_dir(tmp_path, number) for number in (0, 1)]
    folds[0].mkdir()
    with locked_elsewhere(folds[0]):
        with (
            pytest.raises(SerError, match="fold_0: another process is training this fold; wait"),
            kept_apart({tmp_path: CONFIG}, folds),
        ):
            pass
        with kept_apart({tmp_path: CONFIG}, folds[1:]):
            pass
    with kept_apart({tmp_path: CONFIG}, folds):
        pass


def test_a_grid_of_more_folds_than_files_may_be_open_is_kept_apart(tmp_path):
    """In a process of its own, since the limit is one of the process."""
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from ser_keras.runs.opening import kept_apart\n"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))\n"
        "folds = [Path(sys.argv[1]) / f'fold_{n}' for n in range(100)]\n"
        "with kept_apart({}, folds): print(len(folds))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "100\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_a_read_only_run_folder_is_found_out_before_training(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", run], check=True)
    try:
        open_run(run, CONFIG)
        fold_dir(run, 0).mkdir()
        subprocess.run(["mount", "-o", "remount,ro", run], check=True)
        with (
            pytest.raises(SerError, match=r"fold_0: cannot be written to \(Read-only file system"),
            kept_apart({run: CONFIG}, [fold_dir(run, 0)]),
        ):
            pass
        with pytest.raises(SerError, match=r"cannot be made \(Read-only"):
            open_run(run / "other", CONFIG)
    finally:
        subprocess.run(["umount", run], check=True)


def test_what_cannot_be_written_is_named_with_what_to_do(tmp_path):
    file = tmp_path / "fold_0" / "history.csv"
    with (
        pytest.raises(SerError, match=r"history.csv: cannot be written \(No space left on device"),
        writing_into(tmp_path),
    ):
        raise OSError(28, "No space left on device", str(file))
    for other in (OSError(28, "stdout"), BrokenPipeError(), FileNotFoundError(2, "x", "/data/x")):
        with pytest.raises(type(other)) as caught, writing_into(tmp_path):
            raise other
        assert caught.value is other


# --- What the recordings are known by ---

ROWS = [
    UtteranceRow(utterance_id=f"u{n}", speaker=f"s{n % 2}", emotion="sad", audio_sha256=f"{n:x}")
    for n in range(4)
]


def test_the_key_of_the_recordings_changes_with_each_of_them_and_with_nothing_else():
    key = recordings_key(ROWS)
    assert recordings_key(ROWS[::-1]) == key
    longer = [replace(row, num_frames_narrow=7, duration_seconds=3.0) for row in ROWS]
    assert recordings_key(longer) == key
    for name in ("utterance_id", "speaker", "emotion", "audio_sha256"):
        assert recordings_key([replace(ROWS[0], **{name: "other"}), *ROWS[1:]]) != key
    assert recordings_key(ROWS[:2]) != key
    assert recordings_key([replace(ROWS[0], audio_sha256=""), *ROWS[1:]]) == ""


def test_a_run_that_is_older_than_the_key_goes_on(tmp_path):
    run = write_run(tmp_path / "run")
    content = json.loads((run / "config.json").read_text())
    content.pop("recordings_key")
    write_json(run / "config.json", content)
    known = RunConfig.from_json(content | {"recordings_key": recordings_key(ROWS)})
    open_run(run, known)
    assert holds_run(run, known)
    with pytest.raises(SerError, match="data_key: there made up, here other"):
        open_run(run, RunConfig.from_json(content | {"data_key": "other"}))

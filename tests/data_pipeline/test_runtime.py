"""What is set before TensorFlow starts, and what a user has set stays."""

import os
import subprocess
import sys

import pytest

from data_pipeline import runtime


@pytest.fixture
def nothing_set(monkeypatch):
    for name in runtime.THREADS:
        monkeypatch.delenv(name, raising=False)


def threads():
    return tuple(os.environ.get(name) for name in runtime.THREADS)


@pytest.mark.parametrize(
    ("cores", "expected"), [(1, ("1", "1")), (2, ("1", "2")), (3, (None, None)), (64, (None, None))]
)
def test_threads_are_set_on_small_machines_alone(nothing_set, monkeypatch, cores, expected):
    monkeypatch.setattr(runtime, "usable_cores", lambda: cores)
    runtime.use_small_threads()
    assert threads() == expected
    for name in runtime.THREADS:  # else they stay for the tests that follow
        monkeypatch.setenv(name, "")


@pytest.mark.parametrize("name", runtime.THREADS)
def test_one_number_of_the_users_own_is_enough_to_leave_both_alone(nothing_set, monkeypatch, name):
    monkeypatch.setattr(runtime, "usable_cores", lambda: 2)
    monkeypatch.setenv(name, "2")
    runtime.use_small_threads()
    assert sorted(filter(None, threads())) == ["2"]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no such thing")
def test_importing_ser_keras_sets_tensorflow_up():
    """In a process with one processor TensorFlow has one thread for each of its pools."""
    program = (
        "import os, ser_keras, tensorflow as tf\n"
        "tf.matmul(tf.ones((512, 512)), tf.ones((512, 512)))\n"
        "print(os.environ['TF_NUM_INTRAOP_THREADS'], os.environ['TF_NUM_INTEROP_THREADS'])"
    )
    core = min(os.sched_getaffinity(0))
    others = {name: value for name, value in os.environ.items() if name not in runtime.THREADS}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=others,
        capture_output=True,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        check=True,
    )
    assert done.stdout.split() == ["1", "1"]


# --- TensorFlow's notices ---

NOTICES = (
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    "I0000 00:00:1.2    6325 port.cc:153] oneDNN custom operations are on.\n"
)


def imported_quietly(folder, **variables):
    """What a process writes that imports the `tensorflow` of a folder."""
    program = "from data_pipeline.runtime import quiet_tensorflow as q; q(); import tensorflow"
    plain = {k: v for k, v in os.environ.items() if k not in ("TF_CPP_MIN_LOG_LEVEL", "PYTHONPATH")}
    return subprocess.run(
        [sys.executable, "-c", program],
        env=plain | ({"PYTHONPATH": str(folder)} if folder else {}) | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def made_up(folder, ending=""):
    (folder / "tensorflow.py").write_text(
        f"import os\nos.write(2, {(NOTICES + 'a fault of its own' + chr(10))!r}.encode())\n{ending}"
    )
    return folder


def test_notices_are_left_out_and_nothing_else(tmp_path):
    done = imported_quietly(made_up(tmp_path))
    assert (done.returncode, done.stderr) == (0, "a fault of its own\n")


def test_an_import_that_fails_says_why(tmp_path):
    done = imported_quietly(made_up(tmp_path, "raise ImportError('no such library')"))
    assert done.returncode == 1
    assert done.stderr.startswith("a fault of its own\n")
    assert "no such library" in done.stderr


def test_who_asks_for_notices_gets_them(tmp_path):
    done = imported_quietly(made_up(tmp_path), TF_CPP_MIN_LOG_LEVEL="0")
    assert done.stderr == NOTICES + "a fault of its own\n"


def test_tensorflow_itself_says_nothing():
    done = imported_quietly(None)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

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

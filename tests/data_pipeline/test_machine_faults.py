"""What a machine may lack: room, rights, locks, semaphores, memory. Real lacks, no mocks."""

import errno
import os
import re
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
import soundfile
from machines import NO_SHARED_MEMORY, READ_ONLY, run_on, run_without_locks

from data_pipeline.__main__ import main

PREPARE = [sys.executable, "-m", "data_pipeline", "prepare", "--corpus", "manifest"]
SMALL_DISK = """
mkdir {scratch}/disk && mount -t tmpfs -o size=200k none {scratch}/disk"""


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A manifest of twelve recordings."""
    folder = tmp_path_factory.mktemp("recordings")
    rows = ["path,emotion,speaker"]
    for number in range(12):
        path = folder / f"utt{number:02d}.wav"
        samples = np.random.default_rng(number).normal(0, 0.1, 6000 + 500 * number)
        soundfile.write(path, samples, 16000)
        rows.append(f"{path},{'sad' if number % 2 else 'angry'},s{number // 2 % 4}")
    (folder / "recordings.csv").write_text("\n".join(rows))
    return folder / "recordings.csv"


@pytest.fixture(scope="module")
def whole(table, tmp_path_factory):
    """Contents of the folder that a sound machine prepares."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert main([*PREPARE[3:], "--root", str(table), "--out", str(out), "--workers", "1"]) == 0
    return contents(out)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_one_line(done, *expected):
    """Exit code 1 and one line of error that says all that is expected, whatever came before."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    errors = [line for line in re.split("[\n\r]", done.stderr) if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    for words in expected:
        assert words in errors[0]


def test_a_full_disk_is_one_line_and_leaves_no_half_file(table, tmp_path):
    out = tmp_path / "disk" / "out"
    command = [*PREPARE, "--root", table, "--out", out, "--mfcc", "tensorflow"]
    done = run_on(SMALL_DISK, tmp_path, command, then=f"echo left: $(ls -A {out})")
    assert_one_line(done, f"{out}/records-0", "No space left on device", "make room")
    assert done.stdout.strip() == "left: settings.json"


def test_a_full_disk_at_the_metadata_names_that_file(table, whole, tmp_path):
    """After the records are written there is still something to write."""
    before, out = tmp_path / "before", tmp_path / "disk" / "out"
    before.mkdir()
    for name in whole.keys() - {"metadata.json"}:
        (before / name).write_bytes(whole[name])
    machine = (
        SMALL_DISK.replace("200k", "4m")
        + f"""
    cp -r {before} {out}
    dd if=/dev/zero of={{scratch}}/disk/filler bs=4k 2> /dev/null || true"""
    )
    command = [*PREPARE, "--root", table, "--out", out]
    done = run_on(machine, tmp_path, command, then=f"echo left: $(ls -A {out})")
    assert_one_line(done, f"{out}/metadata.json: No space left on device", "make room")
    assert "partial" not in done.stdout and "metadata" not in done.stdout


def test_without_semaphores_one_process_does_the_work(table, whole, tmp_path):
    command = [*PREPARE, "--root", table, "--out", tmp_path / "out", "--workers", "2"]
    done = run_on(NO_SHARED_MEMORY, tmp_path, command)
    assert done.returncode == 0, done.stderr
    assert "note: worker processes cannot be started (No such file or directory" in done.stderr
    assert "joblib" not in done.stderr
    assert contents(tmp_path / "out") == whole


def test_librosa_is_usable_where_only_temporary_files_may_be_written(tmp_path):
    use = "from data_pipeline.features.mel import band_weights; print(band_weights(256).shape)"
    look = f"ls {tmp_path}/tmp"
    done = run_on(READ_ONLY, tmp_path, [sys.executable, "-c", use], then=look, NUMBA_CACHE_DIR="")
    assert done.returncode == 0, done.stderr
    # The folder that numba got is gone with the process.
    assert done.stdout == "(129, 64)\n"


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_without_locks_the_work_is_done_and_a_line_says_so(error, tmp_path):
    work = f"""
from pathlib import Path
from data_pipeline.files import locked
with locked(Path({str(tmp_path)!r})):
    print("worked")
"""
    done = run_without_locks(error, work)
    assert (done.returncode, done.stdout) == (0, "worked\n"), done.stderr
    assert done.stderr.startswith(f"note: {tmp_path}: its file system has no locks (")
    assert done.stderr.count("\n") == 1


def test_a_folder_that_may_not_be_written_is_named(table, tmp_path):
    out = tmp_path / "tmp" / "out"
    machine = READ_ONLY + f"\nmkdir {out} && mount --bind {out} {out}"
    machine += f"\nmount -o remount,bind,ro {out}"
    command = [*PREPARE, "--root", table, "--out", out, "--mfcc", "tensorflow"]
    done = run_on(machine, tmp_path, command)
    assert_one_line(done, f"{out}/settings.json: Read-only file system; choose a place")


SCRIPT = """
from data_pipeline.corpora.catalogue import read_corpus
from data_pipeline.records.preparing import prepare

print("the script runs")
prepare(read_corpus("manifest", {table!r}), {out!r}, name={name!r}, workers=1,
        show_progress=False)
"""


def test_a_script_needs_no_main_guard(table, whole, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(table=str(table), out=str(tmp_path / "out"), name=table.stem))
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "the script runs\n"
    assert contents(tmp_path / "out") == whole


def test_a_worker_that_is_killed_is_replaced(table, whole, tmp_path):
    out = tmp_path / "out"
    command = [*PREPARE, "--root", str(table), "--out", str(out), "--workers", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline, workers = time.monotonic() + 60, []
    while not workers and time.monotonic() < deadline:
        children = psutil.Process(process.pid).children()
        workers = [child for child in children if "--multiprocessing-fork" in child.cmdline()]
    workers[0].kill()
    _, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    assert contents(out) == whole


# --- What a program prints goes nowhere ---

TOY = """
import argparse, sys
from data_pipeline.command_line import run_command
class Toy:
    HELP, EXAMPLE = "print", "toy"
    def add_arguments(self, parser): parser.add_argument("lines", type=int)
    def run(self, arguments):
        for number in range(arguments.lines): print("Müller", number)
        return 0
sys.exit(run_command("toy", Toy(), None))
"""


def run_toy(redirection, lines=3, **environment):
    """The program in a shell with its streams redirected; whether Python buffers them or not."""
    command = f'"{sys.executable}" -c "$0" {lines} {redirection}'
    return [
        subprocess.run(
            ["bash", "-o", "pipefail", "-c", command, TOY],
            capture_output=True,
            encoding="utf-8",
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered} | environment,
            check=False,
        )
        for unbuffered in ("", "1")
    ]


@pytest.mark.parametrize("lines", [3, 100_000])
def test_output_to_a_full_device_is_one_line(lines):
    for done in run_toy("> /dev/full", lines):
        assert_one_line(done, "error: standard output: No space left on device; make room")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("lines", [3, 100_000])
def test_a_reader_that_leaves_is_no_error(lines):
    for done in run_toy("| true", lines):
        assert done.stderr == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_a_terminal_cannot_show_is_escaped(encoding):
    for done in run_toy("| cat -v", PYTHONIOENCODING=encoding):
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("M\\xfcller 0" if encoding == "ascii" else "MM-|ller 0")


def test_closed_streams_do_no_harm():
    for redirection in (">&-", "2>&-", "<&- >&- 2>&-"):
        for done in run_toy(redirection):
            assert (done.returncode, done.stderr) == (0, "")


# --- One file, the whole machine ---


def test_a_file_that_takes_all_memory_is_rejected(tmp_path):
    """Twenty minutes at 48 kHz, where a process may have 300 MB more than it has."""
    long = tmp_path / "long.flac"
    with soundfile.SoundFile(long, "w", 48000, 2) as file:
        for number in range(20):
            tone = 0.1 * np.sin(np.arange(60 * 48000) * (0.01 + 0.001 * number))
            file.write(np.stack([tone, tone], axis=1))
    work = f"""
import resource, psutil
from pathlib import Path
from data_pipeline.corpora.corpus import Utterance
from data_pipeline.records.extracting import How, _extract_utterance
limit = psutil.Process().memory_info().vms + 300 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
path = Path({str(long)!r})
utterance = Utterance(utterance_id="long", path=path, emotion="sad", speaker="s")
print(_extract_utterance(utterance, How((256, 512), 1.0)).reason)
"""
    command = [sys.executable, "-c", work]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{long}: could not be processed (not enough memory: cut it")

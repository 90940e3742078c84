"""Machines that lack something, made for one command: real mounts and real errors of the kernel.

Each runs in a mount namespace of its own, so nothing outside is touched. Where the system does not
allow that, the test is skipped.
"""

import functools
import os
import platform
import struct
import subprocess
import sys

import pytest

# No semaphores: a /dev with nothing but what every program needs.
NO_SHARED_MEMORY = """
mkdir {scratch}/dev && mount -t tmpfs none {scratch}/dev
for name in null zero full random urandom; do
    touch {scratch}/dev/$name && mount --bind /dev/$name {scratch}/dev/$name
done
mount --rbind {scratch}/dev /dev"""
# A container that is not root's: only a folder for temporary files may be written.
READ_ONLY = """
mkdir {scratch}/tmp && mount -t tmpfs none {scratch}/tmp
mount -o remount,bind,ro /
export HOME=/nonexistent XDG_CACHE_HOME=/nonexistent TMPDIR={scratch}/tmp"""


def run_on(machine, scratch, command, then=":", **environment):
    """Run a command on such a machine; `then` is shell that looks at what is left."""
    script = f'set -e{machine.format(scratch=scratch)}\nset +e; "$@"; code=$?; {then}; exit $code'
    options = ["-m"] if os.geteuid() == 0 else ["-r", "-m"]
    if not _may_mount(tuple(options)):
        pytest.skip("this system allows no mounts of one's own")
    return subprocess.run(
        ["unshare", *options, "bash", "-c", script, "bash", *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


@functools.cache
def _may_mount(options):
    probe = ["unshare", *options, "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


# A filter of the kernel (seccomp): `flock` fails with this error, as on a network drive.
_FLOCK = {"x86_64": 73, "aarch64": 32}
WITHOUT_LOCKS = """
import ctypes, struct, sys
number, error = int(sys.argv.pop(1)), int(sys.argv.pop(1))
rows = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50000 | error), (6, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *row) for row in rows))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(rows), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0
"""


def run_without_locks(error, work):
    """Run Python code where `flock` fails with an error number."""
    if platform.machine() not in _FLOCK or struct.calcsize("P") != 8:
        pytest.skip("no number of the system call for this processor")
    command = [sys.executable, "-c", WITHOUT_LOCKS + work, _FLOCK[platform.machine()], error]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)

"""Memory of a process, as Linux counts it."""

from pathlib import Path


def peak_rss_bytes() -> int:
    """The most memory that this process has had in RAM so far.

    Not `getrusage`: its figure is handed on by the parent process, which may be the larger one.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    (kibibytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return 1024 * int(kibibytes)

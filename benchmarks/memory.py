"""Memory of processes, as Linux counts it."""

from pathlib import Path

import psutil


def peak_rss_bytes() -> int:
    """The most memory that this process has had in RAM so far.

    Not `getrusage`: its figure is handed on by the parent process, which may be the larger one.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    (kibibytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return 1024 * int(kibibytes)


def rss_bytes_of_tree(pid: int) -> int:
    """Memory in RAM of a process and all below it; pages that they share count several times."""
    total = 0
    try:
        top = psutil.Process(pid)
        for process in (top, *top.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # it ended between two calls
    return total

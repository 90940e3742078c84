"""Worker processes: started anew, without the script that started them, and never left behind."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.popen_spawn_posix import Popen
from multiprocessing.process import BaseProcess
from types import ModuleType

from threadpoolctl import threadpool_limits


def new_pool(workers: int) -> ProcessPoolExecutor:
    """Workers, started as they are needed; matrix products take one thread in each."""
    return ProcessPoolExecutor(workers, WorkerContext(), initializer=_start_worker)


def _start_worker() -> None:
    """One thread for matrix products; and a worker never outlives a parent that was killed."""
    import numpy  # noqa: F401, loaded before: only libraries that are there are limited

    threadpool_limits(1)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


class WorkerProcess(SpawnProcess):
    """A process that imports what it is asked to do, and not the program's main module.

    Of itself a new process runs the main module once more. A script that calls `prepare` without
    `if __name__ == "__main__":` would prepare in every worker, which Python ends by an error. Here
    workers need nothing of that module.
    """

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Popen:  # noqa: N802, the name that Python calls
        with _without_main_module():
            return Popen(process_obj)


class WorkerContext(SpawnContext):
    """How worker processes are started: anew, since a fork of TensorFlow's threads may hang."""

    Process = WorkerProcess


@contextmanager
def _without_main_module() -> Iterator[None]:
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def interrupt_deferred() -> Iterator[None]:
    """Ctrl-C waits until the workers are started, and is the parent's to handle from then on.

    A worker whose start is cut off prints a traceback. The mask is for the workers, which inherit
    it; in the parent another thread may still take the signal, hence the handler.
    """
    caught: list[int] = []
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    is_main = threading.current_thread() is threading.main_thread()
    handler = is_main and signal.signal(signal.SIGINT, lambda number, _: caught.append(number))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if is_main:
            signal.signal(signal.SIGINT, handler)
    if caught:
        raise KeyboardInterrupt

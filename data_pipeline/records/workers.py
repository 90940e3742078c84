"""Worker processes that do not run the script that started them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.popen_spawn_posix import Popen
from multiprocessing.process import BaseProcess
from types import ModuleType


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

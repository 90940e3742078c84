"""What libraries read from the environment when they are imported: set here, and before that.

A value that the user has set stays.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

# Threads of an operation, and operations at once; TensorFlow reads them when it starts its pools.
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
MOST_SMALL_CORES = 2
# Of TensorFlow's levels the one with errors that end the work alone.
QUIET = "3"
# What newer versions of TensorFlow write while it is imported, whatever its level is.
NOTICE = re.compile(
    rb"WARNING: All log messages before absl|[IW]\d{4} \d\d:\d\d:|To enable the following instr"
)
# More than numba keeps of what librosa has it compile.
NUMBA_CACHE_BYTES = 4 << 20


def quiet_tensorflow() -> None:
    """Leave out TensorFlow's notices at the start: they would bury the line that matters."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", QUIET)
    if os.environ["TF_CPP_MIN_LOG_LEVEL"] == QUIET and "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _QuietImport())


class _QuietImport(MetaPathFinder):
    """Imports TensorFlow, once, without what it says before it knows how much it is to say."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec and spec.loader:
            # The loader is this specification's own.
            spec.loader.exec_module = partial(  # type: ignore[method-assign]
                _without_notices, spec.loader.exec_module
            )
        return spec


def _without_notices(work: Callable[[ModuleType], None], module: ModuleType) -> None:
    """Do work; of what it writes to the standard error by its number, leave out NOTICE."""
    import tempfile

    try:
        written = tempfile.TemporaryFile()  # noqa: SIM115  (closed below)
    except OSError:  # no folder for temporary files: better a notice than no work
        return work(module)
    with written:
        sys.stderr.flush()
        standard_error = os.dup(2)
        os.dup2(written.fileno(), 2)
        try:
            work(module)
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)
            written.seek(0)
            for line in written:
                if not NOTICE.match(line):
                    os.write(2, line)


def quiet_joblib() -> None:
    """Leave out its warning where the system has no semaphores: nothing here uses its processes."""
    os.environ.setdefault("JOBLIB_MULTIPROCESSING", "0")


def use_onednn() -> None:
    """Turn Intel's oneDNN kernels on, on every processor.

    Of itself TensorFlow uses them on the newest processors only. On older ones the gradient of the
    second convolution's kernel then takes 15 times as long, which doubles a training step.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def use_small_threads() -> None:
    """On one or two processors, give each operation one thread and run as many at once.

    The heads of a model do not wait for each other, and a product of this size gains little from a
    second thread. On more processors TensorFlow's own choice stays: there nothing was measured.
    """
    cores = usable_cores()
    if cores <= MOST_SMALL_CORES and not any(name in os.environ for name in THREADS):
        os.environ.update(zip(THREADS, ("1", str(cores)), strict=True))


def give_numba_a_cache() -> None:
    """Let librosa be imported where nothing may be written beside it nor at home.

    Numba keeps what it compiles for librosa, and refuses to work where it cannot: in a container
    that is not root's, with a home that is read-only or full. There it gets a folder for as long as
    this process runs. Processes that this one starts share it.
    """
    import atexit
    import shutil
    import tempfile

    if any(map(_takes_a_cache, _numba_folders())):
        return
    for parent in (None, "/dev/shm"):  # None: where temporary files go
        try:
            folder = tempfile.mkdtemp(prefix="numba-", dir=parent)
        except OSError:
            continue
        os.environ["NUMBA_CACHE_DIR"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return


def _numba_folders() -> Iterator[Path]:
    """Where numba keeps what it compiles: it takes the first that may be written."""
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(given)
    librosa = find_spec("librosa")
    if librosa and librosa.origin:
        yield Path(librosa.origin).parent / "core" / "__pycache__"
    caches = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    if caches.is_absolute():  # a user without a home has none
        yield caches / "numba"


def _takes_a_cache(folder: Path) -> bool:
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(NUMBA_CACHE_BYTES))
    except OSError:
        return False
    return True


def usable_cores() -> int:
    """Processors that this process may use, as `taskset` leaves them where the system has it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

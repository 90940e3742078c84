"""openSMILE's library, opened so that its own functions stay its own."""

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def import_opensmile() -> ModuleType:
    """The package `opensmile`, whatever was imported before it.

    Newer versions of TensorFlow (2.21 is one) lend their functions to every library that is opened
    after them. openSMILE's Fourier transform has some of the same names (`rdft`, `bitrv2` ...) and
    would end the process in them. A library that was opened bound to itself first stays so.
    """
    if "opensmile" not in sys.modules and hasattr(os, "RTLD_DEEPBIND"):
        for library in _libraries():
            ctypes.CDLL(str(library), os.RTLD_NOW | os.RTLD_DEEPBIND)
    import opensmile

    return opensmile


def _libraries() -> list[Path]:
    """The library of this system; the package brings the one that its wheel is for."""
    package = find_spec("opensmile")
    if package is None or package.origin is None:
        return []  # the import says what is missing
    return sorted(Path(package.origin).parent.glob("core/bin/*/libSMILEapi.so"))

"""Paths in a list that no file has, because they are written for another program or system."""

import os
import re
from pathlib import Path

from data_pipeline.names import visible

# How a path is written -> (what that is, the remedy); the first that matches is said.
_CAUSES = {
    r"[A-Za-z]:[\\/]": ("begins with a drive of Windows", "write where it is on this machine"),
    r"\\\\": ("is on a server of Windows", "write where it is on this machine"),
    r".*\\": ("has backslashes, as on Windows", "write / between folders"),
    r"~": ("begins with ~, which only a shell replaces", "write the folder out"),
    r".*(\$\w|\$\{|%\w+%)": ("has a variable, which only a shell replaces", "write it out"),
    r"[a-z][a-z0-9+.-]+:/": ("is an address", "write where the file is on this machine"),
    r"""(['"]).*\1$""": ("is in quotes", "leave them out"),
}


def foreign_path(written: str, path: Path) -> str:
    """Why no file is found under a path, where its spelling tells.

    Args:
        written: the path as it is in the list.
        path: where that is looked for.

    Returns:
        What is wrong and what to do, without the path; "" if a file is there, or if nothing in
        the path is strange here.
    """
    if os.path.lexists(path):
        return ""
    for pattern, (what, remedy) in _CAUSES.items():
        if re.match(pattern, written, re.DOTALL):
            return f"{what}, and there is no such file; {remedy}"
    if visible(written) != written:
        return "has characters that nobody sees, and there is no such file; type it anew"
    return ""

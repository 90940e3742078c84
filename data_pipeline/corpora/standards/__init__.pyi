from .audformat_db import read_audformat as read_audformat
from .emobox import read_emobox as read_emobox
from .manifest import read_manifest as read_manifest

__all__ = [
    "read_audformat",
    "read_emobox",
    "read_manifest",
]

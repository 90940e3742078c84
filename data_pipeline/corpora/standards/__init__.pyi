from .emobox import read_emobox as read_emobox

__all__ = [
    "read_emobox",
]

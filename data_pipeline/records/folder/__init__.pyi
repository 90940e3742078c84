from .shard_rows import ShardHead as ShardHead
from .sources import SourceMemory as SourceMemory

__all__ = [
    "ShardHead",
    "SourceMemory",
]

from .config import RunConfig as RunConfig
from .contents import RunContents as RunContents
from .contents import read_run_folder as read_run_folder
from .files import fold_dir as fold_dir
from .files import read_predictions as read_predictions
from .files import write_predictions as write_predictions
from .folder import finish_fold as finish_fold
from .folder import write_summary as write_summary
from .naming import run_name as run_name
from .opening import open_run as open_run
from .outcome import FoldOutcome as FoldOutcome
from .outcome import ScoredPart as ScoredPart
from .packed import pack_run as pack_run
from .packed import read_packed_run as read_packed_run

__all__ = [
    "FoldOutcome",
    "RunConfig",
    "RunContents",
    "ScoredPart",
    "finish_fold",
    "fold_dir",
    "open_run",
    "pack_run",
    "read_packed_run",
    "read_predictions",
    "read_run_folder",
    "run_name",
    "write_predictions",
    "write_summary",
]

from .page import Report as Report
from .page import write_report as write_report
from .reading import read_runs as read_runs
from .reported_run import ReportedRun as ReportedRun
from .sections import make_report as make_report

__all__ = [
    "Report",
    "ReportedRun",
    "make_report",
    "read_runs",
    "write_report",
]

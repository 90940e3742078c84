from .files import write_timelines as write_timelines
from .judging import Segment as Segment
from .judging import Timeline as Timeline
from .judging import judge_recording as judge_recording

__all__ = [
    "Segment",
    "Timeline",
    "judge_recording",
    "write_timelines",
]

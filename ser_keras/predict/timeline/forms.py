"""Timelines as text for people, JSON and CSV for programs."""

from collections.abc import Iterable, Iterator, Sequence

from ser_keras.predict.answer_forms import (
    Form,
    answer_in_words,
    csv_line,
    json_form,
    probability_columns,
    unsure_cell,
)
from ser_keras.predict.timeline.judging import Segment, Timeline


def timeline_forms(emotions: Sequence[str]) -> dict[str, Form]:
    """The forms of a Timeline by name: text, json and csv."""

    def csv_lines(timeline: Timeline) -> str:
        return "\n".join(csv_line(row) for row in segment_rows(timeline, emotions))

    return {
        "text": Form("", timeline_text),
        "json": Form("", json_form),
        "csv": Form(csv_line(segment_columns(emotions)), csv_lines),
    }


def timeline_text(timeline: Timeline) -> str:
    """For people: a line for each segment, then the warnings."""
    if timeline.error:
        return f"{timeline.file}: error: {timeline.error}"
    head = (
        f"{timeline.file}: {timeline.duration_seconds:.1f} s, windows of "
        f"{timeline.window_seconds:g} s every {timeline.hop_seconds:g} s"
    )
    warnings = [f"  warning: {warning}" for warning in timeline.warnings]
    return "\n".join([head, *map(_segment_line, timeline.segments), *warnings])


def _segment_line(segment: Segment) -> str:
    times = f"  {segment.start_seconds:7.1f} - {segment.end_seconds:7.1f} s  "
    if segment.error:
        return f"{times}({segment.error})"
    answer = answer_in_words(segment.emotion, segment.unsure)
    return f"{times}{answer}, {segment.probabilities[segment.emotion]:.2f}"


def segment_columns(emotions: Iterable[str]) -> list[str]:
    """Header of a table of segments."""
    answer = ["emotion", "unsure", *probability_columns(emotions)]
    return ["file", "start_seconds", "end_seconds", *answer, "error"]


def segment_rows(timeline: Timeline, emotions: Sequence[str]) -> Iterator[list[object]]:
    """A row for each segment; a file that could not be used is one row with its error."""
    if timeline.error:
        yield [timeline.file, "", "", "", "", *[""] * len(emotions), timeline.error]
    for segment in timeline.segments:
        times = [f"{segment.start_seconds:.3f}", f"{segment.end_seconds:.3f}"]
        answer = [segment.emotion, unsure_cell(segment.unsure)]
        probabilities = [segment.probabilities.get(emotion, "") for emotion in emotions]
        yield [timeline.file, *times, *answer, *probabilities, segment.error]

"""How the emotion of a long recording goes: a window slides over it, and segments come out.

Each window is judged as a recording of its own. Windows overlap; segments do not: each moment
belongs to the window whose centre is nearest, and neighbours with one answer are one segment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from data_pipeline.audio.reading import Recording
from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.contract import MAX_SECONDS
from data_pipeline.features.level import frame_levels, is_silent
from data_pipeline.features.mfcc import FRAME_STEP, num_mfcc_frames
from ser_keras.graph.verdicts import MAX_BATCH_SECONDS
from ser_keras.model_info import ModelInfo
from ser_keras.predict.files import BATCH_SIZE
from ser_keras.predict.input_warnings import recording_warnings
from ser_keras.predict.served_model import Answer, ServedModel

# For a model that does not say how long its training recordings were.
DEFAULT_WINDOW_SECONDS = 3.0
# A window with less speech than this is not judged: a model names an emotion for any noise.
MIN_SPEECH_SHARE = 1 / 3
NO_SPEECH = "mostly silent"


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of a recording and what the model says of it.

    Attributes:
        start_seconds, end_seconds: from the beginning of the recording.
        emotion, unsure, probabilities, error: as in `Answer`; the probabilities of a segment are
            the mean over its windows.
    """

    start_seconds: float
    end_seconds: float
    emotion: str
    unsure: bool
    probabilities: dict[str, float]
    error: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The whole of one recording.

    Attributes:
        file: the path as given.
        duration_seconds, window_seconds, hop_seconds: 0 where there is an error.
        warnings: in what the recording is unlike the training recordings.
        segments: from its beginning to its end, without gaps; what people read.
        windows: every window as it was judged; they overlap. What the segments are made of.
        error: why there is nothing, one line; "" otherwise.
    """

    file: str
    duration_seconds: float = 0.0
    window_seconds: float = 0.0
    hop_seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    windows: tuple[Segment, ...] = ()
    error: str = ""


def default_window_seconds(info: ModelInfo) -> float:
    """The length that the model knows best: the median of its training recordings.

    Longer than the longest window that there may be it never is.
    """
    profile = info.training_profile
    median = round(profile.duration_seconds[1], 1) if profile else DEFAULT_WINDOW_SECONDS
    return min(median, MAX_SECONDS)


def judge_recording(
    model: ServedModel, file: str, recording: Recording, window_seconds: float, hop_seconds: float
) -> Timeline:
    """Slide a window over a recording.

    Args:
        model: the loaded model.
        file: stands in the result.
        recording: from `load_recording`.
        window_seconds: length of a window, at most the MAX_SECONDS of the graph; a shorter
            recording is one window.
        hop_seconds: from the start of a window to that of the next.
    """
    waveform = recording.waveform
    window = min(round(window_seconds * SAMPLE_RATE), len(waveform))
    starts = window_starts(len(waveform), window, round(hop_seconds * SAMPLE_RATE))
    answers = _answers(model, waveform, starts, window)
    windows = (
        _segment(start / SAMPLE_RATE, (start + window) / SAMPLE_RATE, answer)
        for start, answer in zip(starts, answers, strict=True)
    )
    return Timeline(
        file=file,
        duration_seconds=len(waveform) / SAMPLE_RATE,
        window_seconds=window_seconds,
        hop_seconds=hop_seconds,
        warnings=tuple(recording_warnings(recording, model.info.training_profile)),
        segments=segments_of(model, answers, window_bounds(starts, window, len(waveform))),
        windows=tuple(windows),
    )


def _segment(start_seconds: float, end_seconds: float, answer: Answer) -> Segment:
    return Segment(start_seconds=start_seconds, end_seconds=end_seconds, **answer._asdict())


def window_starts(num_samples: int, window: int, hop: int) -> list[int]:
    """First sample of each window; the last window ends with the recording.

    Args:
        num_samples: of the recording, at least `window`.
        window: samples, 1 or more.
        hop: samples, 1 or more.
    """
    last = num_samples - window
    return [*range(0, last, hop), last]


def window_bounds(starts: Sequence[int], window: int, num_samples: int) -> np.ndarray:
    """Where the stretch of each window begins, and the end: seconds (num_windows + 1,).

    The bounds lie half way between the centres of neighbours.
    """
    centres = np.asarray(starts) + window / 2
    between = (centres[:-1] + centres[1:]) / 2
    return np.array([0, *between, num_samples]) / SAMPLE_RATE


def speech_shares(waveform: np.ndarray, starts: Sequence[int], window: int) -> np.ndarray:
    """Share of the frames of each window that are not silent beside the loudest of all."""
    speech = ~is_silent(frame_levels(waveform))
    num_frames = num_mfcc_frames(window)
    firsts = (start // FRAME_STEP for start in starts)
    return np.array([speech[first : first + num_frames].mean() for first in firsts])


def _answers(
    model: ServedModel, waveform: np.ndarray, starts: Sequence[int], window: int
) -> list[Answer]:
    """The answer to each window; those without speech are not asked about."""
    has_speech = speech_shares(waveform, starts, window) >= MIN_SPEECH_SHARE
    asked = [start for start, speaks in zip(starts, has_speech, strict=True) if speaks]
    batch_size = min(BATCH_SIZE, MAX_BATCH_SECONDS * SAMPLE_RATE // window)
    answers: list[Answer] = []
    for first in range(0, len(asked), batch_size):
        batch = asked[first : first + batch_size]
        answers += model.answers([waveform[start : start + window] for start in batch])
    answered = iter(answers)
    nothing = Answer("", unsure=False, probabilities={}, error=NO_SPEECH)
    return [next(answered) if speaks else nothing for speaks in has_speech]


def segments_of(
    model: ServedModel, answers: Sequence[Answer], bounds: np.ndarray
) -> tuple[Segment, ...]:
    """Join neighbours that say the same: one emotion, unsure, or one error.

    Args:
        model: gives the answer that mean probabilities amount to.
        answers: one a window.
        bounds: seconds (num_windows + 1,), from `window_bounds`.
    """
    segments = []
    first = 0
    for _, group in groupby(answers, _gist):
        neighbours = list(group)
        end = first + len(neighbours)
        times = float(bounds[first]), float(bounds[end])
        segments.append(_segment(*times, _mean_answer(model, neighbours)))
        first = end
    return tuple(segments)


def _gist(answer: Answer) -> tuple[str, bool, str]:
    """What an answer comes down to; which emotion an unsure one guesses does not count."""
    return ("" if answer.unsure else answer.emotion), answer.unsure, answer.error


def _mean_answer(model: ServedModel, answers: Sequence[Answer]) -> Answer:
    if answers[0].error:
        return answers[0]
    mean = np.mean([list(answer.probabilities.values()) for answer in answers], axis=0)
    probabilities = dict(zip(answers[0].probabilities, mean.tolist(), strict=True))
    return model.answer_of(probabilities)

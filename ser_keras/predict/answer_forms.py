"""The answers to files as text for people, JSON and CSV for programs."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from ser_keras.predict.files import Prediction
from ser_keras.runs.files import PROBABILITY_PREFIX

BAR_WIDTH = 30


class Form(NamedTuple):
    """How results are printed.

    Attributes:
        header: the line before the first result; "" for none.
        text_of: function of a result to its lines.
    """

    header: str
    text_of: Callable[[Any], str]


def prediction_forms(emotions: Sequence[str]) -> dict[str, Form]:
    """The forms of a Prediction by name: text, json and csv."""
    columns = ["file", "emotion", "unsure", *probability_columns(emotions), "warnings", "error"]
    return {
        "text": Form("", text_form),
        "json": Form("", json_form),
        "csv": Form(csv_line(columns), lambda prediction: csv_form(prediction, emotions)),
    }


def text_form(prediction: Prediction) -> str:
    """For people: the answer beside the file, a bar for each emotion, then the warnings."""
    warnings = [f"  warning: {warning}" for warning in prediction.warnings]
    if prediction.error:
        return "\n".join([f"{prediction.file}: error: {prediction.error}", *warnings])
    width = max(map(len, prediction.probabilities))
    bars = (
        f"  {emotion:{width}}  {probability:5.3f}  {'#' * round(BAR_WIDTH * probability)}".rstrip()
        for emotion, probability in prediction.probabilities.items()
    )
    answer = answer_in_words(prediction.emotion, prediction.unsure)
    return "\n".join([f"{prediction.file}: {answer}", *bars, *warnings])


def answer_in_words(emotion: str, unsure: bool) -> str:
    """An answer in a few words: "sad", or "unsure (perhaps sad)"."""
    return f"unsure (perhaps {emotion})" if unsure else emotion


def json_form(result: Any) -> str:
    """One JSON object on one line, with the same keys for every result."""
    return json.dumps(asdict(result))


def csv_form(prediction: Prediction, emotions: Sequence[str]) -> str:
    """One CSV row; the probabilities are empty where there is an error."""
    answer = [prediction.emotion, unsure_cell(prediction.unsure)]
    probabilities = [prediction.probabilities.get(emotion, "") for emotion in emotions]
    warnings = "; ".join(prediction.warnings)
    return csv_line([prediction.file, *answer, *probabilities, warnings, prediction.error])


def probability_columns(emotions: Iterable[str]) -> list[str]:
    """Names of the columns of the emotions' probabilities."""
    return [PROBABILITY_PREFIX + emotion for emotion in emotions]


def unsure_cell(unsure: bool) -> str:
    """How CSV says that an answer is a guess."""
    return "unsure" if unsure else ""


def csv_line(values: Sequence[object]) -> str:
    """One quoted line of CSV, without its line end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()

"""What the demo ends with: two models, asked about a recording that neither was trained on."""

from pathlib import Path

from data_pipeline.corpora.catalogue import read_corpus
from ser_keras.predict.answer_forms import text_form
from ser_keras.predict.files import predict_files
from ser_keras.predict.served_model import ServedModel
from ser_keras.predict.shipped import shipped_model
from ser_keras.runs.files import PREDICTIONS_NAME, read_predictions


def print_answer(saved: Path, fold: Path) -> None:
    """Ask an export about an utterance of the demo corpus that its fold was tested on.

    The model that comes with the project is asked, too: it learned from people, who are not what
    the synthesiser sounds like.
    """
    tested = _tested_file(fold)
    for whose, model in (("this model", saved), ("the model of the project", shipped_model())):
        (answer,) = predict_files(ServedModel(model), [tested])
        print(f"{whose}: {text_form(answer)}")


def _tested_file(fold: Path) -> Path:
    tested = read_predictions(fold / PREDICTIONS_NAME).utterance_ids
    utterances = read_corpus("demo", None).utterances
    return next(u.path for u in utterances if u.utterance_id == tested[0])

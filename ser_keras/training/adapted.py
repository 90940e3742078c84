"""The protocol `adapted`: tested voices, each told by some of its other recordings, unlabelled.

It goes beside the protocol of a fold, never in its place: the same model, the same test part. Every
utterance is judged by the profile of recordings of its voice that are not itself.
"""

from collections.abc import Iterable

import keras
import numpy as np

from data_pipeline.contract import POSITION
from ser_keras.models.linear_part import head_of
from ser_keras.models.variants import PROFILE
from ser_keras.runs.outcome import AdaptedPart
from ser_keras.scores.accuracies import score_predictions
from ser_keras.training.inference import probabilities_of
from ser_keras.training.profiles import Recordings
from ser_keras.voices.adapting import adapt
from ser_keras.voices.drawing import NUMBERS, USUAL, drawn_orders, profiles_of_tested


def score_adapted(
    model: keras.Model,
    batches: Iterable[tuple],
    tested: Recordings,
    emotions: tuple[str, ...],
    seed: int,
) -> dict[str, AdaptedPart]:
    """Score a test part with profiles of its voices.

    Args:
        model: that takes profiles.
        batches: of the test part, (inputs with POSITION, labels), read once for each number.
        tested: the same recordings.
        emotions: names of the labels.
        seed: of the recordings that a voice is told by.

    Returns:
        Number of recordings -> its scores; nothing where no voice has a second recording.
    """
    head = head_of(model)
    standard = head.standard(tested.functionals)
    row_of = {int(position): row for row, position in enumerate(tested.positions)}
    orders = drawn_orders(tested.voices, tested.positions, seed)
    parts = {}
    for number in NUMBERS if orders else ():
        profiles = profiles_of_tested(
            orders, number, lambda rows: adapt(head, standard[rows]).profile
        )
        logits, labels, rows = [], [], []
        for inputs, batch_labels in batches:
            inputs = dict(inputs)
            own = [row_of[int(position)] for position in inputs.pop(POSITION).numpy()]
            inputs[PROFILE] = np.stack([profiles.get(row, head.nobody) for row in own])
            logits.append(model.predict_on_batch(inputs)["logits"])
            labels.append(batch_labels.numpy())
            rows += own
        probabilities = probabilities_of(np.concatenate(logits))
        parts[number] = AdaptedPart(
            labels=np.concatenate(labels).astype(np.int64),
            probabilities=probabilities,
            scores=score_predictions(np.concatenate(labels), probabilities, emotions),
            speakers=tuple(tested.voices[row] for row in rows),
            is_kept=number == USUAL,
        )
    return parts

"""The lines that a person reads while a fold trains."""

import io

import keras
import numpy as np

from ser_keras.training.callbacks.epoch_lines import EpochLines
from ser_keras.training.metrics import emotion_metrics


def test_a_line_an_epoch_with_the_scores_and_none_of_the_test_part():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=emotion_metrics(2))
    x, y = np.random.default_rng(0).normal(size=(8, 3)), np.arange(8) % 2
    spy = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: logs.update(optimistic_test_weighted_accuracy=0.123)
    )
    out = io.StringIO()
    history = model.fit(
        x, y, epochs=2, validation_data=(x, y), callbacks=[spy, EpochLines(out)], verbose=0
    ).history
    first, second = out.getvalue().strip().splitlines()
    assert first.startswith("epoch   1 of 2: ") and second.startswith("epoch   2 of 2: ")
    assert f"validation loss {history['val_loss'][1]:.3f}" in second
    assert f"UA {history['unweighted_accuracy'][1]:.1%}" in second
    assert "12.3%" not in out.getvalue()

"""Weights of a trained model as the beginning of another one, with its linear head left out."""

import numpy as np
import pytest

from ser_keras.models.variants import build_model
from ser_keras.settings import PRESETS
from ser_keras.training.initialising import start_from
from ser_keras.training.trained import TrainedModel


@pytest.mark.parametrize("num_emotions", [3, 5])
def test_all_but_the_linear_head_begins_as_the_trained_model(num_emotions):
    """That one is fitted to the new recordings, which may be of other emotions."""
    settings = PRESETS["recommended"].with_values({"network.units": 4, "network.filters": (2, 2)})
    old, new = (build_model("dual_level", settings.network, n, (40, 24)) for n in (3, num_emotions))
    trained = TrainedModel(name="old", model=old, info=None, settings=settings, heard=None)
    heads = "kept" if num_emotions == 3 else "new"
    before = [np.array(variable) for variable in new.weights]
    start_from(new, trained, heads=heads, statistics="kept")
    changed = {}
    for variable, known, own in zip(new.weights, old.weights, before, strict=True):
        path = variable.path
        is_same = variable.shape == known.shape and np.array_equal(variable, known)
        changed[path] = is_same
        if "voice_statistics/" in path or "functionals_logits/" in path:
            np.testing.assert_array_equal(np.array(variable), own)
    assert all(same for path, same in changed.items() if "_lstm" in path and "logits" not in path)
    assert changed["mfcc_logits/kernel"] == (num_emotions == 3)

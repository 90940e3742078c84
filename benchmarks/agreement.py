"""Whether the two versions of `train_step` do the same work: their losses and gradients."""

import keras
import numpy as np
import tensorflow as tf

from benchmarks.plain import in_plain_form, plain_key
from benchmarks.versions import BATCH, batch, build

# Of a loss or a gradient between the versions, in double precision.
TOLERANCE = 1e-4


def compare(models: dict) -> dict:
    """How far losses and gradients of the two versions are apart; the models have equal weights.

    In float32 a maximum or a ReLU that is a near tie falls one way or the other with the last bit,
    and takes its gradient along. The versions are therefore compared in double precision, where
    they must agree, and each one's float32 gradient with the double-precision one of the plain
    version, where neither is exact and ours should be no worse.

    Raises:
        RuntimeError: a difference above TOLERANCE: the two would not be the same work.
    """
    doubles = _in_double_precision(models)
    losses, gradients = {}, {}
    for precision, versions in (("float32", models), ("float64", doubles)):
        for version, model in versions.items():
            losses[precision, version], gradients[precision, version] = _loss_and_gradients(model)
    exact = gradients["float64", "plain"]
    by_variable = _differences(gradients["float64", "ours"], exact)
    differences = {
        "loss_difference": abs(losses["float64", "ours"] / losses["float64", "plain"] - 1),
        "gradient_difference": max(by_variable.values()),
    }
    if max(differences.values()) > TOLERANCE:
        worst = max(by_variable, key=by_variable.get)
        raise RuntimeError(
            f"the versions do different work: {differences}, expected {TOLERANCE:g}; the largest "
            f"difference is that of {worst}"
        )
    return differences | {
        "float32_loss_difference": abs(losses["float32", "ours"] / losses["float32", "plain"] - 1),
        "float32_gradient_error": _relative_error(gradients["float32", "ours"], exact),
        "plain_float32_gradient_error": _relative_error(gradients["float32", "plain"], exact),
    }


def _in_double_precision(models: dict) -> dict:
    keras.config.set_dtype_policy("float64")
    try:
        doubles = {version: build(version) for version in models}
    finally:
        keras.config.set_dtype_policy("float32")
    for version, model in models.items():
        doubles[version].set_weights(model.get_weights())
    return doubles


def _loss_and_gradients(model) -> tuple[float, dict]:
    inputs, labels = batch(BATCH)
    outputs = dict.fromkeys(model.output, labels)

    @tf.function
    def evaluate():
        with tf.GradientTape() as tape:
            loss = model.compute_loss(inputs, outputs, model(inputs, training=True))
        return loss, tape.gradient(loss, [v.value for v in model.trainable_variables])

    loss, gradients = evaluate()
    paths = [variable.path for variable in model.trainable_variables]
    by_path = dict(zip(paths, (g.numpy() for g in gradients), strict=True))
    if model.name == "dual_level":
        return float(loss), in_plain_form(by_path)
    return float(loss), {plain_key(path): value for path, value in by_path.items()}


def _differences(gradients: dict, exact: dict) -> dict:
    """Largest difference in each variable, in relation to the largest entry of its gradient."""
    return {
        key: float(np.abs(gradients[key] - value).max() / np.abs(value).max())
        for key, value in exact.items()
    }


def _relative_error(gradients: dict, exact: dict) -> float:
    """Length of the difference over all variables, in relation to that of the gradient."""
    difference = sum(np.sum((gradients[key] - value) ** 2) for key, value in exact.items())
    return float(np.sqrt(difference / sum(np.sum(value**2) for value in exact.values())))

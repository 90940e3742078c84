"""A training step and a prediction of the dual-level model, beside the plain version and the floor.

    python -m benchmarks.train_step [--json]

Both versions get the same weights and the same batch (32 utterances, 370 MFCC frames, spectrograms
of 460 x 64 and 230 x 128, preset paper, float32). Their losses and gradients are compared first.
Then they are timed turn by turn in one process, so that both meet the same machine; figures are
medians. The floor is what the arithmetic alone needs: multiplications and additions of all
products and convolutions, forward and backward, at the speed of the fastest of the large matrix
products that take turns with the steps. Peak memory is that of a child process for each version
that builds the model and takes three steps; what importing TensorFlow takes is subtracted.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported

import keras
import numpy as np
import tensorflow as tf

from benchmarks.memory import peak_rss_bytes
from benchmarks.plain import give_weights, in_plain_form, plain_dual_level, plain_key
from ser_keras.models import build_model
from ser_keras.presets import PRESETS
from ser_keras.training import compile_model

BATCH, MFCC_FRAMES, NUM_FRAMES, N_MELS = 32, 370, (460, 230), (64, 128)
EMOTIONS = 4
PRESET = PRESETS["paper"]
VERSIONS = ("ours", "plain")
# What two ways of summing the same float32 numbers may differ by.
TOLERANCE = 1e-4
PRODUCT_SIZE = 3072


def main(argv=None) -> int:
    arguments = _parse_args(argv)
    if arguments.memory_of:
        print(memory_of_steps(arguments.memory_of))
        return 0
    result = measure(arguments.rounds)
    print(json.dumps(result) if arguments.json else in_words(result))
    return 0


def _parse_args(argv) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument(
        "--rounds", type=int, default=9, metavar="N", help="steps timed (default: %(default)s)"
    )
    parser.add_argument("--memory-of", choices=VERSIONS, help=argparse.SUPPRESS)  # the child
    return parser.parse_args(argv)


def measure(rounds: int) -> dict:
    """Every figure of the benchmark; see `benchmarks/README.md` for the keys."""
    models = {version: build(version) for version in VERSIONS}
    give_weights(models["plain"], models["ours"])
    agreement = compare(models)
    calls = {version: _step(model, BATCH) for version, model in models.items()}
    steps = interleaved(calls | {"product": _product()}, rounds)
    inference = {
        size: medians(interleaved({v: _prediction(m, size) for v, m in models.items()}, 2 * rounds))
        for size in (1, BATCH)
    }
    memory = {version: _memory_in_child(version) for version in VERSIONS}
    speed = 2 * PRODUCT_SIZE**3 / min(steps["product"])
    steps = medians(steps)
    floor = step_operations() / speed
    return {
        "step_seconds": steps["ours"],
        "plain_step_seconds": steps["plain"],
        "floor_seconds": floor,
        "ratio_to_plain": steps["ours"] / steps["plain"],
        "ratio_to_floor": steps["ours"] / floor,
        "peak_memory_bytes": memory["ours"],
        "plain_peak_memory_bytes": memory["plain"],
        "peak_memory_ratio": memory["ours"] / memory["plain"],
        **{
            f"{prefix}inference_seconds_{size}": seconds[version]
            for size, seconds in inference.items()
            for prefix, version in (("", "ours"), ("plain_", "plain"))
        },
        **{f"inference_ratio_{size}": s["ours"] / s["plain"] for size, s in inference.items()},
        **agreement,
        "gflops_of_a_product": speed / 1e9,
        "gflop_of_a_step": step_operations() / 1e9,
    }


# --- The two versions and their batch ---


def build(version: str) -> keras.Model:
    """One of the two models, compiled as training compiles it."""
    keras.utils.set_random_seed(0)
    if version == "ours":
        model = build_model("dual_level", PRESET, EMOTIONS, NUM_FRAMES, N_MELS)
    else:
        model = plain_dual_level(PRESET, EMOTIONS, NUM_FRAMES, N_MELS)
    compile_model(model, "dual_level", PRESET, EMOTIONS)
    return model


def batch(size: int) -> tuple[dict, tf.Tensor]:
    """Inputs as training gets them (dB, MFCC of the usual size), and labels; seeded."""
    rng = np.random.default_rng(0)
    mels = [rng.normal(-40, 15, (size, *shape)) for shape in zip(NUM_FRAMES, N_MELS, strict=True)]
    inputs = {
        "mfcc": tf.constant(rng.normal(0, 5, (size, MFCC_FRAMES, 39)), tf.float32),
        "num_mfcc_frames": tf.constant(rng.integers(100, MFCC_FRAMES + 1, size), tf.int32),
        "mel_narrow": tf.constant(mels[0], tf.float32),
        "mel_wide": tf.constant(mels[1], tf.float32),
    }
    return inputs, tf.constant(rng.integers(0, EMOTIONS, size), tf.int32)


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


# --- Seconds ---


def interleaved(calls: dict, rounds: int) -> dict:
    """Seconds of each call, `rounds` times in turns, after a first turn that is not timed."""
    seconds = {name: [] for name in calls}
    for number in range(rounds + 1):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            if number:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def medians(seconds: dict) -> dict:
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def _step(model, size):
    inputs, labels = batch(size)
    outputs = dict.fromkeys(model.output, labels)
    return lambda: model.train_on_batch(inputs, outputs)


def _prediction(model, size):
    inputs, _ = batch(size)
    return lambda: model.predict_on_batch(inputs)


def _product():
    """A large matrix product: what this machine's arithmetic can do at its best."""
    product = tf.function(tf.matmul)
    matrix = tf.random.stateless_normal((PRODUCT_SIZE, PRODUCT_SIZE), (0, 0))
    return lambda: product(matrix, matrix).numpy()


def step_operations() -> float:
    """Multiplications and additions of a training step, from the shapes alone.

    A product counts once forward, once for the gradient of its weights and, except at the
    model's inputs, once for that of its input.
    """
    units = PRESET.units
    total, sequences = 0, []
    for frames, mels, kernel in zip(
        NUM_FRAMES, N_MELS, (PRESET.kernel_narrow, PRESET.kernel_wide), strict=True
    ):
        channels = 1
        for filters in PRESET.filters:
            frames, mels = frames - kernel[0] + 1, mels - kernel[1] + 1
            passes = 2 if channels == 1 else 3
            total += passes * 2 * BATCH * frames * mels * filters * channels * kernel[0] * kernel[1]
            frames, mels, channels = frames // 2, mels // 2, filters
        sequences.append((frames, mels * channels))
    (x_frames, x_size), (y_frames, y_size) = sequences
    steps = min(x_frames // 2, y_frames)
    for size in (x_size, units):
        weights = (size + y_size + units) * 4 * units + (size + y_size + 2 * units) * units
        total += 3 * 2 * BATCH * steps * weights
    total += 2 * BATCH * MFCC_FRAMES * 4 * units * (2 * 39 + 3 * units + 3 * 2 * units)
    return float(total)


# --- Memory ---


def memory_of_steps(version: str) -> int:
    """Bytes that building a version and taking three steps add to this process at its peak."""
    tf.matmul(tf.ones((8, 8)), tf.ones((8, 8)))  # the runtime's own start
    before = peak_rss_bytes()
    step = _step(build(version), BATCH)
    for _ in range(3):
        step()
    return peak_rss_bytes() - before


def _memory_in_child(version: str) -> int:
    command = [sys.executable, "-m", "benchmarks.train_step", "--memory-of", version]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return int(output.splitlines()[-1])


def in_words(result: dict) -> str:
    """The figures as a table."""
    mib = 2**20
    rows = [
        ("training step, s", "step_seconds", "plain_step_seconds", 1),
        ("inference of 1, s", "inference_seconds_1", "plain_inference_seconds_1", 1),
        ("inference of 32, s", "inference_seconds_32", "plain_inference_seconds_32", 1),
        ("peak memory, MiB", "peak_memory_bytes", "plain_peak_memory_bytes", mib),
    ]
    lines = [f"{'':20}{'ours':>10}{'plain':>10}{'ratio':>8}"]
    for title, ours, plain, unit in rows:
        a, b = result[ours] / unit, result[plain] / unit
        lines.append(f"{title:20}{a:10.4g}{b:10.4g}{a / b:8.2f}")
    lines.append(
        f"floor {result['floor_seconds']:.3f} s ({result['gflop_of_a_step']:.0f} GFLOP at "
        f"{result['gflops_of_a_product']:.0f} GFLOP/s): our step takes "
        f"{result['ratio_to_floor']:.2f} times as long"
    )
    lines.append(
        f"in float64 losses agree to {result['loss_difference']:.0e}, gradients to "
        f"{result['gradient_difference']:.0e}; float32 gradients are off by "
        f"{result['float32_gradient_error']:.0e} (plain: "
        f"{result['plain_float32_gradient_error']:.0e})"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

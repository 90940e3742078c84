"""Where a training step goes: each part of the dual-level model, ours beside stock layers.

    python -m benchmarks.parts [--json]

Each part gets a batch of the size that it has in `train_step` and is run alone, forward and
backward, and forward in inference; ours and stock take turns, figures are medians in milliseconds.
Stock is what `train_step` calls plain: `Conv2D`, `BatchNormalization`, `ReLU`, `MaxPooling2D`, and
the DS-LSTM cell of `benchmarks/plain.py`. Both have oneDNN; TF_ENABLE_ONEDNN_OPTS=0 before the
command shows both without. Parts run alone do not add up to a step: side by side they share cores.
"""

import argparse
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported

import ser_keras  # noqa: F401  isort: skip  (before TensorFlow, which it sets up)

import keras
import tensorflow as tf
from keras import layers

from benchmarks.plain import PlainCell
from benchmarks.turns import medians, seconds_in_turns
from benchmarks.versions import BATCH, MFCC_FRAMES, NETWORK
from ser_keras.layers import DSLSTM, ConvBlock
from ser_keras.models.heads import BATCH_NORM

UNITS, (FIRST, SECOND) = NETWORK.units, NETWORK.filters
DS_STEPS = 55
# A part: the shapes of its inputs, and whether it hands a gradient on to the layer before.
PARTS = {
    "narrow, block 1": ([(460, 64, 1)], False),
    "narrow, block 2": ([(228, 30, FIRST)], True),
    "wide, block 1": ([(230, 128, 1)], False),
    "wide, block 2": ([(113, 62, FIRST)], True),
    "DS-LSTM, layer 1": ([(DS_STEPS, 208), (DS_STEPS, 464)], True),
    "DS-LSTM, layer 2": ([(DS_STEPS, UNITS), (DS_STEPS, 464)], True),
    "LSTM, layer 1": ([(MFCC_FRAMES, 39)], False),
    "LSTM, layer 2": ([(MFCC_FRAMES, UNITS)], True),
}


def main(argv=None) -> int:
    """Run the benchmark and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument(
        "--rounds", type=int, default=7, metavar="N", help="runs timed (default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    result = {part: measure(part, arguments.rounds) for part in PARTS}
    print(json.dumps(result) if arguments.json else in_words(result))
    return 0


def measure(part: str, rounds: int) -> dict[str, float]:
    """Milliseconds of one part: training and inference, ours and stock."""
    shapes, has_layer_before = PARTS[part]
    inputs = [tf.random.stateless_normal((BATCH, *shape), (0, 0)) for shape in shapes]
    calls = {}
    for version, layer in versions_of(part).items():
        calls[f"{version}_training"] = _training(layer, inputs, has_layer_before)
        calls[f"{version}_inference"] = _inference(layer, inputs)
    seconds = medians(seconds_in_turns(calls, rounds))
    return {name: 1000 * value for name, value in seconds.items()}


def versions_of(part: str) -> dict[str, keras.layers.Layer]:
    """The layer of ours and the stock layers of one part; only stock where we use that."""
    kind, number = part.split(", ")
    if kind == "LSTM":
        return {"stock": layers.LSTM(UNITS, return_sequences=True)}
    if kind == "DS-LSTM":
        return {"ours": DSLSTM(UNITS), "stock": _stock_ds_lstm(PARTS[part][0])}
    filters = FIRST if number == "block 1" else SECOND
    return {"ours": ConvBlock(filters, **BATCH_NORM), "stock": _stock_block(filters)}


def _stock_block(filters: int) -> keras.layers.Layer:
    return keras.Sequential(
        [
            layers.Conv2D(filters, 4, use_bias=False),
            layers.BatchNormalization(**BATCH_NORM),
            layers.ReLU(),
            layers.MaxPooling2D(),
        ]
    )


def _stock_ds_lstm(shapes) -> keras.Model:
    sequences = [keras.Input(shape) for shape in shapes]
    cell = PlainCell(UNITS, shapes[0][-1], DS_STEPS)
    joined = layers.Concatenate()(sequences)
    return keras.Model(sequences, layers.RNN(cell, return_sequences=True)(joined))


def _training(layer, inputs: list[tf.Tensor], has_layer_before: bool):
    @tf.function(jit_compile=False)
    def gradients():
        with tf.GradientTape() as tape:
            if has_layer_before:
                tape.watch(inputs)
            outputs = layer(_argument(inputs), training=True)
            loss = tf.reduce_sum(outputs * outputs)
        weights = [weight.value for weight in layer.trainable_weights]
        return tape.gradient(loss, weights + (inputs if has_layer_before else []))

    layer(_argument(inputs))  # its weights exist before the first trace
    return lambda: [gradient.numpy() for gradient in gradients()]


def _inference(layer, inputs: list[tf.Tensor]):
    forward = tf.function(lambda: layer(_argument(inputs), training=False), jit_compile=False)
    return lambda: forward().numpy()


def _argument(inputs: list[tf.Tensor]):
    return inputs if len(inputs) > 1 else inputs[0]


def in_words(result: dict) -> str:
    """The figures as a table."""
    lines = [f"{'ms, batch of ' + str(BATCH):20}{'training':>17}{'inference':>18}"]
    lines.append(f"{'':20}{'ours':>9}{'stock':>8}{'ours':>10}{'stock':>8}")
    for part, times in result.items():
        ours = (f"{times[key]:.0f}" if key in times else "-" for key in _OURS)
        stock = (f"{times[key]:.0f}" for key in ("stock_training", "stock_inference"))
        a, b, c, d = next(ours), next(stock), next(ours), next(stock)
        lines.append(f"{part:20}{a:>9}{b:>8}{c:>10}{d:>8}")
    return "\n".join(lines)


_OURS = ("ours_training", "ours_inference")

if __name__ == "__main__":
    sys.exit(main())

"""The eight systems of Table 1: which heads they have and what each counts."""

import keras
from keras import ops

from data_pipeline.contract import (
    INPUT_NAMES,
    MEL_NARROW,
    MEL_WIDE,
    MELS,
    MFCC,
    NUM_MFCC,
    NUM_MFCC_FRAMES,
)
from ser_keras.engine import check_engine
from ser_keras.errors import SerError
from ser_keras.layers.level_scaling import LevelScaling
from ser_keras.layers.stream_functionals import num_functionals
from ser_keras.models.heads import (
    LEVEL_SCALING,
    ds_lstm_head,
    functionals_head,
    masked,
    mfcc_head,
    narrow_head,
    wide_head,
)
from ser_keras.settings import VARIANTS, Network

# A head: the function that builds it, and the inputs that it reads.
HEADS = {
    "mfcc": (mfcc_head, (MFCC, NUM_MFCC_FRAMES)),
    "narrow": (narrow_head, (MEL_NARROW,)),
    "wide": (wide_head, (MEL_WIDE,)),
    "ds_lstm": (ds_lstm_head, MELS),
}

# The input that tells a model of a voice: (batch, 2, num_functionals), zeros for nobody's.
PROFILE = "profile"

# Below this a CNN has no timestep or band left for the recurrence, or the alignment no pair.
MIN_FRAMES = 24


def build_model(
    variant: str,
    network: Network,
    num_emotions: int,
    num_frames: tuple[int, int],
    n_mels: tuple[int, int] = (64, 128),
) -> keras.Model:
    """Build one system of Table 1.

    The output "logits" is the weighted average of the heads' logits. Each head has an output of
    its own beside it, "<head>_logits", so that the loss can be the average of the heads' cross
    entropies (section 2.3.1): compile with `head_loss_weights(variant)`.

    Args:
        variant: a key of `VARIANTS`.
        network: its settings.
        num_emotions: number of classes.
        num_frames: timesteps of the narrow- and wide-window spectrograms after resizing.
        n_mels: mel bands of the two spectrograms.

    Returns:
        A functional model. Inputs, as far as the variant reads them: mfcc (batch, frames,
        39), num_mfcc_frames (batch,), mel_narrow (batch, num_frames[0], n_mels[0]) and
        mel_wide (batch, num_frames[1], n_mels[1]) in dB. Outputs: (batch, num_emotions) each.
        With `network.functionals_weight` it reads all of them, and profile (batch, 2,
        num_functionals), zeros for no profile (`voices.statistics`).

    Raises:
        SerError: the variant is unknown, the spectrograms are too short for the CNN, or Keras has
            settings that would change numbers (`engine`).
    """
    check_engine()
    heads = _heads(variant)
    if min(num_frames) < MIN_FRAMES:
        raise SerError(
            f"received spectrograms of {num_frames[0]} and {num_frames[1]} frames, expected "
            f"{MIN_FRAMES} or more for the CNN: the utterances are too short at these FFT sizes"
        )
    # Layers
    shapes = {
        MFCC: (None, NUM_MFCC),
        NUM_MFCC_FRAMES: (),
        MEL_NARROW: (num_frames[0], n_mels[0]),
        MEL_WIDE: (num_frames[1], n_mels[1]),
    }
    inputs = {
        name: keras.Input(shapes[name], name=name, dtype=_input_dtype(name))
        for name in input_names(variant, network)
    }
    streams, logits = dict(inputs), {}
    if network.scaled:
        streams = LevelScaling(name=LEVEL_SCALING)(streams)
    # Model
    if network.functionals_weight:
        inputs[PROFILE] = keras.Input((2, num_functionals(n_mels)), name=PROFILE)
        logits["functionals"], streams = functionals_head(streams, inputs[PROFILE], num_emotions)
    if network.masked:
        streams = masked(streams, network.masked)
    logits |= {head: HEADS[head][0](streams, network, num_emotions) for head in heads}
    heads = {head: weight * (1 - network.functionals_weight) for head, weight in heads.items()}
    if network.functionals_weight:
        heads["functionals"] = network.functionals_weight
    average = sum(ops.multiply(weight, logits[head]) for head, weight in heads.items())
    outputs = {"logits": average} | {f"{head}_logits": value for head, value in logits.items()}
    return keras.Model(inputs, outputs, name=variant)


def input_names(variant: str, network: Network | None = None) -> tuple[str, ...]:
    """The streams that a variant reads, each once; with a linear head, all of them."""
    if network and (network.functionals_weight or network.scaled):
        return INPUT_NAMES
    return tuple(dict.fromkeys(name for head in _heads(variant) for name in HEADS[head][1]))


def head_loss_weights(variant: str) -> dict[str, float]:
    """Weight of each head's cross entropy in the loss, by the name of its output."""
    return {f"{head}_logits": weight for head, weight in _heads(variant).items()}


def _heads(variant: str) -> dict[str, float]:
    if variant not in VARIANTS:
        raise SerError(f"received the variant {variant!r}, expected one of {', '.join(VARIANTS)}")
    return VARIANTS[variant]


def _input_dtype(name: str) -> str:
    return "int32" if name == NUM_MFCC_FRAMES else "float32"

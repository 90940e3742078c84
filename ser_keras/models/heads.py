"""The heads of the models: functions from Keras tensors to logits (sections 2.3.2 to 2.3.4)."""

from collections.abc import Mapping

from keras import KerasTensor, layers

from data_pipeline.contract import MEL_NARROW, MEL_WIDE, MELS, MFCC, NUM_MFCC_FRAMES
from ser_keras.errors import SerError
from ser_keras.kernels.initializers import uniform_by_fan_in
from ser_keras.layers.conv_block import ConvBlock
from ser_keras.layers.ds_lstm import DSLSTM
from ser_keras.layers.lstm import LSTM
from ser_keras.layers.mean_over_time import MeanOverTime
from ser_keras.layers.profile_dense import ProfileDense
from ser_keras.layers.stream_functionals import StreamFunctionals, num_columns
from ser_keras.layers.stream_masking import StreamMasking
from ser_keras.layers.voice_statistics import VoiceStatistics
from ser_keras.settings import Network

# Streams of a batch by name, as symbolic inputs.
Inputs = Mapping[str, KerasTensor]

# Layers of the linear head.
STREAM_FUNCTIONALS, VOICE_STATISTICS = "stream_functionals", "voice_statistics"
LEVEL_SCALING = "level_scaling"
LINEAR_CLASSIFIER = "functionals_logits"
# Timesteps that the edges of the convolutions and rounding can leave on one side when the wide
# window is twice the narrow one. More, and the two sequences are not of the same moments.
MAX_SURPLUS = 3
# As in the authors' code; Keras's own 0.99 and 1e-3 are another normalisation.
BATCH_NORM = {"momentum": 0.9, "epsilon": 1e-5}


def mfcc_head(inputs: Inputs, network: Network, num_emotions: int) -> KerasTensor:
    """M_LSTM: a two-layer LSTM on the MFCCs, averaged over the utterance's own frames."""
    h = _two_lstm_layers(inputs[MFCC], network.units, "mfcc")
    pooled = MeanOverTime(name="mfcc_mean")([h, inputs[NUM_MFCC_FRAMES]])
    return _classifier(pooled, network, num_emotions, "mfcc")


def narrow_head(inputs: Inputs, network: Network, num_emotions: int) -> KerasTensor:
    """CNN + LSTM on the narrow-window spectrogram (Base 2)."""
    sequence = _narrow_cnn(inputs, network)
    return _lstm_head(sequence, network, num_emotions, "narrow")


def wide_head(inputs: Inputs, network: Network, num_emotions: int) -> KerasTensor:
    """CNN + LSTM on the wide-window spectrogram (Base 3)."""
    sequence = _wide_cnn(inputs, network)
    return _lstm_head(sequence, network, num_emotions, "wide")


def ds_lstm_head(inputs: Inputs, network: Network, num_emotions: int) -> KerasTensor:
    """M_DS-LSTM: two CNNs, alignment, a two-layer DS-LSTM, mean over time."""
    x = _narrow_cnn(inputs, network)
    y = _wide_cnn(inputs, network)
    h, y = align(x, y, network.aligned_frames)
    for number in (1, 2):
        name = f"ds_lstm_{number}"
        h = DSLSTM(network.units, gate_norm=network.gate_norm, name=name)([h, y])
        h = layers.BatchNormalization(**BATCH_NORM, name=f"{name}_norm")(h)
    pooled = layers.GlobalAveragePooling1D(name="ds_lstm_mean")(h)
    return _classifier(pooled, network, num_emotions, "ds_lstm")


def functionals_head(
    inputs: Inputs, profile: KerasTensor, num_emotions: int
) -> tuple[KerasTensor, dict[str, KerasTensor]]:
    """A linear classifier over functionals of the streams, in standard units of a voice.

    It is fitted before the other heads are trained (`training.linear_head`), and stays as it is.

    Returns:
        Its logits, and the streams in standard units of the same voice, for the other heads.
    """
    n_mels = (inputs[MEL_NARROW].shape[-1], inputs[MEL_WIDE].shape[-1])
    functionals = StreamFunctionals(n_mels, name=STREAM_FUNCTIONALS)(dict(inputs))
    statistics = VoiceStatistics(num_emotions, num_columns(n_mels), name=VOICE_STATISTICS)
    normal, centres, widths = statistics([functionals, profile])
    logits = ProfileDense(num_emotions, name=LINEAR_CLASSIFIER)([normal, profile])
    standard, start = {}, 0
    for name in (MFCC, *MELS):
        end = start + inputs[name].shape[-1]
        standard[name] = (inputs[name] - centres[:, None, start:end]) / widths[:, None, start:end]
        start = end
    return logits, dict(inputs) | standard


def masked(inputs: Inputs, share: float) -> dict[str, KerasTensor]:
    """The streams, of which training hides a part."""
    hidden = {name: StreamMasking(share, name=f"{name}_masking") for name in (MFCC, *MELS)}
    return {name: hidden[name](x) if name in hidden else x for name, x in inputs.items()}


def align(x: KerasTensor, y: KerasTensor, aligned_frames: int) -> tuple[KerasTensor, KerasTensor]:
    """Average adjacent timesteps of x, two apart, and cut x and y to the shorter one.

    Args:
        x: (batch, T1, x features), about twice as many timesteps as y.
        y: (batch, T2, y features).
        aligned_frames: 2, as in the paper, or 3, as in the authors' code, which keeps
            T1 // 2 - 1 steps.

    Returns:
        Both with T3 timesteps.

    Raises:
        SerError: T1 is not about twice T2.
    """
    averaged = layers.AveragePooling1D(aligned_frames, strides=2, name="align")(x)
    steps = min(averaged.shape[1], x.shape[1] // 2 - (aligned_frames - 2), y.shape[1])
    if max(averaged.shape[1], y.shape[1]) - steps > MAX_SURPLUS:
        raise SerError(
            f"received sequences of {x.shape[1]} and {y.shape[1]} timesteps, expected the first "
            "about twice as long: prepare the spectrograms with a wide window of twice the narrow "
            "one (--n-fft 256 512), or train a system without a DS-LSTM"
        )
    return _first_steps(averaged, steps, "narrow"), _first_steps(y, steps, "wide")


def _first_steps(sequence: KerasTensor, steps: int, name: str) -> KerasTensor:
    surplus = sequence.shape[1] - steps
    return layers.Cropping1D((0, surplus), name=f"align_{name}")(sequence) if surplus else sequence


def _narrow_cnn(inputs: Inputs, network: Network) -> KerasTensor:
    kernel_size, padding = network.kernel_narrow, network.padding_narrow
    return _cnn(inputs[MEL_NARROW], network.filters, kernel_size, padding, "narrow")


def _wide_cnn(inputs: Inputs, network: Network) -> KerasTensor:
    kernel_size, padding = network.kernel_wide, network.padding_wide
    return _cnn(inputs[MEL_WIDE], network.filters, kernel_size, padding, "wide")


def _cnn(
    mel: KerasTensor,
    filters: tuple[int, ...],
    kernel_size: tuple[int, int],
    padding: tuple[int, int],
    name: str,
) -> KerasTensor:
    """Blocks of convolution and pooling, then the channels of a timestep side by side."""
    # (batch, time, mels) -> (batch, time, mels, 1)
    maps = layers.Reshape((*mel.shape[1:], 1), name=f"{name}_channel")(mel)
    for number, channels in enumerate(filters, start=1):
        block = ConvBlock(
            channels, kernel_size, padding, **BATCH_NORM, name=f"{name}_conv_{number}"
        )
        maps = block(maps)
    # (batch, timesteps, bands, channels) -> (batch, timesteps, bands * channels)
    _, timesteps, bands, channels = maps.shape
    return layers.Reshape((timesteps, bands * channels), name=f"{name}_sequence")(maps)


def _lstm_head(
    sequence: KerasTensor, network: Network, num_emotions: int, name: str
) -> KerasTensor:
    h = _two_lstm_layers(sequence, network.units, name)
    pooled = layers.GlobalAveragePooling1D(name=f"{name}_mean")(h)
    return _classifier(pooled, network, num_emotions, name)


def _two_lstm_layers(sequence: KerasTensor, units: int, name: str) -> KerasTensor:
    for number in (1, 2):
        sequence = LSTM(
            units,
            return_sequences=True,
            kernel_initializer=uniform_by_fan_in(units),
            recurrent_initializer=uniform_by_fan_in(units),
            bias_initializer=uniform_by_fan_in(units),
            unit_forget_bias=False,
            name=f"{name}_lstm_{number}",
        )(sequence)
    return sequence


def _classifier(pooled: KerasTensor, network: Network, num_emotions: int, head: str) -> KerasTensor:
    if network.dropout:
        pooled = layers.Dropout(network.dropout, name=f"{head}_dropout")(pooled)
    # Logits stay in full precision under a mixed policy: softmax and loss need it.
    return layers.Dense(
        num_emotions,
        kernel_initializer=uniform_by_fan_in(pooled.shape[-1]),
        bias_initializer=uniform_by_fan_in(pooled.shape[-1]),
        dtype="float32",
        name=f"{head}_logits",
    )(pooled)

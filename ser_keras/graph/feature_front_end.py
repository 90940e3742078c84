"""From features as they are computed to the inputs of a model."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import KerasTensor, ops

from data_pipeline.contract import FRAME_COUNTS, MELS, MFCC
from data_pipeline.features.mel import log_compress, resize_batch_time_axis


@keras.saving.register_keras_serializable(package="ser_keras")
class FeatureFrontEnd(keras.layers.Layer):
    """Resize mel power in time and take its logarithm, as the training batches have it.

    The functions are those of the training batches (`data_pipeline.features.mel`). Always in single
    precision, under a mixed policy too: decibels of power do not fit half precision.

    Reference:
        Wang et al., "Speech Emotion Recognition with Dual-Sequence LSTM Architecture", ICASSP
        2020, section 2.2.

    Args:
        num_frames: time steps (narrow, wide) that the model takes of a spectrogram.
        kwargs: as for every Keras layer.

    Call arguments:
        features: a dict with any of mfcc (batch, frames, 39), mel_narrow and mel_wide (batch,
            frames, n_mels; power), zero-padded, each with its number of real frames (batch,):
            num_mfcc_frames, num_frames_narrow, num_frames_wide. Numbers outside 1 to the frames
            that are there are clipped: they must not fail the other examples of a batch.

    Output shape:
        A dict of the model's inputs: mfcc and num_mfcc_frames as they are, mel_narrow (batch,
        num_frames[0], n_mels) and mel_wide (batch, num_frames[1], n_mels) in dB.

    Example:
        >>> power = keras.random.uniform((2, 90, 64))
        >>> features = {"mel_narrow": power, "num_frames_narrow": keras.ops.array([90, 50])}
        >>> inputs = FeatureFrontEnd((76, 38))(features)
        >>> inputs["mel_narrow"].shape
        TensorShape([2, 76, 64])
    """

    def __init__(self, num_frames: Sequence[int], **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        self.num_frames = tuple(num_frames)
        if len(self.num_frames) != 2 or min(self.num_frames) < 1:
            raise ValueError(
                f"Received num_frames={num_frames}. Expected two positive numbers of time steps, "
                "of the narrow and the wide spectrogram."
            )

    def call(self, features: Mapping[str, KerasTensor]) -> dict[str, KerasTensor]:
        steps = dict(zip(MELS, self.num_frames, strict=True))
        inputs: dict[str, KerasTensor] = {}
        for name in (name for name in FRAME_COUNTS if name in features):
            frames, num_frames = features[name], features[FRAME_COUNTS[name]]
            num_frames = ops.clip(num_frames, 1, ops.shape(frames)[1])
            if name == MFCC:
                inputs |= {MFCC: frames, FRAME_COUNTS[MFCC]: num_frames}
            else:
                # (batch, frames, n_mels) -> (batch, steps, n_mels)
                inputs[name] = log_compress(resize_batch_time_axis(frames, num_frames, steps[name]))
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_frames": self.num_frames}

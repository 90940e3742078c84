"""From features as they are computed to the inputs of a model."""

import keras
from keras import ops

from data_pipeline.features.mel import log_compress, resize_batch_time_axis

# Each feature and the input that says how many of its frames are real.
FRAME_COUNTS = {
    "mfcc": "num_mfcc_frames",
    "mel_narrow": "num_frames_narrow",
    "mel_wide": "num_frames_wide",
}


@keras.saving.register_keras_serializable(package="ser_keras")
class FeatureFrontEnd(keras.layers.Layer):
    """Resize mel power in time and take its logarithm, as the training batches have it.

    The functions are those of the training batches (`data_pipeline.mel`). Always in single
    precision, under a mixed policy too: decibels of power do not fit half precision.

    Reference:
        Wang et al., "Speech Emotion Recognition with Dual-Sequence LSTM Architecture", ICASSP
        2020, section 2.2.

    Args:
        num_frames: Time steps (narrow, wide) that the model takes of a spectrogram.

    Call arguments:
        features: A dict with any of mfcc (batch, frames, 39), mel_narrow and mel_wide (batch,
            frames, n_mels; power), zero-padded, each with its number of real frames (batch,):
            num_mfcc_frames, num_frames_narrow, num_frames_wide. Numbers outside 1 to the frames
            that are there are clipped: they must not fail the other examples of a batch.

    Output shape:
        A dict of the model's inputs: mfcc and num_mfcc_frames as they are, mel_narrow (batch,
        num_frames[0], n_mels) and mel_wide (batch, num_frames[1], n_mels) in dB.
    """

    def __init__(self, num_frames, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if len(num_frames) != 2 or min(num_frames) < 1:
            raise ValueError(
                f"Received num_frames={num_frames}. Expected two positive numbers of time steps, "
                "of the narrow and the wide spectrogram."
            )
        self.num_frames = tuple(num_frames)

    def call(self, features):
        steps = dict(zip(("mel_narrow", "mel_wide"), self.num_frames, strict=True))
        inputs = {}
        for name in (name for name in FRAME_COUNTS if name in features):
            frames, num_frames = features[name], features[FRAME_COUNTS[name]]
            num_frames = ops.clip(num_frames, 1, ops.shape(frames)[1])
            if name == "mfcc":
                inputs |= {"mfcc": frames, "num_mfcc_frames": num_frames}
            else:
                inputs[name] = log_compress(resize_batch_time_axis(frames, num_frames, steps[name]))
        return inputs

    def get_config(self):
        return {**super().get_config(), "num_frames": self.num_frames}

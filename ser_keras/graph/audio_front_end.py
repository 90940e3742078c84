"""From the recording to features, inside the graph."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor, ops

from data_pipeline.contract import FRAME_COUNTS, MELS, MFCC
from data_pipeline.features.mel import num_mel_frames, tensorflow_mel_spectrogram
from data_pipeline.features.mfcc import num_mfcc_frames, tensorflow_mfcc


@keras.saving.register_keras_serializable(package="ser_keras")
class AudioFrontEnd(keras.layers.Layer):
    """MFCC_E_D_A and both mel power spectrograms of padded recordings (section 2.2).

    Core TensorFlow operations alone, double precision inside, under a mixed policy too. Each
    recording of a batch gives what it gives alone, whatever stands in its padding. Followed by
    `FeatureFrontEnd` it makes the inputs of a model.

    Reference:
        Wang et al., "Speech Emotion Recognition with Dual-Sequence LSTM Architecture", ICASSP
        2020, section 2.2.

    Args:
        n_fft: FFT points of the narrow and the wide spectrogram; a quarter of them are mel bands.
        features: which of "mfcc", "mel_narrow" and "mel_wide" to compute.
        kwargs: as for every Keras layer.

    Call arguments:
        waveform: float32 (batch, samples), 16 kHz, in [-1, 1]; 400 samples or more.
        num_samples: int32 (batch,), how many of them are real, 400 or more. Nothing is checked
            here, so that one bad recording does not fail a batch.

    Output shape:
        A dict of mfcc (batch, frames, 39), mel_narrow and mel_wide (batch, frames, n_fft // 4;
        power), zero beyond a recording's own frames, and of the numbers of these, int32 (batch,):
        num_mfcc_frames, num_frames_narrow, num_frames_wide.

    Example:
        >>> waveform = keras.random.uniform((2, 16000), -0.5, 0.5)
        >>> features = AudioFrontEnd()(waveform, num_samples=keras.ops.array([16000, 8000]))
        >>> features["mfcc"].shape, features["mel_narrow"].shape
        (TensorShape([2, 98, 39]), TensorShape([2, 126, 64]))
    """

    def __init__(
        self,
        n_fft: Sequence[int] = (256, 512),
        features: Sequence[str] = (MFCC, *MELS),
        **kwargs: Any,
    ):
        super().__init__(autocast=False, **kwargs)
        self.n_fft = tuple(n_fft)
        self.features = tuple(features)
        if len(self.n_fft) != 2 or any(size < 8 or size % 4 for size in self.n_fft):
            raise ValueError(
                f"Received n_fft={n_fft}. Expected two multiples of 4, such as (256, 512)."
            )

    def call(self, waveform: KerasTensor, num_samples: KerasTensor) -> dict[str, KerasTensor]:
        num_samples = ops.cast(num_samples, "int32")
        features: dict[str, KerasTensor] = {}
        if MFCC in self.features:
            features[MFCC] = tensorflow_mfcc(waveform, num_samples)
            features[FRAME_COUNTS[MFCC]] = num_mfcc_frames(num_samples)
        for name, n_fft in zip(MELS, self.n_fft, strict=True):
            if name in self.features:
                features[name] = tensorflow_mel_spectrogram(waveform, num_samples, n_fft)
                features[FRAME_COUNTS[name]] = num_mel_frames(num_samples, n_fft)
        return features

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n_fft": self.n_fft, "features": self.features}

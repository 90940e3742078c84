"""Keras's own checks of every layer: config round trip, shapes, dtypes, policies, a fit step."""

import keras
import numpy as np
import pytest
from keras.src import testing

from ser_keras.graph import AudioFrontEnd, FeatureFrontEnd
from ser_keras.layers import (
    DSLSTM,
    LSTM,
    ConvBlock,
    DSLSTMCell,
    MeanOverTime,
    RecurrentBatchNormalization,
)

UNITS = 3

# Keras's test feeds a generator, which shuffles nothing, and fits layers without weights too.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`shuffle=True` was passed"),
    pytest.mark.filterwarnings("ignore:The model does not have any trainable weights"),
]


# Layers of several named arguments, or of a dict, are built by name in Keras's test. The front ends
# have nothing to build, so that they leave `build` to Keras, which knows no such names.
class BuiltAudioFrontEnd(AudioFrontEnd):
    def build(self, waveform_shape, num_samples_shape):
        self.built = True


class BuiltFeatureFrontEnd(FeatureFrontEnd):
    def build(self, features):
        self.built = True


class EveryLayerTest(testing.TestCase):
    """`supports_masking` is False for all: lengths are inputs of their own here, no masks."""

    def test_conv_block(self):
        for channels in (1, 2):  # one channel goes another way, without a feature map
            self.run_layer_test(
                ConvBlock,
                init_kwargs={"filters": 4, "kernel_size": (4, 2), "padding": (1, 0)},
                input_shape=(2, 13, 10, channels),
                expected_output_shape=(2, 6, 4, 4),
                expected_num_trainable_weights=3,
                expected_num_non_trainable_weights=2,
                expected_num_seed_generators=0,
                expected_num_losses=0,
                supports_masking=False,
            )

    def test_ds_lstm(self):
        for gate_norm in ("after_sigmoid", "before_sigmoid"):
            self.run_layer_test(
                DSLSTM,
                init_kwargs={"units": UNITS, "gate_norm": gate_norm},
                input_shape=((4, 6, 5), (4, 6, 2)),
                expected_output_shape=(4, 6, UNITS),
                expected_num_trainable_weights=8,
                expected_num_non_trainable_weights=2,
                expected_num_seed_generators=0,
                expected_num_losses=0,
                supports_masking=False,
            )

    def test_ds_lstm_cell(self):
        states = [np.zeros((4, size), "float32") for size in (UNITS, UNITS, 1)]
        self.run_layer_test(
            DSLSTMCell,
            init_kwargs={"units": UNITS, "timesteps": 6},
            input_shape=(4, 6 * UNITS),
            call_kwargs={"states": states},
            expected_output_shape=((4, 5 * UNITS), [(4, UNITS), (4, UNITS), (4, 1)]),
            expected_num_trainable_weights=3,
            expected_num_non_trainable_weights=2,
            supports_masking=False,
            # Keras would call it without states; `DSLSTM` above trains it.
            run_training_check=False,
            # `DSLSTM` gives its cell full precision under a mixed policy; variances need it.
            run_mixed_precision_check=False,
        )

    def test_recurrent_batch_normalization(self):
        self.run_layer_test(
            RecurrentBatchNormalization,
            init_kwargs={"timesteps": 6},
            input_shape=(4, 5),
            call_kwargs={"step": 2},
            expected_output_shape=(4, 5),
            expected_num_trainable_weights=2,
            expected_num_non_trainable_weights=2,
            supports_masking=False,
            # Keras would call it without the step; `DSLSTM` above trains it.
            run_training_check=False,
            # The same: it is given full precision. Its statistics do not follow a mixed policy.
            run_mixed_precision_check=False,
        )

    def test_lstm(self):
        self.run_layer_test(
            LSTM,
            init_kwargs={"units": UNITS},
            input_shape=(2, 5, 4),
            expected_output_shape=(2, 5, UNITS),
            expected_num_trainable_weights=3,
            expected_num_non_trainable_weights=0,
            expected_num_seed_generators=1,  # the stock layer's, of its dropout
            expected_num_losses=0,
            supports_masking=True,
        )

    def test_mean_over_time(self):
        self.run_layer_test(
            MeanOverTime,
            init_kwargs={},
            input_data=(np.ones((2, 5, 3), "float32"), np.array([5, 2], "int32")),
            expected_output=keras.ops.ones((2, 3)),
            expected_num_trainable_weights=0,
            expected_num_non_trainable_weights=0,
            supports_masking=False,
        )

    def test_audio_front_end(self):
        self.run_layer_test(
            BuiltAudioFrontEnd,
            init_kwargs={"n_fft": (256, 512)},
            custom_objects={"BuiltAudioFrontEnd": BuiltAudioFrontEnd},
            input_shape={"waveform_shape": (2, 1600), "num_samples_shape": (2,)},
            input_dtype={"waveform_shape": "float32", "num_samples_shape": "int32"},
            expected_output_shape={
                "mfcc": (2, None, 39),
                "num_mfcc_frames": (2,),
                "mel_narrow": (2, None, 64),
                "num_frames_narrow": (2,),
                "mel_wide": (2, None, 128),
                "num_frames_wide": (2,),
            },
            expected_num_trainable_weights=0,
            expected_num_non_trainable_weights=0,
            supports_masking=False,
            # Nothing in it is trained, and Keras would hand both inputs over as one.
            run_training_check=False,
        )

    def test_feature_front_end(self):
        features = {
            "mfcc": np.ones((2, 5, 39), "float32"),
            "num_mfcc_frames": np.array([5, 2], "int32"),
            "mel_narrow": np.ones((2, 9, 64), "float32"),
            "num_frames_narrow": np.array([9, 4], "int32"),
            "mel_wide": np.ones((2, 7, 128), "float32"),
            "num_frames_wide": np.array([7, 1], "int32"),
        }
        self.run_layer_test(
            BuiltFeatureFrontEnd,
            init_kwargs={"num_frames": (6, 3)},
            custom_objects={"BuiltFeatureFrontEnd": BuiltFeatureFrontEnd},
            # Keras takes a dict for the arguments by name, and this layer's one argument is a dict.
            input_data={"features": features},
            expected_output_shape={
                "mfcc": (2, 5, 39),
                "num_mfcc_frames": (2,),
                "mel_narrow": (2, 6, 64),
                "mel_wide": (2, 3, 128),
            },
            expected_output_dtype={
                "mfcc": "float32",
                "num_mfcc_frames": "int32",
                "mel_narrow": "float32",
                "mel_wide": "float32",
            },
            expected_num_trainable_weights=0,
            expected_num_non_trainable_weights=0,
            supports_masking=False,
            # Nothing in it is trained, and Keras would hand the outer dict over.
            run_training_check=False,
        )


@pytest.mark.parametrize(
    "layer",
    [AudioFrontEnd, ConvBlock, DSLSTM, DSLSTMCell, FeatureFrontEnd, LSTM]
    + [MeanOverTime, RecurrentBatchNormalization],
)
def test_names_under_which_models_hold_their_layers_stay(layer):
    assert keras.saving.get_registered_name(layer) == f"ser_keras>{layer.__name__}"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"units": 0}, "Received units=0. Expected 1 or more."),
        ({"units": 3, "gate_norm": "never"}, "Received gate_norm='never'. Expected one of"),
    ],
)
def test_a_ds_lstm_that_cannot_be_is_refused_at_once(settings, message):
    with pytest.raises(ValueError, match=message):
        DSLSTM(**settings)

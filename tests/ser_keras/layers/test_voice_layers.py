"""Statistics of voices, masks in training and the level of recordings."""

import keras
import numpy as np
import pytest

from ser_keras.graph.audio_front_end import AudioFrontEnd
from ser_keras.graph.feature_front_end import FeatureFrontEnd
from ser_keras.layers.level_scaling import LevelScaling
from ser_keras.layers.profile_dense import ProfileDense
from ser_keras.layers.stream_masking import StreamMasking
from ser_keras.layers.voice_statistics import VoiceStatistics
from ser_keras.voices.linear_head import LIMIT, LinearHead
from ser_keras.voices.statistics import profile_of


def filled(mean, deviation, num_columns):
    layer = VoiceStatistics(num_emotions=2, num_columns=num_columns)
    layer.build(((None, len(mean)), (None, 2, len(mean))))
    layer.mean.assign(mean)
    layer.deviation.assign(deviation)
    return layer


def test_without_a_profile_functionals_are_in_units_of_the_training_voices():
    mean, deviation = np.array([3.0, -1.0, 0.5, 2.0]), np.array([2.0, 0.5, 1.0, 4.0])
    functionals = np.array([[5.0, -1.0, 0.0, 1000.0]], "float32")
    normal, *_ = filled(mean, deviation, 2)([functionals, np.zeros((1, 2, 4), "float32")])
    np.testing.assert_allclose(normal.numpy(), [[1.0, 0.0, -0.5, LIMIT]])


def test_streams_are_standardised_by_all_frames_of_a_voice():
    """Against NumPy over the frames themselves, of a voice with recordings enough."""
    generator = np.random.default_rng(0)
    middles = generator.normal([2.0, -5.0], [1.0, 0.3], (5000, 2))
    widths = np.abs(generator.normal([3.0, 1.0], [0.2, 0.4], (5000, 2)))
    frames = middles[:, None] + widths[:, None] * generator.normal(size=(5000, 60, 2))
    functionals = np.concatenate([frames.mean(axis=1), frames.std(axis=1)], axis=1)
    layer = filled(np.array([1.0, -4, 2, 2]), np.array([2.0, 2, 1, 1]), 2)
    standard = (functionals - layer.mean.numpy()) / layer.deviation.numpy()
    profile = profile_of(standard)
    _, centre, width = layer([functionals[:1].astype("float32"), profile[None]])
    np.testing.assert_allclose(centre.numpy()[0], frames.mean(axis=(0, 1)), rtol=2e-3)
    np.testing.assert_allclose(width.numpy()[0], frames.std(axis=(0, 1)), rtol=5e-3)


def test_recordings_with_a_profile_have_a_classifier_of_their_own():
    """Against NumPy's head, of a batch with both kinds."""
    generator = np.random.default_rng(0)
    head = LinearHead(
        mean=np.zeros(7, "float32"),
        deviation=np.ones(7, "float32"),
        effects=np.zeros((3, 7), "float32"),
        usual_spread=np.array(1.0, "float32"),
        kernel=generator.normal(size=(2, 7, 3)).astype("float32"),
        bias=generator.normal(size=(2, 3)).astype("float32"),
    )
    functionals = generator.normal(size=(4, 7)).astype("float32")
    profiles = 0.3 * generator.normal(size=(4, 2, 7)).astype("float32")
    profiles[1:3] = 0
    layer = ProfileDense(3)
    layer.build((functionals.shape, profiles.shape))
    layer.set_weights([head.kernel, head.bias])
    normal = (functionals - profiles[:, 0]) / np.exp(profiles[:, 1])
    found = layer([normal, profiles]).numpy()
    np.testing.assert_allclose(found, head.logits(functionals, profiles), rtol=1e-5)
    nobody = functionals[1:3] @ head.kernel[0] + head.bias[0]
    np.testing.assert_allclose(found[1:3], nobody, rtol=1e-5)
    alone = normal[0] @ head.kernel[1] + head.bias[1]
    np.testing.assert_allclose(found[0], alone, rtol=1e-5)
    assert layer.get_config()["units"] == 3 and not layer.trainable_weights
    learning = layer([normal, profiles], training=True).numpy()
    np.testing.assert_array_equal(learning, np.zeros((4, 3)))  # what is shown is the others'


def test_masks_hide_one_stretch_of_frames_and_one_of_columns_in_training_alone():
    layer = StreamMasking(0.5, seed=3)
    ones = np.ones((64, 20, 10), "float32")
    np.testing.assert_array_equal(layer(ones, training=False), ones)
    hidden = layer(ones, training=True).numpy() == 0
    frames, columns = hidden.all(axis=2), hidden.all(axis=1)
    np.testing.assert_array_equal(hidden, frames[:, :, None] | columns[:, None, :])
    for shown, size in ((frames, 20), (columns, 10)):
        assert shown.sum(axis=1).max() <= size // 2 + 1
        assert len({tuple(row) for row in shown}) > 20  # drawn anew for each
        changes = np.abs(np.diff(shown.astype(int), axis=1)).sum(axis=1)
        assert changes.max() <= 2  # one stretch
    assert layer.get_config()["share"] == 0.5
    with pytest.raises(ValueError, match="Expected a part"):
        StreamMasking(1.5)


def test_a_recording_has_the_same_streams_whatever_its_level():
    """Through the front ends: the waveform itself is louder."""
    generator = np.random.default_rng(0)
    waveform = 0.05 * generator.normal(size=(1, 16000)) * (1 + 0.5 * np.sin(np.arange(16000) / 900))
    front, features = AudioFrontEnd(), FeatureFrontEnd((60, 30))

    def streams(gain):
        samples = keras.ops.convert_to_tensor((gain * waveform).astype("float32"))
        inputs = features(front(samples, num_samples=np.array([16000], "int32")))
        return LevelScaling()(inputs)

    one, other = streams(1.0), streams(0.4)
    for name in ("mel_narrow", "mel_wide"):
        np.testing.assert_allclose(one[name], other[name], atol=0.02)
    # The cepstra have a floor of their own; the energy is the level itself.
    np.testing.assert_allclose(one["mfcc"][..., 12], other["mfcc"][..., 12], atol=0.005)


def test_the_level_of_an_utterance_does_not_depend_on_its_neighbours():
    generator = np.random.default_rng(0)
    inputs = {
        "mfcc": generator.normal(10, 2, (2, 12, 39)).astype("float32"),
        "num_mfcc_frames": np.array([12, 5], "int32"),
        "mel_narrow": generator.normal(size=(2, 6, 8)).astype("float32"),
        "mel_wide": generator.normal(size=(2, 3, 16)).astype("float32"),
    }
    alone = {name: value[1:] for name, value in inputs.items()}
    alone["mfcc"] = alone["mfcc"][:, :5]
    together, single = LevelScaling()(inputs), LevelScaling()(alone)
    np.testing.assert_allclose(together["mel_wide"][1], single["mel_wide"][0], atol=1e-5)
    np.testing.assert_allclose(together["mfcc"][1, :5], single["mfcc"][0], atol=1e-5)

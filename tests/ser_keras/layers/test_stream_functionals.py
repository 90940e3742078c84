"""Functionals of the streams, against NumPy; nothing of the padding, nothing that is not finite."""

import numpy as np
import pytest

from ser_keras.layers.stream_functionals import (
    LAGS,
    PERCENTILES,
    StreamFunctionals,
    num_columns,
    num_functionals,
    spectral_shapes,
)

MELS = (8, 16)


def made(lengths, steps=(40, 20), seed=0):
    """Streams of a batch; what stands beyond an utterance is rubbish."""
    generator = np.random.default_rng(seed)
    mfcc = generator.normal(size=(len(lengths), max(lengths), 39)).astype("float32")
    mfcc[:, :, 12] += 12
    return {
        "mfcc": mfcc,
        "num_mfcc_frames": np.array(lengths, "int32"),
        "mel_narrow": generator.normal(-40, 12, (len(lengths), steps[0], 8)).astype("float32"),
        "mel_wide": generator.normal(-40, 12, (len(lengths), steps[1], 16)).astype("float32"),
    }


def blocks(functionals):
    """Those of single columns by name, each (columns of all streams,)."""
    own, wide = num_columns(MELS), 16
    others = num_functionals_of_curves(wide)
    names = [*(f"p{p}" for p in PERCENTILES), "slope", *(f"lag{lag}" for lag in LAGS)]
    parts, start = {name: [] for name in names}, 2 * own + 2 * others
    for size, passed_over in ((39, 0), (8, 0), (wide, others)):
        for name in names:
            parts[name].append(functionals[start : start + size])
            start += size + passed_over
    found = {name: np.concatenate(part) for name, part in parts.items()}
    return {"mean": functionals[:own], "deviation": functionals[own : 2 * own]} | found


def num_functionals_of_curves(num_bands):
    """Curves beside the bands of the wide spectrogram: seven shapes, groups of sixteen bands."""
    return 7 + num_bands // 16


@pytest.mark.parametrize("number", [0, 1])
def test_each_functional_of_a_column_is_numpys(number):
    inputs = made([30, 17])
    found = blocks(StreamFunctionals(MELS)(inputs).numpy()[number])
    length = inputs["num_mfcc_frames"][number]
    streams = [inputs["mfcc"][number, :length], inputs["mel_narrow"][number]]
    streams.append(inputs["mel_wide"][number])

    def of_columns(function):
        return np.concatenate([function(s.astype(np.float64)) for s in streams])

    expected = {
        "mean": of_columns(lambda s: s.mean(axis=0)),
        "deviation": of_columns(lambda s: s.std(axis=0)),
        "slope": of_columns(lambda s: np.polyfit(np.linspace(-1, 1, len(s)), s, 1)[0]),
    }
    for p in PERCENTILES:
        expected[f"p{p}"] = of_columns(lambda s, p=p: np.percentile(s, p, axis=0))
    for lag in LAGS:
        expected[f"lag{lag}"] = of_columns(
            lambda s, lag=lag: (
                np.log(np.square(s[lag:] - s[:-lag]).mean(axis=0) + 1e-6)
                if len(s) > lag
                else np.full(s.shape[1], np.log(1e-6))
            )
        )
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=2e-4, atol=2e-4, err_msg=name)


def test_the_shape_of_a_spectrum_is_numpys():
    decibels = made([5])["mel_wide"]
    shapes, level = (part.numpy()[0] for part in spectral_shapes(decibels))
    power = 10 ** (decibels[0].astype(np.float64) / 10)
    share = power / power.sum(axis=1, keepdims=True)
    band = np.arange(16)
    centroid = share @ band
    np.testing.assert_allclose(shapes[:, 0], centroid, rtol=1e-3)
    np.testing.assert_allclose(shapes[:, 2], -(share * np.log(share)).sum(axis=1), rtol=1e-3)
    np.testing.assert_allclose(level, 10 * np.log10(power.sum(axis=1)), rtol=1e-4)
    moved = np.sqrt(np.square(np.diff(share, axis=0)).sum(axis=1))
    np.testing.assert_allclose(shapes[1:, 3], moved, rtol=1e-3, atol=1e-3)


def test_an_utterance_gives_in_a_batch_what_it_gives_alone():
    inputs = made([30, 9, 21])
    inputs["mfcc"][1, 9:] = np.nan
    together = StreamFunctionals(MELS)(inputs).numpy()
    assert together.shape == (3, num_functionals(MELS))
    for number, length in enumerate(inputs["num_mfcc_frames"]):
        alone = {name: value[number : number + 1] for name, value in inputs.items()}
        alone["mfcc"] = alone["mfcc"][:, :length]
        np.testing.assert_allclose(
            StreamFunctionals(MELS)(alone).numpy()[0], together[number], rtol=1e-4, atol=1e-4
        )


def test_silence_and_a_single_frame_give_numbers():
    for level in (0.0, -100.0):
        inputs = {name: np.full_like(v, level) for name, v in made([1, 2]).items()}
        inputs["num_mfcc_frames"] = np.array([1, 2], "int32")
        assert np.isfinite(StreamFunctionals(MELS)(inputs).numpy()).all()


def test_in_training_nothing_is_computed():
    layer = StreamFunctionals(MELS)
    assert not layer(made([5]), training=True).numpy().any()
    assert layer.get_config()["n_mels"] == MELS


def test_bands_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match=r"Received n_mels=\(8, 1\). Expected two numbers"):
        StreamFunctionals((8, 1))

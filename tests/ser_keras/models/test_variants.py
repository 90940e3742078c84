"""The eight systems of Table 1."""

import keras
import numpy as np
import pytest

from ser_keras.errors import SerError
from ser_keras.models import build_model, head_loss_weights, input_names
from ser_keras.models.heads import align
from ser_keras.settings import PRESETS, VARIANTS
from ser_keras.training.optimisation import compile_model

SMALL = {
    name: preset.with_values({"network.units": 6, "network.filters": (4, 3)})
    for name, preset in PRESETS.items()
}
FRAMES, MELS = (48, 25), (16, 32)


def batch(variant, size=8, num_emotions=4, frames=FRAMES, mels=MELS):
    rng = np.random.default_rng(size)
    inputs = {
        "mfcc": rng.normal(size=(size, 21, 39)),
        "num_mfcc_frames": rng.integers(1, 22, size=size),
        "mel_narrow": rng.normal(size=(size, frames[0], mels[0])) * 15 - 40,
        "mel_wide": rng.normal(size=(size, frames[1], mels[1])) * 15 - 40,
    }
    labels = rng.integers(num_emotions, size=size)
    return {name: inputs[name].astype("float32") for name in input_names(variant)}, labels


# --- parameters, counted from the sizes alone ---


def lstm_parameters(inputs, units):
    """Two layers of four gates, one bias each."""
    return 4 * units * (inputs + units + 1) + 4 * units * (2 * units + 1)


def after_convolutions(size, kernel, padding):
    for _ in range(2):
        size = (size + 2 * padding - kernel + 1) // 2
    return size


def cnn_parameters(kernel, filters):
    """Two convolutions without bias, each followed by gamma, beta, mean and variance."""
    first, second = filters
    taps = kernel[0] * kernel[1]
    return taps * first + 4 * first + taps * first * second + 4 * second


def ds_lstm_parameters(x, y, units, steps):
    def layer(x):
        gates = 4 * (units * (x + y + units) + units)
        memories = units * (x + units) + units * (y + units) + 2 * units
        rbn = 2 * 4 * units + 2 * steps * 4 * units
        output_norm = 4 * units
        return gates + memories + rbn + output_norm

    return layer(x) + layer(units)


def expected_parameters(variant, network, num_emotions, frames, mels):
    units, channels = network.units, network.filters[1]
    classifier = num_emotions * (units + 1)
    kernels = network.kernel_narrow, network.kernel_wide
    paddings = network.padding_narrow, network.padding_wide
    features, steps = (
        [after_convolutions(size[i], kernels[i][axis], paddings[i][axis]) for i in (0, 1)]
        for axis, size in ((1, mels), (0, frames))
    )
    x, y = (bands * channels for bands in features)
    cnns = [cnn_parameters(kernel, network.filters) for kernel in kernels]
    aligned = steps[0] // 2 - (1 if network.aligned_frames == 3 else 0)
    heads = {
        "mfcc": lstm_parameters(39, units) + classifier,
        "narrow": cnns[0] + lstm_parameters(x, units) + classifier,
        "wide": cnns[1] + lstm_parameters(y, units) + classifier,
        "ds_lstm": sum(cnns) + ds_lstm_parameters(x, y, units, min(aligned, steps[1])) + classifier,
    }
    return sum(heads[head] for head in VARIANTS[variant])


@pytest.mark.parametrize("preset", ["paper", "authors"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_follow_from_the_sizes(variant, preset):
    frames, mels = (460, 230), (64, 128)
    network = PRESETS[preset].network
    model = build_model(variant, network, 4, frames, mels)
    assert model.count_params() == expected_parameters(variant, network, 4, frames, mels)


def test_the_dual_sequence_layers_have_more_weights_than_two_lstms():
    """Six gate networks against eight, but 1,818,400 weights against 1,500,800: 21 % more."""
    model = build_model("ds_lstm", PRESETS["paper"].network, 4, (460, 230))
    layers = [model.get_layer(f"ds_lstm_{n}") for n in (1, 2)]
    weights = sum(
        np.prod(w.shape) for layer in layers for w in layer.trainable_weights if "rbn" not in w.path
    )
    base_4 = build_model("base_4", PRESETS["paper"].network, 4, (460, 230))
    lstms = [base_4.get_layer(f"{head}_lstm_{n}") for head in ("narrow", "wide") for n in (1, 2)]
    assert (weights, sum(layer.count_params() for layer in lstms)) == (1_818_400, 1_500_800)


# --- behaviour ---


@pytest.mark.parametrize(
    ("variant", "preset"),
    [*((variant, "paper") for variant in VARIANTS), ("dual_level", "authors")],
)
def test_a_training_step_moves_every_weight(variant, preset):
    keras.utils.set_random_seed(1)
    model = build_model(variant, SMALL[preset].network, 4, FRAMES, MELS)
    compile_model(model, variant, SMALL[preset].optimiser, 4)
    inputs, labels = batch(variant)
    before = [w.numpy() for w in model.weights]
    model.train_on_batch(inputs, dict.fromkeys(model.output, labels))
    for weight, old in zip(model.weights, before, strict=True):
        assert np.isfinite(weight.numpy()).all(), weight.path
        assert (weight.numpy() != old).any(), weight.path


@pytest.mark.parametrize("variant", VARIANTS)
def test_logits_and_loss_are_weighted_averages_of_the_heads(variant):
    model = build_model(variant, SMALL["paper"].network, 4, FRAMES, MELS)
    compile_model(model, variant, SMALL["paper"].optimiser, 4)
    inputs, labels = batch(variant)
    outputs = {name: np.asarray(value) for name, value in model(inputs).items()}
    weights = head_loss_weights(variant)
    assert sum(weights.values()) == 1
    average = sum(weight * outputs[head] for head, weight in weights.items())
    np.testing.assert_allclose(outputs["logits"], average, atol=1e-6)
    loss = 0
    for head, weight in weights.items():
        exponentials = np.exp(outputs[head])
        probabilities = exponentials / exponentials.sum(1, keepdims=True)
        loss -= weight * np.log(probabilities[np.arange(8), labels]).mean()
    evaluated = model.evaluate(
        inputs, dict.fromkeys(outputs, labels), verbose=0, return_dict=True, batch_size=8
    )
    np.testing.assert_allclose(evaluated["loss"], loss, rtol=1e-5)


def test_table_one_is_built_as_the_paper_says():
    assert set(VARIANTS["base_6"]) == set(VARIANTS["base_1"]) | set(VARIANTS["base_2"])
    assert set(VARIANTS["base_5"]) == set(VARIANTS["base_1"]) | set(VARIANTS["base_4"])
    assert set(VARIANTS["base_4"]) == set(VARIANTS["base_2"]) | set(VARIANTS["base_3"])
    assert set(VARIANTS["dual_level"]) == set(VARIANTS["base_1"]) | set(VARIANTS["ds_lstm"])


@pytest.mark.parametrize("variant", ["base_5", "dual_level"])
def test_an_answer_does_not_depend_on_the_batch(variant):
    model = build_model(variant, SMALL["authors"].network, 4, FRAMES, MELS)
    inputs, _ = batch(variant, size=9)
    together = model(inputs)["logits"]
    alone = [model({k: v[i : i + 1] for k, v in inputs.items()})["logits"][0] for i in range(9)]
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize(
    ("aligned_frames", "lengths"), [(2, (56, 27)), (2, (57, 30)), (3, (57, 29)), (3, (56, 25))]
)
def test_alignment_averages_adjacent_steps_and_cuts_both(aligned_frames, lengths):
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(2, length, 3)).astype("float32") for length in lengths)
    tensors = [keras.Input(part.shape[1:]) for part in (x, y)]
    got_x, got_y = keras.Model(tensors, align(*tensors, aligned_frames))([x, y])
    whole = lengths[0] // 2 - (1 if aligned_frames == 3 else 0)
    steps = min(whole, lengths[1])
    expected = [x[:, 2 * t : 2 * t + aligned_frames].mean(1) for t in range(steps)]
    np.testing.assert_allclose(got_x, np.stack(expected, 1), atol=1e-6)
    np.testing.assert_array_equal(got_y, y[:, :steps])


def test_windows_that_are_not_twice_as_long_are_refused():
    frames, mels = (318, 80), (64, 256)  # 256 and 1,024 FFT points
    with pytest.raises(SerError, match="expected the first about twice as long"):
        build_model("ds_lstm", PRESETS["paper"].network, 4, frames, mels)
    build_model("base_4", PRESETS["paper"].network, 4, frames, mels)


@pytest.mark.parametrize("preset", ["paper", "authors", "demo"])
@pytest.mark.parametrize("narrow_frames", [60, 61, 62, 63, 317, 318, 319, 1000])
def test_spectrograms_of_one_recording_are_never_out_of_step(preset, narrow_frames):
    frames = (narrow_frames, narrow_frames // 2 + 1)
    build_model("ds_lstm", PRESETS[preset].network, 4, frames, (64, 128))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_with_finite_full_precision_logits(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = build_model("dual_level", SMALL["paper"].network, 4, FRAMES, MELS)
    finally:
        keras.config.set_dtype_policy("float32")
    compile_model(model, "dual_level", SMALL["paper"].optimiser, 4)
    inputs, labels = batch("dual_level")
    loss = model.train_on_batch(inputs, dict.fromkeys(model.output, labels))
    assert np.isfinite(loss).all()
    logits = model(inputs)["logits"]
    assert logits.dtype == "float32"
    assert np.isfinite(logits).all()


def test_config_round_trip_gives_the_same_model():
    model = build_model("dual_level", SMALL["authors"].network, 4, FRAMES, MELS)
    twin = keras.Model.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    inputs, _ = batch("dual_level")
    np.testing.assert_array_equal(model(inputs)["logits"], twin(inputs)["logits"])


def test_what_cannot_be_built_says_why():
    with pytest.raises(SerError, match="base_9.*expected one of base_1"):
        build_model("base_9", SMALL["paper"].network, 4, FRAMES, MELS)
    with pytest.raises(SerError, match="20 and 10 frames, expected 24 or more"):
        build_model("base_2", SMALL["paper"].network, 4, (20, 10), MELS)

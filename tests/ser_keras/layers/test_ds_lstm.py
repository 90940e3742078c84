"""The DS-LSTM against the authors' own cell (oracle) and NumPy written from the equations."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from ser_keras.layers import DSLSTM, DSLSTMCell

ORACLE = np.load(Path(__file__).parents[2] / "oracles" / "ds_lstm_cell.npz")
GATES = ("forget", "input_T", "input_F", "output")
UNITS, STEPS = 5, 9


def numpy_ds_lstm(x, y, weights, statistics=None, gate_norm="after_sigmoid", epsilon=1e-5):
    """Equations (1) to (8), a network at a time; batch statistics where none are given.

    `weights`: kernel_<gate>, kernel_memory_T, kernel_memory_F, bias_*, gamma and beta by gate.
    `statistics`: by gate a list of (mean, variance), one a step. Returns h, C and what the
    normalisation saw, by gate.
    """
    batch, steps, _ = x.shape
    units = weights["bias_forget"].shape[0]
    h = c = np.zeros((batch, units))
    all_h, all_c, seen = [], [], {gate: [] for gate in GATES}
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731

    def rbn(gate, values, t):
        seen[gate].append(values)
        if statistics is None:
            mean, variance = values.mean(0), values.var(0)
        else:
            mean, variance = statistics[gate][min(t, len(statistics[gate]) - 1)]
        normalised = (values - mean) / np.sqrt(variance + epsilon)
        return weights[f"gamma_{gate}"] * normalised + weights[f"beta_{gate}"]

    for t in range(steps):
        everything = np.concatenate([x[:, t], y[:, t], h], 1)
        gate = {}
        for name in GATES:
            z = everything @ weights[f"kernel_{name}"] + weights[f"bias_{name}"]
            after = gate_norm == "after_sigmoid"
            gate[name] = rbn(name, sigmoid(z), t) if after else sigmoid(rbn(name, z, t))
        from_x = np.concatenate([x[:, t], h], 1) @ weights["kernel_memory_T"]
        from_y = np.concatenate([y[:, t], h], 1) @ weights["kernel_memory_F"]
        c = (
            gate["forget"] * c
            + gate["input_T"] * np.tanh(from_x + weights["bias_memory_T"])
            + gate["input_F"] * np.tanh(from_y + weights["bias_memory_F"])
        )
        h = gate["output"] * np.tanh(c)
        all_h.append(h)
        all_c.append(c)
    return np.stack(all_h, 1), np.stack(all_c, 1), seen


def random_weights(rng, x_size, y_size, units):
    """Weights of every network, gammas of both signs."""
    rows = dict.fromkeys(GATES, x_size + y_size + units)
    rows |= {"memory_T": x_size + units, "memory_F": y_size + units}
    weights = {f"kernel_{name}": rng.normal(size=(n, units)) * 0.5 for name, n in rows.items()}
    weights |= {f"bias_{name}": rng.normal(size=units) for name in rows}
    weights |= {f"gamma_{name}": rng.normal(size=units) for name in GATES}
    return weights | {f"beta_{name}": rng.normal(size=units) for name in GATES}


def oracle_weights(layer):
    part = lambda name: ORACLE[f"layer{layer}/{name}"]  # noqa: E731
    names = (*GATES, "memory_T", "memory_F")
    weights = {
        f"{kind}_{name}": part(f"{kind}_{name}") for kind in ("kernel", "bias") for name in names
    }
    for gate in GATES:
        weights |= {f"{kind}_{gate}": part(f"rbn_{kind}_{gate}") for kind in ("gamma", "beta")}
    return weights


def layer_with(weights, x_shape, y_shape, moving=None, dtype="float64", **settings):
    """A DSLSTM whose joined weights hold the given weights of single networks."""
    units = weights["bias_forget"].shape[0]
    layer = DSLSTM(units, dtype=dtype, **settings)
    layer.build([x_shape, y_shape])
    x_size, y_size = x_shape[-1], y_shape[-1]
    gates = np.concatenate([weights[f"kernel_{gate}"] for gate in GATES], 1)
    memory_T, memory_F = weights["kernel_memory_T"], weights["kernel_memory_F"]
    layer.x_gate_kernel.assign(gates[:x_size])
    layer.y_gate_kernel.assign(gates[x_size : x_size + y_size])
    layer.x_memory_kernel.assign(memory_T[:x_size])
    layer.y_memory_kernel.assign(memory_F[:y_size])
    layer.bias.assign(
        np.concatenate([weights[f"bias_{name}"] for name in (*GATES, "memory_T", "memory_F")])
    )
    recurrent = [gates[x_size + y_size :], memory_T[x_size:], memory_F[y_size:]]
    layer.rnn.cell.recurrent_kernel.assign(np.concatenate(recurrent, 1))
    rbn = layer.rnn.cell.rbn
    rbn.gamma.assign(np.concatenate([weights[f"gamma_{gate}"] for gate in GATES]))
    rbn.beta.assign(np.concatenate([weights[f"beta_{gate}"] for gate in GATES]))
    if moving is not None:
        rbn.moving_mean.assign(moving[0])
        rbn.moving_variance.assign(moving[1])
    return layer


def oracle_layer(layer, inputs):
    part = lambda name: ORACLE[f"layer{layer}/{name}"]  # noqa: E731
    moving = [
        np.concatenate([part(f"rbn_moving_{kind}_{gate}") for gate in GATES], 1)
        for kind in ("mean", "variance")
    ]
    return layer_with(oracle_weights(layer), inputs[0].shape, inputs[1].shape, moving)


def h_and_c(layer, inputs, training):
    """h and C of every step, the cell called by hand: the RNN hands out no C."""
    cell = layer.rnn.cell
    projected = layer.project(*inputs)
    batch = projected.shape[0]
    states = [ops.zeros((batch, size), projected.dtype) for size in cell.state_size]
    memories, outputs = [], []
    for t in range(projected.shape[1]):
        output, states = cell(projected[:, t], states, training=training)
        outputs.append(output[:, : layer.units])
        memories.append(states[1])
    return np.stack(outputs, 1), np.stack(memories, 1)


def normalise(layer, h, mode):
    part = lambda name: ORACLE[f"layer{layer}/output_bn_{name}"]  # noqa: E731
    mean, variance = part("moving_mean"), part("moving_variance")
    if mode == "train":  # the authors take each step's own batch statistics
        mean, variance = h.mean(0), h.var(0)
    return part("gamma") * (h - mean) / np.sqrt(variance + float(ORACLE["eps"])) + part("beta")


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_two_layers_equal_the_authors_cell(mode):
    inputs = [ORACLE["x"], ORACLE["y"]]
    for number in (0, 1):
        layer = oracle_layer(number, inputs)
        h, c = h_and_c(layer, inputs, training=mode == "train")
        np.testing.assert_allclose(h, ORACLE[f"{mode}/layer{number}_h"], atol=1e-6)
        np.testing.assert_allclose(c, ORACLE[f"{mode}/layer{number}_c"], atol=1e-6)
        np.testing.assert_allclose(layer(inputs, training=mode == "train"), h, atol=1e-12)
        inputs = [normalise(number, h, mode), ORACLE["y"]]
    np.testing.assert_allclose(inputs[0], ORACLE[f"{mode}/output"], atol=1e-6)


def test_gradients_equal_the_authors():
    layer = oracle_layer(0, [ORACLE["x"], ORACLE["y"]])
    x, y = tf.constant(ORACLE["x"]), tf.constant(ORACLE["y"])
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        loss = tf.reduce_sum(tf.constant(ORACLE["grad/r"]) * layer([x, y], training=True))
    cell = layer.rnn.cell
    sources = {
        "x": x,
        "y": y,
        "x_gates": layer.x_gate_kernel.value,
        "y_gates": layer.y_gate_kernel.value,
        "x_memory": layer.x_memory_kernel.value,
        "y_memory": layer.y_memory_kernel.value,
        "recurrent": cell.recurrent_kernel.value,
        "gamma": cell.rbn.gamma.value,
    }
    got = {name: value.numpy() for name, value in tape.gradient(loss, sources).items()}
    np.testing.assert_allclose(loss, ORACLE["grad/loss"], atol=1e-6)
    expected = {name.removeprefix("grad/"): ORACLE[name] for name in ORACLE if "grad/" in name}
    check = lambda value, name: np.testing.assert_allclose(  # noqa: E731
        value, expected.pop(name), atol=1e-6, err_msg=name
    )
    recurrent = np.split(got["recurrent"], 6, 1)
    for i, gate in enumerate(GATES):
        columns = slice(UNITS * i, UNITS * (i + 1))
        rows = [got["x_gates"][:, columns], got["y_gates"][:, columns], recurrent[i]]
        check(np.concatenate(rows), f"kernel_{gate}")
        check(got["gamma"][columns], f"rbn_gamma_{gate}")
    check(np.concatenate([got["x_memory"], recurrent[4]]), "kernel_memory_T")
    check(np.concatenate([got["y_memory"], recurrent[5]]), "kernel_memory_F")
    for name in ("x", "y"):
        if name in expected:
            check(got[name], name)
    assert set(expected) <= {"loss", "r"}, "part of the oracle was not compared"


@pytest.mark.parametrize("gate_norm", ["after_sigmoid", "before_sigmoid"])
@pytest.mark.parametrize("seed", range(4))
def test_equals_numpy_over_random_shapes(seed, gate_norm):
    rng = np.random.default_rng(seed)
    batch, steps, x_size, y_size, units = rng.integers([2, 1, 1, 1, 1], [9, 12, 8, 8, 7])
    x, y = rng.normal(size=(batch, steps, x_size)), rng.normal(size=(batch, steps, y_size))
    weights = random_weights(rng, x_size, y_size, units)
    layer = layer_with(weights, x.shape, y.shape, gate_norm=gate_norm)
    expected, _, seen = numpy_ds_lstm(x, y, weights, gate_norm=gate_norm)
    np.testing.assert_allclose(layer([x, y], training=True), expected, atol=1e-9)

    # After that one batch the moving statistics are known, and inference uses them.
    moving = {gate: [(0.1 * v.mean(0), 0.1 * v.var(0) + 0.9) for v in seen[gate]] for gate in GATES}
    expected, _, _ = numpy_ds_lstm(x, y, weights, moving, gate_norm)
    np.testing.assert_allclose(layer([x, y], training=False), expected, atol=1e-9)


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("batches", [1, 3])
def test_moving_statistics_move_once_a_step_a_batch(traced, batches):
    rng = np.random.default_rng(5)
    weights = random_weights(rng, 3, 4, 2)
    layer = layer_with(weights, (None, 6, 3), (None, 6, 4), dtype="float32")
    call = lambda x, y: layer([x, y], training=True)  # noqa: E731
    call = tf.function(call) if traced else call
    mean, variance = np.zeros((6, 8)), np.ones((6, 8))
    for _ in range(batches):
        x, y = (rng.normal(size=(7, 6, size)).astype("float32") for size in (3, 4))
        call(tf.constant(x), tf.constant(y))
        _, _, seen = numpy_ds_lstm(x, y, weights)
        batch = np.concatenate([np.stack(seen[gate], 1) for gate in GATES], -1)
        mean = 0.9 * mean + (1 - 0.9) * batch.mean(0)
        variance = 0.9 * variance + (1 - 0.9) * batch.var(0)
    rbn = layer.rnn.cell.rbn
    np.testing.assert_allclose(rbn.moving_mean, mean, atol=1e-5)
    np.testing.assert_allclose(rbn.moving_variance, variance, atol=1e-5)


def test_inference_leaves_the_statistics_alone():
    layer = DSLSTM(3)
    x = np.random.default_rng(0).normal(size=(4, 5, 2)).astype("float32")
    layer([x, x])
    np.testing.assert_array_equal(layer.rnn.cell.rbn.moving_mean, np.zeros((5, 12)))
    np.testing.assert_array_equal(layer.rnn.cell.rbn.moving_variance, np.ones((5, 12)))


def test_beyond_the_last_step_the_last_statistics_are_used():
    rng = np.random.default_rng(1)
    weights = random_weights(rng, 2, 2, 3)
    moving = rng.normal(size=(4, 12)), rng.uniform(0.5, 2, size=(4, 12))
    x, y = rng.normal(size=(2, 5, 7, 2))
    layer = layer_with(weights, x.shape, y.shape, moving, timesteps=4)
    statistics = {
        gate: [(moving[0][t, 3 * i : 3 * i + 3], moving[1][t, 3 * i : 3 * i + 3]) for t in range(4)]
        for i, gate in enumerate(GATES)
    }
    expected, _, _ = numpy_ds_lstm(x, y, weights, statistics)
    np.testing.assert_allclose(layer([x, y]), expected, atol=1e-9)


def test_sequences_shorter_than_the_statistics_move_only_their_own_steps():
    layer = DSLSTM(2, timesteps=6)
    x = np.random.default_rng(0).normal(size=(4, 3, 2)).astype("float32")
    layer([x, x], training=True)
    moving = layer.rnn.cell.rbn.moving_variance.numpy()
    assert (moving[:3] != 1).all()
    assert (moving[3:] == 1).all()


def test_gradients_equal_finite_differences():
    rng = np.random.default_rng(3)
    weights = random_weights(rng, 2, 3, 2)
    x, y = rng.normal(size=(6, 4, 2)), rng.normal(size=(6, 4, 3))
    layer = layer_with(weights, x.shape, y.shape)
    r = tf.constant(rng.normal(size=(6, 4, 2)))
    loss = lambda: tf.reduce_sum(r * layer([x, y], training=True))  # noqa: E731
    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, [w.value for w in layer.trainable_variables])
    for weight, gradient in zip(layer.trainable_variables, gradients, strict=True):
        at = tuple(rng.integers(weight.shape))
        base, nudge = weight.numpy(), np.zeros(weight.shape)
        nudge[at] = 1e-6
        weight.assign(base + nudge)
        above = loss()
        weight.assign(base - nudge)
        below = loss()
        weight.assign(base)
        np.testing.assert_allclose(gradient[at], (above - below) / 2e-6, rtol=1e-5, atol=1e-7)


def test_config_round_trip_shapes_and_a_fit_step():
    x, y = keras.Input((6, 3)), keras.Input((6, 4))
    h = DSLSTM(5, gate_norm="before_sigmoid", name="dual")([x, y])
    model = keras.Model([x, y], keras.layers.GlobalAveragePooling1D()(h))
    assert h.shape == (None, 6, 5)
    twin = keras.Model.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    rng = np.random.default_rng(0)
    data = [rng.normal(size=(10, 6, size)).astype("float32") for size in (3, 4)]
    np.testing.assert_array_equal(model.predict(data, verbose=0), twin.predict(data, verbose=0))
    twin.compile("adam", "mse")
    history = twin.fit(data, np.ones((10, 5)), batch_size=5, epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_the_recurrence_counts_its_steps_under_mixed_precision():
    """In bfloat16, 256 + 1 = 256: the step would stand still and statistics be mistaken."""
    layer = DSLSTM(1, dtype="mixed_bfloat16")
    layer.build([(None, 300, 1), (None, 300, 1)])
    beyond = np.zeros((300, 4), "float32")
    beyond[280:] = -10.0  # only these steps see gates that are far from their mean
    layer.rnn.cell.rbn.moving_mean.assign(beyond)
    zeros = np.zeros((2, 300, 1), "float32")
    h = np.asarray(ops.cast(layer([zeros, zeros]), "float32"))
    assert abs(h[0, 290, 0] - h[0, 270, 0]) > 0.01


@pytest.mark.parametrize(
    "make",
    [
        lambda: DSLSTMCell(0, 4),
        lambda: DSLSTMCell(4, 0),
        lambda: DSLSTMCell(4, 4, gate_norm="sideways"),
        lambda: DSLSTM(4).build([(None, 5, 2), (None, 6, 2)]),
        lambda: DSLSTM(4).build([(None, None, 2), (None, None, 2)]),
        lambda: keras.layers.RNN(DSLSTMCell(4, 4)).build((None, 5, 7)),
    ],
)
def test_bad_settings_say_what_was_received_and_expected(make):
    with pytest.raises(ValueError, match=r"Received .*Expected"):
        make()

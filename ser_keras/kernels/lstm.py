"""An LSTM over whole sequences in one operation of TensorFlow, for inference.

In a loop each of the hundreds of steps costs a dozen operations, of which the arithmetic is the
smallest part where one utterance is asked about.
"""

import tensorflow as tf


def fused_lstm(
    x: tf.Tensor, kernel: tf.Tensor, recurrent_kernel: tf.Tensor, bias: tf.Tensor
) -> tf.Tensor:
    """Equal to `keras.layers.LSTM(return_sequences=True)` from zeros.

    That it is the first `BlockLSTM` and not the second is for other engines, which read no other.

    Args:
        x: (batch, steps, features), float32.
        kernel: (features, 4 * units), in Keras's order: input, forget, memory, output.
        recurrent_kernel: (units, 4 * units).
        bias: (4 * units,).

    Returns:
        h: (batch, steps, units).
    """
    batch, steps, _ = tf.unstack(tf.shape(x))
    units = recurrent_kernel.shape[0]
    nothing = tf.zeros((batch, units), x.dtype)
    no_peephole = tf.zeros((units,), x.dtype)
    h = tf.raw_ops.BlockLSTM(
        seq_len_max=tf.cast(steps, tf.int64),
        x=tf.transpose(x, (1, 0, 2)),
        cs_prev=nothing,
        h_prev=nothing,
        w=_reordered(tf.concat([kernel, recurrent_kernel], axis=0), units),
        wci=no_peephole,
        wcf=no_peephole,
        wco=no_peephole,
        b=_reordered(bias, units),
        forget_bias=0.0,
        cell_clip=-1.0,
        use_peephole=False,
    ).h
    # (steps, batch, units) -> (batch, steps, units)
    return tf.transpose(h, (1, 0, 2))


def _reordered(gates: tf.Tensor, units: int) -> tf.Tensor:
    """(..., 4 * units) from Keras's order to the operation's: input, memory, forget, output."""
    before = tf.concat([tf.shape(gates)[:-1], (4, units)], axis=0)
    return tf.reshape(tf.gather(tf.reshape(gates, before), (0, 2, 1, 3), axis=-2), tf.shape(gates))

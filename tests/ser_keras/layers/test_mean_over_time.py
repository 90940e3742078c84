"""Mean pooling over an utterance's own frames."""

import numpy as np

from ser_keras.layers import MeanOverTime


def test_padding_has_no_influence_whatever_it_is():
    rng = np.random.default_rng(0)
    sequences = rng.normal(size=(3, 7, 4)).astype("float32")
    lengths = np.array([7, 1, 4], "int32")
    expected = np.stack([s[:n].mean(0) for s, n in zip(sequences, lengths, strict=True)])
    for filler in (0.0, 1e30, np.nan):
        padded = sequences.copy()
        for row, length in zip(padded, lengths, strict=True):
            row[length:] = filler
        np.testing.assert_allclose(MeanOverTime()([padded, lengths]), expected, rtol=1e-5)

"""Vectors of one recording: openSMILE's own, as long as the contract says."""

import numpy as np
import pytest

from data_pipeline.contract import FUNCTIONALS
from data_pipeline.features.functionals import opensmile_functionals
from data_pipeline.features.opensmile_library import import_opensmile

opensmile = import_opensmile()

NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 8000).astype(np.float32)


@pytest.mark.parametrize("feature_set", FUNCTIONALS)
def test_vector_is_opensmiles_own_and_as_long_as_the_contract_says(feature_set):
    found = opensmile_functionals(NOISE, feature_set)
    assert found.shape == (FUNCTIONALS[feature_set],) and found.dtype == np.float32
    smile = opensmile.Smile(opensmile.FeatureSet[feature_set], opensmile.FeatureLevel.Functionals)
    expected = smile.process_signal(NOISE, 16000).to_numpy()[0]
    np.testing.assert_array_equal(found, expected)


def test_a_full_scale_sample_does_not_wrap_round():
    below, at = NOISE.copy(), NOISE.copy()
    below[4000], at[4000] = 32767 / 32768, 1.0
    np.testing.assert_array_equal(
        opensmile_functionals(at, "eGeMAPSv02"), opensmile_functionals(below, "eGeMAPSv02")
    )


def test_an_unknown_feature_set_is_a_wrong_call():
    with pytest.raises(ValueError, match=r"^Received feature_set='GeMAPS'. Expected one of Com"):
        opensmile_functionals(NOISE, "GeMAPS")

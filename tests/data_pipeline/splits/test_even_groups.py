"""Groups of speakers: those of scikit-learn, to the utterance."""

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from data_pipeline.errors import DataError
from data_pipeline.splits.even_groups import even_groups


def draw(rng, least):
    """Labels and speakers of a made-up corpus, each number used."""
    num_speakers, size = rng.integers(least, 40), rng.integers(60, 600)
    speakers = np.unique(rng.integers(0, num_speakers, size), return_inverse=True)[1]
    labels = np.unique(rng.integers(0, rng.integers(2, 9), size), return_inverse=True)[1]
    return labels, speakers


@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.parametrize("num_groups", [2, 3, 5])
def test_they_are_those_of_scikit_learn(num_groups):
    rng = np.random.default_rng(num_groups)
    for seed in range(40):
        labels, speakers = draw(rng, least=num_groups + 3)
        theirs = StratifiedGroupKFold(num_groups, shuffle=True, random_state=seed)
        expected = [test for _, test in theirs.split(labels, labels, speakers)]
        found = even_groups(labels, speakers, num_groups, seed)
        assert len(found) == num_groups
        for ours, test in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, test)


def test_too_few_are_told():
    labels = np.array([0, 0, 0, 1, 1, 1])
    with pytest.raises(DataError, match="received 2 speakers where 3 groups"):
        even_groups(labels, np.array([0, 1, 0, 1, 0, 1]), 3, 0)
    with pytest.raises(DataError, match="no emotion has more than 3 utterances where 4"):
        even_groups(labels, np.arange(6), 4, 0)

"""What is said of a profile."""

import numpy as np
import pytest

from ser_keras.predict.adapting import remarks
from ser_keras.voices.profile_file import VoiceProfile


@pytest.mark.parametrize(
    ("recordings", "mixed", "value", "said"),
    [
        (20, 1.0, 0.1, []),
        (8, 0.2, 0.1, ["the recordings sound alike"]),
        (1, 0.0, 0.1, ["1 recording(s) say little"]),  # one alone cannot sound alike
        (3, 0.2, 0.1, ["3 recording(s) say little", "the recordings sound alike"]),
        (20, 0.0, 0.0, ["the voices that the model was trained on hardly tell"]),
    ],
)
def test_a_profile_that_says_little_is_told_so(recordings, mixed, value, said):
    profile = VoiceProfile(
        model="m",
        model_sha256="0",
        recordings=recordings,
        seconds=1.0,
        mixed=mixed,
        profile=np.full((2, 3), value, np.float32),
    )
    found = list(remarks(profile))
    assert len(found) == len(said)
    assert all(text.startswith(start) for text, start in zip(found, said, strict=True))

"""eSpeak NG in a process of its own: real library, real process."""

import numpy as np
import pytest

from data_pipeline.corpora.demo.espeak import EspeakError, Request, synthesise

NEUTRAL = Request("<speak>The keys are on the table.</speak>", "en-us+f1", 175, 40, 50, 50)


def speak(*requests: Request) -> list[np.ndarray]:
    return list(synthesise(requests))


def test_a_request_does_not_act_on_the_next_one():
    loud_and_fast = Request("<speak>One two three.</speak>", "en-us+m1", 350, 100, 90, 100)
    alone = speak(NEUTRAL)[0]
    after = speak(loud_and_fast, NEUTRAL)[1]
    # The phase of the oscillators is carried over, the settings are not.
    assert len(after) == pytest.approx(len(alone), rel=0.02)
    assert np.std(after) == pytest.approx(np.std(alone), rel=0.05)


def test_an_unknown_voice_is_named_in_one_line():
    with pytest.raises(EspeakError, match="could not speak.*no-such-voice") as error:
        speak(Request("<speak>One.</speak>", "no-such-voice", 175, 100, 50, 50))
    assert "\n" not in str(error.value)

"""What is spoken in the demo corpus, and whether it sounds as the published rules say."""

from collections import Counter

import numpy as np
import pytest

from data_pipeline.corpora.demo.espeak import ESPEAK_SAMPLE_RATE, synthesise
from data_pipeline.corpora.demo.script import (
    IMPROVISED,
    PROSODY,
    VOICES,
    Prosody,
    draw_prosody,
    plan_turns,
    to_request,
)

NUM_SPEAKERS = 10
FRAME_LENGTH, HOP_LENGTH = 1024, 256


def test_every_speaker_says_every_sentence_with_every_emotion():
    emotion = {"ang": "angry", "hap": "happy", "exc": "happy", "neu": "neutral", "sad": "sad"}
    spoken = Counter(
        (turn.voice, turn.text, emotion[turn.label])
        for turn in plan_turns()
        if turn.label in emotion
    )
    assert len(spoken) == NUM_SPEAKERS * 6 * 4
    assert set(spoken.values()) == {1}


def test_names_are_unique_and_carry_the_speaker_before_the_number():
    names = [turn.utterance_id for turn in plan_turns()]
    assert len(set(names)) == len(names)
    assert "Ses02M_script01_2_F003" in names
    assert {name[-4] for name in names} == {"F", "M"}


def test_utterances_of_one_emotion_differ_in_strength():
    rates = {draw_prosody(turn).rate for turn in plan_turns() if turn.label == "sad"}
    assert len(rates) == 60
    assert max(rates) < 1 and min(rates) > 0.6


def test_pauses_follow_commas_and_values_stay_on_the_scales():
    sad = to_request("First, second.", VOICES[1]["M"], PROSODY["sad"])
    assert sad.ssml == '<speak>First,<break time="250ms"/> second.</speak>'
    extreme = to_request("One.", VOICES[1]["M"], Prosody(pitch=90, pitch_range=-90))
    assert (extreme.pitch, extreme.pitch_range) == (100, 0)
    assert extreme.ssml == "<speak>One.</speak>"


# How it sounds


def yin(frames: np.ndarray) -> np.ndarray:
    """F0 in Hz of each frame (frames, samples), from 60 to 500 Hz.

    De Cheveigné and Kawahara, "YIN, a fundamental frequency estimator", JASA 111 (2002), steps 1
    to 4: the first dip of the normalised difference below 0.1, else its lowest point.
    """
    shortest, longest = ESPEAK_SAMPLE_RATE // 500, ESPEAK_SAMPLE_RATE // 60
    span = frames.shape[1] - longest
    lags = np.arange(1, longest)
    difference = np.stack(
        [np.sum((frames[:, :span] - frames[:, lag : lag + span]) ** 2, axis=1) for lag in lags], 1
    )
    normalised = difference * lags / np.cumsum(difference, axis=1)
    normalised = normalised[:, shortest - 1 :]
    periods = []
    for row in normalised:
        below = np.flatnonzero(row < 0.1)
        at = below[0] if len(below) else np.argmin(row)
        while at + 1 < len(row) and row[at + 1] < row[at]:
            at += 1
        periods.append(at + shortest)
    return ESPEAK_SAMPLE_RATE / np.array(periods)


def measure(samples: np.ndarray) -> np.ndarray:
    """Median F0 in Hz, F0 range (10th to 90th percentile) in Hz, seconds of speech, level in dB."""
    waveform = samples / 32768
    loud = np.flatnonzero(np.abs(waveform) > 0.01 * np.abs(waveform).max())
    speech = waveform[loud[0] : loud[-1] + 1]
    views = np.lib.stride_tricks.sliding_window_view(speech, FRAME_LENGTH)[::HOP_LENGTH]
    rms = np.sqrt(np.mean(views**2, axis=1))
    low, middle, high = np.percentile(yin(views[rms > 0.3 * rms.max()]), [10, 50, 90])
    level = 10 * np.log10(np.mean(speech**2))
    return np.array([middle, high - low, len(speech) / ESPEAK_SAMPLE_RATE, level])


@pytest.fixture(scope="module")
def measured():
    """Label -> (speakers, 4) measures of one sentence at the full strength of the rule."""
    voices = [voice for session in VOICES.values() for voice in session.values()]
    labels = ("neu", "ang", "hap", "sad")
    requests = [
        to_request(IMPROVISED[1], voice, PROSODY[label]) for label in labels for voice in voices
    ]
    values = np.array([measure(samples) for samples in synthesise(requests)])
    return dict(zip(labels, values.reshape(len(labels), len(voices), -1), strict=True))


def test_joy_is_as_burkhardt_and_sendlmeier_found(measured):
    pitch, pitch_range, seconds, _ = np.median(measured["hap"] / measured["neu"], axis=0)
    assert pitch == pytest.approx(1.5, abs=0.1)
    assert pitch_range == pytest.approx(2.0, abs=0.3)
    assert 1 / seconds == pytest.approx(1.3, abs=0.1)


def test_anger_is_as_murray_and_arnott_set_it(measured):
    pitch, pitch_range, _, level = np.median(measured["ang"] - measured["neu"], axis=0)
    assert pitch == pytest.approx(10, abs=8)
    assert pitch_range > 20
    assert level == pytest.approx(6, abs=1.5)
    seconds = np.median(measured["ang"][:, 2] / measured["neu"][:, 2])
    assert 1 / seconds == pytest.approx(205 / 175, abs=0.08)


def test_sadness_is_flat_slow_and_quiet_as_cahn_set_it(measured):
    pitch, pitch_range, seconds, _ = np.median(measured["sad"] / measured["neu"], axis=0)
    assert 0.85 < pitch <= 1
    assert pitch_range == pytest.approx(0.5, abs=0.15)
    assert 1.2 < seconds < 1.5
    assert np.all(measured["sad"][:, 3] < measured["neu"][:, 3] - 4)


def test_women_speak_higher_than_men(measured):
    pitch = measured["neu"][:, 0]
    assert pitch[::2].min() > 1.4 * pitch[1::2].max()
    assert len(set(np.round(pitch))) == NUM_SPEAKERS

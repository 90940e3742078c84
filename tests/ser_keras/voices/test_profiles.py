"""Profiles of planted voices: what is found, and what a one-sided set must not do."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ser_keras.errors import SerError
from ser_keras.voices.adapting import adapt, mixedness
from ser_keras.voices.drawing import NUMBERS, drawn_orders, profiles_of_tested
from ser_keras.voices.linear_head import LinearHead
from ser_keras.voices.profile_file import VoiceProfile, read_profile, write_profile
from ser_keras.voices.statistics import measure_effects, normalised, profile_of

NUM_EMOTIONS, SIZE = 4, 40


@pytest.fixture
def generator():
    return np.random.default_rng(0)


@pytest.fixture
def effects(generator):
    found = 1.5 * generator.normal(size=(NUM_EMOTIONS, SIZE))
    return (found - found.mean(axis=0)).astype(np.float32)


@pytest.fixture
def head(effects):
    """A classifier that knows the planted effects of emotions, and is sure of them."""
    kernel = 4 * effects.T / SIZE
    return LinearHead(
        mean=np.zeros(SIZE, np.float32),
        deviation=np.ones(SIZE, np.float32),
        effects=effects,
        usual_spread=np.array(np.square(effects @ kernel).mean(), np.float32),
        kernel=np.stack([kernel] * 2),
        bias=np.zeros((2, NUM_EMOTIONS), np.float32),
    )


def spoken(generator, effects, voice, labels):
    noise = 0.5 * generator.normal(size=(len(labels), SIZE))
    return (voice + effects[labels] + noise).astype(np.float32)


def test_the_profile_of_many_recordings_is_mean_and_deviation_of_few_near_nobodys(generator):
    recordings = generator.normal(2.0, 0.5, (2000, SIZE))
    mean, log_deviation = profile_of(recordings)
    np.testing.assert_allclose(mean, recordings.mean(axis=0), rtol=2e-3)
    np.testing.assert_allclose(np.exp(log_deviation), recordings.std(axis=0), rtol=0.01)
    assert not profile_of(recordings[:0]).any()
    one = profile_of(recordings[:1])
    np.testing.assert_allclose(one[0], recordings[0] / 3, rtol=1e-5)
    assert (np.abs(one[1]) < 0.5).all()


def test_functionals_by_a_profile_are_standard_units_of_the_voice(generator):
    recordings = generator.normal(2.0, 0.5, (5000, SIZE))
    own = normalised(recordings, profile_of(recordings))
    np.testing.assert_allclose(own.mean(axis=0), 0, atol=0.01)
    np.testing.assert_allclose(own.std(axis=0), 1, atol=0.01)


def test_effects_of_emotions_are_found_though_voices_lack_some(generator, effects):
    rows, labels, voices = [], [], []
    for voice in range(12):
        known = [e for e in range(NUM_EMOTIONS) if voice % 5 != e]
        own = np.repeat(known, 30)
        rows.append(spoken(generator, effects, 3 * generator.normal(size=SIZE), own))
        labels.append(own)
        voices.append(np.full(len(own), voice))
    rows, labels, voices = map(np.concatenate, (rows, labels, voices))
    found = measure_effects(rows, labels, voices, NUM_EMOTIONS + 1)
    np.testing.assert_allclose(found[:NUM_EMOTIONS], effects, atol=0.15)
    assert not found[NUM_EMOTIONS].any()  # nobody speaks in it


def test_with_the_emotions_known_the_voice_is_found_in_recordings_of_one(generator, effects):
    voice = 3 * generator.normal(size=SIZE)
    labels = np.full(200, 1)
    recordings = spoken(generator, effects, voice, labels)
    plain, cleaned = profile_of(recordings)[0], None
    cleaned = profile_of(recordings, effects, np.eye(NUM_EMOTIONS)[labels], mixed=0.0)
    assert np.abs(cleaned[0] - voice).mean() < 0.1 < np.abs(plain - voice).mean()
    expected = np.sqrt(0.25 + np.square(effects).mean(axis=0))
    np.testing.assert_allclose(np.exp(cleaned[1]), expected, rtol=0.12)


def test_mixed_recordings_are_taken_as_they_are_and_those_of_one_emotion_are_noticed(
    generator, effects, head
):
    voice = 0.3 * generator.normal(size=SIZE)
    mixed = spoken(generator, effects, voice, np.arange(20) % NUM_EMOTIONS)
    adapted = adapt(head, mixed)
    assert adapted.mixed == 1
    np.testing.assert_allclose(adapted.profile, profile_of(mixed))
    for emotion in range(NUM_EMOTIONS):
        alike = spoken(generator, effects, voice, np.full(8, emotion))
        assert mixedness(head, alike) < 0.1
        # Its own mean would take the emotion for the voice.
        away = np.abs(adapt(head, alike).profile[0] - voice).mean()
        assert away < 0.5 * np.abs(profile_of(alike)[0] - voice).mean()
    assert adapt(head, mixed[:1]).mixed == 0  # of one recording nothing can be told


@pytest.mark.parametrize("number", NUMBERS)
def test_nobody_is_judged_by_a_profile_from_the_recording_itself(number):
    voices = ["a"] * 7 + ["b"] * 30 + ["c"] + [""] * 3
    orders = drawn_orders(voices, np.arange(len(voices)), seed=1)
    asked = {}
    profiles = profiles_of_tested(orders, number, lambda rows: tuple(sorted(rows.tolist())))
    for row, told_by in profiles.items():
        assert row not in told_by
        assert {voices[other] for other in told_by} == {voices[row]}
        asked.setdefault(voices[row], set()).add(len(told_by))
    assert set(profiles) == set(range(37))  # the voice with one recording has no profile
    most = 29 if number == "all" else int(number)
    assert asked == {"a": {min(most, 6)}, "b": {min(most, 29)}}


def test_what_is_drawn_depends_on_the_places_of_recordings_and_on_the_seed():
    voices, places = ["a", "b"] * 10, np.arange(20)
    shuffled = np.random.default_rng(0).permutation(20)
    first = drawn_orders(voices, places, 0)
    again = drawn_orders([voices[n] for n in shuffled], places[shuffled], 0)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(places[one], places[shuffled][other])
    assert any((a != b).any() for a, b in zip(first, drawn_orders(voices, places, 1), strict=True))


def test_the_head_of_an_older_export_with_one_classifier_is_refused(head):
    with pytest.raises(ValueError, match="as of a head with one classifier"):
        replace(head, kernel=head.kernel[0], bias=head.bias[0])


# --- The file ---


def made_profile():
    numbers = np.random.default_rng(0).normal(size=(2, SIZE)).astype(np.float32)
    return VoiceProfile(
        model="m", model_sha256="abc", recordings=7, seconds=12.5, mixed=0.75, profile=numbers
    )


def test_a_profile_is_read_back(tmp_path):
    profile = made_profile()
    write_profile(profile, tmp_path / "in" / "anna.json")
    found = read_profile(tmp_path / "in" / "anna.json")
    np.testing.assert_allclose(found.profile, profile.profile, atol=1e-5)
    for name in ("model", "model_sha256", "recordings", "seconds", "mixed"):
        assert getattr(found, name) == getattr(profile, name)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("mean"),
        lambda content: content.update(format=2),
        lambda content: content.update(mean=[float("nan")] * SIZE),
        lambda content: content.update(mean=[1.0]),
        lambda content: content.update(recordings="many"),
    ],
)
def test_what_is_no_profile_is_refused_in_one_line(tmp_path, change):
    path = tmp_path / "anna.json"
    write_profile(made_profile(), path)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(SerError, match="is no profile of a voice") as caught:
        read_profile(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", "RIFF\0"])
def test_other_files_are_no_profiles(tmp_path, text):
    (tmp_path / "x").write_text(text)
    with pytest.raises(SerError, match="is no profile of a voice"):
        read_profile(tmp_path / "x")
    with pytest.raises(SerError, match="cannot be read"):
        read_profile(tmp_path / "missing")

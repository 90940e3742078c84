"""What is spoken in the demo corpus: speakers, sentences, and emotions as prosody rules.

The rules follow Schröder, "Emotional Speech Synthesis: A Review", Eurospeech 2001, table 1
(doi:10.21437/Eurospeech.2001-150): joy after Burkhardt and Sendlmeier (2000), anger after Murray
and Arnott (1995), sadness after Cahn (1990). docs/demo_corpus.md gives them in full.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from data_pipeline.corpora.demo.espeak import Request


@dataclass(frozen=True)
class Prosody:
    """How an emotion differs from the neutral voice.

    `pitch` and `pitch_range` are points on eSpeak NG's scales from 0 to 100 (50 is the voice's own;
    100 doubles the range). `rate` is a factor on words per minute, `pause_ms` follows each comma.
    """

    pitch: float = 0
    pitch_range: float = 0
    rate: float = 1.0
    loudness_db: float = 0
    pause_ms: float = 0


# The published value stands behind each number. eSpeak NG raises the mean pitch with the range, so
# that anger needs a lower `pitch` for its +10 Hz. Where a source gives no unit the size is ours.
# Voice quality (breathy, laryngealised) is out of eSpeak NG's reach and left out.
_NEUTRAL = Prosody()
_JOY = Prosody(
    pitch=28,  # mean F0 +50 %
    pitch_range=50,  # range +100 %
    rate=1.30,  # tempo +30 %
    loudness_db=3,  # "higher", Murray and Arnott (1993), table 1; size ours
)
_ANGER = Prosody(
    pitch=-14,  # mean F0 +10 Hz
    pitch_range=50,  # range +9 semitones; the most that eSpeak NG gives
    rate=1.17,  # +30 words per minute on 175
    loudness_db=6,  # +6 dB
)
_SADNESS = Prosody(
    pitch=0,  # mean F0 unchanged
    pitch_range=-25,  # -5 on a scale of 10: half
    rate=0.75,  # -10 of 10: the slowest; size ours
    loudness_db=-6,  # -5 of 10; size ours
    pause_ms=250,  # more pauses (+5 of 10); size ours
)
# By IEMOCAP's codes: exc is read as happy, fru and xxx are outside the four emotions.
PROSODY = {
    "ang": _ANGER,
    "exc": _JOY,
    "fru": _ANGER,
    "hap": _JOY,
    "neu": _NEUTRAL,
    "sad": _SADNESS,
    "xxx": _NEUTRAL,
}


@dataclass(frozen=True)
class Voice:
    """A speaker: a variant of eSpeak NG's American voice, with a pitch and rate of their own."""

    variant: str
    pitch: float  # points, as in Prosody
    rate: float


# Session number -> letter of the speaker -> voice.
VOICES = {
    1: {"F": Voice("f1", -6, 1.00), "M": Voice("m1", -8, 1.04)},
    2: {"F": Voice("f2", 8, 1.07), "M": Voice("m2", 8, 0.95)},
    3: {"F": Voice("f3", -8, 0.94), "M": Voice("m3", -6, 1.00)},
    4: {"F": Voice("f4", 4, 0.97), "M": Voice("m4", -2, 1.08)},
    5: {"F": Voice("f5", 9, 1.03), "M": Voice("m7", 12, 0.96)},
}

# Sentences without a feeling of their own; every speaker says each one with each emotion.
IMPROVISED = (
    "The keys are on the table, next to the lamp.",
    "We talked about it, on the way to work.",
    "The train leaves at noon, from the other platform.",
)
SCRIPTED = (
    "He took the blue coat, and left the other one.",
    "They will be here at seven, with the new chairs.",
    "She wrote it all down, and put it in the drawer.",
)

# Dialog (after "Ses01") -> label -> sentences. Dialogs are named as in IEMOCAP.
DIALOGS: dict[str, dict[str, tuple[str, ...]]] = {
    "F_impro01": {"ang": IMPROVISED, "neu": IMPROVISED, "fru": IMPROVISED[:1]},
    "M_impro02": {"hap": IMPROVISED[:2], "exc": IMPROVISED[2:], "sad": IMPROVISED},
    "F_script01_1": {"ang": SCRIPTED, "neu": SCRIPTED},
    "M_script01_2": {
        "hap": SCRIPTED[:1],
        "exc": SCRIPTED[1:],
        "sad": SCRIPTED,
        "xxx": SCRIPTED[:1],
    },
}

NEUTRAL_RATE = 175  # words per minute
NEUTRAL_VOLUME = 40  # of 200, in proportion to amplitude; leaves room for anger without clipping
NEUTRAL_POINTS = 50  # of pitch and pitch range: the voice's own
# How far one utterance strays from its rule, so that the emotions overlap.
STRENGTH_RANGE = (0.8, 1.1)
PITCH_JITTER = 3  # points
PITCH_RANGE_JITTER = 5  # points
RATE_JITTER = 0.04
LOUDNESS_JITTER_DB = 1.0


@dataclass(frozen=True)
class Turn:
    """One utterance to be spoken."""

    session: int
    dialog: str
    utterance_id: str
    label: str
    text: str
    voice: Voice


def plan_turns() -> list[Turn]:
    """Every utterance of the corpus, in the order in which they are spoken."""
    return [
        turn
        for session in VOICES
        for dialog in DIALOGS
        for letter in VOICES[session]
        for turn in _plan_speaker(session, dialog, letter)
    ]


def _plan_speaker(session: int, dialog: str, letter: str) -> Iterator[Turn]:
    dialog_id = f"Ses{session:02d}{dialog}"
    spoken = [(label, text) for label, texts in DIALOGS[dialog].items() for text in texts]
    for number, (label, text) in enumerate(spoken):
        turn_id = f"{dialog_id}_{letter}{number:03d}"
        yield Turn(session, dialog_id, turn_id, label, text, VOICES[session][letter])


def draw_prosody(turn: Turn) -> Prosody:
    """The rule of the turn's label, at a strength and with a jitter of the turn's own.

    Both are drawn from the utterance's name, so that no utterance depends on the others.
    """
    rule, draw = PROSODY[turn.label], random.Random(turn.utterance_id).uniform
    strength = draw(*STRENGTH_RANGE)
    return Prosody(
        pitch=strength * rule.pitch + draw(-PITCH_JITTER, PITCH_JITTER),
        pitch_range=strength * rule.pitch_range + draw(-PITCH_RANGE_JITTER, PITCH_RANGE_JITTER),
        rate=rule.rate**strength * (1 + draw(-RATE_JITTER, RATE_JITTER)),
        loudness_db=strength * rule.loudness_db + draw(-LOUDNESS_JITTER_DB, LOUDNESS_JITTER_DB),
        pause_ms=strength * rule.pause_ms,
    )


def to_request(text: str, voice: Voice, prosody: Prosody) -> Request:
    """What eSpeak NG is asked to speak."""
    return Request(
        ssml=f"<speak>{_add_pauses(text, round(prosody.pause_ms))}</speak>",
        voice=f"en-us+{voice.variant}",
        rate=round(NEUTRAL_RATE * voice.rate * prosody.rate),
        volume=round(NEUTRAL_VOLUME * 10 ** (prosody.loudness_db / 20)),
        pitch=_to_points(NEUTRAL_POINTS + voice.pitch + prosody.pitch),
        pitch_range=_to_points(NEUTRAL_POINTS + prosody.pitch_range),
    )


def _add_pauses(text: str, pause_ms: int) -> str:
    return text.replace(",", f',<break time="{pause_ms}ms"/>') if pause_ms else text


def _to_points(value: float) -> int:
    return round(min(max(value, 0), 100))

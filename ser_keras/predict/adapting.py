"""Recordings of one voice, without labels -> its profile."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_pipeline.audio.reading import load_waveform
from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.errors import DataError
from ser_keras.errors import SerError
from ser_keras.predict.served_model import ServedModel
from ser_keras.predict.voice import model_sha256, read_head
from ser_keras.voices.adapting import adapt
from ser_keras.voices.profile_file import VoiceProfile

# Fewer say little of a voice; below this part of mixedness they are told to be one-sided.
FEW_RECORDINGS = 5
ONE_SIDED_BELOW = 0.5


@dataclass(frozen=True)
class Unusable:
    """A recording that no profile is made from, and why (one line)."""

    file: Path
    reason: str


def make_profile(
    model: ServedModel, paths: Collection[Path]
) -> tuple[VoiceProfile, list[Unusable]]:
    """The profile of whoever speaks in some recordings.

    Args:
        model: that takes profiles.
        paths: audio files of one voice.

    Returns:
        The profile, and the files that could not be used for it.

    Raises:
        SerError: the model takes no profiles, or none of the files can be used.
    """
    head = read_head(model.directory, model.info)
    found, unusable, seconds = [], [], 0.0
    for path in paths:
        try:
            waveform = load_waveform(path)
        except DataError as error:
            unusable.append(Unusable(path, str(error).removeprefix(f"{path}: ")))
            continue
        functionals, (reason,) = model.functionals([waveform])
        if reason:
            unusable.append(Unusable(path, reason))
            continue
        found.append(functionals[0])
        seconds += len(waveform) / SAMPLE_RATE
    if not found:
        first = f", first {unusable[0].file}: {unusable[0].reason}" if unusable else ""
        raise SerError(
            f"received {len(paths)} recordings, of which none can be used{first}; expected one or "
            "more of the voice"
        )
    adapted = adapt(head, head.standard(np.stack(found)))
    profile = VoiceProfile(
        model=model.directory.resolve().parent.name,
        model_sha256=model_sha256(model.directory),
        recordings=len(found),
        seconds=seconds,
        mixed=adapted.mixed,
        profile=adapted.profile,
    )
    return profile, unusable


def remarks(profile: VoiceProfile) -> Iterable[str]:
    """What is to be said of a profile."""
    if profile.recordings < FEW_RECORDINGS:
        yield (
            f"{profile.recordings} recording(s) say little of a voice: the profile stays near that "
            "of nobody; twenty in many moods are better"
        )
    if not profile.profile.any():
        yield (
            "the voices that the model was trained on hardly tell a voice from an emotion: each "
            "spoke in one, or profiles did harm to those held out. The profile changes nothing; "
            "train on voices in several emotions, with their speakers named"
        )
    elif profile.recordings > 1 and profile.mixed < ONE_SIDED_BELOW:
        yield (
            "the recordings sound alike, as of one emotion: what is the voice and what the emotion "
            "cannot be told apart there, so the emotion that is heard is taken away first; give "
            "recordings in other moods, too"
        )

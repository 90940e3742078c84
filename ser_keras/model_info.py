"""What a trained model knows about itself: `info.json` beside its weights and in its export."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any

from data_pipeline.features.level import TrainingProfile
from ser_keras.errors import SerError
from ser_keras.scores.calibration import MIN_CONFIDENCE

INFO_FILE = "info.json"
AGAIN = "train the fold again"
EXPECTED = f"expected what training writes: {AGAIN}"
# What a model that was not calibrated is served with: its probabilities as they are.
NO_TEMPERATURE = 1.0


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """Where a model comes from, what it takes and what it scored.

    `from_json` knows every older file; what was not known then has the default here.

    Attributes:
        variant: row of Table 1.
        preset: name of the settings that it was trained with.
        emotions: in the order of its logits.
        features: sample_rate (Hz), mfcc (who computed them) and n_fft [narrow, wide].
        corpus: name of the corpus that it was trained on.
        protocol: what its test part was.
        fold: number of its fold.
        num_frames: timesteps that it takes of the (narrow, wide) spectrogram.
        n_mels: bands of the (narrow, wide) spectrogram.
        inputs: names of the streams that it takes.
        takes_profile: whether it takes the profile of a voice beside them; None where not.
        weighted_accuracy, unweighted_accuracy: of its test part, in [0, 1]; None while that was
            not scored.
        temperature: what its logits are divided by before the softmax (calibration).
        unsure_below: the calibrated probability under which an answer is called unsure.
        adapted_temperature, adapted_unsure_below: the same for answers with the profile of a voice;
            None where they were not measured: then those without a profile are taken.
        strangers: what they do to voices never heard, with and without a profile, as
            `scores.strangers` gives it: measured over the folds of the run, so it says what the
            recipe does; None where it was not measured.
        recipe: of a model that was trained on every recording: the summary of the run that its
            recipe was measured by; else None.
        calibration: what both do, as `scores.calibration.calibrate` gives it; None where the model
            was not calibrated.
        training_profile: what its training recordings were like; None where it is not known.
        trained_on: names of the corpora that it was trained on, and the model before it, if it went
            on from one; None in models of one corpus.
        run: the configuration of the run that made it, as the file of the run holds it; in exports.
            None where it is not known.
    """

    variant: str
    preset: str
    emotions: tuple[str, ...]
    features: Mapping[str, Any]
    corpus: str
    protocol: str
    fold: int
    num_frames: tuple[int, int]
    n_mels: tuple[int, int]
    inputs: tuple[str, ...]
    takes_profile: bool | None = None
    weighted_accuracy: float | None = None
    unweighted_accuracy: float | None = None
    temperature: float = NO_TEMPERATURE
    unsure_below: float = MIN_CONFIDENCE
    adapted_temperature: float | None = None
    adapted_unsure_below: float | None = None
    strangers: Mapping[str, Any] | None = None
    recipe: Mapping[str, Any] | None = None
    calibration: Mapping[str, Any] | None = None
    training_profile: TrainingProfile | None = None
    trained_on: tuple[str, ...] | None = None
    run: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not self.emotions:
            raise SerError(f"{INFO_FILE}: received no emotions, expected one or more: {AGAIN}")
        temperature = self.temperature
        if not (isinstance(temperature, int | float) and 0 < temperature < math.inf):
            raise SerError(
                f"{INFO_FILE}: temperature is {temperature!r}, expected a positive number: {AGAIN}"
            )

    def for_strangers(self, strangers: Mapping[str, Any]) -> "ModelInfo":
        """The same with temperature and threshold as answers to voices never heard ask for."""
        without, told = strangers["without_profile"], strangers["with_profile"]
        return replace(
            self,
            temperature=without["temperature"],
            unsure_below=without["unsure_below"],
            adapted_temperature=told["temperature"],
            adapted_unsure_below=told["unsure_below"],
            strangers=strangers,
        )

    @classmethod
    def from_json(cls, content: object) -> "ModelInfo":
        """The model that a file describes, whatever version of this project wrote it.

        Args:
            content: what `to_json` gave, now or in an older version; names that are not known
                here are passed over.

        Raises:
            SerError: something is missing that every version wrote, or means nothing.
        """
        if not isinstance(content, Mapping):
            raise SerError(f"{INFO_FILE}: received no JSON object, {EXPECTED}")
        known = {field.name: field for field in fields(cls)}
        missing = [n for n, f in known.items() if f.default is MISSING and n not in content]
        if missing:
            raise SerError(f"{INFO_FILE}: received no {', '.join(missing)}, {EXPECTED}")
        values: dict[str, Any] = {n: _frozen(content[n]) for n in known if n in content}
        if values.get("training_profile") is not None:
            values["training_profile"] = _profile(values["training_profile"])
        return cls(**values)

    def to_json(self) -> dict[str, object]:
        """Ready for JSON; what is not known is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def _frozen(value: object) -> object:
    # JSON turns tuples into lists.
    return tuple(value) if isinstance(value, list) else value


def _profile(content: Mapping[str, Any]) -> TrainingProfile:
    try:
        return TrainingProfile.from_json(content)
    except (TypeError, KeyError) as error:
        raise SerError(
            f"{INFO_FILE}: received a training_profile that cannot be read ({error}), {EXPECTED}"
        ) from None

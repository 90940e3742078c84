"""What a trained model knows about itself: `info.json` beside its weights and in its export."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from data_pipeline.features.level import TrainingProfile
from ser_keras.errors import SerError
from ser_keras.scores.calibration import MIN_CONFIDENCE

AGAIN = "train the fold again"
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
        weighted_accuracy, unweighted_accuracy: of its test part, in [0, 1]; None while that was
            not scored.
        temperature: what its logits are divided by before the softmax (calibration).
        unsure_below: the calibrated probability under which an answer is called unsure.
        calibration: what both do, as `scores.calibration.calibrate` gives it; None where the model
            was not calibrated.
        training_profile: what its training recordings were like; None where it is not known.
    """

    variant: str
    preset: str
    emotions: tuple[str, ...]
    features: Mapping
    corpus: str
    protocol: str
    fold: int
    num_frames: tuple[int, int]
    n_mels: tuple[int, int]
    inputs: tuple[str, ...]
    weighted_accuracy: float | None = None
    unweighted_accuracy: float | None = None
    temperature: float = NO_TEMPERATURE
    unsure_below: float = MIN_CONFIDENCE
    calibration: Mapping | None = None
    training_profile: TrainingProfile | None = None

    @classmethod
    def from_json(cls, content: Mapping) -> "ModelInfo":
        """The model that a file describes, whatever version of this project wrote it.

        Args:
            content: what `to_json` gave, now or in an older version.

        Raises:
            SerError: something is missing that every version wrote, or the temperature is no
                positive number.
        """
        names = [field.name for field in fields(cls)]
        known = {name: _frozen(content[name]) for name in names if name in content}
        try:
            if known.get("training_profile") is not None:
                known["training_profile"] = TrainingProfile.from_json(content["training_profile"])
            info = cls(**known)
        except (TypeError, KeyError) as error:
            raise SerError(f"info.json: {error}, expected what training writes: {AGAIN}") from None
        temperature = info.temperature
        if not (isinstance(temperature, int | float) and 0 < temperature < math.inf):
            raise SerError(
                f"info.json: temperature is {temperature!r}, expected a positive number: {AGAIN}"
            )
        return info

    def to_json(self) -> dict[str, object]:
        """Ready for JSON; what is not known is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def _frozen(value: object) -> object:
    # JSON turns tuples into lists.
    return tuple(value) if isinstance(value, list) else value

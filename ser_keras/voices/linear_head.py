"""The linear head of a model, and what it knows of the training voices, as arrays."""

from dataclasses import dataclass, fields

import numpy as np

from ser_keras.voices.statistics import normalised

# A functional this far from the training voices tells no more when it is further.
LIMIT = 8.0


@dataclass(frozen=True, kw_only=True)
class LinearHead:
    """Two linear classifiers over functionals in standard units: of unknown voices, and of known.

    Attributes:
        mean, deviation: of each functional over the training recordings (num_functionals,).
        effects: what each emotion does to a voice (num_emotions, num_functionals).
        usual_spread: how far the logits of the recordings of an unheard voice that speaks in every
            emotion are from each other: their variance, mean over the emotions (0-dimensional);
            infinite where profiles did harm to training voices.
        kernel: (2, num_functionals, num_emotions): of voices without a profile, and with one.
        bias: (2, num_emotions).
    """

    mean: np.ndarray
    deviation: np.ndarray
    effects: np.ndarray
    usual_spread: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray

    def __post_init__(self) -> None:
        expected = (2, len(self.mean), len(self.effects))
        if self.kernel.shape != expected or self.bias.shape != expected[::2]:
            raise ValueError(
                f"Received a kernel {self.kernel.shape} and a bias {self.bias.shape}, as of a head "
                f"with one classifier. Expected {expected} and {expected[::2]}."
            )

    @property
    def uses_profiles(self) -> bool:
        """Whether a profile changes an answer: not where it did harm to training voices."""
        return bool(np.isfinite(self.usual_spread))

    @property
    def nobody(self) -> np.ndarray:
        """The profile of nobody: zeros (2, num_functionals)."""
        return np.zeros((2, len(self.mean)), np.float32)

    def standard(self, functionals: np.ndarray) -> np.ndarray:
        """Functionals (..., num_functionals) in standard units of the training voices."""
        return np.clip((functionals - self.mean) / self.deviation, -LIMIT, LIMIT)

    def logits(self, standard: np.ndarray, profiles: np.ndarray) -> np.ndarray:
        """Logits (num_recordings, num_emotions).

        Args:
            standard: from `standard` (num_recordings, num_functionals).
            profiles: ((num_recordings,) 2, num_functionals), one each or one for all.
        """
        own = normalised(standard, profiles)
        of_nobody, of_known = own @ self.kernel + self.bias[:, None]
        is_known = np.any(profiles, axis=(-2, -1), keepdims=True)[..., 0]
        return np.where(is_known, of_known, of_nobody)

    def arrays(self) -> dict[str, np.ndarray]:
        """Every attribute by its name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

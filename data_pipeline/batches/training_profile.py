"""What the training recordings of a fold were like: a model knows nothing beyond them."""

from collections.abc import Iterable, Sequence

import numpy as np

from data_pipeline.batches.datasets import make_dataset
from data_pipeline.contract import MFCC, NUM_MFCC_FRAMES
from data_pipeline.features.level import TrainingProfile, levels_of_log_energy, overall_level
from data_pipeline.features.mfcc import FEATURE_NAMES
from data_pipeline.records.prepared import Prepared

QUANTILES = (0.01, 0.5, 0.99)
_LOG_ENERGY = FEATURE_NAMES.index("log_energy")
_BATCH_SIZE = 64


def measure_training_profile(prepared: Prepared, utterance_ids: Iterable[str]) -> TrainingProfile:
    """Measure the spread of length, level and silence over the training utterances of a fold.

    Args:
        prepared: from `load_prepared`. No audio is needed: the MFCC hold the energy of each frame.
        utterance_ids: the training utterances; others would leak.

    Returns:
        How many recordings there are, and the quantiles 1 %, 50 % and 99 % of their length, level
        and silence, rounded to four digits.

    Raises:
        DataError: an id is not in the folder, or none is given.
    """
    wanted = set(utterance_ids)
    levels = [overall_level(frames) for frames in _frame_levels(prepared, wanted)]
    dbfs, silent_shares = zip(*levels, strict=True)
    durations = [row.duration_seconds for row in prepared.utterances if row.utterance_id in wanted]
    return TrainingProfile(
        recordings=len(durations),
        duration_seconds=_quantiles(durations),
        level_dbfs=_quantiles(dbfs),
        silent_share=_quantiles(silent_shares),
    )


def _frame_levels(prepared: Prepared, utterance_ids: Iterable[str]) -> Iterable[np.ndarray]:
    """DBFS of the frames of each utterance, (num_mfcc_frames,)."""
    batches = make_dataset(
        prepared,
        utterance_ids,
        _BATCH_SIZE,
        num_frames=(1, 1),  # of the spectrograms, which are not read
        inputs=(MFCC, NUM_MFCC_FRAMES),
    )
    for inputs, _ in batches.as_numpy_iterator():
        for mfcc, num_frames in zip(inputs[MFCC], inputs[NUM_MFCC_FRAMES], strict=True):
            yield levels_of_log_energy(mfcc[:num_frames, _LOG_ENERGY])


def _quantiles(values: Sequence[float]) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, QUANTILES).round(4).tolist()
    return low, middle, high

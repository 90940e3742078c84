"""What the training recordings of a fold were like: a model knows nothing beyond them."""

from collections.abc import Iterable

import numpy as np

from data_pipeline.batches.datasets import make_dataset
from data_pipeline.features.level import levels_of_log_energy, overall_level
from data_pipeline.features.mfcc import FEATURE_NAMES
from data_pipeline.records.codec import Prepared

QUANTILES = (0.01, 0.5, 0.99)
_LOG_ENERGY = FEATURE_NAMES.index("log_energy")
_BATCH_SIZE = 64


def training_profile(prepared: Prepared, utterance_ids: Iterable[str]) -> dict:
    """The spread of length, level and silence over the training utterances of a fold.

    Args:
        prepared: from `load_prepared`. No audio is needed: the MFCC hold the energy of each frame.
        utterance_ids: the training utterances; others would leak.

    Returns:
        Ready for `info.json`: recordings (count), and the quantiles 1 %, 50 % and 99 % of
        duration_seconds, level_dbfs and silent_share (see `data_pipeline.level`).

    Raises:
        DataError: an id is not in the folder, or none is given.
    """
    wanted = set(utterance_ids)
    levels = [overall_level(frames) for frames in _frame_levels(prepared, wanted)]
    dbfs, silent_shares = zip(*levels, strict=True)
    durations = [
        row["duration_seconds"] for row in prepared.utterances if row["utterance_id"] in wanted
    ]
    return {
        "recordings": len(durations),
        "duration_seconds": _quantiles(durations),
        "level_dbfs": _quantiles(dbfs),
        "silent_share": _quantiles(silent_shares),
    }


def _frame_levels(prepared: Prepared, utterance_ids: Iterable[str]) -> Iterable[np.ndarray]:
    """DBFS of the frames of each utterance, (num_mfcc_frames,)."""
    batches = make_dataset(
        prepared,
        utterance_ids,
        _BATCH_SIZE,
        num_frames=(1, 1),  # of the spectrograms, which are not read
        inputs=("mfcc", "num_mfcc_frames"),
    )
    for inputs, _ in batches.as_numpy_iterator():
        for mfcc, num_frames in zip(inputs["mfcc"], inputs["num_mfcc_frames"], strict=True):
            yield levels_of_log_energy(mfcc[:num_frames, _LOG_ENERGY])


def _quantiles(values) -> list[float]:
    return np.quantile(values, QUANTILES).round(4).tolist()

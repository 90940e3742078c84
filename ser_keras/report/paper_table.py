"""Table 1 of the paper, and what its text claims: what the report sets beside our figures.

Wang et al., ICASSP 2020, section 3.3: IEMOCAP, four emotions, 5-fold cross-validation over
utterances, mean and standard deviation of the folds in percent. Their released logs show that WA
and UA were each taken at the best epoch on the test fold (docs/fidelity.md), so the figure of ours
to hold them against is "best on test" under the protocol `random`, on IEMOCAP.
"""

from dataclasses import dataclass

PAPER_CORPUS = "IEMOCAP"
# What a result says of its data where it is the paper's: all 5,531 utterances.
PAPER_DATA = {
    "corpus": "iemocap",
    "subset": "all",
    "label_map": {"ang": "angry", "exc": "happy", "hap": "happy", "neu": "neutral", "sad": "sad"},
}


@dataclass(frozen=True)
class PaperRow:
    """A row of Table 1: mean and standard deviation over folds, in percent."""

    weighted_accuracy: float
    weighted_accuracy_deviation: float
    unweighted_accuracy: float
    unweighted_accuracy_deviation: float


TABLE_1 = {
    "base_1": PaperRow(64.7, 1.4, 65.5, 1.7),
    "base_2": PaperRow(63.5, 1.6, 64.5, 1.5),
    "base_3": PaperRow(62.9, 1.0, 64.3, 0.9),
    "base_4": PaperRow(64.4, 1.8, 65.2, 1.8),
    "base_5": PaperRow(68.3, 1.3, 69.3, 1.2),
    "base_6": PaperRow(68.5, 0.8, 68.9, 1.2),
    "ds_lstm": PaperRow(69.4, 0.6, 69.5, 1.1),
    "dual_level": PaperRow(72.7, 0.7, 73.3, 0.8),
}

# Variant -> how the report calls it. The classical rows are ours.
TITLES = {
    "base_1": "Base 1 (MFCC)",
    "base_2": "Base 2 (narrow)",
    "base_3": "Base 3 (wide)",
    "base_4": "Base 4 (2 + 3)",
    "base_5": "Base 5 (1 + 4)",
    "base_6": "Base 6 (1 + 2)",
    "ds_lstm": "DS-LSTM",
    "dual_level": "Dual level",
    "svm_eGeMAPSv02": "SVM, eGeMAPSv02",
    "svm_ComParE_2016": "SVM, ComParE 2016",
}

# "the proposed M_DS-LSTM significantly outperforms Base 1-4", and the dual-level model
# "outperforms all baseline methods significantly" (section 3.3): (better, worse).
CLAIMS = (
    *(("ds_lstm", f"base_{number}") for number in range(1, 5)),
    *(("dual_level", f"base_{number}") for number in range(1, 7)),
    ("dual_level", "ds_lstm"),
)

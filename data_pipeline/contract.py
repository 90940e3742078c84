"""What all rooms agree on by name: streams of a batch, protocols, emotions, functionals.

Nothing is imported here, so that a command line can offer these names without any library.
"""

# --- The batch ---

MFCC, MEL_NARROW, MEL_WIDE = "mfcc", "mel_narrow", "mel_wide"
MELS = (MEL_NARROW, MEL_WIDE)
# Each feature matrix and the stream that says how many of its frames are real.
FRAME_COUNTS = {
    MFCC: "num_mfcc_frames",
    MEL_NARROW: "num_frames_narrow",
    MEL_WIDE: "num_frames_wide",
}
NUM_MFCC_FRAMES = FRAME_COUNTS[MFCC]
# Streams of a batch, in the order of the models' inputs:
#     mfcc             float32 (batch, longest, 39), zero-padded
#     num_mfcc_frames  int32 (batch,)
#     mel_narrow       float32 (batch, num_frames[0], n_mels[0]), dB; the shorter analysis window
#     mel_wide         float32 (batch, num_frames[1], n_mels[1]), dB; the longer one
INPUT_NAMES = (MFCC, NUM_MFCC_FRAMES, MEL_NARROW, MEL_WIDE)
# Given where it is asked for, and no input of a model: int32 (batch,), which record of the folder
# an utterance is, from 0.
POSITION = "position"
# Columns of the MFCC: 12 cepstra and the log energy, their deltas and accelerations.
NUM_MFCC = 39

# --- The length of an utterance ---

# A model answers no longer recording, so none is trained on: a batch is padded to its longest one.
MAX_SECONDS = 60

# --- Protocols: what the test part of a fold is. The first is the default ---

PROTOCOLS = {
    "speaker": "Nobody who is tested, or chooses the epoch, was heard in training: the figure for "
    "voices that the system does not know.",
    "random": "The test part is a stratified random fifth of the utterances: every voice was heard "
    "in training. The figure is higher for it, and it is the protocol of the paper.",
    "given": "The folds are those that the corpus or its benchmark brings. They may test voices "
    "that were heard in training: the leakage audit says it where speakers are known.",
    "corpus": "One corpus is tested, and the others train and choose the epoch: the figure for "
    "recordings of another kind, by voices that the system does not know.",
}
# What `all` means: the protocols that need nothing of the corpus but its utterances.
USUAL_PROTOCOLS = ("speaker", "random")
# The parts of a fold.
PARTS = ("train", "validation", "test")

# What an evaluation of a trained model calls its protocol: nobody trains under it.
EVALUATION = "evaluate"
# What a training on every recording calls its protocol: nobody is left to test.
FINAL = "final"

# --- Groups: columns of an utterance by which scores are told apart, where they are known ---

VOICE_COLUMNS = ("sex", "age", "language")
GROUPS = ("corpus", *VOICE_COLUMNS)
# Of predictions only: whether the model was trained, or its epoch chosen, on "recording" (this very
# one) or "voice" (another one of this voice); "no" for neither. Where nobody looked there is no
# such column.
HEARD = "heard"

# --- Emotions: what every reader calls them, in alphabetical order ---

EMOTIONS = (
    "angry",
    "bored",
    "calm",
    "disgusted",
    "fearful",
    "happy",
    "neutral",
    "sad",
    "surprised",
)

# --- Functionals for classical classifiers: openSMILE's name of the set -> numbers an utterance ---

FUNCTIONALS = {"ComParE_2016": 6373, "eGeMAPSv02": 88}

"""The limits of a recording: those of its samples, and those of the file that they come from."""

# --- Of the samples; the exported graph has the same ---

# 25 ms: one analysis frame of the MFCC.
MIN_SAMPLES = 400
# -80 dBFS. The peak is taken about the mean, so that a constant offset counts as silence.
SILENCE_PEAK = 1e-4
# Lossy codecs overshoot full scale a little; a float file in the int16 range is far above this.
MAX_PEAK = 8.0
# A sample beyond this is far over full scale. A clipped recording overshoots when it is decoded
# from MP3, Vorbis or Opus: up to a third of its samples a little, 0.8 % by this much (EmoDB, driven
# 10 to 30 dB over). Speech scaled to a variance of 1 has 5 % or more there, and clipping that would
# change the voice.
FAR_OVER = 1.5
# A recording must have at least this many samples for each that is far over: so 1 % may be, and
# more is refused. A whole number, not 0.01, so that NumPy and the graph both count exactly.
SAMPLES_PER_FAR_OVER = 100

# Channels whose sum has less than this part of their power cancel each other. Two channels of one
# voice have up to 2, two of different noise 1, and one of which the other is empty 1, too.
CANCELLING_SHARE = 0.25

# --- Of the file: checked before a sample is decoded, and they bound what is decoded ---

MAX_FILE_BYTES = 100 * 2**20
MAX_DURATION_SECONDS = 20 * 60
# Frames x channels: 20 minutes of 48 kHz stereo are 115 million.
MAX_DECODED_VALUES = 2**27
MIN_FILE_RATE, MAX_FILE_RATE = 4000, 384000  # Hz
# libsndfile's names: WAVEX is WAV with the EXTENSIBLE header.
CONTAINERS = ("WAV", "WAVEX", "FLAC", "OGG", "MP3")

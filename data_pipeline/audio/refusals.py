"""How a recording is refused: one line with the file, what was found and what is expected.

The words that the exported graph says too stand here; those for a file alone stand where they are
said.
"""

from data_pipeline.audio.limits import MIN_SAMPLES
from data_pipeline.audio.waveform import SAMPLE_RATE
from data_pipeline.errors import DataError

NOT_FINITE = "holds NaN or infinite samples; expected values in [-1, 1]"
TOO_SHORT = f"{{}} ms long; expected at least {1000 * MIN_SAMPLES // SAMPLE_RATE} ms of speech"
SILENT = "silent (peak below -80 dBFS); expected a recording of speech"
NOT_SCALED = "samples reach {}; expected values scaled to [-1, 1]"
NO_AUDIO = "holds no audio (0 samples); expected a recording of speech"
CUT_OFF = (
    "cut off or its header is wrong ({} of {} bytes of audio are there); "
    "copy or convert the recording again"
)
LENGTH_UNKNOWN = (
    "its header does not tell the length (written to a pipe?); write it again: ffmpeg -i in out.wav"
)
MORE_THAN_TOLD = (
    "its header tells of {} bytes of audio, and {} more follow; copy or convert the recording again"
)
SEVERAL_WAV = "holds several WAV recordings one after the other; make a file of each"
CHANNELS_CANCEL = (
    "its channels cancel each other (one is inverted?); keep one of them: "
    'ffmpeg -i in -af "pan=mono|c0=c0" out.wav'
)


class AudioError(DataError):
    """A file that cannot be used; the message is one line with the file and the reason."""

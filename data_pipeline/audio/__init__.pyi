from .checks import check_waveform as check_waveform
from .reading import Recording as Recording
from .reading import decode_recording as decode_recording
from .reading import load_recording as load_recording
from .reading import load_waveform as load_waveform
from .refusals import AudioError as AudioError
from .waveform import SAMPLE_RATE as SAMPLE_RATE
from .waveform import audio_sha256 as audio_sha256

__all__ = [
    "SAMPLE_RATE",
    "AudioError",
    "Recording",
    "audio_sha256",
    "check_waveform",
    "decode_recording",
    "load_recording",
    "load_waveform",
]

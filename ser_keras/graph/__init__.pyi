from .audio_front_end import AudioFrontEnd as AudioFrontEnd
from .feature_front_end import FeatureFrontEnd as FeatureFrontEnd
from .layout import read_info as read_info
from .layout import saved_versions as saved_versions
from .requests import padded_features as padded_features
from .requests import padded_waveforms as padded_waveforms
from .requests import wav_files as wav_files
from .signatures import emotion_server as emotion_server
from .signatures import signatures_of as signatures_of

__all__ = [
    "AudioFrontEnd",
    "FeatureFrontEnd",
    "emotion_server",
    "padded_features",
    "padded_waveforms",
    "read_info",
    "saved_versions",
    "signatures_of",
    "wav_files",
]

"""Real files in all containers; a tone burst whose samples are known at every rate."""

import hashlib
import os
import struct

import numpy as np
import pytest
import soundfile

from data_pipeline.audio.limits import MAX_FILE_BYTES
from data_pipeline.audio.reading import decode_recording, load_recording, load_waveform
from data_pipeline.audio.refusals import AudioError
from data_pipeline.audio.waveform import SAMPLE_RATE, audio_sha256

LOSSLESS = [("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("WAVEX", "PCM_16")]
LOSSLESS += [("FLAC", "PCM_16"), ("FLAC", "PCM_24")]
LOSSY = [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")]


def tone_burst(rate: int, seconds: float = 1.0) -> np.ndarray:
    """440 Hz under a Gaussian envelope about 0.4 s: what a recording at this rate would hold."""
    time = np.arange(round(rate * seconds)) / rate
    return 0.5 * np.exp(-(((time - 0.4) / 0.08) ** 2)) * np.cos(2 * np.pi * 440 * (time - 0.4))


def write(path, samples, rate=SAMPLE_RATE, container="WAV", subtype="PCM_16"):
    soundfile.write(path, samples, rate, format=container, subtype=subtype)
    return path


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize(("container", "subtype"), LOSSLESS)
def test_tone_keeps_frequency_level_and_place(tmp_path, container, subtype, rate):
    path = write(tmp_path / "tone", tone_burst(rate), rate, container, subtype)
    waveform = load_waveform(path)
    assert waveform.dtype == np.float32
    assert waveform.shape == (SAMPLE_RATE,)
    # 3e-5 is one step of 16 bits; a shift by one sample would cost 0.08.
    np.testing.assert_allclose(waveform, tone_burst(SAMPLE_RATE), atol=2e-4)


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
@pytest.mark.parametrize(("container", "subtype"), LOSSY)
def test_lossy_tone_keeps_frequency_level_and_place(tmp_path, container, subtype, rate):
    waveform = load_waveform(write(tmp_path / "tone", tone_burst(rate), rate, container, subtype))
    assert abs(len(waveform) - SAMPLE_RATE) <= 1
    np.testing.assert_allclose(waveform, tone_burst(SAMPLE_RATE)[: len(waveform)], atol=0.03)


@pytest.mark.parametrize("rate", [16000, 48000])
def test_channels_are_averaged(tmp_path, rate):
    gains = np.array([0.3, 0.9, 0.0])
    path = write(tmp_path / "three.wav", tone_burst(rate)[:, None] * gains, rate)
    np.testing.assert_allclose(load_waveform(path), 0.4 * tone_burst(SAMPLE_RATE), atol=2e-4)


def stereo(right):
    """A decaying tone, and a right channel made of it: (num_samples, 2)."""
    time = np.arange(16000) / 16000
    left = 0.5 * np.cos(2 * np.pi * 440 * time) * (1 - time)
    return np.stack([left, right(left)], axis=1)


CANCELLING = {
    "inverted": lambda left: -left,
    "inverted, 97 %": lambda left: -0.97 * left,
    "inverted, 60 %": lambda left: -0.6 * left,
    "inverted, with an offset": lambda left: 0.3 - left,
}


@pytest.mark.parametrize("kind", CANCELLING)
@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_16"), ("WAV", "FLOAT"), *LOSSY])
def test_channels_that_cancel_each_other_are_refused_by_name(tmp_path, container, subtype, kind):
    samples = stereo(CANCELLING[kind])
    options = {"container": container, "subtype": subtype}
    with pytest.raises(AudioError, match="its channels cancel each other .*; keep one of them: f"):
        load_waveform(write(tmp_path / "stereo", samples, **options))


@pytest.mark.parametrize(
    "right",
    [
        lambda left: 0 * left,
        lambda left: -0.1 * left,
        lambda left: np.roll(left, 10),  # 21 cm farther from one microphone
        lambda left: left + 0.3,
        lambda left: np.random.default_rng(0).normal(0, 0.3, len(left)),
    ],
)
def test_channels_of_which_enough_is_left_are_averaged(tmp_path, right):
    samples = np.clip(stereo(right), -1, 1)
    path = write(tmp_path / "stereo.wav", samples, subtype="FLOAT")
    expected = samples.astype(np.float32).mean(axis=1)
    np.testing.assert_array_equal(load_waveform(path), expected)


def test_channel_that_is_not_finite_is_called_so(tmp_path):
    for value in (np.nan, np.inf):
        samples = stereo(lambda left: -left)
        samples[500, 1] = value
        with pytest.raises(AudioError, match="NaN or infinite"):
            load_waveform(write(tmp_path / "stereo.wav", samples, subtype="FLOAT"))


def test_container_is_known_by_content(tmp_path):
    path = write(tmp_path / "really_flac.wav", tone_burst(16000), container="FLAC")
    np.testing.assert_allclose(load_waveform(str(path)), tone_burst(16000), atol=2e-4)


def test_bytes_and_file_give_the_same(tmp_path):
    path = write(tmp_path / "a.ogg", tone_burst(22050), 22050, "OGG", "VORBIS")
    decoded = decode_recording(path.read_bytes(), "upload")
    np.testing.assert_array_equal(decoded.waveform, load_waveform(path))


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_rate_of_the_file_itself_is_handed_out(tmp_path, rate):
    recording = load_recording(write(tmp_path / "tone.flac", tone_burst(rate), rate, "FLAC"))
    assert recording.file_rate == rate
    assert recording.waveform.shape == (SAMPLE_RATE,)


def test_overshoot_of_resampling_is_clipped(tmp_path):
    square = np.sign(np.sin(2 * np.pi * 300 * (np.arange(48000) + 0.5) / 48000))
    waveform = load_waveform(write(tmp_path / "square.wav", square, 48000, subtype="FLOAT"))
    assert np.abs(waveform).max() == 1.0


@pytest.mark.parametrize(("container", "subtype"), LOSSY)
def test_long_lossy_recording_stays_in_step(tmp_path, container, subtype):
    # soundfile seeks after each read: MP3 read in pieces goes wrong after the first.
    bursts = np.tile(tone_burst(16000), 40)
    waveform = load_waveform(write(tmp_path / "long", bursts, 16000, container, subtype))
    np.testing.assert_allclose(waveform, bursts[: len(waveform)], atol=0.03)


@pytest.mark.parametrize("subtype", ["GSM610", "G721_32", "NMS_ADPCM_16"])
def test_telephone_encodings_that_cannot_be_sought_in_are_read(tmp_path, subtype):
    waveform = load_waveform(write(tmp_path / "call.wav", tone_burst(8000), 8000, "WAV", subtype))
    # A block of GSM may be filled up: 320 samples at 8 kHz.
    assert SAMPLE_RATE <= len(waveform) <= SAMPLE_RATE + 640
    expected = tone_burst(SAMPLE_RATE)
    assert np.corrcoef(waveform[:SAMPLE_RATE], expected)[0, 1] > 0.99


def test_odd_chunk_before_the_data_is_stepped_over(tmp_path):
    content = write(tmp_path / "plain.wav", tone_burst(16000)).read_bytes()
    chunk = b"note" + struct.pack("<I", 3) + b"abc\0"
    waveform = decode_recording(content[:12] + chunk + content[12:], "noted.wav").waveform
    np.testing.assert_allclose(waveform, tone_burst(16000), atol=2e-4)


def test_shortest_is_25_ms(tmp_path):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 400)
    assert load_waveform(write(tmp_path / "just.wav", noise)).shape == (400,)
    with pytest.raises(AudioError, match="24.9 ms long; expected at least 25 ms"):
        load_waveform(write(tmp_path / "under.wav", noise[:399]))


def test_sha256_is_of_the_samples(tmp_path):
    samples = np.random.default_rng(2).integers(-9000, 9000, 1600, dtype=np.int16)
    wav = load_waveform(write(tmp_path / "a.wav", samples))
    flac = load_waveform(write(tmp_path / "b.flac", samples, container="FLAC"))
    expected = hashlib.sha256(struct.pack("<1600f", *(samples / 32768))).hexdigest()
    assert audio_sha256(wav) == audio_sha256(flac) == expected


def set_flac_frames(content: bytearray, num_frames: int) -> None:
    """Write the 36-bit count of STREAMINFO, which ends 18 bytes after its 8 bytes of header."""
    content[21] = content[21] & 0xF0 | num_frames >> 32
    content[22:26] = (num_frames & 0xFFFFFFFF).to_bytes(4, "big")


def flac_claiming(num_frames, rate=16000, channels=1):
    def make(path):
        samples = np.tile(tone_burst(16000)[:, None], channels)
        content = bytearray(write(path, samples, rate, "FLAC").read_bytes())
        set_flac_frames(content, num_frames)
        path.write_bytes(content)

    return make


def small_flac_that_expands(path):
    """21 minutes of silence in some kilobytes."""
    write(path, np.zeros(21 * 60 * 4000, np.int16), 4000, "FLAC")
    assert path.stat().st_size < 100_000


def wav_with(offset, layout, value):
    def make(path):
        content = bytearray(write(path, tone_burst(16000)).read_bytes())
        struct.pack_into(layout, content, offset, value)
        path.write_bytes(content)

    return make


def cut_in_half(container, subtype):
    def make(path):
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, 48000)
        content = write(path, noise, 48000, container, subtype).read_bytes()
        path.write_bytes(content[: len(content) // 2])

    return make


def float_wav(samples, rate=16000):
    return lambda path: write(path, np.asarray(samples, np.float32), rate, subtype="FLOAT")


def one_bad_sample(value, rate):
    samples = tone_burst(rate)
    samples[rate // 3] = value
    return float_wav(samples, rate)


BAD_FILES = {
    "missing": (lambda path: None, "no such file"),
    "folder": (lambda path: path.mkdir(), "not a file"),
    "named pipe": (os.mkfifo, "not a file"),
    "empty": (lambda path: path.touch(), "the file is empty"),
    "text": (lambda path: path.write_text("hello " * 99), "cannot be decoded .Format not recog"),
    "aiff": (lambda path: write(path, tone_burst(16000), container="AIFF"), "an? AIFF file"),
    "too many bytes": (lambda p: (p.touch(), os.truncate(p, MAX_FILE_BYTES + 1)), "than 100 MiB"),
    "no samples": (float_wav([]), "holds no audio"),
    "10 ms": (float_wav(tone_burst(16000)[6000:6160]), "10 ms long"),
    "1 sample": (float_wav([0.5], 48000), "0 ms long"),
    "digital silence": (float_wav(np.zeros(16000)), "silent"),
    "offset only": (float_wav(np.full(16000, 0.25)), "silent"),
    "one bit of noise": (float_wav(np.arange(16000) % 2 / 32768), "silent"),
    "NaN": (one_bad_sample(np.nan, 16000), "NaN or infinite"),
    "NaN resampled": (one_bad_sample(np.nan, 44100), "NaN or infinite"),
    "infinite": (one_bad_sample(np.inf, 44100), "NaN or infinite"),
    "int16 range in floats": (float_wav(20000 * tone_burst(16000)), "samples reach 1e.04"),
    "wav cut off": (cut_in_half("WAV", "PCM_24"), "cut off or its header is wrong"),
    "wav extensible cut off": (cut_in_half("WAVEX", "PCM_16"), "cut off or its header is wrong"),
    "flac cut off": (cut_in_half("FLAC", "PCM_16"), "cannot be decoded"),
    "ogg cut off": (cut_in_half("OGG", "VORBIS"), "cut off .its last OGG page is not whole"),
    "mp3 cut off": (cut_in_half("MP3", "MPEG_LAYER_III"), "cut off"),
    "wav of 1 byte too few": (wav_with(40, "<I", 32001), "cut off or its header is wrong"),
    "wav of unknown length": (wav_with(40, "<I", 2**32 - 1), "header does not tell the length"),
    "wav of sox to a pipe": (wav_with(40, "<I", 0x7FFFF000), "header does not tell the length"),
    "wav data size 0": (wav_with(40, "<I", 0), "header does not tell the length"),
    "wav rate 0": (wav_with(24, "<I", 0), "sample rate 0 Hz; expected 4000 to 384000 Hz"),
    "wav rate 100": (wav_with(24, "<I", 100), "sample rate 100 Hz; expected 4000 to 384000 Hz"),
    "wav rate 2 GHz": (wav_with(24, "<I", 2 * 10**9), "sample rate 2000000000 Hz"),
    "wav no channels": (wav_with(22, "<H", 0), "cannot be decoded"),
    "flac claims hours": (flac_claiming(2**33), "longer than 20 minutes"),
    "flac claims a second more": (flac_claiming(32000), "cannot be decoded"),
    "flac of unknown length": (flac_claiming(0), "header does not tell the length"),
    "flac of 8 channels": (flac_claiming(2**24 + 1, 192000, 8), "16777217 samples in 8 channels"),
    "flac that expands": (small_flac_that_expands, "longer than 20 minutes"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_file_gets_one_line_with_its_reason(tmp_path, kind):
    make, reason = BAD_FILES[kind]
    path = tmp_path / "recording.wav"
    make(path)
    with pytest.raises(AudioError, match=reason) as caught:
        load_waveform(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message and len(message) < len(str(path)) + 160


def bursts_of_noise():
    """Loud and quiet in turn, as speech is."""
    noise = np.random.default_rng(0).normal(0, 0.1, 48000)
    return noise * (0.1 + np.sin(2 * np.pi * 2 * np.arange(48000) / 48000) ** 4)


def test_speech_scaled_to_a_variance_of_1_is_refused(tmp_path):
    speech = bursts_of_noise()
    scaled = (speech - speech.mean()) / speech.std()
    assert 1.5 < np.abs(scaled).max() < 8
    with pytest.raises(AudioError, match="samples reach .*; expected values scaled to"):
        load_waveform(write(tmp_path / "scaled.wav", scaled, 48000, subtype="FLOAT"))


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_16"), *LOSSY, ("OGG", "OPUS")])
def test_clipped_recording_is_read_whatever_it_was_stored_as(tmp_path, container, subtype):
    # Half of its samples are above full scale once they are at 16 kHz.
    clipped = np.clip(20 * bursts_of_noise(), -1, 1)
    waveform = load_waveform(write(tmp_path / "loud", clipped, 48000, container, subtype))
    assert np.abs(waveform).max() == 1.0

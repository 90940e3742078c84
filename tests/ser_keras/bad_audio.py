"""What may arrive instead of a good recording, and what each gets.

`FILES` are bytes for the signature `audio_bytes`, `RECORDINGS` samples for `waveform`. `error` is
what the exported graph says, word for word; "" means that it answers.
"""

import struct
from dataclasses import dataclass

import numpy as np

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE


@dataclass(frozen=True)
class BadFile:
    """A file and the error it gets from the graph."""

    name: str
    content: bytes
    error: str


@dataclass(frozen=True)
class BadRecording:
    """Samples at 16 kHz (with a number of samples of its own where it lies) and their error."""

    name: str
    samples: np.ndarray
    error: str
    num_samples: int | None = None


def voice(seconds=0.5, pitch_hz=140, sample_rate=16000):
    """A harmonic tone with a slow swell: float64 (num_samples,), peak below 1."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    tone = sum(np.sin(2 * np.pi * pitch_hz * k * time) / k for k in range(1, 8))
    return 0.2 * tone * (1 + 0.5 * np.sin(2 * np.pi * 3 * time))


def chunk(name, content, size=None):
    """A RIFF chunk; `size` where the header lies about it."""
    header = name + struct.pack("<I", len(content) if size is None else size)
    return header + content + b"\0" * (len(content) % 2)


def format_chunk(code=PCM, channels=1, rate=16000, bits=16, more=b""):
    bytes_a_frame = channels * bits // 8
    fields = (code, channels, rate, rate * bytes_a_frame, bytes_a_frame, bits)
    return chunk(b"fmt ", struct.pack("<HHIIHH", *fields) + more)


def riff(*chunks):
    content = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def pcm(samples, bits=16):
    """Samples in [-1, 1] as little-endian integers; 8 bits are unsigned."""
    scaled = np.clip(np.round(np.asarray(samples) * 2 ** (bits - 1)), None, 2 ** (bits - 1) - 1)
    if bits == 8:
        return (scaled + 128).astype(np.uint8).tobytes()
    wide = scaled.astype("<i4").reshape(-1, 1).view(np.uint8)
    return wide[:, : bits // 8].tobytes()


def wav(samples, rate=16000, channels=1, bits=16):
    """A plain WAV file of integers."""
    header = format_chunk(channels=channels, rate=rate, bits=bits)
    return riff(header, chunk(b"data", pcm(samples, bits)))


def resized(content, size):
    """A WAV file whose header tells of another length."""
    place = content.index(b"data") + 4
    return content[:place] + struct.pack("<I", size) + content[place + 4 :]


VOICE = voice()
SQUARE = np.where(np.arange(8000) // 40 % 2, -1.0, 1.0)
NOISES = np.random.default_rng(0).normal(0, 0.1, (8000, 2))
STEREO = np.stack([VOICE, voice(pitch_hz=200)], axis=1)
# The identifier of PCM in the EXTENSIBLE header.
PCM_GUID = struct.pack("<HHI", 22, 16, 4) + bytes.fromhex("0100000000001000800000aa00389b71")

PCM_WANTED = "expected 16-bit PCM: convert the recording"
RATE_WANTED = "expected 16000 Hz: resample the recording"
COPY_AGAIN = "copy or convert the recording again"
SILENT = "silent (peak below -80 dBFS); expected a recording of speech"
SHORT = "{} ms long; expected at least 25 ms of speech"
LONG = "600 s long; expected at most 60 s: cut it into utterances"
NOT_FINITE = "holds NaN or infinite samples; expected values in [-1, 1]"
NO_AUDIO = "holds no audio (0 samples); expected a recording of speech"
NOT_WAV = "not a WAV file; expected RIFF/WAVE with 16-bit PCM: convert the recording"
BAD_HEADER = f"its header is cut off or has more than 64 chunks before the audio; {COPY_AGAIN}"
CUT_OFF = f"cut off or its header is wrong ({{}} of {{}} bytes of audio are there); {COPY_AGAIN}"
LENGTH_UNKNOWN = (
    "its header does not tell the length (written to a pipe?); write it again: ffmpeg -i in out.wav"
)
MORE = f"its header tells of {{}} bytes of audio, and {{}} more follow; {COPY_AGAIN}"
SEVERAL = "holds several WAV recordings one after the other; make a file of each"
CANCEL = (
    "its channels cancel each other (one is inverted?); keep one of them: "
    'ffmpeg -i in -af "pan=mono|c0=c0" out.wav'
)
CONVERT_IT = "convert it: ffmpeg -i in out.wav"
WEB_PAGE = "a web page, not audio; download the recording again"

FILES = [
    BadFile("no bytes", b"", "the file is empty (0 bytes); expected a WAV file of 16-bit PCM"),
    BadFile("text", b"this is no audio at all, whatever it is called", NOT_WAV),
    BadFile("one byte", b"R", NOT_WAV),
    BadFile(
        "AVI", b"RIFF" + wav(VOICE)[4:8] + b"AVI " + wav(VOICE)[12:], f"an AVI video; {CONVERT_IT}"
    ),
    BadFile("M4A", b"\0\0\0\x20ftypM4A " + pcm(VOICE), f"an MP4, M4A or 3GP file; {CONVERT_IT}"),
    BadFile("AAC", b"\xff\xf1\x50\x80" + pcm(VOICE), f"an AAC file; {CONVERT_IT}"),
    BadFile(
        "git-lfs",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 64044\n",
        "a git-lfs pointer, not the recording itself; fetch the recordings: git lfs pull",
    ),
    BadFile("web page", b"\xef\xbb\xbf\r\n <!DOCTYPE HTML><html>", WEB_PAGE),
    BadFile("plain web page", b"<HTML><body>", WEB_PAGE),
    BadFile("header cut off", wav(VOICE)[:30], BAD_HEADER),
    BadFile("no audio chunk", riff(format_chunk()), BAD_HEADER),
    BadFile("chunks without end", riff(*[chunk(b"junk", b"")] * 70, wav(VOICE)[12:]), BAD_HEADER),
    BadFile(
        "audio before its format",
        riff(chunk(b"data", pcm(VOICE)), format_chunk()),
        "its header has no format chunk before the audio; convert the recording again",
    ),
    BadFile("truncated", wav(VOICE)[:5044], CUT_OFF.format(5000, 16000)),
    BadFile(
        "length of a stream",
        riff(format_chunk(), chunk(b"data", pcm(VOICE), size=2**32 - 1)),
        LENGTH_UNKNOWN,
    ),
    BadFile("length of sox to a pipe", resized(wav(VOICE), 0x7FFFF000), LENGTH_UNKNOWN),
    BadFile("length of 0 to a pipe", resized(wav(VOICE), 0), LENGTH_UNKNOWN),
    BadFile("length too small", resized(wav(VOICE), 9000), MORE.format(9000, 7000)),
    BadFile("length a little too small", resized(wav(VOICE), 14976), ""),
    BadFile("two recordings", wav(VOICE) + wav(VOICE), SEVERAL),
    BadFile("two chunks of audio", riff(wav(VOICE)[12:], chunk(b"data", pcm(VOICE))), SEVERAL),
    BadFile(
        "two recordings and chunks",
        riff(format_chunk(), chunk(b"data", pcm(VOICE)), chunk(b"LIST", b"INFO")) + wav(VOICE),
        SEVERAL,
    ),
    BadFile("8 bit", wav(VOICE, bits=8), f"a WAV file of 8-bit PCM; {PCM_WANTED}"),
    BadFile("24 bit", wav(VOICE, bits=24), f"a WAV file of 24-bit PCM; {PCM_WANTED}"),
    BadFile(
        "float",
        riff(format_chunk(FLOAT, bits=32), chunk(b"data", VOICE.astype("<f4").tobytes())),
        f"a WAV file of floating point; {PCM_WANTED}",
    ),
    BadFile(
        "NaN in float",
        riff(format_chunk(FLOAT, bits=32), chunk(b"data", np.full(8000, np.nan, "<f4").tobytes())),
        f"a WAV file of floating point; {PCM_WANTED}",
    ),
    BadFile(
        "EXTENSIBLE",
        riff(format_chunk(EXTENSIBLE, more=PCM_GUID), chunk(b"data", pcm(VOICE))),
        f"a WAV file of the EXTENSIBLE format; {PCM_WANTED}",
    ),
    BadFile(
        "mu-law",
        riff(format_chunk(7, bits=8), chunk(b"data", pcm(VOICE, bits=8))),
        f"a WAV file of format 7; {PCM_WANTED}",
    ),
    BadFile("8 kHz", wav(voice(sample_rate=8000), 8000), f"sample rate 8000 Hz; {RATE_WANTED}"),
    BadFile("48 kHz", wav(voice(sample_rate=48000), 48000), f"sample rate 48000 Hz; {RATE_WANTED}"),
    BadFile("rate 0", wav(VOICE, rate=0), f"sample rate 0 Hz; {RATE_WANTED}"),
    BadFile(
        "0 channels",
        wav(VOICE, channels=0),
        "has 0 channels; expected 1 or more: convert the recording again",
    ),
    BadFile("no samples", wav(VOICE[:0]), NO_AUDIO),
    BadFile("10 ms", wav(VOICE[:160]), SHORT.format(10)),
    BadFile("10 minutes", riff(format_chunk(), chunk(b"data", 1200 * pcm(VOICE))), LONG),
    BadFile(
        "long in many channels",
        riff(format_chunk(channels=5), chunk(b"data", 400 * pcm(VOICE))),
        "holds 3200000 samples in 5 channels; expected at most 1920000 in all: mix them down",
    ),
    BadFile("digital silence", wav(np.zeros(8000)), SILENT),
    BadFile("constant offset", wav(np.full(8000, 0.5)), SILENT),
    BadFile("opposite channels", wav(np.stack([VOICE, -VOICE], 1), channels=2), CANCEL),
    BadFile("nearly opposite", wav(np.stack([VOICE, -0.97 * VOICE], 1), channels=2), CANCEL),
    BadFile("opposite and quieter", wav(np.stack([VOICE, -0.6 * VOICE], 1), channels=2), CANCEL),
    BadFile(
        "four that cancel", wav(np.stack([VOICE, VOICE, -VOICE, -VOICE], 1), channels=4), CANCEL
    ),
    BadFile(
        "opposite with offsets",
        wav(np.stack([0.2 * VOICE + 0.4, 0.3 - 0.2 * VOICE], 1), channels=2),
        CANCEL,
    ),
    BadFile(
        "opposite channels of 10 ms", wav(np.stack([VOICE, -VOICE], 1)[:160], channels=2), CANCEL
    ),
    BadFile("two silent channels", wav(np.zeros((8000, 2)), channels=2), SILENT),
    BadFile("opposite offsets", wav(np.stack([VOICE + 0.2, VOICE - 0.2], 1), channels=2), ""),
    BadFile("two offsets alone", wav(np.full((8000, 2), [0.5, -0.3]), channels=2), SILENT),
    BadFile("an empty channel", wav(np.stack([VOICE, 0 * VOICE], 1), channels=2), ""),
    BadFile("channels of other noise", wav(NOISES, channels=2), ""),
    BadFile("full-scale square wave", wav(SQUARE), ""),
    BadFile("stereo", wav(STEREO, channels=2), ""),
    BadFile(
        "chunks around the audio",
        riff(
            chunk(b"LIST", b"INFOodd"),
            format_chunk(more=b"\0\0"),
            chunk(b"fact", b"1234"),
            chunk(b"data", pcm(VOICE)),
            chunk(b"LIST", b"after"),
        ),
        "",
    ),
    BadFile("a tag behind the audio", wav(VOICE) + b"TAG" + bytes(range(125)), ""),
    BadFile("zeros behind the audio", wav(VOICE) + bytes(50_000), ""),
    BadFile("a list cut off", wav(VOICE) + chunk(b"LIST", b"INFO" * 500)[:1500], ""),
    BadFile("70 chunks behind the audio", wav(VOICE) + 70 * chunk(b"note", bytes(30)), ""),
]

RECORDINGS = [
    BadRecording("no samples", VOICE[:0], SHORT.format(0)),
    BadRecording("10 ms", VOICE[:160], SHORT.format(10)),
    BadRecording("10 minutes", np.tile(VOICE, 1200), LONG),
    BadRecording("NaN", np.where(np.arange(8000) == 4000, np.nan, VOICE), NOT_FINITE),
    BadRecording("infinite", np.where(np.arange(8000) == 0, -np.inf, VOICE), NOT_FINITE),
    BadRecording(
        "16-bit range",
        32768 * VOICE,
        f"samples reach {32768 * VOICE.max():.4g}; expected values scaled to [-1, 1]",
    ),
    BadRecording("digital silence", np.zeros(8000), SILENT),
    BadRecording("constant offset", np.full(60 * 16000, 0.9), SILENT),
    BadRecording(
        "more samples than sent",
        VOICE,
        "num_samples is 960001; expected 0 to {sent}",
        num_samples=960001,
    ),
    BadRecording(
        "negative length",
        VOICE,
        "num_samples is -1; expected 0 to {sent}",
        num_samples=-1,
    ),
    BadRecording("full-scale square wave", SQUARE, ""),
    BadRecording("a little over full scale", 1.4 * VOICE / np.abs(VOICE).max(), ""),
    BadRecording(
        "variance of 1",
        VOICE / VOICE.std(),
        f"samples reach {(VOICE / VOICE.std()).max():.4g}; expected values scaled to [-1, 1]",
    ),
]

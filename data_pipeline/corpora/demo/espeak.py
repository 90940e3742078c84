"""Speech from eSpeak NG, bit for bit the same on every call.

eSpeak NG keeps the phase of its oscillators and its noise from one utterance to the next, also
across `espeak_Terminate`, and it is not thread-safe. So every call of `synthesise` starts one fresh
process, which speaks its utterances in order. That process is this file run as a script: it needs
nothing of the package, and TensorFlow is never loaded beside eSpeak NG.

The library and its voices come with the package espeakng-loader (eSpeak NG 1.52, GPL-3.0-or-later).
C interface: eSpeak NG, src/include/espeak-ng/speak_lib.h.
"""

import ctypes
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import espeakng_loader
import numpy as np

ESPEAK_SAMPLE_RATE = 22050

# speak_lib.h
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_SSML = 0x10
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)
_CONTINUE = 0
_PARAMETERS = {"rate": 1, "volume": 2, "pitch": 3, "pitch_range": 4}
_ABSOLUTE = 0
_BYTES_PER_SAMPLE = ctypes.sizeof(ctypes.c_short)

_BLOCK_SIZE = struct.Struct("<I")


class EspeakError(Exception):
    """eSpeak NG could not be loaded, or stopped before it had spoken everything."""


@dataclass(frozen=True)
class Request:
    """What to speak, and how.

    The prosody goes to eSpeak NG beside the text: in SSML, a `rate` would act on later texts too.
    """

    ssml: str
    voice: str  # with its variant: "en-us+f1"
    rate: int  # words per minute, 80 to 450; eSpeak NG's own is 175
    volume: int  # in proportion to amplitude, 0 to 200; its own is 100
    pitch: int  # points, 0 to 100; the voice's own is 50
    pitch_range: int  # points, 0 (monotone) to 100 (twice the voice's own); its own is 50


def synthesise(requests: Sequence[Request]) -> Generator[np.ndarray, None, None]:
    """Speak in a fresh process; the same requests give the same samples.

    Args:
        requests: what to speak, in order.

    Yields:
        For each request int16 samples of shape (num_samples,), mono, at 22,050 Hz, with
        eSpeak NG's own silence at both ends.

    Raises:
        EspeakError: the process failed; the message is its reason in one line.
    """
    with tempfile.TemporaryFile() as stdin:
        stdin.write(json.dumps([asdict(request) for request in requests]).encode())
        stdin.seek(0)
        with _start(stdin) as process:
            try:
                for _ in requests:
                    yield _receive(process)
            finally:
                # Nothing is left to do, or the caller has stopped listening.
                process.kill()


def _start(stdin: IO[bytes]) -> subprocess.Popen[bytes]:
    # -P: this folder stays off the module path, where its file names could hide other modules.
    return subprocess.Popen(
        [sys.executable, "-P", __file__],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _receive(process: subprocess.Popen[bytes]) -> np.ndarray:
    """Read one utterance: a byte count, then that many bytes of samples."""
    assert process.stdout and process.stderr  # both are pipes
    header = process.stdout.read(_BLOCK_SIZE.size)
    num_bytes = _BLOCK_SIZE.unpack(header)[0] if len(header) == _BLOCK_SIZE.size else 0
    block = process.stdout.read(num_bytes)
    if not block or len(block) < num_bytes:
        raise EspeakError(_last_line(process.stderr.read()) or "the process ended early")
    return np.frombuffer(block, dtype="<i2")


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _load_library() -> ctypes.CDLL:
    """Load and initialise eSpeak NG, to hand its samples to a callback.

    It reads its voices from the working folder, because it holds no path of 160 characters.
    """
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,  # text
        ctypes.c_size_t,  # its size with the closing zero
        ctypes.c_uint,  # start position
        ctypes.c_int,  # position type
        ctypes.c_uint,  # end position, 0: to the end
        ctypes.c_uint,  # flags
        ctypes.c_void_p,  # identifier of the text, unused
        ctypes.c_void_p,  # user data, unused
    ]
    voices = Path(espeakng_loader.get_data_path())
    os.chdir(voices.parent)
    sample_rate = library.espeak_Initialize(
        _AUDIO_OUTPUT_SYNCHRONOUS, 0, voices.name.encode(), _INITIALIZE_DONT_EXIT
    )
    if sample_rate != ESPEAK_SAMPLE_RATE:
        raise EspeakError(f"eSpeak NG could not read its voices in {voices}")
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # breath noise
    return library


class _Speaker:
    """eSpeak NG in this process."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._library = _load_library()
        # Kept here for as long as the library may call it.
        self._callback = _CALLBACK(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples: Any, num_samples: int, _events: Any) -> int:
        if samples and num_samples > 0:
            self._blocks.append(ctypes.string_at(samples, _BYTES_PER_SAMPLE * num_samples))
        return _CONTINUE

    def speak(self, request: Request) -> bytes:
        """The int16 samples of one request."""
        self._blocks.clear()
        text = request.ssml.encode()
        failed = self._set_voice(request) or self._library.espeak_Synth(
            text, len(text) + 1, 0, 0, 0, _CHARS_UTF8 | _SSML, None, None
        )
        if failed or not self._blocks:
            raise EspeakError(f"eSpeak NG could not speak {request}")
        return b"".join(self._blocks)

    def _set_voice(self, request: Request) -> bool:
        """Set voice and prosody; returns whether any setting failed."""
        statuses = [self._library.espeak_SetVoiceByName(request.voice.encode())]
        for name, parameter in _PARAMETERS.items():
            value = getattr(request, name)
            statuses.append(self._library.espeak_SetParameter(parameter, value, _ABSOLUTE))
        return any(statuses)


def main() -> None:
    """Read the requests as JSON from stdin; write a byte count and samples for each."""
    try:
        requests = json.load(sys.stdin.buffer)
        speaker = _Speaker()
        for request in requests:
            samples = speaker.speak(Request(**request))
            sys.stdout.buffer.write(_BLOCK_SIZE.pack(len(samples)) + samples)
            sys.stdout.buffer.flush()
    except (EspeakError, OSError) as error:
        sys.exit(str(error).replace("\n", " "))


if __name__ == "__main__":
    main()

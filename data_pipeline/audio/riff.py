"""A WAV file: its chunks, and whether they are all of it.

libsndfile reads what the chunk `data` says, and is silent about what else there is. The exported
graph parses WAV files by the same rules (`ser_keras.graph.wav`). The bytes are untrusted.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from data_pipeline.audio.refusals import CUT_OFF, LENGTH_UNKNOWN, MORE_THAN_TOLD, SEVERAL_WAV

# What programs that cannot go back write for the length, or more: no file is as large.
UNKNOWN_SIZE = 0x7F000000
# So much may follow the audio that is no chunk, such as a tag of MP3: 32 ms of 16 kHz, 16 bits.
MAX_TAIL_BYTES = 1024
# The name of a chunk has four characters; what has none is no chunk.
CHUNK_NAME = "[ -~]{4}"
# One of these after the audio is another recording.
NAMES_OF_A_RECORDING = (b"RIFF", b"RIFX", b"data")
# Chunks beside the audio; one that is cut off takes nothing from it.
NAMES_BESIDE_AUDIO = (b"LIST", b"id3 ", b"ID3 ", b"bext", b"iXML", b"_PMX", b"cue ", b"JUNK")

_MP3_CODE = 0x55


class Chunk(NamedTuple):
    """A chunk: its name, where its content starts, and how many bytes it says it has."""

    name: bytes
    start: int
    size: int

    @property
    def next(self) -> int:
        """Where the next chunk starts; chunks are padded to an even length."""
        return self.start + self.size + self.size % 2


def riff_chunks(file_bytes: bytes) -> Iterator[Chunk]:
    """Give the chunks of a WAV file of either byte order, as far as there are whole headers."""
    if file_bytes[:4] in (b"RIFF", b"RIFX") and file_bytes[8:12] == b"WAVE":
        yield from _chunks_from(file_bytes, 12)


def _chunks_from(file_bytes: bytes, start: int) -> Iterator[Chunk]:
    while start + 8 <= len(file_bytes):
        size = _integer(file_bytes, start + 4, 4)
        chunk = Chunk(file_bytes[start : start + 4], start + 8, size)
        yield chunk
        start = chunk.next


def _integer(file_bytes: bytes, start: int, size: int) -> int:
    big = file_bytes[:4] == b"RIFX"
    return int.from_bytes(file_bytes[start : start + size], "big" if big else "little")


def mp3_in_wav(file_bytes: bytes) -> bytes | None:
    """The MP3 file that is the audio of a WAV file of format 0x55; None for all others."""
    code = 0
    for chunk in riff_chunks(file_bytes):
        if chunk.name == b"fmt ":
            code = _integer(file_bytes, chunk.start, 2)
        if chunk.name == b"data":
            is_mp3 = code == _MP3_CODE
            return file_bytes[chunk.start : chunk.start + chunk.size] if is_mp3 else None
    return None


def wav_fault(file_bytes: bytes) -> str | None:
    """Why a WAV file would be read as a shorter recording than it is; None where it is whole."""
    data = next((chunk for chunk in riff_chunks(file_bytes) if chunk.name == b"data"), None)
    if data is None:
        return None  # not a WAV file, or one without audio
    present = len(file_bytes) - data.start
    if data.size >= UNKNOWN_SIZE:
        return LENGTH_UNKNOWN
    if data.size > present:
        return CUT_OFF.format(present, data.size)
    fault = _tail_fault(file_bytes, data)
    return LENGTH_UNKNOWN if fault and not data.size else fault


def _tail_fault(file_bytes: bytes, data: Chunk) -> str | None:
    """What is wrong with what follows the audio: chunks may, and a little of anything."""
    end = data.start + data.size
    # Some programs do not pad.
    start = end if file_bytes[end : end + 4] in NAMES_BESIDE_AUDIO else data.next
    for chunk in _chunks_from(file_bytes, start):
        if chunk.name in NAMES_OF_A_RECORDING:
            return SEVERAL_WAV
        start = chunk.start - 8
        if not re.fullmatch(CHUNK_NAME.encode(), chunk.name) or chunk.next > len(file_bytes) + 1:
            break
        start = chunk.next
    rest = file_bytes[start:]
    if len(rest) <= MAX_TAIL_BYTES or rest[:4] in NAMES_BESIDE_AUDIO or not rest.strip(b"\0"):
        return None
    return MORE_THAN_TOLD.format(data.size, len(rest))

"""Whether an OGG or FLAC file is all there: libsndfile reads a part of one without a word.

Both are walked header by header, nothing is decoded. The bytes are untrusted: every header may lie.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

# Flags of an Ogg page (RFC 3533, section 6).
_BEGINS, _ENDS = 2, 4
# Positions from here on are negative: no packet ends on the page.
_NOTHING_ENDS = 1 << 63
# What may begin right behind a recording: another one.
AUDIO_MAGIC = (b"RIFF", b"RIFX", b"fLaC", b"OggS")

SEVERAL = "holds several {} recordings one after the other; make a file of each"
MORE_THAN_STREAMINFO = (
    "holds {} samples, and its header tells of {}; copy or convert the recording again"
)


# --- OGG ---


def ogg_fault(file_bytes: bytes) -> str | None:
    """Why an OGG file would be read as a shorter recording than it is; None where it is whole.

    A last page without the end-of-stream flag is accepted if the file ends with it: Telegram on
    Android and live streams leave the flag out. So a cut between two pages goes unnoticed.
    """
    pages = list(_ogg_pages(file_bytes))
    if not pages:
        return None  # not an OGG file
    begins = [bool(page.flags & _BEGINS) for page in pages]
    # Streams that are mixed all begin before the first of them goes on.
    if (False, True) in pairwise(begins):
        return SEVERAL.format("OGG")
    flags, end, stream, position = pages[-1]
    if file_bytes[end : end + 4] in AUDIO_MAGIC:
        return SEVERAL.format("audio")
    if any(p.stream == stream and _NOTHING_ENDS > p.position > position for p in pages):
        return "its last OGG page tells of less audio than the others; convert the recording again"
    if end == len(file_bytes) or (end < len(file_bytes) and flags & _ENDS):
        return None
    return "cut off (its last OGG page is not whole); copy or convert the recording again"


class _Page(NamedTuple):
    """A page: its flags, where it ends or should, whose it is, and how many samples end by it."""

    flags: int
    end: int
    stream: bytes
    position: int


def _ogg_pages(file_bytes: bytes) -> Iterator[_Page]:
    """The pages, up to the first bytes that are none."""
    start = 0
    while file_bytes[start : start + 4] == b"OggS":
        header = file_bytes[start : start + 27]
        num_segments = header[26] if len(header) == 27 else 255
        segments = file_bytes[start + 27 : start + 27 + num_segments]
        # A header that is cut off ends, like a page that is, beyond the end of the file.
        end = start + 27 + num_segments + sum(segments)
        position = int.from_bytes(header[6:14], "little")
        yield _Page(int.from_bytes(header[5:6]), end, header[14:18], position)
        start = end


# --- FLAC (RFC 9639) ---

_STREAMINFO = (b"fLaC\x00\x00\x00\x22", b"fLaC\x80\x00\x00\x22")
# Samples in a block by its code; 6 and 7: the number follows, less one, in one byte or two.
_BLOCK_SIZES = {1: 192} | {code: 144 << code for code in range(2, 6)}
_BLOCK_SIZES |= {code: 1 << code for code in range(8, 16)}
_BYTES_OF_SIZE = {6: 1, 7: 2}
# Bytes of the rate that follow by its code.
_BYTES_OF_RATE = {12: 1, 13: 2, 14: 2}


def _crc8_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte << 1 ^ (0x107 if byte & 0x80 else 0)
    return byte


_CRC8 = [_crc8_of_byte(byte) for byte in range(256)]


class _FlacFrame(NamedTuple):
    """Which samples a frame holds, by its header: `number` counts samples or blocks of one size."""

    is_variable: bool
    number: int
    num_samples: int


def flac_fault(file_bytes: bytes, start: int = 0) -> str | None:
    """Why a FLAC file would be read as a shorter recording than it is; None where it is whole.

    Args:
        file_bytes: the whole file.
        start: where it begins, behind tags.
    """
    if file_bytes[start : start + 4] != b"fLaC":
        return None
    if any(file_bytes.find(magic, start + 1) > 0 for magic in _STREAMINFO):
        return SEVERAL.format("FLAC")
    info = file_bytes[start + 8 : start + 42]
    told = int.from_bytes(info[13:18]) & (1 << 36) - 1
    held = _flac_samples(file_bytes, start + 42)
    if told and held > told:
        return MORE_THAN_STREAMINFO.format(held, told)
    return None


def _flac_samples(file_bytes: bytes, start: int) -> int:
    """How many samples there are, by the last two frames; 0 where they cannot be made out.

    The bytes of a header may stand in a frame by accident; those of two that follow each other
    do not.
    """
    later: _FlacFrame | None = None
    for frame in _flac_frames_backwards(file_bytes, start):
        step = frame.num_samples if frame.is_variable else 1
        if later and (frame.is_variable, frame.number + step) == (later.is_variable, later.number):
            return later.number * (frame.num_samples // step) + later.num_samples
        if frame.number == 0:
            return frame.num_samples
        later = frame
    return 0


def _flac_frames_backwards(file_bytes: bytes, start: int) -> Iterator[_FlacFrame]:
    end = len(file_bytes)
    while (end := file_bytes.rfind(b"\xff", start, end)) >= 0:
        if frame := _flac_frame(file_bytes[end : end + 16]):
            yield frame


def _flac_frame(header: bytes) -> _FlacFrame | None:
    """The frame with this header, or None where the bytes are none."""
    if len(header) < 6 or header[1] & 0xFE != 0xF8 or header[3] & 1:
        return None
    size_code, rate_code = header[2] >> 4, header[2] & 15
    length = _utf8_length(header[4])
    if not size_code or rate_code == 15 or header[3] >> 4 > 10 or not length:
        return None
    size_start = 4 + length
    rate_start = size_start + _BYTES_OF_SIZE.get(size_code, 0)
    end = rate_start + _BYTES_OF_RATE.get(rate_code, 0)
    if _crc8(header[: end + 1]) or len(header) <= end:
        return None
    num_samples = _BLOCK_SIZES.get(size_code) or int.from_bytes(header[size_start:rate_start]) + 1
    return _FlacFrame(bool(header[1] & 1), _utf8_number(header[4:size_start]), num_samples)


def _utf8_length(first: int) -> int:
    """Bytes of a number in the manner of UTF-8, by its first byte; 0 where that is none."""
    ones = 8 - (first ^ 0xFF).bit_length()
    return {0: 1, 1: 0, 8: 0}.get(ones, ones)


def _utf8_number(digits: bytes) -> int:
    first, *others = digits
    number = first & (0x7F >> len(others)) if not others else first & (0x3F >> len(others))
    for other in others:
        number = number << 6 | other & 0x3F
    return number


def _crc8(header: bytes) -> int:
    """0 for bytes that end with their own checksum."""
    crc = 0
    for byte in header:
        crc = _CRC8[crc ^ byte]
    return crc

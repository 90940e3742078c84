"""Whether an OGG or MP3 file is all there: libsndfile reads a part of one without a word.

Both are walked header by header, nothing is decoded. The bytes are untrusted: every header may lie.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

# Flags of an Ogg page (RFC 3533, section 6).
_BEGINS, _ENDS = 2, 4

# Samples in a frame of MPEG 1; MPEG 2 and 2.5 have half as many.
MP3_FRAME_SAMPLES = 1152
# Bits of the version in a frame's header -> Hz, by the bits of the rate.
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_KBITS_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
# Bytes between two frames after which mpg123 gives up, too.
_MAX_GAP = 1024
# The tag of the first frame lies behind its side information: 9 to 32 bytes, and a checksum of 2.
_TAG_PLACES = [4 + side + checksum for side in (9, 17, 32) for checksum in (0, 2)]


def ogg_fault(file_bytes: bytes) -> str | None:
    """Why an OGG file would be read as a shorter recording than it is; None where it is whole.

    A last page without the end-of-stream flag is accepted if the file ends with it: Telegram on
    Android and live streams leave the flag out. So a cut between two pages goes unnoticed.
    """
    pages = list(_ogg_pages(file_bytes))
    if not pages:
        return None  # not an OGG file
    begins = [bool(flags & _BEGINS) for flags, _ in pages]
    # Streams that are mixed all begin before the first of them goes on.
    if (False, True) in pairwise(begins):
        return "holds several OGG recordings one after the other; make a file of each"
    flags, end = pages[-1]
    if end == len(file_bytes) or (end < len(file_bytes) and flags & _ENDS):
        return None
    return "cut off (its last OGG page is not whole); copy or convert the recording again"


def _ogg_pages(file_bytes: bytes) -> Iterator[tuple[int, int]]:
    """(flags, where it ends or should) of each page, up to the first bytes that are none."""
    start = 0
    while file_bytes[start : start + 4] == b"OggS":
        header = file_bytes[start : start + 27]
        num_segments = header[26] if len(header) == 27 else 255
        segments = file_bytes[start + 27 : start + 27 + num_segments]
        # A header that is cut off ends, like a page that is, beyond the end of the file.
        end = start + 27 + num_segments + sum(segments)
        yield int.from_bytes(header[5:6]), end
        start = end


class _Frame(NamedTuple):
    """A frame of MPEG layer III: what all frames of a recording share, and its length."""

    kind: tuple[int, int]
    num_bytes: int
    num_samples: int


def tells_mp3_length(file_bytes: bytes) -> bool:
    """Whether the first frame is a tag with the number of frames; without it libsndfile guesses.

    Fraunhofer's tag (VBRI) is none: libsndfile passes over it.
    """
    for start, frame in _mp3_frames(file_bytes):
        tag = file_bytes[start : start + frame.num_bytes]
        xing = (tag[p : p + 8] for p in _TAG_PLACES if tag[p : p + 4] in (b"Xing", b"Info"))
        # The last bit says that the number of frames follows.
        return any(len(flags) == 8 and flags[7] & 1 for flags in xing)
    return False


def has_more_mp3_samples(file_bytes: bytes, num_samples: int) -> bool:
    """Whether the frames of a file hold at least one frame more than this many samples.

    libsndfile guesses the length from the size of the first frame and reads no further: where the
    bit rate changes, that may be a small part.
    """
    counted = 0
    for _, frame in _mp3_frames(file_bytes):
        counted += frame.num_samples
        if counted >= num_samples + MP3_FRAME_SAMPLES:
            return True
    return False


def _mp3_frames(file_bytes: bytes) -> Iterator[tuple[int, _Frame]]:
    """Where each frame starts, and the frame; what lies between them is stepped over."""
    start, kind = _after_id3(file_bytes), None
    limit = start + _MAX_GAP
    while (start := file_bytes.find(b"\xff", start, limit)) >= 0:
        frame = _mp3_frame(file_bytes, start)
        if frame is None or kind not in (None, frame.kind):
            start += 1
            continue
        yield start, frame
        kind = frame.kind
        start += frame.num_bytes
        limit = start + _MAX_GAP


def _after_id3(file_bytes: bytes) -> int:
    """Where the ID3v2 tags at the beginning end; their sizes have seven bits a byte."""
    start = 0
    while file_bytes[start : start + 3] == b"ID3" and len(file_bytes) >= start + 10:
        a, b, c, d = file_bytes[start + 6 : start + 10]
        start += 10 + (a << 21 | b << 14 | c << 7 | d)
    return start


def _mp3_frame(file_bytes: bytes, start: int) -> _Frame | None:
    """The frame whose header is at `start`, or None where there is no header."""
    header = int.from_bytes(file_bytes[start : start + 4])
    version, layer = header >> 19 & 3, header >> 17 & 3
    bit_rate, rate = header >> 12 & 15, header >> 10 & 3
    if header >> 21 != 0x7FF or version == 1 or layer != 1 or bit_rate in (0, 15) or rate == 3:
        return None
    num_samples = MP3_FRAME_SAMPLES if version == 3 else MP3_FRAME_SAMPLES // 2
    kbits = (_KBITS_1 if version == 3 else _KBITS_2)[bit_rate - 1]
    num_bytes = num_samples * kbits * 125 // _RATES[version][rate] + (header >> 9 & 1)
    return _Frame((version, rate), num_bytes, num_samples)

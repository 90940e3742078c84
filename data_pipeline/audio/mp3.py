"""Whether an MP3 file is all there: libsndfile reads a part of one without a word.

The frames are walked header by header, nothing is decoded. The bytes are untrusted: every header
may lie.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from data_pipeline.audio.containers import AUDIO_MAGIC

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
# So many frames one right after the other are no accident: a picture may hold the bytes of one.
_NO_ACCIDENT = 3

MORE_THAN_THE_TAG = (
    "holds {:.3g} s of audio, and its header tells of {:.3g} s (several MP3 recordings one after "
    "the other?); make a file of each, or convert it again"
)
SEVERAL_MP3 = (
    "holds several recordings one after the other, or is damaged within; make a file of each"
)


class _Frame(NamedTuple):
    """A frame of MPEG layer III: what all frames of a recording share, and its length."""

    kind: tuple[int, int, bool]
    num_bytes: int
    num_samples: int


class Mp3(NamedTuple):
    """What the headers of an MP3 file say.

    Attributes:
        start: where the first frame starts, behind any tags.
        end: where the last one ends.
        rate: samples a second.
        frame_samples: samples in a frame.
        num_frames: how many frames there are, without the one that holds the tag.
        told_frames: how many the tag says there are; None without one, and then libsndfile
            guesses. Fraunhofer's tag (VBRI) is none: libsndfile passes over it.
    """

    start: int
    end: int
    rate: int
    frame_samples: int
    num_frames: int
    told_frames: int | None


def walk_mp3(file_bytes: bytes) -> Mp3 | None:
    """Look at all frames of a file; None where it does not begin with one, behind tags."""
    first = after_id3(file_bytes)
    frame = _mp3_frame(file_bytes, first)
    if frame is None:
        return None
    end = first + frame.num_bytes
    told = _told_frames(file_bytes[first:end])
    num_frames = 0
    for start, one in _frames(file_bytes, first if told is None else end):
        num_frames += 1
        end = start + one.num_bytes
    version, rate, _ = frame.kind
    return Mp3(
        start=first,
        end=min(end, len(file_bytes)),
        rate=_RATES[version][rate],
        frame_samples=frame.num_samples,
        num_frames=num_frames,
        told_frames=told,
    )


def mp3_fault(file_bytes: bytes, mp3: Mp3) -> str | None:
    """Why more audio is in a file than would be read; None where all would be."""
    told = mp3.told_frames
    # Some encoders count the frame of the tag itself, and some leave the last one out.
    if told is not None and mp3.num_frames > told + 1:
        seconds = mp3.frame_samples / mp3.rate
        return MORE_THAN_THE_TAG.format(mp3.num_frames * seconds, told * seconds)
    is_followed = file_bytes[mp3.end : mp3.end + 4] in AUDIO_MAGIC
    return SEVERAL_MP3 if is_followed or _begins_again(file_bytes, mp3.end) else None


def _told_frames(tag: bytes) -> int | None:
    """The number of frames that the first frame tells of, where it is a tag with one."""
    for place in _TAG_PLACES:
        # The last bit of the flags says that the number of frames follows.
        if tag[place : place + 4] in (b"Xing", b"Info") and len(tag) >= place + 12:
            is_told = tag[place + 7] & 1
            return int.from_bytes(tag[place + 8 : place + 12]) if is_told else None
    return None


def _begins_again(file_bytes: bytes, start: int) -> bool:
    """Whether anywhere from here on frames of any kind follow one another."""
    while (start := file_bytes.find(b"\xff", start)) >= 0:
        if _mp3_frame(file_bytes, start):
            chain = islice(_frames(file_bytes, start, max_gap=1), _NO_ACCIDENT)
            if sum(1 for _ in chain) == _NO_ACCIDENT:
                return True
        start += 1
    return False


def _frames(file_bytes: bytes, start: int, max_gap: int = _MAX_GAP) -> Iterator[tuple[int, _Frame]]:
    """Where each frame starts, and the frame; what lies between them is stepped over."""
    kind = None
    limit = start + max_gap
    while (start := file_bytes.find(b"\xff", start, limit)) >= 0:
        frame = _mp3_frame(file_bytes, start)
        if frame is None or kind not in (None, frame.kind):
            start += 1
            continue
        yield start, frame
        kind = frame.kind
        start += frame.num_bytes
        limit = start + max_gap


def after_id3(file_bytes: bytes) -> int:
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
    is_mono = header >> 6 & 3 == 3
    return _Frame((version, rate, is_mono), num_bytes, num_samples)

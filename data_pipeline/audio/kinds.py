"""What a file is that is no WAV, FLAC, OGG or MP3, known by its first bytes: with what helps.

The exported graph knows the same kinds, in the same words.
"""

from typing import NamedTuple

# Where the magic of all kinds stands.
HEAD_BYTES = 512
# What may stand before a text: of UTF-8, and blanks.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BLANKS = b" \t\r\n"

CONVERT = "convert it: ffmpeg -i in out.wav"
_UNPACK = "unpack it and give the recordings in it"
_DOWNLOAD = "download the recording again"


class Kind(NamedTuple):
    """A kind of file.

    Attributes:
        words: what it is, and what to do.
        magic: pairs of a position and the bytes that stand there, in all of its files.
        is_text: whether blanks before it and capitals do not count.
    """

    words: str
    magic: tuple[tuple[int, bytes], ...]
    is_text: bool = False


def _kind(name: str, remedy: str, *magic: tuple[int, bytes]) -> Kind:
    return Kind(f"{name}; {remedy}", magic)


def _text(name: str, remedy: str, start: bytes) -> Kind:
    """A kind of text that begins so, in small letters."""
    return Kind(f"{name}; {remedy}", ((0, start),), is_text=True)


# The first that fits is taken.
KINDS = (
    _kind("an MP4, M4A or 3GP file", CONVERT, (4, b"ftyp")),
    # Twelve bits of ones, then the layer, which is 0 where that of MP3 is not.
    *(
        _kind("an AAC file", CONVERT, (0, bytes([0xFF, second])))
        for second in (0xF0, 0xF1, 0xF8, 0xF9)
    ),
    _kind("an AAC file", CONVERT, (0, b"ADIF")),
    _kind("a WebM or Matroska file", CONVERT, (0, b"\x1aE\xdf\xa3")),
    _kind("a WMA or ASF file", CONVERT, (0, b"0&\xb2u\x8ef\xcf\x11")),
    _kind("an AIFF file", CONVERT, (0, b"FORM"), (8, b"AIF")),
    _kind("an AVI video", CONVERT, (0, b"RIFF"), (8, b"AVI ")),
    _kind("an RF64 file (a WAV file for over 4 GB)", CONVERT, (0, b"RF64")),
    _kind("a BW64 file (a WAV file for over 4 GB)", CONVERT, (0, b"BW64")),
    _kind("a Wave64 file", CONVERT, (0, b"riff\x2e\x91\xcf\x11")),
    _kind("an AMR file", CONVERT, (0, b"#!AMR")),
    _kind("a CAF file", CONVERT, (0, b"caff")),
    _kind("an AU file", CONVERT, (0, b".snd")),
    _kind("a SPHERE file", CONVERT, (0, b"NIST_1A")),
    _kind("a WavPack file", CONVERT, (0, b"wvpk")),
    _kind("a Monkey's Audio file", CONVERT, (0, b"MAC ")),
    _kind("a TTA file", CONVERT, (0, b"TTA1")),
    _kind("a DSD file", CONVERT, (0, b"DSD ")),
    _kind("a Flash video", CONVERT, (0, b"FLV\x01")),
    _kind("a Speex recording in OGG", CONVERT, (0, b"OggS"), (28, b"Speex   ")),
    _kind("a MIDI file (notes, no recording)", "give a recording of speech", (0, b"MThd")),
    _text(
        "a git-lfs pointer, not the recording itself",
        "fetch the recordings: git lfs pull",
        b"version https://git-lfs.",
    ),
    _text(
        "a git-annex pointer, not the recording itself",
        "fetch the recordings: git annex get .",
        b"/annex/objects/",
    ),
    _kind(
        "what a Mac keeps beside a file (its name begins with ._), not the recording itself",
        "give the file without ._",
        (0, b"\x00\x05\x16\x07"),
    ),
    *(_text("a web page, not audio", _DOWNLOAD, start) for start in (b"<!doctype", b"<html")),
    _text("an XML file, not audio", _DOWNLOAD, b"<?xml"),
    _kind("a ZIP archive", _UNPACK, (0, b"PK\x03\x04")),
    _kind("a gzip archive", _UNPACK, (0, b"\x1f\x8b\x08")),
    _kind("a bzip2 archive", _UNPACK, (0, b"BZh"), (4, b"1AY&SY")),
    _kind("an XZ archive", _UNPACK, (0, b"\xfd7zXZ\x00")),
    _kind("a 7z archive", _UNPACK, (0, b"7z\xbc\xaf\x27\x1c")),
    _kind("a RAR archive", _UNPACK, (0, b"Rar!\x1a\x07")),
    _kind("a tar archive", _UNPACK, (257, b"ustar")),
    _kind("a PDF file, not audio", "give a recording of speech", (0, b"%PDF-")),
    _kind("a picture, not audio", "give a recording of speech", (0, b"\x89PNG\r\n\x1a\n")),
    _kind("a picture, not audio", "give a recording of speech", (0, b"\xff\xd8\xff")),
    _kind("a picture, not audio", "give a recording of speech", (0, b"GIF8")),
    _kind(
        "nothing but zero bytes where it should begin",
        "copy or convert the recording again",
        (0, bytes(64)),
    ),
)


def foreign_kind(file_bytes: bytes) -> str | None:
    """What a file is, and what to do, where it is known to be no WAV, FLAC, OGG or MP3."""
    head = file_bytes[:HEAD_BYTES]
    text = head.removeprefix(BYTE_ORDER_MARK).strip(BLANKS).lower()
    for kind in KINDS:
        content = text if kind.is_text else head
        if all(content[at : at + len(magic)] == magic for at, magic in kind.magic):
            return kind.words
    return None

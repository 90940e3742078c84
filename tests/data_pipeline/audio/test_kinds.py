"""Files that are no WAV, FLAC, OGG or MP3 under a name that says so: what each is called."""

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pytest
import soundfile

from data_pipeline.audio.kinds import CONVERT, foreign_kind
from data_pipeline.audio.reading import decode_recording, load_waveform
from data_pipeline.audio.refusals import AudioError

SAMPLES = np.random.default_rng(0).normal(0, 0.1, 16000)
MP3 = "MPEG_LAYER_III"
MORE = bytes(range(256)) * 8


def written(container, subtype="PCM_16"):
    content = io.BytesIO()
    soundfile.write(content, SAMPLES, 16000, format=container, subtype=subtype)
    return content.getvalue()


def tarred():
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.wav"))
    return content.getvalue()


def zipped():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.wav", written("WAV"))
    return content.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 64044\n"
FOREIGN = {
    "m4a": (
        b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom" + MORE,
        f"an MP4, M4A or 3GP file; {CONVERT}",
    ),
    "aac": (b"\xff\xf1\x50\x80\x02\x1f\xfc" + MORE, f"an AAC file; {CONVERT}"),
    "aac mpeg 2": (b"\xff\xf9\x50\x80\x02\x1f\xfc" + MORE, f"an AAC file; {CONVERT}"),
    "aac with a tag": (b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + b"\xff\xf1" + MORE, "an AAC file;"),
    "webm": (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01" + MORE, f"a WebM or Matroska file; {CONVERT}"),
    "wma": (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\0\xaa\0b\xcel" + MORE, f"a WMA or ASF file; {CONVERT}"),
    "aiff": (written("AIFF"), f"an AIFF file; {CONVERT}"),
    "au": (written("AU"), f"an AU file; {CONVERT}"),
    "caf": (written("CAF"), f"a CAF file; {CONVERT}"),
    "w64": (written("W64"), f"a Wave64 file; {CONVERT}"),
    "rf64": (written("RF64"), f"an RF64 file (a WAV file for over 4 GB); {CONVERT}"),
    "sphere": (written("NIST"), f"a SPHERE file; {CONVERT}"),
    "amr": (b"#!AMR\n" + MORE, f"an AMR file; {CONVERT}"),
    "git-lfs": (LFS, "a git-lfs pointer, not the recording itself; fetch the recordings: git lfs"),
    "git-annex": (b"/annex/objects/SHA256E-s3--a.wav\n", "a git-annex pointer"),
    "web page": (b"<!DOCTYPE html><html><body>Sign in</body></html>", "a web page, not audio;"),
    "web page in small letters": (b"\xef\xbb\xbf\r\n  <html>404</html>", "a web page, not audio;"),
    "xml": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an XML file"),
    "zip": (zipped(), "a ZIP archive; unpack it"),
    "gzip": (gzip.compress(written("WAV")), "a gzip archive; unpack it"),
    "tar": (tarred(), "a tar archive; unpack it"),
    "pdf": (b"%PDF-1.7\n" + MORE, "a PDF file, not audio;"),
    "png": (b"\x89PNG\r\n\x1a\n" + MORE, "a picture, not audio;"),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF" + MORE, "a picture, not audio;"),
    "of a Mac": (b"\0\x05\x16\x07\0\x02\0\0Mac OS X        " + MORE, "what a Mac keeps beside"),
    "zeros": (bytes(50_000), "nothing but zero bytes where it should begin; copy"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_file_is_called_what_it_is_with_what_helps(tmp_path, kind):
    content, words = FOREIGN[kind]
    path = tmp_path / "recording.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError) as refused:
        load_waveform(path)
    message = str(refused.value)
    assert message.startswith(f"{path}: {words}")
    assert "\n" not in message


@pytest.mark.parametrize("container", ["PAF", "IRCAM", "VOC", "SVX", "AVR", "HTK"])
def test_other_formats_that_libsndfile_knows_are_refused_with_what_helps(container):
    with pytest.raises(AudioError, match=f"upload: (a {container} file; |cannot be decoded)"):
        decode_recording(written(container), "upload")


@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        # soundfile writes no MP3 into WAV.
        *(("WAV", subtype) for subtype in soundfile.available_subtypes("WAV") if subtype != MP3),
        *(("WAVEX", subtype) for subtype in ("PCM_16", "FLOAT")),
        *(("FLAC", subtype) for subtype in soundfile.available_subtypes("FLAC")),
        *(("OGG", subtype) for subtype in soundfile.available_subtypes("OGG")),
        ("MP3", MP3),
    ],
)
def test_no_format_that_is_read_is_taken_for_another(container, subtype):
    try:
        content = written(container, subtype)
    except soundfile.LibsndfileError:
        pytest.skip(f"soundfile writes no {subtype} at 16 kHz")
    assert foreign_kind(content) is None
    assert len(decode_recording(content, "upload").waveform) >= 15500


def test_recording_that_begins_with_silence_is_read():
    content = io.BytesIO()
    soundfile.write(content, np.concatenate([np.zeros(9000), SAMPLES]), 16000, format="WAV")
    assert len(decode_recording(content.getvalue(), "upload").waveform) == 25000

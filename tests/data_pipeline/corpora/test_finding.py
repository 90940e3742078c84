"""Files on disk under names that other systems wrote, for every reader."""

import os
import unicodedata

import pytest

from data_pipeline.corpora.catalogue import read_corpus
from data_pipeline.corpora.crema_d import read_crema_d
from data_pipeline.corpora.emodb import read_emodb
from data_pipeline.corpora.finding import DiskNames, find_files
from data_pipeline.corpora.iemocap import read_iemocap
from data_pipeline.corpora.published import Published
from data_pipeline.corpora.ravdess import read_ravdess
from data_pipeline.errors import DataError

# Corpus -> (reader without the published counts, its files, those files as copies rename them).
CORPORA = {
    "emodb": (
        read_emodb,
        ("wav/03a01Wa.wav", "wav/03a01Fa.wav", "wav/08a01Na.wav"),
        ("WAV/03a01Wa.WAV", "WAV/03a01Fa.Wav", "WAV/08a01Na.wav"),
    ),
    "ravdess": (
        lambda root, **options: read_ravdess(root, expected=Published(), **options),
        ("Actor_01/03-01-05-01-01-01-01.wav", "Actor_02/03-01-04-01-01-01-02.wav"),
        ("ACTOR_01/03-01-05-01-01-01-01.WAV", "actor_02/03-01-04-01-01-01-02.Wav"),
    ),
    "crema_d": (
        lambda root, **options: read_crema_d(root, expected=Published(), **options),
        ("AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/1002_DFA_SAD_XX.wav"),
        ("audiowav/1001_DFA_ANG_XX.WAV", "audiowav/1002_DFA_SAD_XX.wav"),
    ),
}
TURN = "[1.0 - 2.0]\tSes01F_impro01_F000\tsad\t[2.0, 2.0, 2.0]\n"


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def what_is_said(corpus):
    return [(u.utterance_id, u.speaker, u.emotion) for u in corpus.utterances]


@pytest.mark.parametrize("corpus", CORPORA)
def test_files_and_folders_in_capitals_are_the_same_corpus(tmp_path, corpus):
    read, names, renamed = CORPORA[corpus]
    touch(tmp_path / "published", *names)
    touch(tmp_path / "copied", *renamed)
    published = read(tmp_path / "published", strict=True)
    copied = read(tmp_path / "copied", strict=True)

    assert what_is_said(copied) == what_is_said(published)
    assert len(copied.utterances) == len(names)
    assert {u.path for u in copied.utterances} == {tmp_path / "copied" / n for n in renamed}


def test_audio_of_iemocap_in_capitals_is_found(tmp_path):
    touch(tmp_path, "SESSION1/Sentences/WAV/Ses01F_impro01/Ses01F_impro01_F000.WAV")
    labels = tmp_path / "SESSION1" / "Dialog" / "EmoEvaluation" / "Ses01F_impro01.TXT"
    labels.parent.mkdir(parents=True)
    labels.write_text(TURN)
    (row,) = read_iemocap(tmp_path, expected={"Session1": {"sad": 1}}, strict=True).utterances

    assert row.path.is_file() and row.path.suffix == ".WAV"
    assert (row.session, row.emotion) == ("Session1", "sad")


@pytest.mark.parametrize(
    "text", ["\ufeff" + TURN, "  " + TURN, TURN.replace("\n", " \r\n")], ids=ascii
)
def test_label_lines_of_iemocap_after_marks_and_blanks_are_read(tmp_path, text):
    touch(tmp_path, "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt")
    (tmp_path / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt").write_bytes(text.encode())

    assert len(read_iemocap(tmp_path, expected={}, strict=True).utterances) == 1


def test_a_label_file_of_iemocap_without_a_label_is_named(tmp_path):
    folder = tmp_path / "Session1" / "dialog" / "EmoEvaluation"
    touch(tmp_path, "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt")
    (folder / "Ses01F_impro01.txt").write_text(TURN)
    (folder / "Ses01F_impro02.txt").write_text(TURN, encoding="utf-16")
    (folder / "Ses01F_impro03.csv").touch()

    first, second = read_iemocap(tmp_path, expected={}).notes
    assert "Ses01F_impro02.txt (no label line)" in first
    assert "Ses01F_impro03.csv" in second


@pytest.mark.parametrize("corpus", CORPORA)
def test_what_lies_there_and_is_not_taken_is_named(tmp_path, corpus):
    read, names, _ = CORPORA[corpus]
    folder = names[0].split("/")[0]
    touch(tmp_path, *names, f"{folder}/take.flac", f"{folder}/more/take.wav")
    touch(tmp_path, f"{folder}/.DS_Store", f"{folder}/Thumbs.db", f"{folder}/desktop.ini")

    (note,) = read(tmp_path).notes
    assert note == (
        f"2 files or folders beside those of the corpus, not read: {folder}/more, "
        f"{folder}/take.flac"
    )
    with pytest.raises(DataError, match=r"take\.flac"):
        read(tmp_path, strict=True)


def test_one_recording_under_two_suffixes_is_refused(tmp_path):
    touch(tmp_path, "wav/03a01Wa.wav", "wav/03a01Wa.WAV")

    with pytest.raises(DataError, match=r"03a01Wa occurs twice, as .*WAV and .*wav"):
        read_emodb(tmp_path)


def test_digits_of_other_scripts_are_no_names_of_the_corpus(tmp_path):
    touch(tmp_path, "wav/03a01Wa.wav", "wav/٠٣a01Fa.wav")

    assert read_emodb(tmp_path).left_out == {"unrecognised name": 1}


def test_names_that_break_lines_or_are_not_utf_8_are_shown_in_one_line(tmp_path):
    touch(tmp_path, "wav/03a01Wa.wav", "wav/a\nb.wav")
    (tmp_path / "wav" / os.fsdecode(b"M\xfcller.wav")).touch()

    (note,) = read_emodb(tmp_path).notes
    assert note.endswith(r"a\nb.wav") or r"M\udcfcller.wav" in note and r"a\nb.wav" in note
    note.encode()
    with pytest.raises(DataError, match="no AudioWAV") as caught:
        read_crema_d(tmp_path / "wav")
    str(caught.value).encode()


def test_a_corpus_in_a_folder_that_is_not_utf_8(tmp_path):
    root = tmp_path / os.fsdecode(b"Aufnahmen_M\xfcller")
    touch(root, "wav/03a01Wa.wav", "wav/notes.wav")
    (root / "list.csv").write_text("path,emotion,speaker\nwav/03a01Wa.wav,joy,anna\n")

    assert read_emodb(root).utterances[0].path.is_file()
    assert read_corpus("manifest", root / "list.csv").utterances[0].path.is_file()
    for wrong in (root / "nowhere", root / "wav"):
        for corpus in ("emodb", "iemocap", "ravdess", "crema_d", "manifest"):
            with pytest.raises(DataError) as caught:
                read_corpus(corpus, wrong)
            str(caught.value).encode()
    with pytest.raises(DataError, match=r"Aufnahmen_M\\udcfcller: 1 file names") as caught:
        read_emodb(root, strict=True)


def test_a_session_whose_name_is_not_text_is_refused(tmp_path):
    for name in (b"Session\xfc", b"Session1\nX"):
        root = tmp_path / str(len(name))
        folder = root / os.fsdecode(name) / "dialog" / "EmoEvaluation"
        folder.mkdir(parents=True)
        (folder / "Ses01F_impro01.txt").write_text(TURN)
        with pytest.raises(DataError, match=r"in the session .*: rename it") as caught:
            read_iemocap(root, expected={})
        assert len(str(caught.value).splitlines()) == 1
        str(caught.value).encode()


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every folder")
def test_a_folder_that_may_not_be_read_is_no_empty_folder(tmp_path):
    touch(tmp_path, "wav/03a01Wa.wav")
    (tmp_path / "wav").chmod(0)
    try:
        with pytest.raises(DataError, match=r"wav: cannot be listed \(Permission denied\)"):
            find_files(tmp_path, ("wav/*.wav",))
    finally:
        (tmp_path / "wav").chmod(0o755)


def test_a_name_is_found_in_another_unicode_form_and_case(tmp_path):
    composed = unicodedata.normalize("NFC", "Zoë/Füße 1.wav")
    decomposed = unicodedata.normalize("NFD", composed)
    touch(tmp_path, decomposed)
    on_disk = DiskNames()

    assert on_disk.find(tmp_path / composed) == tmp_path / decomposed
    assert on_disk.find(tmp_path / decomposed) == tmp_path / decomposed
    assert on_disk.find(tmp_path / composed.upper()) == tmp_path / decomposed
    missing = tmp_path / "Zoë" / "nothing.wav"
    assert on_disk.find(missing) == missing


def test_a_name_that_is_there_is_never_replaced(tmp_path):
    composed, decomposed = "Zo\u00eb.wav", "Zoe\u0308.wav"
    touch(tmp_path, composed, decomposed, "a.wav", "A.wav")
    on_disk = DiskNames()
    for name in (composed, decomposed, "a.wav", "A.wav"):
        assert on_disk.find(tmp_path / name).name == name
    # Both would do: neither is taken.
    touch(tmp_path, "b.WAV", "B.wav")
    assert on_disk.find(tmp_path / "b.wav") == tmp_path / "b.wav"


@pytest.mark.parametrize("name", ["x" * 5000, "a/" * 3000 + "b", "../" * 60 + "no/such"])
def test_paths_that_no_system_takes_are_left_alone(tmp_path, name):
    assert DiskNames().find(tmp_path / name) == tmp_path / name

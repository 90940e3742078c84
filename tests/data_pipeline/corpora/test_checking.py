"""One person, two names; one recording, two rows: whichever reader found them."""

import os

import pytest

from data_pipeline.corpora.emodb import read_emodb
from data_pipeline.corpora.standards.manifest import read_manifest
from data_pipeline.errors import DataError


@pytest.fixture
def manifest(tmp_path):
    """Function that writes rows into a CSV file beside the recordings a.wav and b.wav."""
    (tmp_path / "wav").mkdir()
    for name in ("a", "b"):
        (tmp_path / "wav" / f"{name}.wav").write_text(name)

    def write(*rows, columns="path,emotion,speaker"):
        path = tmp_path / "recordings.csv"
        path.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        ("03", "3", "03, 3"),
        ("s01", "s1", "s01, s1"),
        ("anna", "ann\u200ba", r"anna, ann\u200ba"),
        ("anna k", "anna\u00a0k", r"anna k, anna\xa0k"),
        ("Zo\u00eb", "Zoe\u0308", r"Zoe\u0308, Zo\xeb"),
    ],
)
@pytest.mark.parametrize("column", ["speaker", "emotion", "session"])
def test_alike_names_are_told_and_refused_under_strict(manifest, column, one, other, shown):
    common = {"emotion": "joy", "speaker": "ben", "session": "monday"}
    rows = [
        ",".join([path, *(common | {column: name}).values()])
        for path, name in (("wav/a.wav", one), ("wav/b.wav", other))
    ]
    path = manifest(*rows, columns="path,emotion,speaker,session")
    note = (
        f"{column}s that differ only in spelling: {shown} "
        f"(taken for 2 {column}s; give them one name)"
    )
    assert read_manifest(path).notes == (note,)
    with pytest.raises(DataError) as caught:
        read_manifest(path, strict=True)
    assert note in str(caught.value)


def test_many_alike_names_are_counted(manifest):
    rows = [f"{n}{form}.wav,joy,{form}{n}" for n in range(1, 10) for form in ("p0", "p")]
    notes = read_manifest(manifest(*rows)).notes
    assert len(notes) == 6 and notes[-1] == "4 more groups of such speakers"


def test_names_of_published_corpora_are_not_alike(tmp_path):
    (tmp_path / "wav").mkdir()
    for speaker in ("03", "08", "13", "10"):
        (tmp_path / "wav" / f"{speaker}a01Wa.wav").write_text(speaker)
    assert read_emodb(tmp_path, strict=True).notes == ()


@pytest.mark.parametrize("emotion", ["joy", "sad"])
@pytest.mark.parametrize(
    "again", ["./wav/a.wav", "wav//a.wav", "wav/../wav/a.wav", "{folder}/wav/a.wav", "link/a.wav"]
)
def test_one_file_in_two_rows_is_refused(manifest, tmp_path, again, emotion):
    (tmp_path / "link").symlink_to("wav")
    again = again.format(folder=tmp_path)
    path = manifest("wav/a.wav,joy,anna", f"{again},{emotion},anna")
    with pytest.raises(DataError, match="one file, listed twice as ") as caught:
        read_manifest(path)
    assert f"{again} ({emotion})" in str(caught.value) and "wav/a.wav (joy)" in str(caught.value)


def test_one_file_under_two_ids_is_refused(manifest):
    path = manifest(
        "wav/a.wav,joy,anna,u1",
        "wav/a.wav,joy,anna,u2",
        columns="path,emotion,speaker,utterance_id",
    )
    with pytest.raises(DataError, match=r"listed twice as u1 \(joy\) and u2 \(joy\)"):
        read_manifest(path)


def test_a_file_that_is_missing_is_compared_by_its_path(manifest):
    path = manifest("none/c.wav,joy,anna", "./none/c.wav,sad,anna")
    with pytest.raises(DataError, match="listed twice as"):
        read_manifest(path)
    assert len(read_manifest(manifest("none/c.wav,joy,anna", "none/C.wav,sad,ben")).utterances) == 2


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_links_to_one_file_with_two_emotions_are_refused(manifest, tmp_path, link):
    link(tmp_path / "wav" / "a.wav", tmp_path / "wav" / "c.wav")
    path = manifest("wav/a.wav,joy,anna", "wav/c.wav,sad,anna")
    with pytest.raises(DataError, match=r"two names, wav/a.wav \(joy\) and wav/c.wav \(sad\)"):
        read_manifest(path)


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_links_to_one_file_with_equal_labels_are_no_fault(manifest, tmp_path, link):
    """Programs that save room make links of equal files; what is prepared counts them."""
    link(tmp_path / "wav" / "a.wav", tmp_path / "wav" / "c.wav")
    rows = ("wav/a.wav,joy,anna", "wav/c.wav,joy,anna")
    assert len(read_manifest(manifest(*rows), strict=True).utterances) == 2


def test_links_to_one_file_by_two_speakers_are_told(manifest, tmp_path):
    os.link(tmp_path / "wav" / "a.wav", tmp_path / "wav" / "c.wav")
    path = manifest("wav/a.wav,joy,anna", "wav/c.wav,joy,ben")
    (note,) = read_manifest(path).notes
    assert note.startswith("one file under two speakers: wav/a.wav by anna, wav/c.wav by ben")
    with pytest.raises(DataError, match="one file under two speakers"):
        read_manifest(path, strict=True)


def test_names_that_differ_in_case_are_two_files_where_they_are_two(manifest, tmp_path):
    (tmp_path / "wav" / "A.wav").write_text("another")
    rows = ("wav/a.wav,joy,anna", "wav/A.wav,sad,anna")
    assert len(read_manifest(manifest(*rows), strict=True).utterances) == 2


def test_a_name_in_another_case_is_the_file_that_is_there(manifest):
    with pytest.raises(DataError, match="listed twice as"):
        read_manifest(manifest("wav/a.wav,joy,anna", "wav/A.WAV,sad,anna"))


def test_a_link_in_the_folder_of_a_published_corpus_is_told(tmp_path):
    (tmp_path / "wav").mkdir()
    (tmp_path / "wav" / "03a01Wa.wav").write_text("angry")
    (tmp_path / "wav" / "03a01Fa.wav").symlink_to("03a01Wa.wav")
    with pytest.raises(DataError, match=r"03a01Fa \(happy\) and 03a01Wa \(angry\)"):
        read_emodb(tmp_path)

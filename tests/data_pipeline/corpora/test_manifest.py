"""The manifest reader on CSV files as people write them."""

import pytest

from data_pipeline.corpora.manifest import read_manifest
from data_pipeline.errors import DataError

BASIC = "path,emotion,speaker\na.wav,joy,anna\nb.wav,fear,ben\n"


def write_csv(folder, text, encoding="utf-8"):
    path = folder / "recordings.csv"
    path.write_bytes(text.encode(encoding))
    return path


def sessions_csv(pairs):
    rows = [f"{n}.wav,joy,{speaker},{session}" for n, (speaker, session) in enumerate(pairs)]
    return "\n".join(["path,emotion,speaker,session", *rows]) + "\n"


def test_every_emotion_is_kept_and_paths_are_made_absolute(tmp_path):
    elsewhere = tmp_path / "elsewhere" / "c.flac"
    text = BASIC + f"{elsewhere},joy,ben\n"
    corpus = read_manifest(write_csv(tmp_path, text), strict=True)

    rows = {u.utterance_id: u for u in corpus.utterances}
    assert rows["a.wav"].path == tmp_path / "a.wav"
    assert rows[str(elsewhere)].path == elsewhere
    assert (rows["b.wav"].emotion, rows["b.wav"].speaker) == ("fear", "ben")
    assert (rows["b.wav"].session, rows["b.wav"].text) == ("", "")
    assert corpus.emotions == ("fear", "joy")
    assert corpus.label_map == {"fear": "fear", "joy": "joy"}
    assert (corpus.left_out, corpus.notes, corpus.group_by) == ({}, (), "speaker")


def test_optional_columns_in_any_order(tmp_path):
    text = "utterance_id,text,speaker,path,session,emotion\nu1,hello,anna,a.wav,monday,joy\n"
    (row,) = read_manifest(write_csv(tmp_path, text)).utterances

    assert (row.utterance_id, row.text, row.session) == ("u1", "hello", "monday")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_byte_order_mark_quotes_blanks_and_empty_lines(tmp_path, encoding):
    text = 'path, emotion ,speaker\r\n"a, b.wav", Ärger ,anna\r\n\r\n'
    (row,) = read_manifest(write_csv(tmp_path, text, encoding)).utterances

    assert (row.path.name, row.emotion) == ("a, b.wav", "Ärger")


@pytest.mark.parametrize(
    "header",
    [
        "file,emotion,speaker",  # wrong
        "path,emotion",  # missing
        "path,emotion,speaker,sesion",  # a slip in an optional one
        "path,emotion,speaker,path",  # twice
        "path;emotion;speaker",  # another separator
        "",
    ],
)
def test_wrong_columns_name_found_and_expected(tmp_path, header):
    with pytest.raises(DataError, match="expected path, emotion, speaker") as caught:
        read_manifest(write_csv(tmp_path, f"{header}\na.wav,joy,anna\n"))
    assert header.replace(",", ", ") in str(caught.value)
    assert "recordings.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("c.wav,,ben", "line 4: emotion is empty"),
        ("c.wav,joy,  ", "line 4: speaker is empty"),
        ("c.wav,joy", "line 4: found 2 cells, expected 3"),
        ("c, d.wav,joy,ben", "line 4: found 4 cells, expected 3"),
        ("a.wav,joy,ben", "line 4: a.wav is already on line 2"),
    ],
)
def test_faulty_row_is_named_by_its_line(tmp_path, row, message):
    with pytest.raises(DataError, match=message):
        read_manifest(write_csv(tmp_path, BASIC + row + "\n"))


def test_file_that_cannot_be_read_is_one_line(tmp_path):
    for root in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(DataError, match="root is a CSV file"):
            read_manifest(root)
    with pytest.raises(DataError, match="not UTF-8"):
        read_manifest(write_csv(tmp_path, BASIC + "ü.wav,joy,ben\n", encoding="latin-1"))
    with pytest.raises(DataError, match="not a CSV file"):
        read_manifest(write_csv(tmp_path, BASIC + '"c.wav,joy,ben\n'))


def test_no_rows_is_refused(tmp_path):
    with pytest.raises(DataError, match="names of the columns and no row, expected a row for each"):
        read_manifest(write_csv(tmp_path, "path,emotion,speaker\n"))
    with pytest.raises(DataError, match="received an empty file"):
        read_manifest(write_csv(tmp_path, ""))


@pytest.mark.parametrize(
    ("pairs", "group_by"),
    [
        ([("anna", "1"), ("ben", "1"), ("cem", "2"), ("dora", "3")], "session"),
        ([("anna", "1"), ("ben", "2"), ("cem", "2"), ("dora", "2")], "speaker"),  # two sessions
        ([("anna", "1"), ("ben", "2"), ("cem", "3"), ("anna", "3")], "speaker"),  # in two of them
        ([(f"s{n}", f"{n}") for n in range(12)], "speaker"),  # a session each
        ([(f"s{n}", f"{n % 11}") for n in range(22)], "speaker"),  # eleven trainings
        ([(f"s{n}", f"{n % 10}") for n in range(20)], "session"),
    ],
)
def test_sessions_group_only_where_they_keep_speakers_apart(tmp_path, pairs, group_by):
    assert read_manifest(write_csv(tmp_path, sessions_csv(pairs))).group_by == group_by


def test_names_that_differ_only_in_spelling_are_noted(tmp_path):
    composed, decomposed = "Zo\u00eb", "zoe\u0308"
    rows = [
        "a.wav,joy,Anna",
        "b.wav,Joy,anna",
        f"c.wav,fear,{composed}",
        f"d.wav,fear,{decomposed}",
    ]
    path = write_csv(tmp_path, "\n".join(["path,emotion,speaker", *rows]))
    assert read_manifest(path).notes == (
        "speakers that differ only in spelling: Anna, anna "
        "(taken for 2 speakers; give them one name)",
        f"speakers that differ only in spelling: {composed}, {decomposed} "
        "(taken for 2 speakers; give them one name)",
        "emotions that differ only in spelling: Joy, joy (taken for 2 emotions; give them one name)",
    )
    with pytest.raises(DataError, match="speakers that differ only in spelling: Anna, anna"):
        read_manifest(path, strict=True)

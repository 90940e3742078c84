"""The manifest reader on CSV files as people write them."""

import unicodedata

import pytest

from data_pipeline.corpora.emotions import Choice
from data_pipeline.corpora.standards.manifest import read_manifest
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
        ("path,emotion,speaker", "line 4: the names of the columns a second time"),
        ("\ufeffPath, Emotion ,SPEAKER", "line 4: the names of the columns a second time"),
        ("emotion,speaker,path", "line 4: the names of the columns a second time"),
        ("path,emotion,speaker,session", "line 4: the names of the columns a second time"),
        ("c.wav,joy,\u200b", "line 4: speaker is empty"),
        ('c.wav,"jo\ny",ben', r"line 4: emotion has the control character \\n in it \(jo\\ny\)"),
        ('c.wav,"joy\n",ben', r"line 4: emotion has the control character \\n in it"),
        ('"c\r.wav",joy,ben', r"line 4: path has the control character \\r in it"),
        ("c.wav,joy,b\x1ben", r"line 4: speaker has the control character \\x1b in it"),
        ("c.wav,j\x00oy,ben", r"line 4: emotion has the control character \\x00 in it"),
        ("c.wav,j\toy,ben", r"line 4: emotion has the control character \\t in it"),
        ("c.wav,j\u2028oy,ben", r"line 4: emotion has the control character \\u2028 in it"),
        ("c.wav,j\x85oy,ben", r"line 4: emotion has the control character \\x85 in it"),
    ],
)
def test_faulty_row_is_named_by_its_line(tmp_path, row, message):
    with pytest.raises(DataError, match=message):
        read_manifest(write_csv(tmp_path, BASIC + row + "\n"))


def test_control_characters_are_refused_in_optional_columns_too(tmp_path):
    for column in ("session", "text", "utterance_id"):
        text = f'path,emotion,speaker,{column}\na.wav,joy,anna,"x\ny"\n'
        with pytest.raises(DataError, match=rf"line 2: {column} has the control") as caught:
            read_manifest(write_csv(tmp_path, text))
        assert len(str(caught.value).splitlines()) == 1


def test_a_line_is_that_where_the_row_begins(tmp_path):
    text = "path,emotion,speaker\n\na.wav,joy,anna\n\n" + 'b.wav,"joy\n\n\nx",ben\n'
    with pytest.raises(DataError, match=r"line 5: emotion has the control character"):
        read_manifest(write_csv(tmp_path, text))


def test_tabs_beside_commas_are_blanks(tmp_path):
    (row,) = read_manifest(
        write_csv(tmp_path, "path,\temotion,speaker\na.wav,\tjoy\t,anna\n")
    ).utterances
    assert row.emotion == "joy"


@pytest.mark.parametrize("line", ["sep=,", "sep=;", '"sep=,"', "SEP=\t"])
def test_the_line_for_excel_is_named(tmp_path, line):
    with pytest.raises(DataError, match=r"line 1 \(.*\) is for Excel alone.*delete that line"):
        read_manifest(write_csv(tmp_path, f"{line}\r\n{BASIC}"))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("wav\\a.wav", "has backslashes, as on Windows.*write / between folders"),
        ("C:\\rec\\a.wav", "begins with a drive of Windows"),
        ("D:/rec/a.wav", "begins with a drive of Windows"),
        ("\\\\server\\rec\\a.wav", "is on a server of Windows"),
        ("~/rec/a.wav", "begins with ~, .*write the folder out"),
        ("~me/a.wav", "begins with ~"),
        ("$HOME/a.wav", "has a variable"),
        ("rec/${DAY}/a.wav", "has a variable"),
        ("%USERPROFILE%/a.wav", "has a variable"),
        ("file:///rec/a.wav", "is an address"),
        ("https://example.org/a.wav", "is an address"),
        ("'a.wav'", "is in quotes, .*leave them out"),
        ("\u202awav/a.wav", r"\\u202awav/a.wav has characters that nobody sees"),
    ],
)
def test_a_path_for_another_system_is_refused_with_its_cause(tmp_path, path, message):
    text = f"path,emotion,speaker\nmissing.wav,joy,anna\n{path},joy,anna\n"
    with pytest.raises(DataError, match=f"recordings.csv line 3: path .*{message}"):
        read_manifest(write_csv(tmp_path, text))


@pytest.mark.parametrize(
    "name", ["a\\b.wav", "~a.wav", "$a.wav", "'a.wav'", "a\u200b.wav", "50%.wav"]
)
def test_a_strange_path_that_is_there_is_read(tmp_path, name):
    (tmp_path / name).touch()
    (row,) = read_manifest(
        write_csv(tmp_path, f"path,emotion,speaker\n{name},joy,anna\n"), strict=True
    ).utterances
    assert row.path.is_file()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_in_the_other_unicode_form_is_found(tmp_path, form):
    """As between a Mac and Linux: `ls` shows the name."""
    name = "Zo\u00eb/Fu\u0308\u00dfe.wav"
    other = {"NFC": "NFD", "NFD": "NFC"}[form]
    path = tmp_path / unicodedata.normalize(other, name)
    path.parent.mkdir()
    path.touch()
    written = unicodedata.normalize(form, name)
    (row,) = read_manifest(
        write_csv(tmp_path, f"path,emotion,speaker\n{written},joy,anna\n"), strict=True
    ).utterances
    assert row.path == path
    assert row.utterance_id == written


def test_the_corpus_counts_what_was_listed(tmp_path):
    corpus = read_manifest(write_csv(tmp_path, BASIC + "c.wav,joy,ben\n"))
    assert corpus.listed == {"fear": 1, "joy": 2}


def test_file_that_cannot_be_read_is_one_line(tmp_path):
    for root in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(DataError, match="root is a CSV file"):
            read_manifest(root)
    with pytest.raises(DataError, match="not UTF-8"):
        read_manifest(write_csv(tmp_path, BASIC + "ü.wav,joy,ben\n", encoding="latin-1"))
    with pytest.raises(DataError, match="not a CSV file: .* after line 3; look for a double quote"):
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
        "emotions that differ only in spelling: Joy, joy "
        "(taken for 2 emotions; give them one name)",
    )
    with pytest.raises(DataError, match="speakers that differ only in spelling: Anna, anna"):
        read_manifest(path, strict=True)


# --- Segments, folds, several corpora, a choice of emotions ---


def test_segments_of_one_recording_have_ids_of_their_own(tmp_path):
    text = "path,emotion,speaker,start,end\nlong.wav,sad,a,0,2.5\nlong.wav,angry,b,2.5,4\n"
    first, second = read_manifest(write_csv(tmp_path, text)).utterances

    assert (first.utterance_id, second.utterance_id) == ("long.wav 0-2.5", "long.wav 2.5-4")
    assert (first.start_seconds, first.end_seconds) == (0, 2.5)
    assert (second.start_seconds, second.end_seconds) == (2.5, 4)
    assert first.path == second.path == tmp_path / "long.wav"


def test_a_segment_may_go_to_the_end(tmp_path):
    text = "path,emotion,speaker,start\nlong.wav,sad,a,1.25\n"
    (utterance,) = read_manifest(write_csv(tmp_path, text)).utterances
    assert (utterance.start_seconds, utterance.end_seconds) == (1.25, None)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("2,1", "line 2: found a segment from 2 to 1 s, expected its end after its start"),
        ("1,1", "expected its end after its start"),
        ("-1,1", "line 2: found -1 for start or end, expected seconds, 0 or more"),
        ("0,one", "found one for start or end"),
        ("0,inf", "found inf for start or end"),
        ("nan,1", "found nan for start or end"),
    ],
)
def test_a_segment_that_is_none_is_refused(tmp_path, cells, message):
    text = f"path,emotion,speaker,start,end\nlong.wav,sad,a,{cells}\n"
    with pytest.raises(DataError, match=message):
        read_manifest(write_csv(tmp_path, text))


@pytest.mark.parametrize("folds", [("1", "2"), ("train", "test"), ("validation", "train")])
def test_folds_are_kept(tmp_path, folds):
    rows = "".join(f"{number}.wav,sad,a,{fold}\n" for number, fold in enumerate(folds))
    utterances = read_manifest(write_csv(tmp_path, f"path,emotion,speaker,fold\n{rows}")).utterances
    assert tuple(utterance.fold for utterance in utterances) == folds


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        (("1", "dev"), "line 3: found the fold dev, expected a number from 1, or train, valid"),
        (("0", "1"), "line 2: found the fold 0, expected a number from 1"),
        (("1", "test"), "line 3: found the fold test after 1; expected numbers in every line"),
    ],
)
def test_other_folds_are_refused(tmp_path, folds, message):
    rows = "".join(f"{number}.wav,sad,a,{fold}\n" for number, fold in enumerate(folds))
    with pytest.raises(DataError, match=message):
        read_manifest(write_csv(tmp_path, f"path,emotion,speaker,fold\n{rows}"))


def test_the_same_speaker_of_two_corpora_is_two_people(tmp_path):
    text = "path,emotion,speaker,corpus\na.wav,sad,03,emodb\nb.wav,sad,03,ravdess\n"
    utterances = read_manifest(write_csv(tmp_path, text)).utterances
    assert [(u.corpus, u.speaker) for u in utterances] == [
        ("emodb", "emodb/03"),
        ("ravdess", "ravdess/03"),
    ]


def test_emotions_are_chosen_and_the_others_counted(tmp_path):
    text = "path,emotion,speaker\na.wav,anger,a\nb.wav,sad,b\nc.wav,bored,c\n"
    path = write_csv(tmp_path, text)
    choice = Choice(emotions=("angry", "sad"), mapped={"anger": "angry"})
    corpus = read_manifest(path, choice=choice)

    assert [u.emotion for u in corpus.utterances] == ["angry", "sad"]
    assert corpus.left_out == {"bored": 1}
    assert corpus.label_map == {"anger": "angry", "sad": "sad"}
    with pytest.raises(DataError, match="received the emotion happy, expected of this corpus ang"):
        read_manifest(path, choice=Choice(emotions=("happy",)))

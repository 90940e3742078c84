"""The reader of audformat, on databases that the library itself wrote."""

import audformat
import pytest

from data_pipeline.corpora.catalogue import read_corpus
from data_pipeline.corpora.emotions import Choice
from data_pipeline.corpora.standards.audformat_db import read_audformat
from data_pipeline.errors import DataError

FILES = ["wav/a.wav", "wav/b.wav", "wav/c.wav", "wav/d.wav"]
LABELS = ["A", "H", "A", "N"]


def make_database(splits=()):
    """Schemes as audb's databases have them, and the splits."""
    database = audformat.Database("made", source="nowhere", usage="research")
    meanings = {"A": "anger", "H": "happiness", "N": "neutral"}
    labels = {label: {"emotion": name} for label, name in meanings.items()}
    database.schemes["emotion"] = audformat.Scheme(labels=labels)
    database.schemes["speaker"] = audformat.Scheme(labels=["s1", "s2"])
    for split in splits:
        database.splits[split] = audformat.Split(split)
    return database


def add_table(database, name, index, columns, split=None):
    database[name] = audformat.Table(index, split_id=split)
    for column, (scheme, values) in columns.items():
        database[name][column] = audformat.Column(scheme_id=scheme)
        database[name][column].set(values)


def save(database, folder, storage_format="csv", files=FILES):
    database.save(str(folder), storage_format=storage_format)
    for file in files:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).touch()
    return folder


def filewise(emotions=LABELS, speakers=("s1", "s2", "s1", "s2")):
    database = make_database()
    columns = {"emotion": ("emotion", emotions), "speaker": ("speaker", list(speakers))}
    add_table(database, "files", audformat.filewise_index(FILES), columns)
    return database


@pytest.mark.parametrize("storage_format", ["csv", "parquet"])
def test_a_filewise_table_gives_emotion_and_speaker(tmp_path, storage_format):
    corpus = read_audformat(save(filewise(), tmp_path, storage_format), strict=True)

    found = [(u.utterance_id, u.emotion, u.speaker, u.fold) for u in corpus.utterances]
    assert found == [
        ("wav/a.wav", "angry", "s1", ""),
        ("wav/b.wav", "happy", "s2", ""),
        ("wav/c.wav", "angry", "s1", ""),
        ("wav/d.wav", "neutral", "s2", ""),
    ]
    assert corpus.utterances[0].path == tmp_path / "wav" / "a.wav"
    assert {(u.start_seconds, u.end_seconds) for u in corpus.utterances} == {(0.0, None)}
    assert corpus.label_map == {"A": "angry", "H": "happy", "N": "neutral"}
    assert (corpus.name, corpus.notes, corpus.options) == ("audformat", (), {})


def test_a_segmented_table_gives_segments_and_speakers_come_from_a_table_of_files(tmp_path):
    database = make_database()
    segments = audformat.segmented_index(
        ["wav/a.wav", "wav/a.wav", "wav/b.wav"], ["0s", "1500ms", "0s"], ["1s", None, None]
    )
    add_table(database, "emotion", segments, {"emotion": ("emotion", ["A", "H", "N"])})
    speakers = {"speaker": ("speaker", ["s1", "s2"])}
    add_table(database, "files", audformat.filewise_index(FILES[:2]), speakers)
    corpus = read_audformat(save(database, tmp_path, files=FILES[:2]), strict=True)

    assert [
        (u.utterance_id, u.start_seconds, u.end_seconds, u.speaker) for u in corpus.utterances
    ] == [
        ("wav/a.wav 0-1", 0.0, 1.0, "s1"),
        ("wav/a.wav 1.5-", 1.5, None, "s1"),
        ("wav/b.wav", 0.0, None, "s2"),
    ]


def with_splits(splits=("train", "dev", "test"), files=FILES[:3]):
    database = make_database(splits)
    for split, file in zip(splits, files, strict=True):
        columns = {"emotion": ("emotion", ["A"]), "speaker": ("speaker", ["s1"])}
        index = audformat.filewise_index([file])
        add_table(database, f"emotion.{split}", index, columns, split)
    return database


def test_tables_of_splits_are_read_together_and_give_the_parts(tmp_path):
    corpus = read_audformat(save(with_splits(), tmp_path), strict=True)
    assert [u.fold for u in corpus.utterances] == ["train", "validation", "test"]


def test_a_table_may_be_named(tmp_path):
    database = with_splits()
    columns = {"emotion": ("emotion", LABELS)}
    add_table(database, "emotion.raw", audformat.filewise_index(FILES), columns)
    root = save(database, tmp_path)
    with pytest.raises(DataError, match="several tables have labels .*emotion.raw.*--table"):
        read_audformat(root)
    corpus = read_corpus("audformat", root, table=["emotion.train", "emotion.test"])
    assert [u.fold for u in corpus.utterances] == ["train", "test"]
    assert corpus.options == {"table": ["emotion.train", "emotion.test"]}
    assert read_corpus("audformat", root, **corpus.options) == corpus


def test_columns_may_be_named(tmp_path):
    database = make_database()
    columns = {"perceived": ("emotion", LABELS), "meant": ("emotion", LABELS[::-1])}
    columns["who"] = (None, ["x", "y", "x", "y"])
    add_table(database, "files", audformat.filewise_index(FILES), columns)
    root = save(database, tmp_path)
    with pytest.raises(DataError, match="columns meant, perceived|columns perceived, meant"):
        read_audformat(root)
    corpus = read_audformat(root, emotion="meant", speaker="who")
    assert [u.emotion for u in corpus.utterances] == ["neutral", "angry", "happy", "angry"]
    assert [u.speaker for u in corpus.utterances] == ["x", "y", "x", "y"]
    assert corpus.options == {"emotion": "meant", "speaker": "who"}


def test_rows_without_a_label_or_a_speaker_are_counted(tmp_path):
    root = save(filewise(["A", None, "H", "N"], ["s1", "s2", None, "s2"]), tmp_path)
    corpus = read_audformat(root)
    assert corpus.left_out == {"no label": 1, "no speaker": 1}
    assert [u.utterance_id for u in corpus.utterances] == ["wav/a.wav", "wav/d.wav"]
    with pytest.raises(DataError, match="1 rows without a speaker, where others have one"):
        read_audformat(root, strict=True)


def test_without_speakers_it_is_said(tmp_path):
    database = make_database()
    add_table(database, "f", audformat.filewise_index(FILES), {"emotion": ("emotion", LABELS)})
    corpus = read_audformat(save(database, tmp_path), strict=True)
    assert {u.speaker for u in corpus.utterances} == {""}
    assert "does not tell who speaks; --speaker names a column" in corpus.notes[0]


def test_missing_recordings_are_noted_and_emotions_without_any_refused(tmp_path):
    root = save(filewise(), tmp_path)
    (root / "wav" / "c.wav").unlink()
    (note,) = read_audformat(root).notes
    assert note.startswith("1 recordings that the metadata names are not below")
    (root / "wav" / "d.wav").unlink()
    with pytest.raises(DataError, match="no recording of neutral; leave them out with --emotions"):
        read_audformat(root)
    corpus = read_audformat(root, choice=Choice(emotions=("angry", "happy")))
    assert corpus.left_out == {"N": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"table": ["none"]}, r"expected a column of the scheme emotion in none, found .*files \("),
        ({"emotion": "mood"}, "expected the column mood in a table, found the tables files"),
        ({"speaker": "who"}, "no table has the column who"),
    ],
)
def test_what_is_not_there_is_refused_with_what_there_is(tmp_path, options, message):
    with pytest.raises(DataError, match=message):
        read_audformat(save(filewise(), tmp_path), **options)


def test_numbers_are_no_labels(tmp_path):
    database = make_database()
    database.schemes["arousal"] = audformat.Scheme("float", minimum=0, maximum=1)
    columns = {"arousal": ("arousal", [0.1, 0.2, 0.3, 0.4])}
    add_table(database, "files", audformat.filewise_index(FILES), columns)
    with pytest.raises(DataError, match="has numbers .float., expected labels"):
        read_audformat(save(database, tmp_path), emotion="arousal")


# --- What is a program is never opened ---


def test_a_header_that_makes_objects_is_refused(tmp_path):
    root = save(filewise(), tmp_path)
    header = root / "db.yaml"
    marker = tmp_path / "ran"
    call = f"meta: !!python/object/apply:os.system ['touch {marker}']\n"
    header.write_text(header.read_text() + call)
    with pytest.raises(DataError, match="not a header of audformat"):
        read_audformat(root)
    assert not marker.exists()


def test_a_pickled_table_is_passed_over(tmp_path):
    root = save(filewise(), tmp_path)
    (root / "db.files.pkl").write_bytes(b"no pickle at all")
    assert len(read_audformat(root).utterances) == 4
    (root / "db.files.csv").unlink()
    with pytest.raises(DataError, match=r"table files cannot be read .*a \.pkl is never read"):
        read_audformat(root)
    assert (root / "db.files.pkl").read_bytes() == b"no pickle at all"


@pytest.mark.parametrize("text", [None, "name: [", "just words"])
def test_a_folder_that_is_no_database_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "db.yaml").write_text(text)
    with pytest.raises(DataError, match=r"db\.yaml: (No such file|not a header)"):
        read_audformat(tmp_path)

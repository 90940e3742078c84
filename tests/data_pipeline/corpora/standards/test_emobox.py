"""The EmoBox reader on made-up metadata and, where it is there, on the published."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from data_pipeline.corpora.emotions import Choice
from data_pipeline.corpora.standards.emobox import SPEAKER_PATTERNS, read_emobox
from data_pipeline.corpora.standards.emobox_metadata import read_folds, read_lines
from data_pipeline.errors import DataError

LABELS = {"ang": "Angry", "Fear": "Fear", "boredem": "Boredom"}
FOUR = Choice(emotions=("angry", "happy", "neutral", "sad"))
real = pytest.mark.skipif("SER_EMOBOX_ROOT" not in os.environ, reason="SER_EMOBOX_ROOT is not set")


def row(number, label="ang", **others):
    wav = f"downloads/made/audio/s{number % 2}/{number}.wav"
    return {"key": f"made-{number}", "dataset": "made", "wav": wav, "emo": label, **others}


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")


def write_fold(root, number, **parts):
    for part, rows in parts.items():
        write_lines(root / f"fold_{number}" / f"made_{part}_fold_{number}.jsonl", rows)


@pytest.fixture
def root(tmp_path):
    """Eight utterances, four a label, in two folds that test the even and the odd ones."""
    rows = [row(number, "ang" if number < 4 else "fear") for number in range(8)]
    folder = tmp_path / "EmoBox" / "data" / "made"
    write_lines(folder / "made.jsonl", rows)
    (folder / "label_map.json").write_text(json.dumps(LABELS))
    write_fold(folder, 1, train=rows[1::2], test=rows[::2])
    write_fold(folder, 2, train=rows[::2], test=rows[1::2])
    for one in rows:
        path = tmp_path / "EmoBox" / one["wav"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def audio(root):
    return root.parents[1] / "downloads" / "made"


def test_a_line_gives_label_recording_and_fold(root):
    corpus = read_emobox(root)
    first = corpus.utterances[0]

    assert (first.utterance_id, first.emotion, first.fold) == ("made-0", "angry", "1")
    assert first.path == audio(root) / "audio" / "s0" / "0.wav"
    assert first.speaker == ""
    assert corpus.label_map == {"ang": "angry", "fear": "fearful"}
    assert [u.fold for u in corpus.utterances] == ["1", "2"] * 4
    assert (corpus.name, corpus.group_by, corpus.options) == ("emobox", "speaker", {})
    (remark,) = corpus.notes
    assert "does not tell who speaks, so only its own folds are offered; --speaker PAT" in remark
    assert read_emobox(root, strict=True).notes == corpus.notes


def test_a_pattern_takes_speakers_from_the_paths(root):
    corpus = read_emobox(root, audio=audio(root) / "audio", speaker=r"/(s)(\d)/", strict=True)

    assert [u.speaker for u in corpus.utterances] == ["s0", "s1"] * 4
    assert corpus.notes == ()
    assert corpus.options == {"audio": str(audio(root) / "audio"), "speaker": r"/(s)(\d)/"}


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("s0", "finds no speaker in audio/s1/1.wav"), ("(", "is no regular expression")],
)
def test_a_pattern_that_does_not_fit_is_refused(root, pattern, message):
    with pytest.raises(DataError, match=message):
        read_emobox(root, speaker=pattern)


def test_missing_recordings_are_counted_and_left_to_be_rejected(root):
    for number in (1, 4):
        (audio(root) / "audio" / f"s{number % 2}" / f"{number}.wav").unlink()
    corpus = read_emobox(root)

    assert len(corpus.utterances) == 8
    assert [u.utterance_id for u in corpus.utterances if not u.path.exists()] == [
        "made-1",
        "made-4",
    ]
    assert corpus.notes[0].startswith("2 recordings that the metadata names are not below")
    assert corpus.notes[0].endswith("audio/s0/4.wav, audio/s1/1.wav")
    with pytest.raises(DataError, match="2 recordings"):
        read_emobox(root, strict=True)


def test_an_emotion_without_any_recording_is_an_error(root):
    for number in range(4, 8):
        (audio(root) / "audio" / f"s{number % 2}" / f"{number}.wav").unlink()
    with pytest.raises(DataError, match="no recording of fearful; leave.* --emotions angry"):
        read_emobox(root)
    corpus = read_emobox(root, choice=Choice(emotions=("angry",)))
    assert (len(corpus.utterances), corpus.left_out) == (4, {"fear": 4})


def test_a_folder_with_other_recordings_is_refused(root, tmp_path):
    with pytest.raises(DataError, match="none of the 8 recordings .*EmoBox: --audio"):
        read_emobox(root, audio=tmp_path / "EmoBox" / "data")


def test_a_label_that_the_map_lacks_is_left_out_and_noted(root):
    rows = [row(number, "ang" if number < 7 else "xxx") for number in range(8)]
    write_lines(root / "made.jsonl", rows)
    corpus = read_emobox(root)

    assert corpus.left_out == {"xxx": 1}
    assert corpus.notes[0] == "labels that label_map.json does not have, left out: xxx"


def test_labels_that_differ_in_case_alone_are_both_known(root):
    (root / "label_map.json").write_text(json.dumps({"s": "Sad", "S": "Surprise", "ang": "Angry"}))
    write_lines(root / "made.jsonl", [row(0, "s"), row(1, "S"), row(2, "ANG")])
    emotions = {u.utterance_id: u.emotion for u in read_emobox(root).utterances}
    assert emotions == {"made-0": "sad", "made-1": "surprised", "made-2": "angry"}


def test_a_segment_keeps_its_start_and_end(root):
    rows = [row(0, start_time=1.5, end_time=2.25), row(1)]
    write_lines(root / "made.jsonl", rows)
    first, second = read_emobox(root).utterances
    assert (first.start_seconds, first.end_seconds) == (1.5, 2.25)
    assert (second.start_seconds, second.end_seconds) == (0.0, None)


# --- Folds ---


def test_one_fold_gives_the_parts(root):
    rows = [row(number) for number in range(8)]
    for number in (1, 2):
        for path in (root / f"fold_{number}").iterdir():
            path.unlink()
        (root / f"fold_{number}").rmdir()
    write_fold(root, 1, train=rows[:4], valid=rows[4:6], test=rows[6:])
    folds = [u.fold for u in read_emobox(root).utterances]
    assert folds == ["train"] * 4 + ["validation"] * 2 + ["test"] * 2


def test_metadata_without_folds_has_none(root):
    for path in root.glob("fold_*/*"):
        path.unlink()
    for path in root.glob("fold_*"):
        path.rmdir()
    assert {u.fold for u in read_emobox(root).utterances} == {""}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"train": range(1, 8, 2), "test": range(0, 7, 2)}, ""),
        ({"train": range(1, 8, 2), "test": range(8)}, "4 utterances are twice in fold 1"),
        ({"train": range(1, 8, 2), "test": range(0, 6, 2)}, "1 utterances are tested by no fold"),
        ({"train": range(0), "test": range(0, 7, 2)}, r"are in no part of fold 1 \(such as made-1"),
        ({"train": range(1, 8, 2), "test": range(0, 9, 2)}, "of fold 1 are not in the corpus"),
        ({"train": range(2, 8), "test": range(2)}, r"tested by several folds \(such as made-1\)"),
    ],
)
def test_what_is_wrong_with_the_folds_is_named(root, parts, message):
    lists = {part: [row(number) for number in numbers] for part, numbers in parts.items()}
    write_fold(root, 1, **lists)
    corpus = read_emobox(root)
    if message:
        assert {u.fold for u in corpus.utterances} == {""}
        with pytest.raises(DataError, match=f"EmoBox's folds are not used: .*{message}"):
            read_emobox(root, strict=True)
    else:
        assert {u.fold for u in corpus.utterances} == {"1", "2"}


# --- What is not EmoBox's ---


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("made.jsonl", "{", "line 1: not a line of EmoBox's metadata"),
        ("made.jsonl", '{"key": 3}', "line 1: not a line"),
        ("made.jsonl", '{"key": "a", "emo": "ang"}', "line 1: has no wav or no emo"),
        (
            "made.jsonl",
            json.dumps({"key": "a", "emo": "ang", "wav": "downloads/made/../../x.wav"}),
            "leads out of the folder",
        ),
        ("made.jsonl", json.dumps(row(0, start_time="x")), "start_time or end_time is no number"),
        ("label_map.json", "[]", "not a map from labels to emotions"),
        ("label_map.json", "{", "not a map from labels to emotions"),
        ("other.jsonl", "", "expected one <corpus>.jsonl, found made.jsonl, other.jsonl"),
    ],
)
def test_other_files_are_refused(root, name, text, message):
    (root / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_emobox(root)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such folder; give EmoBox's folder of a corpus"):
        read_emobox(tmp_path / "none")


# --- The published metadata ---


def published(corpus):
    return Path(os.environ["SER_EMOBOX_ROOT"]) / corpus


@real
@pytest.mark.skipif("SER_RAVDESS_ROOT" not in os.environ, reason="SER_RAVDESS_ROOT is not set")
def test_ravdess_has_eight_emotions_and_six_folds_of_four_speakers():
    corpus = read_emobox(
        published("ravdess"),
        audio=os.environ["SER_RAVDESS_ROOT"],
        speaker=SPEAKER_PATTERNS["ravdess"],
        strict=True,
    )
    assert len(corpus.utterances) == 1440
    assert corpus.emotions == (
        *("angry", "calm", "disgusted", "fearful"),
        *("happy", "neutral", "sad", "surprised"),
    )
    assert Counter(u.fold for u in corpus.utterances) == dict.fromkeys("123456", 240)
    assert len({(u.fold, u.speaker) for u in corpus.utterances}) == 24


@real
@pytest.mark.skipif("SER_EMODB_ROOT" not in os.environ, reason="SER_EMODB_ROOT is not set")
def test_emodb_of_four_emotions_is_read_where_three_have_no_audio():
    emodb = os.environ["SER_EMODB_ROOT"]
    with pytest.raises(DataError, match="no recording of bored, disgusted, fearful; leave them"):
        read_emobox(published("emodb"), audio=emodb)
    corpus = read_emobox(published("emodb"), audio=emodb, choice=FOUR, strict=True)

    assert len(corpus.utterances) == 339
    assert corpus.left_out == {"boredem": 81, "disgust": 46, "fear": 69}
    assert {u.fold for u in corpus.utterances} == set("12345")


@real
def test_iemocap_is_read_without_its_audio(tmp_path):
    _, lines = read_lines(published("iemocap"))
    folds, notes = read_folds(published("iemocap"), "iemocap", [line.key for line in lines])

    assert (len(lines), notes) == (5531, [])
    counts = Counter(folds.values())
    assert counts == {"1": 1085, "2": 1023, "3": 1151, "4": 1031, "5": 1241}
    with pytest.raises(DataError, match="none of the 5531 recordings"):
        read_emobox(published("iemocap"), audio=tmp_path)


@real
@pytest.mark.parametrize("corpus", ["emodb", "iemocap", "ravdess"])
def test_documented_patterns_find_every_speaker(corpus, tmp_path):
    _, lines = read_lines(published(corpus))
    for line in lines:
        (tmp_path / line.wav).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / line.wav).touch()
    pattern = SPEAKER_PATTERNS[corpus]
    read = read_emobox(published(corpus), audio=tmp_path, speaker=pattern, strict=True)

    speakers = {u.speaker for u in read.utterances}
    assert len(read.utterances) == len(lines)
    assert len(speakers) == {"emodb": 10, "iemocap": 10, "ravdess": 24}[corpus]


def test_no_pattern_looks_like_an_option():
    assert not any(pattern.startswith("-") for pattern in SPEAKER_PATTERNS.values())


@pytest.mark.parametrize(
    ("corpus", "path", "speaker"),
    [
        ("aesdd", "disgust/d16 (5).wav", "5"),
        ("cafe", "CaFE_48k/Surprise/Faible/10-S-1-2.wav", "10"),
        ("casia", "zhaoquanyin/sad/246.wav", "zhaoquanyin"),
        ("cremad", "AudioWAV/1053_TSI_HAP_XX.wav", "1053"),
        ("emovo", "m1/rab-m1-l4.wav", "m1"),
        ("jlcorpus", "JL(wav+txt)/female2_neutral_11a_2.wav", "female2"),
        ("savee", "KL_n23.wav", "KL"),
        ("shemo", "female/F23H05.wav", "F23"),
        ("subesco", "F_04_SWARNALI_S_8_FEAR_1.wav", "F_04"),
        ("tess", "OAF_lose_happy.wav", "OAF"),
    ],
)
def test_the_other_patterns_fit_a_path_of_their_corpus(root, corpus, path, speaker):
    write_lines(root / "made.jsonl", [row(0) | {"wav": path}])
    (audio(root) / path).parent.mkdir(parents=True, exist_ok=True)
    (audio(root) / path).touch()
    (utterance,) = read_emobox(root, speaker=SPEAKER_PATTERNS[corpus]).utterances
    assert utterance.speaker == speaker

"""`prepare` with what readers offer: segments, folds, a choice of emotions, EmoBox."""

import csv
import json

import pytest
import soundfile

from data_pipeline.__main__ import main
from data_pipeline.records.prepared import load_prepared
from data_pipeline.records.rereading import read_again


def prepare(out, *more):
    return main(["prepare", "--out", str(out), *map(str, more)])


@pytest.fixture
def segments(make_corpus, tmp_path):
    """A manifest of twelve segments of three recordings in three folds; one ends too late."""
    paths = [utterance.path for utterance in make_corpus(3).utterances]
    rows = []
    for number in range(12):
        start = 0.05 * (number // 3)
        end = 9 if number == 7 else start + 0.1
        emotion = ("angry", "calm", "sad")[number // 2 % 3]
        rows.append((paths[number % 3], emotion, f"s{number % 3}", start, end, number % 3 + 1))
    table = tmp_path / "segments.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("path", "emotion", "speaker", "start", "end", "fold"), *rows])
    return table


@pytest.mark.parametrize("mfcc", ["opensmile", "tensorflow"])
def test_segments_are_prepared_and_one_beyond_its_file_is_rejected(
    segments, tmp_path, capsys, mfcc
):
    out = tmp_path / "out"
    arguments = ("--corpus", "manifest", "--root", segments, "--mfcc", mfcc, "--workers", 1)
    assert prepare(out, *arguments) == 0
    prepared = load_prepared(out)

    assert (prepared.counts.kept, prepared.counts.rejected) == (11, 1)
    assert {row.duration_seconds for row in prepared.utterances} == {0.1}
    assert len({row.audio_sha256 for row in prepared.utterances}) == 11
    assert "is beyond the recording" in (out / "rejected.csv").read_text()
    assert read_again(prepared, segments).utterances[0].end_seconds == 0.1

    capsys.readouterr()
    main(["describe", str(out)])
    said = capsys.readouterr().out
    assert "protocol given: 3 folds" in said
    assert "(fold 3 of the manifest)" in said


def test_a_folder_of_whole_recordings_is_as_it_was(make_corpus, tmp_path):
    paths = [utterance.path for utterance in make_corpus(12).utterances]
    rows = [f"{path},{('sad', 'angry')[n % 2]},s{n % 4}" for n, path in enumerate(paths)]
    table = tmp_path / "whole.csv"
    table.write_text("\n".join(["path,emotion,speaker", *rows]))
    prepare(tmp_path / "out", "--corpus", "manifest", "--root", table, "--mfcc", "tensorflow")
    metadata = json.loads((tmp_path / "out" / "metadata.json").read_text())
    assert set(load_prepared(tmp_path / "out").utterances[0].to_json()) == {
        *("utterance_id", "speaker", "session", "scenario", "text", "emotion"),
        *("duration_seconds", "audio_sha256"),
        *("num_mfcc_frames", "num_frames_narrow", "num_frames_wide"),
    }
    assert metadata["reader_options"] == {}


def test_chosen_emotions_are_kept_and_read_again(segments, tmp_path, capsys):
    out = tmp_path / "out"
    chosen = ("--emotions", "angry", "neutral", "--map", "calm=neutral", "--mfcc", "tensorflow")
    assert prepare(out, "--corpus", "manifest", "--root", segments, *chosen) == 0
    prepared = load_prepared(out)

    assert prepared.emotions == ("angry", "neutral")
    assert prepared.counts.left_out == {"sad": 4}
    assert prepared.reader_options == {
        "emotions": ["angry", "neutral"],
        "mapped": {"calm": "neutral"},
    }
    assert read_again(prepared, segments).emotions == ("angry", "neutral")
    assert prepare(out, "--corpus", "manifest", "--root", segments, *chosen) == 0
    assert "already prepared" in capsys.readouterr().err


def test_emobox_is_prepared_without_three_missing_files(make_corpus, tmp_path, capsys):
    audio = tmp_path / "audio"
    audio.mkdir()
    root = tmp_path / "EmoBox" / "data" / "made"
    root.mkdir(parents=True)
    rows = []
    for number, utterance in enumerate(make_corpus(24).utterances):
        wav = f"downloads/made/deep/{utterance.path.name}"
        rows.append({"key": f"made-{number:02d}", "wav": wav, "emo": ("A", "S")[number % 2]})
        if number not in (3, 8, 13):
            samples, rate = soundfile.read(utterance.path)
            soundfile.write(audio / utterance.path.name, samples, rate)
    parts = {"made.jsonl": rows}
    for fold in (1, 2, 3):
        test = [row for number, row in enumerate(rows) if number % 3 == fold - 1]
        parts[f"fold_{fold}/made_test_fold_{fold}.jsonl"] = test
        parts[f"fold_{fold}/made_train_fold_{fold}.jsonl"] = [r for r in rows if r not in test]
    for name, lines in parts.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    (root / "label_map.json").write_text(json.dumps({"a": "Angry", "s": "Sad"}))
    out = tmp_path / "out"
    arguments = ("--corpus", "emobox", "--root", root, "--audio", audio, "--mfcc", "tensorflow")
    assert prepare(out, *arguments) == 0
    assert "note: 3 recordings that the metadata names are not below" in capsys.readouterr().err

    prepared = load_prepared(out)
    assert (prepared.counts.kept, prepared.counts.rejected) == (21, 3)
    rejected = list(csv.DictReader((out / "rejected.csv").read_text().splitlines()))
    assert [row["utterance_id"] for row in rejected] == ["made-03", "made-08", "made-13"]
    assert all("no such file" in row["reason"] for row in rejected)
    main(["describe", str(out)])
    said = capsys.readouterr().out
    assert "protocol given: 3 folds" in said and "(fold 1 of EmoBox)" in said
    assert "voices cannot be checked" in said
    assert "protocol speaker: not possible here: the corpus does not tell who speaks" in said

"""`list`: a manifest from a tree, which `prepare` can read."""

import pytest

from data_pipeline.__main__ import main
from data_pipeline.corpora.standards.listing import compile_pattern
from data_pipeline.corpora.standards.manifest import read_manifest

PATTERN = "{emotion}/{speaker}_{text}_*.wav"


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "my recordings"
    for emotion in ("angry", "sad"):
        for speaker in ("anna", "ben", "cem"):
            for take in (1, 2):
                path = folder / emotion / f"{speaker}_a0{take}_{take}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
    (folder / "notes.txt").touch()
    (folder / "angry" / "anna.wav").touch()
    (folder / "angry" / ".hidden_a_1.wav").touch()
    return folder


def listed(tree, out, pattern=PATTERN):
    return main(["list", str(tree), "--pattern", pattern, "--out", str(out)])


def test_a_list_is_written_shown_and_read_by_the_reader_of_manifests(tree, tmp_path, capsys):
    out = tmp_path / "list.csv"
    assert listed(tree, out) == 0
    said = capsys.readouterr().out.splitlines()

    assert out.read_text().splitlines()[:2] == [
        "path,emotion,speaker,text",
        "my recordings/angry/anna_a01_1.wav,angry,anna,a01",
    ]
    assert said[0].split() == ["path", "emotion", "speaker", "text"]
    assert said[1].split() == ["angry/anna_a01_1.wav", "angry", "anna", "a01"]
    assert said[6] == "... 7 more rows"
    assert said[7] == "emotions: angry 6, sad 6; speakers: 3"
    assert said[8] == "do not match, left out: 2 files: angry/anna.wav, notes.txt"
    assert said[-1].endswith(f"prepare --corpus manifest --root {out} --out build/list")
    corpus = read_manifest(out, strict=True)
    assert len(corpus.utterances) == 12
    assert all(utterance.path.is_file() for utterance in corpus.utterances)


def test_paths_are_absolute_where_the_list_lies_elsewhere(tree, tmp_path):
    out = tmp_path / "lists" / "list.csv"
    out.parent.mkdir()
    listed(tree, out)
    assert out.read_text().splitlines()[1].startswith(f"{tree}/angry/anna_a01_1.wav,")


def test_a_list_is_never_replaced(tree, tmp_path, capsys):
    out = tmp_path / "list.csv"
    out.write_text("mended by hand")
    assert listed(tree, out) == 1
    assert "is there already; remove it, or give another --out" in capsys.readouterr().err
    assert out.read_text() == "mended by hand"


def test_no_match_is_an_error_that_shows_a_file(tree, tmp_path, capsys):
    assert listed(tree, tmp_path / "list.csv", "{speaker}/{emotion}.mp3") == 1
    assert "no file matches the pattern, found 14 files, such as angry/anna" in (
        capsys.readouterr().err
    )
    assert listed(tmp_path / "none", tmp_path / "list.csv") == 1
    assert "no such folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pattern", "path", "fields"),
    [
        (PATTERN, "sad/b c_x_y_z.wav", {"emotion": "sad", "speaker": "b c", "text": "x"}),
        ("{speaker}/{speaker}-{emotion}.wav", "b/b-sad.wav", {"speaker": "b", "emotion": "sad"}),
        ("{speaker}/{speaker}-{emotion}.wav", "b/c-sad.wav", None),
        ("{speaker}/*/{emotion}.wav", "b/x/sad.wav", {"speaker": "b", "emotion": "sad"}),
        ("{speaker}/*/{emotion}.wav", "b/x/y/sad.wav", None),
        ("{speaker}({emotion}).wav", "b(sad).wav", {"speaker": "b", "emotion": "sad"}),
        ("{speaker}.{emotion}.wav", "bXsad.wav", None),
    ],
)
def test_a_pattern_is_of_the_whole_path(pattern, path, fields):
    match = compile_pattern(pattern).fullmatch(path)
    assert (match and match.groupdict()) == fields


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{emotion}/*.wav", "received {emotion}, expected {emotion} and {speaker}"),
        ("*.wav", "received no field, expected"),
        ("{emotion}/{speaker}/{mood}.wav", "received {emotion}, {speaker}, {mood}, expected"),
        ("{emotion}/{speaker}/{}.wav", "received {emotion}, {speaker}, {}, expected"),
    ],
)
def test_another_field_is_a_usage_error(tree, tmp_path, capsys, pattern, message):
    with pytest.raises(SystemExit) as stopped:
        listed(tree, tmp_path / "list.csv", pattern)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err

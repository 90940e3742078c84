"""`read_corpus`: every corpus by its name, and what it refuses."""

import subprocess
import sys

import pytest

from data_pipeline.__main__ import main
from data_pipeline.corpora.catalogue import CORPORA, read_corpus
from data_pipeline.errors import DataError


@pytest.fixture
def emodb(tmp_path):
    (tmp_path / "wav").mkdir()
    (tmp_path / "wav" / "03a01Wa.wav").touch()
    return tmp_path


def test_the_command_line_offers_every_corpus_and_no_other(capsys):
    with pytest.raises(SystemExit):
        main(["prepare", "--help"])
    assert f"{{{','.join(CORPORA)}}}" in capsys.readouterr().out


def test_all_corpora_have_a_reader():
    named = {
        "audformat",
        "crema_d",
        "demo",
        "emobox",
        "emodb",
        "iemocap",
        "manifest",
        "nemo",
        "ravdess",
    }
    assert set(CORPORA) == named


def test_name_and_root_are_enough(emodb):
    assert read_corpus("emodb", str(emodb)).utterances[0].speaker == "03"


def test_home_folder_is_understood(emodb, monkeypatch):
    monkeypatch.setenv("HOME", str(emodb.parent))

    assert len(read_corpus("emodb", f"~/{emodb.name}").utterances) == 1


@pytest.mark.parametrize("corpus", sorted(set(CORPORA) - {"demo"}))
@pytest.mark.parametrize("root", ["~nobody-of-this-name/x", "x" * 5000, "no/such"])
def test_a_root_that_cannot_be_is_one_line(corpus, root):
    with pytest.raises(DataError) as caught:
        read_corpus(corpus, root)
    assert len(str(caught.value).splitlines()) == 1


def test_options_reach_the_reader(tmp_path):
    folder = tmp_path / "Session1" / "dialog" / "EmoEvaluation"
    folder.mkdir(parents=True)
    for dialog, code in (("impro01", "exc"), ("impro02", "sad"), ("script01_1", "ang")):
        turn = f"[1.0 - 2.0]\tSes01F_{dialog}_F000\t{code}\t[2.0, 2.0, 2.0]\n"
        (folder / f"Ses01F_{dialog}.txt").write_text(turn)
    corpus = read_corpus("iemocap", tmp_path, subset="improvised", excited_as_happy=False)

    assert [u.emotion for u in corpus.utterances] == ["sad"]
    assert corpus.options == {"subset": "improvised", "excited_as_happy": False}
    assert corpus.subset == "improvised"
    assert corpus.left_out == {"exc": 1, "scripted": 1}
    with pytest.raises(DataError, match="instead of"):
        read_corpus("iemocap", tmp_path, strict=True)


@pytest.mark.parametrize(
    ("option", "flag"),
    [
        ({"subset": "scripted"}, "--subset"),
        ({"excited_as_happy": False}, "--happy-without-excited"),
    ],
)
def test_option_of_another_corpus_is_refused(emodb, option, flag):
    with pytest.raises(DataError, match=f"emodb has no {flag}; leave it out"):
        read_corpus("emodb", emodb, **option)


def test_unknown_name_and_missing_root_are_refused():
    with pytest.raises(DataError, match="'msp' is not known.*crema_d"):
        read_corpus("msp", ".")
    with pytest.raises(DataError, match="no root given for corpus emodb"):
        read_corpus("emodb", None)


def imported_by(code):
    """Which heavy libraries a fresh process has imported after this code."""
    heavy = ("tensorflow", "librosa", "opensmile", "sklearn", "numpy", "soundfile", "tqdm")
    code = f"{code}\nimport sys; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_readers_load_neither_tensorflow_nor_librosa():
    code = "from data_pipeline.corpora import read_corpus; import data_pipeline.splits.folds"
    assert not imported_by(code) & {"tensorflow", "librosa", "opensmile"}


@pytest.mark.parametrize(
    "code",
    [
        "from data_pipeline.corpora.catalogue import CORPORA, read_corpus",
        "from data_pipeline.corpora import CORPORA, read_corpus",
        "from data_pipeline import read_corpus",
    ],
)
def test_the_names_of_corpora_cost_nothing(code):
    assert imported_by(code) == set()


def test_a_choice_of_emotions_is_kept_for_reading_again(emodb):
    (emodb / "wav" / "03a01La.wav").touch()
    (emodb / "wav" / "03a01Ea.wav").touch()
    asked = {"emotions": ["angry", "neutral"], "mapped": {"bored": "neutral"}}
    corpus = read_corpus("emodb", emodb, **asked)

    assert {u.utterance_id: u.emotion for u in corpus.utterances} == {
        "03a01La": "neutral",
        "03a01Wa": "angry",
    }
    assert corpus.options == asked
    assert read_corpus("emodb", emodb, **corpus.options) == corpus
    assert corpus.left_out == {"E": 1}


def test_an_emotion_without_a_recording_is_named(emodb):
    with pytest.raises(DataError, match="emodb has no recording of sad, which was asked for"):
        read_corpus("emodb", emodb, emotions=["angry", "sad"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--emotions", "angry", "fear"], "received the emotion fear, expected of this corpus"),
        (["--map", "bored=dull"], "received the emotion dull, expected"),
        (["--map", "bored"], "argument --map: received 'bored', expected NAME=NAME"),
    ],
)
def test_unknown_emotions_are_usage_errors(emodb, tmp_path, capsys, arguments, message):
    command = ["prepare", "--corpus", "emodb", "--root", str(emodb), "--out", str(tmp_path / "o")]
    with pytest.raises(SystemExit) as stopped:
        main([*command, *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_an_option_of_emobox_is_refused_elsewhere(emodb):
    with pytest.raises(DataError, match="emodb has no --audio; leave it out, only emobox has it"):
        read_corpus("emodb", emodb, audio="x")

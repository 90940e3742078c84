"""The IEMOCAP reader on made-up trees of the same layout."""

import re

import pytest

from data_pipeline.corpora.emotions import Choice
from data_pipeline.corpora.iemocap import read_iemocap
from data_pipeline.errors import DataError

# The table of the literature, typed in again: columns ang, hap, exc, neu, sad.
CODES = ("ang", "hap", "exc", "neu", "sad")
BY_SESSION = (
    (229, 135, 143, 384, 194),
    (137, 117, 210, 362, 197),
    (240, 135, 151, 320, 305),
    (327, 65, 238, 258, 143),
    (170, 143, 299, 384, 245),
)
IMPROVISED = (289, 284, 663, 1099, 608)

# Session 1: two dialogs. As published, the letter after Ses01 is not the speaker.
IMPRO = """\
% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()
C-F1:\tNeutral;\t([brackets in a remark)
A-E3:\tval 3; act 2; dom  2;\t()

[10.0100 - 11.3925]\tSes01F_impro01_M003\thap\t[4.0000, 2.5000, 2.5000]
[12.0000 - 13.0000]\tSes01F_impro01_F001\tfru\t[2.0000, 2.5000, 2.5000]
[14.0000 - 15.0000]\tSes01F_impro01_F002\txxx\t[2.0000, 2.5000, 2.5000]
[16.0000 - 17.0000]\tSes01F_impro01_M004\texc\t[4.0000, 4.5000, 2.5000]
"""
SCRIPT = """\
[1.0000 - 2.0000]\tSes01M_script01_1b_F010\tang\t[2.0000, 4.5000, 4.5000]
[3.0000 - 4.0000]\tSes01M_script01_1b_M011\tsad\t[2.0000, 1.5000, 2.5000]
[5.0000 - 6.0000]\tSes01M_script01_1b_M012\tfru\t[2.0000, 1.5000, 2.5000]
"""
SMALL_COUNTS = {"Session1": {"ang": 1, "hap": 1, "exc": 1, "neu": 1, "sad": 1, "fru": 2}}


def write_labels(root, session, dialog, text):
    folder = root / f"Session{session}" / "dialog" / "EmoEvaluation"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{dialog}.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def small(tmp_path):
    write_labels(tmp_path, 1, "Ses01F_impro01", IMPRO)
    write_labels(tmp_path, 1, "Ses01M_script01_1b", SCRIPT)
    return tmp_path


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Labels with exactly the published counts in every session and scenario."""
    root = tmp_path_factory.mktemp("IEMOCAP_full_release")
    improvised_left = dict(zip(CODES, IMPROVISED, strict=True))
    for session, counts in enumerate(BY_SESSION, start=1):
        lines = {"impro01": [], "script01_1": []}
        for code, count in zip(CODES, counts, strict=True):
            improvised = min(count, improvised_left[code])
            improvised_left[code] -= improvised
            for dialog, part in (("impro01", improvised), ("script01_1", count - improvised)):
                name = f"Ses{session:02d}F_{dialog}"
                for _ in range(part):
                    number = len(lines[dialog])
                    speaker = "FM"[number % 2]
                    turn = f"{name}_{speaker}{number:03d}\t{code}\t[3.0000, 3.0000, 3.0000]"
                    lines[dialog].append(f"[{number}.0000 - {number + 1}.0000]\t{turn}\n")
        for dialog, text in lines.items():
            write_labels(root, session, f"Ses{session:02d}F_{dialog}", "".join(text))
    return root


def test_rows_hold_what_the_label_file_says(small):
    corpus = read_iemocap(small, expected=SMALL_COUNTS)
    rows = {u.utterance_id: u for u in corpus.utterances}

    man = rows["Ses01F_impro01_M003"]
    assert (man.speaker, man.session, man.scenario) == ("Ses01M", "Session1", "improvised")
    assert (man.emotion, man.text) == ("happy", "")
    folder = small / "Session1" / "sentences" / "wav" / "Ses01F_impro01"
    assert man.path == folder / "Ses01F_impro01_M003.wav"
    woman = rows["Ses01M_script01_1b_F010"]
    assert (woman.speaker, woman.scenario, woman.emotion) == ("Ses01F", "scripted", "angry")
    assert [u.utterance_id for u in corpus.utterances] == sorted(rows)
    assert corpus.emotions == ("angry", "happy", "neutral", "sad")
    assert corpus.left_out == {"fru": 2, "xxx": 1}
    assert (corpus.name, corpus.group_by, corpus.notes) == ("iemocap", "session", ())


def test_published_counts_are_accepted_under_strict(published):
    corpus = read_iemocap(published, strict=True)

    assert len(corpus.utterances) == 5531
    assert sum(u.emotion == "happy" for u in corpus.utterances) == 595 + 1041
    assert len({u.speaker for u in corpus.utterances}) == 10


@pytest.mark.parametrize(("subset", "total"), [("improvised", 2943), ("scripted", 2588)])
def test_subset_keeps_its_scenario_and_counts_the_other(published, subset, total):
    corpus = read_iemocap(published, subset=subset, strict=True)

    assert {u.scenario for u in corpus.utterances} == {subset}
    assert len(corpus.utterances) == total
    assert sum(corpus.left_out.values()) == 5531 - total


def test_without_excited_the_happy_are_595(published):
    corpus = read_iemocap(published, excited_as_happy=False, strict=True)

    assert sum(u.emotion == "happy" for u in corpus.utterances) == 595
    assert corpus.left_out == {"exc": 1041}
    assert "exc" not in corpus.label_map


def test_mismatch_names_session_and_difference(small):
    expected = {"Session1": SMALL_COUNTS["Session1"] | {"sad": 3}, "Session2": {"ang": 2}}
    corpus = read_iemocap(small, expected=expected)

    (note,) = corpus.notes
    assert "Session1 has sad 1 instead of 3" in note
    assert "Session2 has ang 0 instead of 2" in note
    assert "neu" not in note
    with pytest.raises(DataError, match="Session2 has ang 0 instead of 2"):
        read_iemocap(small, expected=expected, strict=True)


def test_mismatch_of_a_scenario_is_named(small):
    corpus = read_iemocap(small, subset="scripted", expected={"scripted": {"ang": 4, "sad": 1}})

    assert corpus.notes == ("counts are not the expected ones: scripted has ang 1 instead of 4",)


def test_hidden_and_foreign_files_are_passed_over(small):
    folder = small / "Session1" / "dialog" / "EmoEvaluation"
    (folder / "._Ses01F_impro01.txt").write_bytes(b"\x00\x05\x16\x07")
    (folder / "Categorical").mkdir()
    (folder / "Categorical" / "Ses01F_impro01_e2_cat.txt").write_text("[votes]")

    corpus = read_iemocap(small, expected=SMALL_COUNTS, strict=True)
    assert len(corpus.utterances) == 5


def test_remarks_may_be_of_any_encoding(small):
    path = small / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    path.write_bytes(path.read_bytes() + b"C-E9:\tOther;\t(caf\xe9)\r\n")

    assert len(read_iemocap(small, expected=SMALL_COUNTS, strict=True).utterances) == 5


def test_label_line_that_cannot_be_read_is_counted_and_named(small):
    write_labels(small, 1, "Ses01F_impro02", "% header\n[1.0 - 2.0] Ses01F_impro02_F000 ang\n")
    corpus = read_iemocap(small, expected=SMALL_COUNTS)

    assert corpus.left_out["unrecognised name"] == 1
    assert "Ses01F_impro02.txt line 2" in corpus.notes[0]


@pytest.mark.parametrize("place", ["..", "Session1", "nowhere"])
def test_wrong_level_says_what_was_looked_for(small, place):
    root = small / place
    with pytest.raises(DataError, match=re.escape("Session*/dialog/EmoEvaluation")) as caught:
        read_iemocap(root)
    message = str(caught.value)
    assert str(root) in message and "\n" not in message
    if place == "..":
        assert small.name in message


def test_utterance_in_two_dialogs_is_refused(small):
    write_labels(small, 1, "Ses01F_impro01copy", IMPRO)

    with pytest.raises(DataError, match="Ses01F_impro01_F000 occurs twice"):
        read_iemocap(small)


def test_nothing_with_a_used_label_is_refused(tmp_path):
    line = "[1.0000 - 2.0000]\tSes01F_impro01_F000\tfru\t[2.0, 2.0, 2.0]\n"
    write_labels(tmp_path, 1, "Ses01F_impro01", line)

    with pytest.raises(DataError, match="no utterance of iemocap.*fru 1"):
        read_iemocap(tmp_path)


def test_unknown_subset_is_refused(small):
    with pytest.raises(DataError, match="'spoken'.*all, improvised, scripted"):
        read_iemocap(small, subset="spoken")


@pytest.mark.parametrize(
    ("choice", "options", "emotion"),
    [
        (Choice(emotions=("all",)), {}, "happy"),
        (Choice(emotions=("happy", "sad")), {}, "happy"),
        (Choice(emotions=("excited", "happy")), {}, "excited"),
        (Choice(emotions=("all",)), {"excited_as_happy": False}, "excited"),
        (Choice(mapped={"excited": "sad"}), {}, "sad"),
        (Choice(mapped={"frustrated": "angry"}), {}, "happy"),
        (Choice(mapped={"frustrated": "angry"}), {"excited_as_happy": False}, None),
    ],
)
def test_excited_counts_as_happy_unless_something_else_is_asked_for(
    small, choice, options, emotion
):
    utterances = read_iemocap(small, choice=choice, **options).utterances
    emotions = {u.utterance_id: u.emotion for u in utterances}
    assert emotions.get("Ses01F_impro01_M004") == emotion


def test_all_takes_every_label_but_those_without_agreement(small):
    corpus = read_iemocap(small, choice=Choice(emotions=("all",)))
    assert corpus.left_out == {"xxx": 1}
    assert sum(u.emotion == "frustrated" for u in corpus.utterances) == 2

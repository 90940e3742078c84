"""Several corpora at once, through the programs: trained together, one tested by the other."""

import json

import pytest
from made_speech import arguments, prepare_speech

from data_pipeline.__main__ import main as data_main
from ser_keras.__main__ import main as ser
from ser_keras.commands.train import main
from ser_keras.runs.files import read_predictions

QUICK = ("--variant", "base_1", "--epochs", "1", "--fold", "0")


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """Two prepared corpora, and the lists that they are from."""
    folder = tmp_path_factory.mktemp("several")
    made = {}
    for seed, name in enumerate(("alpha", "beta")):
        (folder / name).mkdir()
        prepared, table = prepare_speech(folder / name, seed), folder / name / "speech.csv"
        command = ["prepare", "--corpus", "manifest", "--root", table, "--name", name]
        assert data_main([*map(str, command), "--out", str(prepared)]) == 0  # a new name alone
        made[name] = (str(prepared), str(table))
    return made


def both(corpora):
    return [data for data, _ in corpora.values()]


def train(data, run, *more):
    return main(["--data", *data, *arguments("", run, *QUICK, *more)[2:]])


def test_one_corpus_is_tested_and_the_other_trains(corpora, tmp_path, capsys):
    reversed_order = both(corpora)[::-1]
    assert train(reversed_order, tmp_path / "r", "--protocol", "corpus", "--balance") == 0
    printed = capsys.readouterr().out
    assert "test on corpus alpha" in printed and "input.balance=true" in printed
    result = json.loads((tmp_path / "r" / "fold_0" / "result.json").read_text())
    assert (result["trained_on"], result["tested_on"]) == (["beta"], ["alpha"])
    assert result["corpus"] == "alpha+beta" and result["settings"]["balance"] is True
    assert "by_corpus" not in result  # one corpus is tested
    assert json.loads((tmp_path / "r" / "summary.json").read_text())["folds_total"] == 2


def test_voices_of_both_are_kept_apart_and_scored_by_corpus(corpora, tmp_path):
    assert train(both(corpora), tmp_path / "r", "--protocol", "random") == 0
    fold = tmp_path / "r" / "fold_0"
    result = json.loads((fold / "result.json").read_text())
    part = read_predictions(fold / "predictions.csv")
    assert result["tested_on"] == ["alpha", "beta"] == sorted(result["by_corpus"])
    for name, scores in result["by_corpus"].items():
        own = [n for n, corpus in enumerate(part.groups["corpus"]) if corpus == name]
        right = (part.probabilities.argmax(axis=1) == part.labels)[own]
        assert scores["utterances"] == len(own)
        assert scores["weighted_accuracy"] == pytest.approx(right.mean())
        assert all(part.speakers[n].startswith(f"{name}/") for n in own)


@pytest.mark.parametrize(("protocol", "num_folds"), [("speaker", 5), ("corpus", 2), ("random", 5)])
def test_the_svm_takes_both_with_their_roots(corpora, tmp_path, protocol, num_folds):
    roots = [root for _, root in corpora.values()]
    command = ["classical", "--data", *both(corpora), "--features", "eGeMAPSv02"]
    command += ["--protocol", protocol]
    assert ser([*command, "--run-dir", str(tmp_path / "r"), "--root", *roots]) == 0
    results = [json.loads(p.read_text()) for p in sorted(tmp_path.glob("r/fold_*/result.json"))]
    assert len(results) == num_folds
    assert sum(result["utterances"]["test"] for result in results) == 72
    # The functionals are kept, so no root is needed.
    normalised = ["--normalise", "corpus", "--run-dir", str(tmp_path / "n")]
    assert ser([*command, *normalised]) == 0
    config = json.loads((tmp_path / "n" / "config.json").read_text())
    assert config["settings"]["normalised_by"] == "corpus"


def test_roots_that_do_not_go_with_the_data_are_a_usage_error(corpora, capsys):
    with pytest.raises(SystemExit):
        ser(["classical", "--data", *both(corpora), "--root", "somewhere"])
    assert "received 2 --data and 1 --root, expected a root for each" in capsys.readouterr().err


def test_given_folds_that_nobody_brings_are_one_line(corpora, tmp_path, capsys):
    assert train(both(corpora), tmp_path / "r", "--protocol", "given") == 1
    assert "the corpus brings no folds of its own" in capsys.readouterr().err

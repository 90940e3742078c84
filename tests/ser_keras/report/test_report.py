"""Reports about made-up and published runs: figures against scikit-learn, one page, no mixing."""

import csv
import json
import re

import numpy as np
import pytest
from made_runs import cells, write_run
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from data_pipeline.corpora import iemocap
from data_pipeline.rows import UtteranceRow
from data_pipeline.splits.guessing import guess_emotions
from ser_keras.__main__ import main
from ser_keras.errors import SerError
from ser_keras.report.comparisons import claimed_pairs, findings, other_pairs
from ser_keras.report.floors import floors
from ser_keras.report.paper_table import CLAIMS, PAPER_DATA
from ser_keras.report.reading import read_runs
from ser_keras.report.sections import make_report
from ser_keras.report.tables import escape
from ser_keras.runs.contents import read_history
from ser_keras.scores.statistics import compare, holm, matched_confusions


def read_csvs(directory):
    with_folds = sorted(directory.glob("fold_*/predictions.csv"))
    return [list(csv.DictReader(path.read_text().splitlines())) for path in with_folds]


def report_text(*directories):
    return "\n".join(make_report(read_runs(directories)).lines)


# --- Figures ---


@pytest.mark.parametrize(
    ("position", "scorer"), [(3, accuracy_score), (4, balanced_accuracy_score)]
)
def test_scores_are_those_of_scikit_learn(tmp_path, position, scorer):
    directory = write_run(tmp_path / "run")
    row = cells(report_text(directory), "Dual level")
    pairs = [
        ([line["emotion"] for line in fold], [line["predicted"] for line in fold])
        for fold in read_csvs(directory)
    ]
    of_folds = [100 * scorer(*pair) for pair in pairs]
    assert row[position] == f"{np.mean(of_folds):.1f} ± {np.std(of_folds, ddof=1):.1f}"
    true, predicted = (sum(column, []) for column in zip(*pairs, strict=True))
    assert row[position + 2].startswith(f"{100 * scorer(true, predicted):.1f} [")
    assert row[1:3] == ["random", "2"]
    assert row[7:] == ["72.7 ± 0.7", "73.3 ± 0.8"]


def test_optimism_is_the_gap_to_the_honest_mean(tmp_path):
    directory = write_run(tmp_path / "run", accuracy=0.7)
    text = report_text(directory).split("### What choosing the epoch")[1]
    row = cells(text, "Dual level")
    of_folds = [[r["emotion"] == r["predicted"] for r in fold] for fold in read_csvs(directory)]
    honest = 100 * np.mean([np.mean(right) for right in of_folds])
    assert row[2:5] == [f"{honest:.1f}", "100.0", f"+{100 - honest:.1f}"]
    assert row[8:] == ["3–5 of 6", "2.5 (2)", "1,234,567"]


def to_row(prediction):
    """A line of predictions.csv as the row of an utterance."""
    names = ("utterance_id", "speaker", "emotion")
    return UtteranceRow(**{name: prediction[name] for name in names})


def test_floors_are_the_guesses_of_the_audit(tmp_path):
    directory = write_run(tmp_path / "run")
    found = {run.title: run for run in floors(read_runs([directory]))}
    folds = read_csvs(directory)
    for title, column in (("Most frequent emotion", None), ("Speaker lookup", "speaker")):
        rows = [[to_row(line) for line in fold] for fold in folds]
        answers = [guess_emotions(rows[1 - n], rows[n], column) for n in (0, 1)]
        true = [row["emotion"] for fold in folds for row in fold]
        expected = balanced_accuracy_score(true, sum(answers, []))
        assert found[title].summary["unweighted_accuracy"]["pooled"] == pytest.approx(expected)
    assert cells(report_text(directory), "*Speaker lookup*")[1] == "*random*"


def test_an_unfinished_run_says_so_and_has_no_floors(tmp_path):
    part = write_run(tmp_path / "part", folds=(0,))
    text = report_text(part)
    assert cells(text, "Dual level")[2] == "1 of 2"
    assert "1 of 2 folds are finished" in text and "No run has finished all folds" in text
    assert "Most frequent emotion" not in text
    stopped = write_run(tmp_path / "stopped", folds=(1,), summary=False)
    assert cells(report_text(stopped), "Dual level")[2] == "1 of ?"


# --- Systems side by side ---


def test_claims_of_the_paper_are_judged_by_the_adjusted_test(tmp_path):
    accuracy = {"dual_level": 0.95, "ds_lstm": 0.6, "base_1": 0.6001, "base_4": 0.3}
    runs = read_runs([write_run(tmp_path / v, a, variant=v) for v, a in accuracy.items()])
    pairs = claimed_pairs(runs)
    names = [(pair.first.variant, pair.second.variant) for pair in pairs]
    assert names == [claim for claim in CLAIMS if set(claim) <= accuracy.keys()]
    raw = [
        compare(
            *matched_confusions(p.first.predictions, p.second.predictions), "unweighted_accuracy"
        )
        for p in pairs
    ]
    adjusted = holm([one.p_value for one in raw])
    expected = [
        {(1, 1): "holds", (1, 0): "unsure", (0, 0): "not seen", (0, 1): "reversed"}[
            one.difference > 0, p < 0.05
        ]
        for one, p in zip(raw, adjusted, strict=True)
    ]
    assert findings(pairs) == expected
    assert expected[names.index(("dual_level", "base_4"))] == "holds"
    assert expected[names.index(("ds_lstm", "base_1"))] != "holds"
    text = "\n".join(make_report(runs).lines)
    row = cells(text, "Dual level above Base 4 (2 + 3)")
    assert (row[1], row[-1]) == ("+8.1", "**holds**")
    assert "these runs can answer 5" in text


def test_systems_that_were_not_trained_alike_are_told(tmp_path):
    longer = {"settings": {"gate_norm": "after_sigmoid", "epochs": 9}}
    shorter = {"settings": {"gate_norm": "after_sigmoid", "epochs": 7}}
    directories = [
        write_run(tmp_path / "a", **longer),
        write_run(tmp_path / "b", variant="base_1", **shorter),
        write_run(tmp_path / "c", variant="base_2", **longer),
    ]
    told = "- Not trained alike: epochs 7 (Base 1 (MFCC)); 9 (Base 2 (narrow), Dual level)."
    assert told in report_text(*directories).splitlines()
    assert "Not trained alike" not in report_text(directories[0], directories[2])


def test_a_weaker_system_reverses_the_claim(tmp_path):
    runs = read_runs(
        [write_run(tmp_path / "a", 0.2), write_run(tmp_path / "b", 0.97, variant="ds_lstm")]
    )
    assert findings(claimed_pairs(runs)) == ["reversed"]


def test_other_pairs_are_against_the_dual_level_and_between_settings(tmp_path):
    before = {"settings": {"gate_norm": "before_sigmoid"}}
    directories = [
        write_run(tmp_path / "svm", 0.8, variant="svm_eGeMAPSv02", preset="classical"),
        write_run(tmp_path / "dual", 0.9),
        write_run(tmp_path / "gate", 0.7, **before),
        write_run(tmp_path / "seed", 0.9, seed=1),
        write_run(tmp_path / "base", 0.6, variant="base_2"),
    ]
    runs = read_runs(directories)
    assert [run.title for run in runs] == [
        "Base 2 (narrow)",
        "Dual level",
        "Dual level, gate_norm before_sigmoid",
        "Dual level, seed 1",
        "SVM, eGeMAPSv02",
    ]
    found = [(pair.first.title, pair.second.title) for pair in other_pairs(runs)]
    gate = ("Dual level", "Dual level, gate_norm before_sigmoid")
    assert found == [("Dual level", "SVM, eGeMAPSv02"), gate]
    # Two seeds of one system are summed up.
    text = "\n".join(make_report(runs).lines)
    assert "mean ± deviation over seeds" in text
    pooled = [run.summary["weighted_accuracy"]["pooled"] for run in (runs[1], runs[3])]
    spread = f"{100 * np.mean(pooled):.1f} ± {100 * np.std(pooled, ddof=1):.1f}"
    assert f"| Dual level | 0, 1 | {spread} |" in text


def titles(pairs):
    return [(pair.first.title, pair.second.title) for pair in pairs]


def test_settings_are_compared_within_a_seed(tmp_path):
    before = {"settings": {"gate_norm": "before_sigmoid"}}
    runs = read_runs(
        [
            write_run(tmp_path / f"{gate}{seed}", seed=seed, **changes)
            for gate, changes in (("after", {}), ("before", before))
            for seed in (0, 1)
        ]
    )
    gate = "gate_norm before_sigmoid"
    assert titles(other_pairs(runs)) == [
        ("Dual level", f"Dual level, {gate}"),
        ("Dual level, seed 1", f"Dual level, seed 1, {gate}"),
    ]


def test_a_setting_that_is_newer_than_a_run_sets_it_not_apart(tmp_path):
    """What was not known when the first run was trained has its default there."""
    old, new = write_run(tmp_path / "old"), write_run(tmp_path / "new", accuracy=0.8)
    for path in old.glob("fold_*/result.json"):
        result = json.loads(path.read_text())
        assert result["settings"].pop("aligned_frames") == 2
        path.write_text(json.dumps(result))
    runs = read_runs([old, new])
    assert [run.title for run in runs] == ["Dual level", f"Dual level, {new}"]
    assert "Not trained alike" not in report_text(old, new)


def test_systems_of_other_seeds_are_told(tmp_path):
    text = report_text(
        write_run(tmp_path / "a", seed=1), write_run(tmp_path / "b", variant="base_1")
    )
    assert "- Not trained alike: seed 0 (Base 1 (MFCC)); 1 (Dual level)." in text.splitlines()


def test_a_comparison_stands_in_one_table(tmp_path):
    runs = read_runs(
        [write_run(tmp_path / v, variant=v) for v in ("base_1", "base_2", "ds_lstm", "svm_other")]
    )
    both = [frozenset(two) for two in titles(claimed_pairs(runs)) + titles(other_pairs(runs))]
    assert len(both) == len(set(both)) == 4


def test_a_claim_says_how_few_it_rests_on(tmp_path):
    whole = [write_run(tmp_path / v, variant=v) for v in ("ds_lstm", "base_1")]
    few = write_run(tmp_path / "few", folds=(1,))
    text = report_text(*whole, few)
    assert cells(text, "DS-LSTM above Base 1 (MFCC)")[2:4] == ["120", "8"]
    assert cells(text, "Dual level above DS-LSTM")[2:4] == ["60", "4"]
    assert "adjustment, 4–8 speakers)." in text


def test_runs_without_a_common_utterance_are_reported_but_not_compared(tmp_path):
    text = report_text(
        write_run(tmp_path / "a", folds=(0,)),
        write_run(tmp_path / "b", folds=(1,), variant="ds_lstm"),
    )
    assert "- Dual level and DS-LSTM: their finished folds tested no utterance in common" in text
    assert cells(text, "DS-LSTM")[2] == "1 of 2"


def test_runs_with_equal_settings_keep_apart(tmp_path):
    directories = [
        write_run(tmp_path / name, accuracy, seed=seed)
        for name, accuracy, seed in (("a", 0.7, 0), ("b", 0.8, 1), ("again", 0.6, 1))
    ]
    runs = read_runs(directories)
    assert [run.title for run in runs] == [
        "Dual level",
        "Dual level, seed 1",
        f"Dual level, seed 1, {tmp_path / 'again'}",
    ]
    assert "| Dual level | 0, 1 |" in report_text(*directories)


def test_the_papers_figures_are_set_beside_the_papers_data_alone(tmp_path):
    data = dict(PAPER_DATA, label_map=dict(PAPER_DATA["label_map"]))
    papers = "hold them against *best on test*"
    assert papers in report_text(write_run(tmp_path / "a", **data))
    others = (
        {"protocol": "speaker"},
        {"subset": "improvised"},
        {"label_map": {**data["label_map"], "fru": "angry"}},
    )
    for number, changes in enumerate(others):
        assert papers not in report_text(write_run(tmp_path / f"b{number}", **data | changes))


def test_the_papers_data_are_what_the_reader_of_its_corpus_gives():
    assert PAPER_DATA["label_map"] == iemocap.LABEL_MAP
    assert PAPER_DATA["subset"] == iemocap.SUBSETS[0]


def test_a_perfect_system_makes_no_mistakes(tmp_path):
    report = make_report(read_runs([write_run(tmp_path / "run", 1.0)]))
    assert any("Dual level: no mistakes" in line for line in report.lines)


def test_protocols_never_share_a_table(tmp_path):
    both = [write_run(tmp_path / name, protocol=name) for name in ("random", "speaker")]
    sections = re.split(r"^## Protocol ", report_text(*both), flags=re.M)[1:]
    for protocol, section in zip(("speaker", "random"), sections, strict=True):
        assert section.startswith(protocol)
        # Every line of the score tables is stamped, and with this protocol.
        stamped = re.findall(r"^\| \*?[A-Z].*? \| \*?(speaker|random)\*? \|", section, flags=re.M)
        assert stamped == [protocol] * 4  # the system twice, the two floors
        assert " above " not in section.split("### ")[0]


# --- What is refused ---


@pytest.mark.parametrize(
    "changes",
    [{"corpus": "other"}, {"label_map": {"A": "angry", "X": "happy"}}, {"subset": "scripted"}],
)
def test_runs_that_cannot_be_compared_have_chapters_of_their_own(tmp_path, changes):
    first, second = write_run(tmp_path / "a"), write_run(tmp_path / "b", **changes)
    assert main(["report", str(first), str(second), "--out", str(tmp_path / "out")]) == 0
    text = (tmp_path / "out" / "report.md").read_text()
    assert text.count("## Corpus ") == 2
    assert "### System against system" not in text
    if "corpus" not in changes:  # of one name: it is said why they are apart
        assert f"stand by themselves: {escape(next(iter(changes)))} is" in text
    assert len(set(re.findall(r"\(pictures/(.*?)\.svg\)", text))) == text.count("(pictures/")


def test_damaged_runs_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SerError, match="no finished fold there"):
        read_runs([tmp_path / "empty"])
    directory = write_run(tmp_path / "run")
    path = directory / "fold_1" / "result.json"
    result = json.loads(path.read_text())
    result["confusion_matrix"][0][0] += 1
    path.write_text(json.dumps(result))
    with pytest.raises(SerError, match="another confusion matrix than result.json"):
        read_runs([directory])
    path.write_text("{}")
    with pytest.raises(SerError, match="has no corpus"):
        read_runs([directory])
    history = directory / "fold_0" / "history.csv"
    for text, message in (("epoch\n1\n", "has no unweighted_accuracy, val_"), ("", "be read")):
        history.write_text(text)
        with pytest.raises(SerError, match=message):
            read_history(history)


def test_a_run_named_twice_counts_once(tmp_path):
    directory = write_run(tmp_path / "run")
    assert len(read_runs([directory, tmp_path / "run" / ".." / "run"])) == 1

"""Reports about made-up and published runs: figures against scikit-learn, one page, no mixing."""

import csv
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from data_pipeline.audit import guess_emotions
from ser_keras.__main__ import main
from ser_keras.errors import SerError
from ser_keras.evaluation import SCORE_OF_MATRIX, scores
from ser_keras.paper_table import CLAIMS, TABLE_1
from ser_keras.report import make_report
from ser_keras.report_comparisons import claimed_pairs, other_pairs, verdicts
from ser_keras.report_figures import interval_figure, learning_curve_figure, speaker_figure
from ser_keras.report_page import to_html
from ser_keras.report_runs import floors, read_history, read_runs
from ser_keras.runs import finish_fold, fold_dir, open_run, write_summary
from ser_keras.statistics import compare, holm, matched_confusions

PUBLISHED = Path(__file__).parents[2] / "docs" / "results" / "emodb"
EMOTIONS = ("angry", "happy", "sad")
NUM_UTTERANCES, NUM_SPEAKERS = 120, 8
LABELS = np.random.default_rng(0).choice(3, NUM_UTTERANCES, p=[0.5, 0.3, 0.2])
SPEAKERS = [f"s{n % NUM_SPEAKERS}" for n in range(NUM_UTTERANCES)]
BEST_EPOCHS = (3, 5)


def make_config(**changes):
    config = {"corpus": "made_up", "emotions": list(EMOTIONS), "label_map": {"A": "angry"}}
    config |= {"subset": "all", "protocol": "random", "variant": "dual_level", "preset": "paper"}
    return config | {"settings": {"gate_norm": "after_sigmoid"}, "seed": 0} | changes


def write_run(directory, accuracy=0.7, folds=(0, 1), summary=True, **changes):
    """A run of two folds as training writes it; predictions follow from accuracy and seed."""
    config = make_config(**changes)
    open_run(directory, config)
    draw = np.random.default_rng([int(1000 * accuracy), config["seed"]])
    probabilities = draw.dirichlet([1, 1, 1], NUM_UTTERANCES) * 0.3
    right = draw.random(NUM_UTTERANCES) < accuracy
    named = np.where(right, LABELS, (LABELS + draw.integers(1, 3, NUM_UTTERANCES)) % 3)
    probabilities[np.arange(NUM_UTTERANCES), named] += 0.7
    for number in folds:
        tested = np.arange(number, NUM_UTTERANCES, 2) if number else np.arange(0, NUM_UTTERANCES, 2)
        write_fold(directory, number, config, tested, probabilities[tested])
    if summary:
        write_summary(directory, 2)
    return directory


def write_fold(directory, number, config, tested, probabilities):
    folder = fold_dir(directory, number)
    folder.mkdir()
    scored = scores(LABELS[tested], probabilities, EMOTIONS)
    matrix = (np.diag(np.bincount(LABELS[tested], minlength=3))).tolist()  # all right
    optimistic = {name: 1.0 for name in SCORE_OF_MATRIX}
    optimistic |= {f"{name}_confusion_matrix": matrix for name in SCORE_OF_MATRIX}
    outcome = {"labels": LABELS[tested], "probabilities": probabilities.astype(np.float32)}
    outcome |= {"scores": scored, "optimistic": optimistic, "best_epoch": BEST_EPOCHS[number]}
    outcome |= {"last_epoch": 6, "seconds_per_epoch": 2.5, "validation": {}}
    with (folder / "history.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "unweighted_accuracy", "val_unweighted_accuracy"])
        writer.writerows([e, 0.1 * e, 0.05 * e + 0.2 * number] for e in range(1, 7))
    rows = [{"utterance_id": f"u{n}", "speaker": SPEAKERS[n]} for n in tested]
    finish_fold(directory, number, config, outcome, rows, {"parameters": 1234567, "cores": 2})


def read_csvs(directory):
    with_folds = sorted(directory.glob("fold_*/predictions.csv"))
    return [list(csv.DictReader(path.open(newline=""))) for path in with_folds]


def cells(markdown, title):
    """The cells of the first table line whose first cell is `title`."""
    lines = [line.strip("| ").split(" | ") for line in markdown.splitlines()]
    return next(line for line in lines if line[0] == title)


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


def test_floors_are_the_guesses_of_the_audit(tmp_path):
    directory = write_run(tmp_path / "run")
    found = {run.title: run for run in floors(read_runs([directory]))}
    folds = read_csvs(directory)
    for title, column in (("Most frequent emotion", None), ("Speaker lookup", "speaker")):
        answers = [guess_emotions(folds[1 - n], folds[n], column) for n in (0, 1)]
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
    assert verdicts(pairs) == expected
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
    assert verdicts(claimed_pairs(runs)) == ["reversed"]


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
def test_runs_that_cannot_be_compared_are_refused(tmp_path, changes, capsys):
    first, second = write_run(tmp_path / "a"), write_run(tmp_path / "b", **changes)
    assert main(["report", str(first), str(second), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert f"cannot stand in one table: {next(iter(changes))} is" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


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


# --- The page ---


class Page(HTMLParser):
    """Collects what a browser would fetch, and checks that tags close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.images, self.links, self.tags = [], [], [], set()
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        attributes = dict(attributes)
        if tag == "img":
            self.images.append(attributes)
        if "href" in attributes:
            self.links.append(attributes["href"])
        if tag not in ("img", "meta", "br", "hr", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The report about the published runs, by the command line."""
    out = tmp_path_factory.mktemp("report")
    runs = [str(path) for path in sorted(PUBLISHED.glob("*/*")) if path.is_dir()]
    assert main(["report", *runs, "--out", str(out)]) == 0
    return out


def test_the_page_is_whole_by_itself(written):
    text = (written / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not page.tags & {"script", "link", "iframe", "object"}
    assert page.links and all(link.startswith("#") for link in page.links)
    for link in page.links:
        assert f'id="{link[1:]}"' in text
    assert len(page.images) >= 8
    for image in page.images:
        assert image["src"].startswith("data:image/svg+xml;base64,")
        assert len(image["alt"]) > 40
    assert "@import" not in text and "url(" not in text


def test_markdown_shows_pictures_that_are_there(written):
    text = (written / "report.md").read_text(encoding="utf-8")
    shown = re.findall(r"\]\((pictures/[^)]+)\)", text)
    assert sorted(shown) == sorted(f"pictures/{p.name}" for p in (written / "pictures").iterdir())
    for name in shown:
        assert ElementTree.parse(written / name).getroot().tag.endswith("svg")


def test_the_published_svm_rows_are_those_of_the_documentation(written):
    speaker, random = (written / "report.md").read_text().split("## Protocol ")[1:3]
    assert cells(speaker, "SVM, ComParE 2016")[3:5] == ["86.6 ± 7.2", "83.7 ± 8.5"]
    assert cells(random, "SVM, ComParE 2016")[3:5] == ["91.1 ± 4.4", "90.7 ± 5.4"]


def test_equal_runs_give_equal_bytes(tmp_path):
    runs = [str(write_run(tmp_path / "run"))]
    for name in ("one", "two"):
        assert main(["report", *runs, "--out", str(tmp_path / name)]) == 0
    first, second = ((tmp_path / name / "report.html").read_bytes() for name in ("one", "two"))
    assert first == second


def test_names_from_a_corpus_stay_text(tmp_path, monkeypatch):
    hostile = "<script>alert(1)</script>|*_[x](y)"
    monkeypatch.setitem(globals(), "SPEAKERS", [hostile, *SPEAKERS[1:]])
    directory = write_run(tmp_path / "run", corpus="<b>corpus</b>")
    report = make_report(read_runs([directory]))
    page = to_html("\n".join(report.lines), report.pictures)
    assert not Page(page).tags & {"script", "b"}
    assert "&lt;b&gt;corpus" in page or "&#60;b&#62;corpus" in page
    row = cells("\n".join(report.lines), "s1")
    table = page.split('<h3 id="speakers">')[1].split("</table>")[0]
    assert table.count("<tr>") == 1 + NUM_SPEAKERS + 1 and len(row) == 3


def test_importing_draws_nothing_and_trains_nothing():
    code = (
        "import sys, ser_keras.report, ser_keras.report_figures, ser_keras.report_command\n"
        "heavy = {'matplotlib', 'tensorflow', 'keras', 'markdown'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PUBLISHED.parents[2])


# --- Pictures ---


def test_learning_curves_show_the_columns_and_the_chosen_epoch():
    histories = [
        {"epoch": np.arange(1, n + 1), "unweighted_accuracy": np.linspace(0.2, 1, n)}
        | {"val_unweighted_accuracy": np.linspace(0.1, 0.7, n)}
        for n in (4, 6)
    ]
    axes = learning_curve_figure({"Dual level": list(zip(histories, (2, 5), strict=True))}).axes[0]
    drawn = [line.get_xydata() for line in axes.lines if len(line.get_xdata())]
    for history in histories:
        for column in ("unweighted_accuracy", "val_unweighted_accuracy"):
            curve = np.stack([history["epoch"], 100 * history[column]], axis=-1)
            assert any(d.shape == curve.shape and np.allclose(d, curve) for d in drawn)
    points = sorted(tuple(d[0]) for d in drawn if len(d) == 1)
    np.testing.assert_allclose(points, [(2, 30), (5, 58)])


def test_intervals_and_speakers_are_drawn_where_they_belong():
    rows = [("A", {"WA": (0.8, (0.7, 0.9)), "UA": (0.75, None)})]
    axes = interval_figure(rows, {"WA": 0.4, "UA": 0.25}).axes[0]
    spans = [tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert (70.0, 90.0) in spans and (40.0, 40.0) in spans and (25.0, 25.0) in spans
    markers = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    assert markers == [80.0, 75.0]
    bars = speaker_figure({"A": {"03": 0.5, "08": 1.0}, "B": {"08": 0.25}}).axes
    assert [bar.get_height() for bar in bars[0].patches] == [50, 100]
    assert [(bar.get_x() > 0.5, bar.get_height()) for bar in bars[1].patches] == [(True, 25)]


def test_the_papers_table_gives_the_differences_of_its_text():
    """At least 4.2 points of WA and 4.0 of UA above all baselines (section 3.3)."""
    baselines = [row for name, row in TABLE_1.items() if name.startswith("base")]
    for name, difference in (("weighted_accuracy", 4.2), ("unweighted_accuracy", 4.0)):
        best_baseline = max(getattr(row, name) for row in baselines)
        found = getattr(TABLE_1["dual_level"], name) - best_baseline
        assert found == pytest.approx(difference)

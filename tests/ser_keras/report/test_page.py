"""The page of a report and its pictures: whole by itself, safe from names, true to the figures."""

import hashlib
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import made_runs
import numpy as np
import pytest
from made_runs import NUM_SPEAKERS, SPEAKERS, cells, write_run

from ser_keras.__main__ import main
from ser_keras.report.figures import interval_figure, learning_curve_figure, speaker_figure
from ser_keras.report.page import _is_of_report, to_html
from ser_keras.report.paper_table import TABLE_1
from ser_keras.report.reading import read_runs
from ser_keras.report.sections import make_report
from ser_keras.report.tables import escape

# Of report.md about `docs/results/emodb/*/*`; new results there, or new words, change it.
REPORT_SHA256 = "f2309e1ae1ffe13ab7669ca8cba390f7abbfcf6ceda67a2bed99bbc7094e64d4"
PUBLISHED = Path(__file__).parents[3] / "docs" / "results" / "emodb"


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


def test_the_published_report_is_the_one_that_was_published(written):
    """The same bytes as at commit 17005ed, but for the sections on calibration, which are newer."""
    report = (written / "report.md").read_text(encoding="utf-8")
    older, newer = re.subn(r"\n### Calibration\n.*?(?=\n##)", "", report, flags=re.DOTALL)
    assert newer == 2  # of both protocols
    assert hashlib.sha256(older.encode()).hexdigest() == REPORT_SHA256


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
    monkeypatch.setattr(made_runs, "SPEAKERS", [hostile, *SPEAKERS[1:]])
    directory = write_run(tmp_path / "run", corpus="<b>corpus</b>")
    report = make_report(read_runs([directory]))
    page = to_html("\n".join(report.lines), report.pictures)
    assert not Page(page).tags & {"script", "b"}
    assert "&lt;b&gt;corpus" in page or "&#60;b&#62;corpus" in page
    assert escape("__s1__ gate_norm") == "&#95;&#95;s1&#95;&#95; gate_norm"
    row = cells("\n".join(report.lines), "s1")
    table = page.split('<h3 id="speakers">')[1].split("</table>")[0]
    assert table.count("<tr>") == 1 + NUM_SPEAKERS + 1 and len(row) == 3


def test_importing_draws_nothing_and_trains_nothing():
    code = (
        "import sys, ser_keras.report.sections, ser_keras.commands.report\n"
        "heavy = {'matplotlib', 'tensorflow', 'keras', 'markdown'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PUBLISHED.parents[3])


# --- Files of others ---


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("report.md", "# My report of last year\n"),
        ("report.html", "<!DOCTYPE html>\n<html><head></head><body>mine</body></html>\n"),
        ("pictures/random-confusion.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("report.md/note.txt", "mine"),
        ("pictures", "mine"),
    ],
)
def test_files_that_are_no_report_are_not_replaced(tmp_path, capsys, name, text):
    run, out = write_run(tmp_path / "run"), tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text(text)
    assert main(["report", str(run), "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {out}") and "give another --out" in error
    assert error.count("\n") == 1
    assert [path for path in out.rglob("*") if path.is_file()] == [out / name]
    assert (out / name).read_text() == text


def test_a_picture_of_ones_own_by_matplotlib_is_not_replaced(tmp_path, capsys):
    from matplotlib.figure import Figure

    run, picture = write_run(tmp_path / "run"), tmp_path / "out/pictures/random-speakers.svg"
    picture.parent.mkdir(parents=True)
    Figure().savefig(picture)
    before = picture.read_bytes()
    assert main(["report", str(run), "--out", str(tmp_path / "out")]) == 1
    assert "random-speakers.svg: is no part of a report" in capsys.readouterr().err
    assert picture.read_bytes() == before


def test_a_report_is_written_again_and_leaves_other_files_alone(tmp_path):
    out = tmp_path / "out"
    for accuracy in (0.7, 0.9):
        run = write_run(tmp_path / str(accuracy), accuracy)
        assert main(["report", str(run), "--out", str(out)]) == 0
        (out / "notes.txt").write_text("mine")
    fresh = tmp_path / "fresh"
    assert main(["report", str(run), "--out", str(fresh)]) == 0
    for path in fresh.rglob("*.*"):
        assert (out / path.relative_to(fresh)).read_bytes() == path.read_bytes()
    assert (out / "notes.txt").read_text() == "mine"


def test_the_published_pictures_are_known_as_ours():
    pictures = list((PUBLISHED.parent / "emodb_report").glob("*.svg"))
    assert pictures and all(_is_of_report(path) for path in pictures)


def test_folders_whose_names_are_not_utf_8_are_reported(tmp_path):
    latin = [tmp_path / os.fsdecode(f"M\xfcller {n}".encode("latin-1")) for n in range(3)]
    runs = [write_run(latin[0], 0.7), write_run(latin[1], 0.8)]
    assert main(["report", *map(str, runs), "--out", str(latin[2])]) == 0
    assert "udcfcller 1" in (latin[2] / "report.html").read_text(encoding="utf-8")


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

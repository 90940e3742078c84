"""A report as files: Markdown with pictures beside it, and one self-contained HTML page.

The page holds everything: pictures as SVG, the style, no script, nothing from the network.
"""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from data_pipeline.errors import shown
from data_pipeline.files import replace_file
from ser_keras.errors import SerError
from ser_keras.report.tables import escape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURES = "pictures"
# How a report begins, in any version: a file that begins otherwise is somebody else's.
TITLE = "Speech emotion recognition on "
MARKDOWN_BEGIN = f"# {TITLE}"
HTML_BEGIN = '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'


@dataclass
class Report:
    """Markdown lines, and the pictures (name -> SVG) that they show as `pictures/<name>.svg`."""

    lines: list[str] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)

    def add(self, *lines: str) -> None:
        """Add a block, with an empty line after it; a block without lines is not there."""
        if lines:
            self.lines += [*lines, ""]

    def add_picture(self, name: str, alt: str, figure: Figure) -> None:
        """Add a picture; `alt` says the same in words."""
        self.pictures[name] = _svg(figure)
        self.add(f"![{escape(alt)}](pictures/{name}.svg)")


def _svg(figure: Figure) -> bytes:
    import matplotlib

    buffer = io.BytesIO()
    # Without a date and with fixed ids the same runs give the same bytes.
    with matplotlib.rc_context({"svg.hashsalt": "report"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def write_report(report: Report, directory: Path) -> tuple[Path, Path]:
    """Write report.md with its pictures, and report.html, which needs neither.

    Returns:
        The paths of the two.

    Raises:
        SerError: the folder cannot be written, or holds a file of another program that would be
            replaced.
    """
    text = "\n".join(report.lines)
    pictures = {directory / PICTURES / f"{name}.svg": svg for name, svg in report.pictures.items()}
    markdown_path, html_path = directory / "report.md", directory / "report.html"
    files = {
        **pictures,
        markdown_path: text.encode(),
        html_path: to_html(text, report.pictures).encode(),
    }
    try:
        _refuse_foreign(files)
        (directory / PICTURES).mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            replace_file(path, content)
    except OSError as error:
        place = shown(os.fsdecode(error.filename or directory))
        raise SerError(
            f"{place}: cannot be written ({error.strerror or error}); give another --out"
        ) from error
    return markdown_path, html_path


def _refuse_foreign(paths: Iterable[Path]) -> None:
    """Refuse files that are there and no part of a report, whose place would be taken."""
    for path in paths:
        if path.exists() and not _is_of_report(path):
            raise SerError(
                f"{shown(path)}: is no part of a report and would be replaced; give another --out, "
                "or move it elsewhere"
            )


def _is_of_report(path: Path) -> bool:
    """Whether a file looks as this module writes it, in any version of it."""
    content = path.read_bytes()
    if path.suffix == ".svg":  # by matplotlib, which usually dates its pictures
        return b"<dc:title>Matplotlib " in content and b"<dc:date>" not in content
    begin = MARKDOWN_BEGIN if path.suffix == ".md" else HTML_BEGIN
    return content.startswith(begin.encode()) and TITLE.encode() in content


def to_html(text: str, pictures: Mapping[str, bytes]) -> str:
    """One page from the Markdown of a report, with its pictures inside."""
    import markdown

    body = markdown.markdown(text, extensions=["tables", "toc"], output_format="html")
    title = "".join(re.findall(r"<h1[^>]*>(.*?)</h1>", body)[:1])
    for name, svg in pictures.items():
        data = base64.b64encode(svg).decode("ascii")
        body = body.replace(f'"pictures/{name}.svg"', f'"data:image/svg+xml;base64,{data}"')
    # Wide tables scroll by themselves, not the page.
    body = body.replace("<table>", '<div class="wide"><table>').replace(
        "</table>", "</table></div>"
    )
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    return (
        f"{HTML_BEGIN}"
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )

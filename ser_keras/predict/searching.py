"""The audio files below folders: every one is found, or what hides it is named.

Links are followed, and each folder is searched once, so that links in a circle end. What is passed
over is counted.
"""

import os
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

# Suffixes of recordings, decodable or not: those that are not get their reason.
AUDIO_SUFFIXES = frozenset(
    {
        *(
            ".wav",
            ".wave",
            ".bwf",
            ".rf64",
            ".w64",
            ".xwma",
            ".flac",
            ".ogg",
            ".oga",
            ".opus",
            ".spx",
        ),
        *(".mp3", ".mp2", ".mp1", ".mpga", ".mpa", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"),
        *(
            ".m4a",
            ".m4b",
            ".m4r",
            ".mp4",
            ".aac",
            ".adts",
            ".alac",
            ".3gp",
            ".3gpp",
            ".3ga",
            ".3g2",
        ),
        *(
            ".amr",
            ".awb",
            ".qcp",
            ".gsm",
            ".wma",
            ".asf",
            ".webm",
            ".weba",
            ".mka",
            ".ac3",
            ".eac3",
        ),
        *(
            ".dts",
            ".ra",
            ".rm",
            ".ape",
            ".wv",
            ".tta",
            ".tak",
            ".mpc",
            ".dsf",
            ".dff",
            ".voc",
            ".vox",
        ),
        *(".sph", ".nist", ".sd2", ".dss", ".ds2", ".8svx", ".svx", ".ircam", ".avr"),
    }
)
EXAMPLES = ".wav, .flac, .ogg, .mp3, ..."
NO_AUDIO_BELOW = f"a folder without audio files ({EXAMPLES})"
MOST_KINDS = 5


@dataclass
class PassedOver:
    """What a search did not take, counted.

    Attributes:
        hidden: files and folders whose name begins with a dot; the Mac leaves one beside every
            file that it copies.
        others: suffix -> number of files that are no audio by their name.
        again: links to folders that were searched under another name.
    """

    hidden: int = 0
    others: Counter[str] = field(default_factory=Counter)
    again: int = 0

    def in_words(self) -> str:
        """One line without its end; "" where nothing was passed over."""
        parts = []
        if self.others:
            files = _count(self.others.total(), "file")
            parts.append(f"{files} without an audio suffix ({self._kinds()})")
        if self.hidden:
            parts.append(_count(self.hidden, "hidden name"))
        if self.again:
            parts.append(f"{_count(self.again, 'link')} to folders that were searched already")
        remedy = "name a file itself to have it tried"
        return f"passed over: {', '.join(parts)}; {remedy}" if parts else ""

    def _kinds(self) -> str:
        kinds = self.others.most_common(MOST_KINDS)
        more = ["..."] if len(self.others) > len(kinds) else []
        return ", ".join([f"{kind or 'no suffix'} {count}" for kind, count in kinds] + more)


def search(paths: Iterable[Path | str]) -> tuple[list[Path], PassedOver]:
    """The files among `paths`, and the audio files below its folders, sorted in each folder.

    Files are kept whatever they are called; in folders the suffix decides (AUDIO_SUFFIXES, any
    case). What may hide a recording stays in the list, so that it is reported and not lost: a
    folder that cannot be read, a link that leads nowhere, a folder without any audio.

    Args:
        paths: files and folders.

    Returns:
        The files, and what was passed over.
    """
    passed_over = PassedOver()
    found: list[Path] = []
    for path in map(Path, paths):
        # os.path, not pathlib, which raises where a name is too long or a folder is closed.
        found += _below(path, passed_over) if os.path.isdir(path) else [path]
    return found, passed_over


def folder_reason(path: Path) -> str:
    """Why there is no recording in a folder that `search` has left in the list."""
    try:
        os.listdir(path)
    except OSError as error:
        return f"a folder that cannot be read ({error.strerror}); check its rights"
    return NO_AUDIO_BELOW


def link_reason(path: Path) -> str:
    """Why a link leads nowhere; "" where it does not, or is none."""
    if not os.path.islink(path) or os.path.exists(path):
        return ""
    return f"a link to {os.readlink(path)}, which is not there or cannot be reached; check the link"


def _below(top: Path, passed_over: PassedOver) -> list[Path]:
    """The audio files below one folder, and what may hide some; the folder itself if none."""
    searched: set[tuple[int, int]] = set()
    found: list[Path] = []
    # Links wait until all that lies here itself was searched: so it keeps its own name.
    folders, links = [top], deque[Path]()
    while folders or links:
        folder = folders.pop() if folders else links.popleft()
        try:
            if (identity := _identity(folder)) in searched:
                passed_over.again += 1
                continue
            searched.add(identity)
            with os.scandir(folder) as entries:
                listed = list(entries)
        except OSError:
            found.append(folder)
            continue
        for entry in listed:
            path = folder / entry.name
            if entry.name.startswith("."):
                passed_over.hidden += 1
            elif _is_folder(entry):
                (links if entry.is_symlink() else folders).append(path)
            elif _suffix(path) in AUDIO_SUFFIXES or link_reason(path):
                found.append(path)
            else:
                passed_over.others[_suffix(path)] += 1
    return sorted(found) or [top]


def _identity(folder: Path) -> tuple[int, int]:
    """What a folder is called by the file system, whatever links lead to it."""
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link into a folder that may not be entered
        return False


def _suffix(path: Path) -> str:
    return path.suffix.lower().rstrip()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""The files below a folder that no sample uses, each with the reason; nothing that was given is dropped in silence.

In: a folder and the samples that a reader found in it. Out: `Ignored` by reason. Names, kinds of files and, where an
ending says nothing, first bytes: no picture is decoded.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from specsight.datasets.accounting import MASKS, NO_PICTURES, Ignored, by_reason, said
from specsight.datasets.foreign_folders import RESULTS, holds_results, of_system
from specsight.records import Sample

OUTSIDE = "pictures that the layout does not name"
LOCKED = "folders that cannot be looked into"
_FOLDER = "folder"
_PICTURES = frozenset((
    "dng", "cr2", "cr3", "nef", "arw", "orf", "rw2", "raf", "raw", "exr", "tga", "psd", "svg", "jxl", "hdr",
    "dcm", "dicom", "npy", "npz", "j2k", "eps", "pcx", "ico", "xcf", "czi", "nd2", "svs",
))  # fmt: skip
"""Endings of pictures; those in `images.IMAGE_SUFFIXES` are read."""
_VIDEOS = frozenset(("mp4", "mov", "avi", "mkv", "mpg", "mpeg", "webm", "m4v", "wmv",))  # fmt: skip
_WORDS = frozenset((
    "txt", "md", "csv", "tsv", "json", "jsonl", "yaml", "yml", "xml", "html", "htm", "log", "pdf", "ini",
    "cfg", "py", "ipynb", "tex", "bib", "rst", "doc", "docx", "xls", "xlsx",
))  # fmt: skip
"""Endings of files that nobody takes for pictures."""
_PAPERS = frozenset((
    "license", "licence", "copying", "copyright", "notice", "readme", "citation", "changelog", "authors",
    "specification", "tyres",
))  # fmt: skip
"""Names, without ending, of texts about a set; the last two stand beside a set of the tyre line. Nobody
gives them to be looked at: they are not counted."""
_FIRST_BYTES = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"GIF8",
    b"\0\0\0\x0cjP  ",
)


def unused_files(
    root: Path, samples: Iterable[Sample], known: Mapping[Path, str], lists: Iterable[Path] = ()
) -> tuple[Ignored, ...]:
    """The files below `root` that none of `samples` uses, by reason.

    `known`: files that the reader did not use → why. `lists`: what it read beside pictures. Folders are visited once,
    whatever links lead to them.
    """
    used = {os.fspath(file) for sample in samples for file in _files_of(sample)}
    used.update(map(os.fspath, lists))
    reasons = {os.fspath(file): reason for file, reason in known.items()}
    start = "" if root == Path() else os.fspath(root) + os.sep
    return by_reason((path.removeprefix(start), reason) for path, reason in _walk(start, used, reasons))


def instead_of_pictures(root: Path, masks: Iterable[Path] = ()) -> str:
    """What lies below `root`, where no picture does, and what to give instead; for a message."""
    found = unused_files(root, [], dict.fromkeys(masks, MASKS))
    what = f"{said(found, examples=True)}; " if found else ""
    return f"{what}give a folder of pictures, a data set or a manifest"


def _files_of(sample: Sample) -> Iterator[Path]:
    files = (sample.image, sample.depth, sample.normals, sample.parts, sample.reference)
    for file in (*files, *sample.signals.values(), *(defect.mask for defect in sample.defects)):
        if file is not None:
            yield file


def _walk(start: str, used: Collection[str], reasons: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(path, reason) of every file below `start` ("" or a folder's path with a separator) that is not in `used`."""
    # Plain strings: a Path for each of a hundred thousand files takes seconds.
    waiting, visited = [start], set()
    while waiting:
        folder = waiting.pop()
        try:
            about = Path(folder).stat()
            if (about.st_dev, about.st_ino) in visited:
                continue
            visited.add((about.st_dev, about.st_ino))
            with os.scandir(folder or ".") as listing:
                entries = [entry for entry in listing if folder + entry.name not in used]
        except OSError:
            yield folder.rstrip(os.sep), LOCKED
            continue
        for entry in entries:
            path, whose, kind = folder + entry.name, of_system(entry.name), _kind(entry)
            if kind == _FOLDER:
                whose = whose or (RESULTS if holds_results(Path(path)) else None)
                if whose is None:
                    waiting.append(path + os.sep)
                else:
                    yield from ((file, whose) for file in _all_files(path))
            elif kind or not _is_paper(entry.name):
                yield path, reasons.get(path) or whose or kind or _of_content(path)


def _is_paper(name: str) -> bool:
    """Whether a file of this name is a text about the set: `LICENSE`, `readme.txt`."""
    stem, _, ending = name.lower().partition(".")
    return stem in _PAPERS and (not ending or ending in _WORDS)


def _kind(entry: os.DirEntry[str]) -> str:
    """`_FOLDER`, "" for a regular file, else why what is there instead cannot be read."""
    try:
        mode = entry.stat().st_mode
    except OSError:
        return "links that lead nowhere" if entry.is_symlink() else "files that cannot be looked at"
    if stat.S_ISDIR(mode):
        return _FOLDER
    if stat.S_ISREG(mode):
        return ""
    return "pipes" if stat.S_ISFIFO(mode) else "sockets" if stat.S_ISSOCK(mode) else "devices"


def _all_files(folder: str) -> Iterator[str]:
    for inner, _, names in os.walk(folder):
        yield from (inner + os.sep + name for name in names)


def _of_content(path: str) -> str:
    """Why a regular file is no sample, by its ending and, where that says nothing, by its first bytes."""
    from specsight.images import IMAGE_SUFFIXES

    ending = Path(path).suffix.lower()
    if ending in IMAGE_SUFFIXES:
        return OUTSIDE
    if ending[1:] in _PICTURES:
        return ending[1:].upper()
    if ending[1:] in _VIDEOS:
        return f"videos ({ending[1:].upper()})"
    if ending[1:] not in _WORDS and _starts_as_picture(Path(path)):
        return f"pictures that end in {ending}" if ending else "pictures without an ending"
    return NO_PICTURES


def _starts_as_picture(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            first = opened.read(12)
    except OSError:
        return False
    return (
        first.startswith(_FIRST_BYTES)
        or (first[:4] == b"RIFF" and first[8:] == b"WEBP")
        or first[4:8] == b"ftyp"
    )

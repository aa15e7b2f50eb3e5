"""Every file that was given is accounted for: used, not readable, or not looked at, and why.

In: a listing. Out: `Ignored`, the files below its root that no sample uses, by reason. `Account` is what a verb did
with all of them, in one line and as JSON.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from specsight.datasets.foreign_folders import RESULTS, holds_results, of_system
from specsight.records import Sample

MASKS = "masks"
STRAY_MASK = "masks without a picture"
OUTSIDE = "pictures that the layout does not name"
NO_PICTURES = "files that are no pictures"
LOCKED = "folders that cannot be looked into"
_FOLDER = "folder"
_EXAMPLES = 3
_SINGULAR = {
    "that lead ": "that leads ",
    "that end ": "that ends ",
    "that are ": "that is ",
    "no pictures": "no picture",
}
_NOUNS = frozenset(
    (
        "masks",
        "pictures",
        "videos",
        "links",
        "pipes",
        "sockets",
        "devices",
        "folders",
        "files",
        "thumbnails",
        "results",
    )
)
_PICTURE_ENDINGS: Mapping[str, str] = {
    **{
        ending: ending.upper()
        for ending in [
            "dng",
            "cr2",
            "cr3",
            "nef",
            "arw",
            "orf",
            "rw2",
            "raf",
            "raw",
            "exr",
            "tga",
            "psd",
            "svg",
            "jxl",
            "hdr",
            "dcm",
            "dicom",
            "npy",
            "npz",
            "jp2",
            "j2k",
            "eps",
            "pcx",
            "ico",
            "xcf",
            "czi",
            "nd2",
            "svs",
        ]
    },
    **{
        ending: f"videos ({ending.upper()})"
        for ending in ["mp4", "mov", "avi", "mkv", "mpg", "mpeg", "webm", "m4v", "wmv"]
    },
}
"""Endings of pictures that are not read → what they are called."""
_WORDS = frozenset(
    [
        "txt",
        "md",
        "csv",
        "tsv",
        "json",
        "jsonl",
        "yaml",
        "yml",
        "xml",
        "html",
        "htm",
        "log",
        "pdf",
        "ini",
        "cfg",
        "py",
        "ipynb",
        "tex",
        "bib",
        "rst",
        "doc",
        "docx",
        "xls",
        "xlsx",
    ]
)
"""Endings of files that nobody takes for pictures."""
_FIRST_BYTES = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"GIF8",
    b"\0\0\0\x0cjP  ",
)


@dataclass(frozen=True)
class Ignored:
    """Files that were not looked at, for one reason."""

    reason: str
    count: int
    examples: tuple[str, ...]
    """The first of them, relative to the folder that was given."""

    def __str__(self) -> str:
        return f"{self.count} {_singular(self.reason) if self.count == 1 else self.reason}"

    @property
    def first(self) -> str:
        """The examples in one line."""
        return ", ".join(self.examples) + (", ..." if self.count > len(self.examples) else "")


@dataclass(frozen=True)
class Account:
    """What became of all files that were given."""

    used: str
    """How many pictures were used and what for: "learned from 94, held out 24"."""
    skipped: int = 0
    """Pictures that could not be read or used."""
    ignored: tuple[Ignored, ...] = ()
    notes: tuple[str, ...] = ()
    """What the reader of the data inferred, one sentence each."""

    @property
    def line(self) -> str:
        """One line: "learned from 94, held out 24, skipped 3, ignored 12: 9 masks, 3 HEIC"."""
        parts = [self.used]
        parts += [f"skipped {self.skipped}"] if self.skipped else []
        parts += [said(self.ignored)] if self.ignored else []
        return ", ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return {
            "used": self.used,
            "skipped": self.skipped,
            "ignored": [asdict(one) for one in self.ignored],
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Account:
        """Read what `to_json` gave. Raises `KeyError`, `TypeError` or `ValueError` for damaged content."""
        ignored = (
            Ignored(str(one["reason"]), int(one["count"]), tuple(map(str, one["examples"])))
            for one in content["ignored"]
        )
        return cls(
            str(content["used"]), int(content["skipped"]), tuple(ignored), tuple(map(str, content["notes"]))
        )


def _singular(reason: str) -> str:
    """The reason as it is said of one file."""
    noun, _, rest = reason.partition(" ")
    for plural, singular in _SINGULAR.items():
        rest = rest.replace(plural, singular)
    return f"{noun.removesuffix('s') if noun in _NOUNS else noun} {rest}".strip()


def said(ignored: Iterable[Ignored], examples: bool = False) -> str:
    """ "ignored 12: 9 masks, 3 HEIC": the whole and its parts, with the first files of each if `examples`."""
    ignored = list(ignored)
    parts = (f"{one} ({one.first})" if examples else str(one) for one in ignored)
    return f"ignored {sum(one.count for one in ignored)}: {', '.join(parts)}"


def by_reason(files: Iterable[tuple[str, str]]) -> tuple[Ignored, ...]:
    """(file, reason) pairs, counted by reason; the most frequent first, what is no picture last."""
    groups: dict[str, list[str]] = {}
    for file, reason in files:
        groups.setdefault(reason, []).append(file)
    return _in_order(
        Ignored(reason, len(names), tuple(sorted(names)[:_EXAMPLES])) for reason, names in groups.items()
    )


def _in_order(ignored: Iterable[Ignored]) -> tuple[Ignored, ...]:
    return tuple(sorted(ignored, key=lambda one: (one.reason == NO_PICTURES, -one.count, one.reason)))


def unused_samples(samples: Iterable[Sample], chosen: Iterable[Sample]) -> tuple[Ignored, ...]:
    """The samples that are not among the chosen ones, by label and split."""
    kept = {sample.id for sample in chosen}
    return by_reason((str(s.image), _reason_of(s)) for s in samples if s.id not in kept)


def _reason_of(sample: Sample) -> str:
    if sample.label == "unknown":
        return "pictures of unknown label"
    return f"{sample.label} {sample.split} pictures"


def merged(several: Iterable[Iterable[Ignored]]) -> tuple[Ignored, ...]:
    """What was ignored in several places, as one."""
    groups: dict[str, list[Ignored]] = {}
    for one in (one for ignored in several for one in ignored):
        groups.setdefault(one.reason, []).append(one)
    return _in_order(
        Ignored(reason, sum(o.count for o in ones), tuple(e for o in ones for e in o.examples)[:_EXAMPLES])
        for reason, ones in groups.items()
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
    for file in (*files, *(defect.mask for defect in sample.defects)):
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
            else:
                yield path, reasons.get(path) or whose or kind or _of_content(path)


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
    if ending[1:] in _PICTURE_ENDINGS:
        return _PICTURE_ENDINGS[ending[1:]]
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

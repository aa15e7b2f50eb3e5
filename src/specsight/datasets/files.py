"""Looking into folders: pictures, subfolders, masks by name. Names only; nothing here opens a picture.

What cannot be looked into is empty here; `accounting` names it.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from specsight.datasets.foreign_folders import holds_results, of_system

T = TypeVar("T")


def subfolders(path: Path) -> list[Path]:
    """Folders directly inside `path`, sorted by name; without hidden ones, those of systems and our own results."""
    names = sorted(e.name for e in _entries(path) if of_system(e.name) is None and is_of_kind(e.is_dir))
    return [folder for folder in (path / name for name in names) if not holds_results(folder)]


def pictures_in(folder: Path) -> list[Path]:
    """Picture files directly inside `folder` (by their ending), sorted by name; empty where there is no folder."""
    return [folder / name for name in sorted(_picture_names(folder))]


def has_pictures(folder: Path) -> bool:
    """Whether at least one picture lies directly inside `folder`."""
    return next(_picture_names(folder), None) is not None


def is_file(path: Path) -> bool:
    """Whether a file lies there; a name that no file system would take is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder lies there, likewise."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_of_kind(test: Callable[[], bool]) -> bool:
    """`test()`, such as `is_file` of a directory entry; a link that leads to itself is of no kind."""
    try:
        return test()
    except OSError:
        return False


class Masks:
    """The mask files of one folder, found by the stem of their picture; lists those without a picture."""

    def __init__(self, folder: Path, endings: Sequence[str] = ("_mask", "")) -> None:
        """`endings`: what a mask's stem may carry after its picture's stem, the likeliest first."""
        self._files = {stem_of(p): p for p in pictures_in(folder)}
        self._endings = endings
        self._used: set[Path] = set()

    def of(self, picture: Path) -> Path | None:
        """The mask of `picture`, or None."""
        for ending in self._endings:
            mask = self._files.get(stem_of(picture) + ending)
            if mask is not None:
                self._used.add(mask)
                return mask
        return None

    @property
    def unused(self) -> list[Path]:
        """Masks without a picture."""
        return sorted(set(self._files.values()) - self._used)


def stem_of(file: Path) -> str:
    """The stem of a file, its accents composed: the same on every system that wrote it."""
    return unicodedata.normalize("NFC", file.stem)


def identifier(product: str, image: Path, folder: Path) -> str:
    """`product/where/the/picture/lies` without its ending: the same whether one product or all are read."""
    return f"{product}/{image.relative_to(folder).with_suffix('').as_posix()}"


def product_name(folder: Path) -> str:
    """The folder's own name, also for `.` and paths that end in `..`."""
    return folder.name if folder.name not in ("", "..") else folder.resolve().name or "product"


def in_turn(things: Sequence[T], every: int) -> set[T]:
    """Those that are test in a split that a set does not bring: of things in order the first and every `every`-th
    after it; none where there is only one, which is to be learned from."""
    return set(things[::every]) if len(things) > 1 else set()


def examples(paths: Iterable[Path], count: int = 3) -> str:
    """`'a.png', 'b.png', ...` for a note."""
    paths = list(paths)
    names = ", ".join(f"'{p.name}'" for p in paths[:count])
    return names + (", ..." if len(paths) > count else "")


def _picture_names(folder: Path) -> Iterator[str]:
    from specsight.images import IMAGE_SUFFIXES

    for entry in _entries(folder):
        # Plain string work: some folders hold a hundred thousand files, and a Path for each takes seconds.
        name = entry.name
        if (
            "." + name.rpartition(".")[2].lower() in IMAGE_SUFFIXES
            and of_system(name) is None
            and is_of_kind(entry.is_file)
        ):
            yield name


def _entries(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except OSError:
        return []

"""Looking into folders: pictures, subfolders, masks by name. Names only; nothing here opens a picture."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from specsight.errors import SpecsightError


def subfolders(path: Path) -> list[Path]:
    """Folders directly inside `path`, sorted by name; hidden ones and those of archive tools left out."""
    return [path / name for name in sorted(e.name for e in _entries(path) if e.is_dir() and _counts(e.name))]


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


class Masks:
    """The mask files of one folder, found by the stem of their picture; lists those without a picture."""

    def __init__(self, folder: Path, endings: Sequence[str] = ("_mask", "")) -> None:
        """`endings`: what a mask's stem may carry after its picture's stem, the likeliest first."""
        self._files = {p.stem: p for p in pictures_in(folder)}
        self._endings = endings
        self._used: set[Path] = set()

    def of(self, picture: Path) -> Path | None:
        """The mask of `picture`, or None."""
        for ending in self._endings:
            mask = self._files.get(picture.stem + ending)
            if mask is not None:
                self._used.add(mask)
                return mask
        return None

    @property
    def unused(self) -> list[Path]:
        """Masks without a picture."""
        return sorted(set(self._files.values()) - self._used)


def identifier(product: str, image: Path, folder: Path) -> str:
    """`product/where/the/picture/lies` without its ending: the same whether one product or all are read."""
    return f"{product}/{image.relative_to(folder).with_suffix('').as_posix()}"


def product_name(folder: Path) -> str:
    """The folder's own name, also for `.` and paths that end in `..`."""
    return folder.name if folder.name not in ("", "..") else folder.resolve().name or "product"


def every_fifth(pictures: Sequence[Path]) -> set[Path]:
    """The good pictures held out for testing in sets that come without a split: every fifth by name."""
    return set(sorted(pictures)[::5])


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
        if "." + name.rpartition(".")[2].lower() in IMAGE_SUFFIXES and _counts(name) and entry.is_file():
            yield name


def _entries(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise SpecsightError(f"cannot look into '{path}': {error.strerror or error}") from error


def _counts(name: str) -> bool:
    """Hidden files (also the `._x` twins of macOS) and leftovers of archive tools are no data."""
    return not name.startswith(".") and name != "__MACOSX"

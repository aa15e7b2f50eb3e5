"""Paths as listings on disk hold them: relative to the listing's folder, never outside it.

Judged by the words of the path alone: a link inside a data set may point to where its pictures lie.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from unicodedata import normalize

from specsight.errors import SpecsightError


def inside(folder: Path, relative: str) -> Path:
    """`folder / relative`; an error for absolute paths and for "..".

    Back-slashes separate folders and a letter with a colon names a drive, as Windows writes them, and accents may be
    composed or not, unless a file has the very name that is written.
    """
    if "\0" in relative:
        raise SpecsightError(
            f"'{relative}' has a zero byte in it, as no name of a file has: correct the path"
        )
    slashed = relative.replace("\\", "/")
    for path in (PurePosixPath(relative), PurePosixPath(slashed)):
        # On Windows a drive leads elsewhere, whatever is there; elsewhere a file may be called "I:q.png".
        drive = Path(path).drive or (PureWindowsPath(path).drive and not _is_there(folder / path))
        if path.is_absolute() or drive or ".." in path.parts or not relative:
            raise SpecsightError(f"'{relative}' leads outside '{folder}': use paths relative to that folder")
    if slashed != relative and not _is_there(folder / relative):
        return _as_named(folder, PurePosixPath(slashed))
    return _as_named(folder, PurePosixPath(relative))


def _as_named(folder: Path, path: PurePosixPath) -> Path:
    """`folder / path` with its accents composed or decomposed as on disk; as it is where nothing of that name is."""
    if str(path).isascii() or _is_there(folder / path):
        return folder / path
    found = folder
    for part in path.parts:
        forms = (part, normalize("NFC", part), normalize("NFD", part))
        there = next((form for form in forms if _is_there(found / form)), None)
        if there is None:
            return folder / path
        found = found / there
    return found


def _is_there(path: Path) -> bool:
    """Whether anything has this name; not where nothing can."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def relative_path(path: Path, folder: Path) -> str:
    """`path` as seen from `folder`; an error where it lies outside, or where its name is not UTF-8."""
    for there, here in ((path.absolute(), folder.absolute()), (path.resolve(), folder.resolve())):
        if there.is_relative_to(here) and ".." not in there.relative_to(here).parts:
            name = there.relative_to(here).as_posix()
            if name.encode("utf-8", "replace").decode() != name:
                raise SpecsightError(f"the name of {os.fsencode(path)!r} is not UTF-8: rename the file")
            return name
    raise SpecsightError(
        f"'{path}' lies outside '{folder}', where its list is to be written: write it to a folder above both"
    )

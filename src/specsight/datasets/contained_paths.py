"""Paths as listings on disk hold them: relative to the listing's folder, with forward slashes, never outside it.

Judged by the words of the path alone: a link inside a data set may point to where its pictures lie.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from specsight.errors import SpecsightError


def inside(folder: Path, relative: str) -> Path:
    """`folder / relative`; an error for absolute paths and for ".."."""
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts or not relative:
        raise SpecsightError(f"'{relative}' leads outside '{folder}': use paths relative to that folder")
    return folder / path


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

"""Whether an output can be written at all, asked before the work and not after it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from specsight.errors import SpecsightError
from specsight.storage.files import cannot_write
from specsight.storage.folders import CHECKSUMS, check_replaceable, recover
from specsight.storage.leftovers import temporary_prefix

PROBE = 1 << 20
"""Bytes written to find out whether there is room at all."""


def check_output(folder: Path) -> None:
    """Raise SpecsightError where no file could be written into `folder`, made with the folders above it where it is
    absent: a file in its place, no right to write, no room, a name too long, inside a saved model. Nothing stays."""
    _check(folder, beside=False)


def check_model_output(folder: Path, replace: bool = False) -> None:
    """Raise SpecsightError where a model could not be saved as `folder`: as `check_output` does, for the current folder
    and those above it, and, without `replace`, for a folder that holds a model."""
    if Path.cwd().is_relative_to(_check(folder, beside=True)):
        raise SpecsightError(
            f"'{folder}' is the current folder or one above it: give the model a folder of its own"
        )
    recover(folder)
    check_replaceable(folder, replace)


def _check(folder: Path, beside: bool) -> Path:
    """The folder without links, after trying to write into it, or `beside` it where it exists."""
    try:
        if folder.exists() and not folder.is_dir():
            raise SpecsightError(f"'{folder}' is a file: give a folder")
        target = folder.resolve()
        for parent in target.parents:
            if (parent / CHECKSUMS).is_file():
                raise SpecsightError(
                    f"'{folder}' lies inside the saved model '{parent}': choose a folder outside it"
                )
        _probe(target.parent if beside and target.exists() else target)
    except NotADirectoryError as error:
        raise SpecsightError(f"'{folder}' lies below a file: give a folder") from error
    except (OSError, RuntimeError) as error:  # a RuntimeError is a loop of links, before Python 3.13
        raise cannot_write(folder, error) from error
    return target


def _probe(target: Path) -> None:
    """Make the missing folders of `target` inside a temporary one, with a file, and remove it all."""
    there = target
    missing: list[str] = []
    while not there.exists():
        if there.is_symlink() or there.parent == there:
            break
        missing.insert(0, there.name)
        there = there.parent
    temporary = Path(tempfile.mkdtemp(dir=there, prefix=temporary_prefix()))
    try:
        inside = temporary.joinpath(*missing)
        inside.mkdir(parents=True, exist_ok=True)
        with (inside / "probe").open("wb") as file:
            file.write(bytes(PROBE))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)

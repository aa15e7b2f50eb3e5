"""Single files: written whole or not at all, named inside their folder, digested in pieces."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from specsight.errors import SpecsightError
from specsight.storage.leftovers import temporary_prefix
from specsight.storage.reading import check_regular


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically (temporary sibling, flush, rename). Raises SpecsightError where it cannot."""
    write_by(path, lambda file: file.write(data))


def copy_file(source: Path, path: Path) -> None:
    """Copy `source` and its time to `path` atomically, as `write_bytes` writes. Raises SpecsightError where `path`
    cannot be written, or `source` not be read."""
    try:
        with source.open("rb") as opened:
            write_by(path, lambda file: shutil.copyfileobj(opened, file))
        shutil.copystat(source, path)
    except OSError as error:
        raise SpecsightError(f"cannot copy '{source}' to '{path}': {error.strerror or error}") from error


def write_by(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    """Write what `fill` writes, as `write_bytes` does, without holding it in memory; never in the place of a device or
    a pipe, which renaming a file over it would remove."""
    check_regular(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A prefix of fixed length: a very long name plus a suffix could pass the file system's limit.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=temporary_prefix())
    except OSError as error:
        raise cannot_write(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON atomically; NaN and infinities are refused, for JSON has none."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # A lone surrogate (a file name that is no Unicode) becomes the escape that JSON has for it, and is read back so.
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def cannot_write(path: Path, error: Exception) -> SpecsightError:
    """Make the error for an output that the operating system refuses."""
    return SpecsightError(f"cannot write '{path}': {getattr(error, 'strerror', None) or error}")


def given_path(given: str | os.PathLike[str], what: str) -> Path:
    """A path that a person gave. Raises SpecsightError, which names `what` it is, for text that no file is called:
    empty text would mean the current folder."""
    text = os.fspath(given)
    if not text or "\0" in text:
        raise SpecsightError(
            f"{what} '{text}' is no path: it is empty or has a zero byte in it; write . for the current folder"
        )
    return Path(text)


def confined(folder: Path, relative: str | Path) -> Path:
    """`folder / relative`, refused if it would leave `folder` (absolute paths, "..", links outward)."""
    root = folder.resolve()
    if "\0" in str(relative):
        raise SpecsightError(f"'{relative}' has a zero byte in it: use a path inside '{folder}'")
    path = (root / relative).resolve()
    if not path.is_relative_to(root):
        raise SpecsightError(f"'{relative}' leads outside '{folder}': use a path inside that folder")
    return path


def path_from(folder: Path, target: Path) -> str:
    """How a file in `folder` names `target`: relative to it, with slashes, or absolute where it is on another drive.

    Links are followed by neither; pass resolved paths where they are to be.
    """
    try:
        return Path(os.path.relpath(target, folder)).as_posix()
    except ValueError:
        return str(target.absolute())


def sha256(path: Path) -> str:
    """Hex digest of a file's content, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()

"""How anything reaches the disk: whole or not at all, inside its folder, with checksums, one writer at a time.

A crash, a full disk or Ctrl-C leaves either the old file or the new one, never half of one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from specsight.errors import SpecsightError

CHECKSUMS = "checksums.json"


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically (temporary sibling, flush, rename)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A prefix of fixed length: a very long name plus a suffix could pass the file system's limit.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise SpecsightError(f"cannot write '{path}': {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON atomically; NaN and infinities are refused, for JSON has none."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def check_regular(path: Path) -> None:
    """Raise SpecsightError for a device or a pipe, which may have no end; what is missing or a folder is let pass."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise SpecsightError(f"'{path}' is a pipe or a device: give a file")


def read_text(path: Path, longest: int | None = None) -> str:
    """UTF-8 text of a file of at most `longest` bytes.

    Raises SpecsightError for what is longer and for pipes and devices, OSError for what cannot be read and
    UnicodeDecodeError for other text.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "no file has a name with a zero byte", str(path))
    check_regular(path)
    with path.open("rb") as file:
        content = file.read(-1 if longest is None else longest + 1)
    if longest is not None and len(content) > longest:
        raise SpecsightError(f"'{path}' has more than {longest:,} bytes: shorten it, or give another file")
    return content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def parse_json(text: str | bytes) -> Any:
    """The value that `text` holds. Raises ValueError where it is no JSON, too deep to be read among others."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def confined(folder: Path, relative: str | Path) -> Path:
    """`folder / relative`, refused if it would leave `folder` (absolute paths, "..", links outward)."""
    root = folder.resolve()
    if "\0" in str(relative):
        raise SpecsightError(f"'{relative}' has a zero byte in it: use a path inside '{folder}'")
    path = (root / relative).resolve()
    if not path.is_relative_to(root):
        raise SpecsightError(f"'{relative}' leads outside '{folder}': use a path inside that folder")
    return path


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Fill a temporary sibling and put it in `folder`'s place only when everything is written.

    An existing `folder` is replaced only if it is one of ours (it holds a checksum list).
    """
    if folder.exists() and not folder.is_dir():
        raise SpecsightError(f"'{folder}' is no folder: choose another one")
    if folder.exists() and any(folder.iterdir()) and not (folder / CHECKSUMS).exists():
        raise SpecsightError(f"'{folder}' exists and is not a saved model: choose another folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".tmp-"))
    except (OSError, ValueError) as error:
        raise SpecsightError(
            f"cannot write '{folder}': {getattr(error, 'strerror', None) or error}"
        ) from error
    try:
        yield temporary
        _seal(temporary)
        temporary.chmod(0o755)
        if folder.exists():
            old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".old-"))
            folder.replace(old)
            temporary.replace(folder)
            shutil.rmtree(old)
        else:
            temporary.replace(folder)
    except OSError as error:
        raise SpecsightError(f"cannot write '{folder}': {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def verify_folder(folder: Path) -> None:
    """Compare every file with the checksums written beside it; the error names the first that differs."""
    listing = folder / CHECKSUMS
    if not listing.is_file():
        raise SpecsightError(f"'{folder}' is not a saved model: it has no {CHECKSUMS}")
    try:
        expected: dict[str, str] = dict(parse_json(read_text(listing)))
    except (ValueError, TypeError) as error:
        raise SpecsightError(f"'{listing}' is damaged: fit the model again") from error
    for name, digest in expected.items():
        path = confined(folder, name)
        if not path.is_file():
            raise SpecsightError(f"'{folder}' is incomplete: '{name}' is missing; fit the model again")
        if sha256(path) != digest:
            raise SpecsightError(
                f"'{path}' is damaged (its checksum differs): fit the model again or copy it anew"
            )


def sha256(path: Path) -> str:
    """Hex digest of a file's content, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


@contextlib.contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process; a second process is refused at once instead of mixing its results in.

    The operating system releases the lock with the process, so a killed run leaves nothing to clean up.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise SpecsightError(
            f"'{folder}' is in use by another process: wait for it or choose another --out"
        ) from error


def _seal(folder: Path) -> None:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    write_json(folder / CHECKSUMS, {p.relative_to(folder).as_posix(): sha256(p) for p in files})

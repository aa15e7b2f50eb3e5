"""Sealed folders: filled beside their place, put there whole, verified by checksums, recovered after a crash.

A folder that is replaced is renamed aside, the new one renamed into its place, and the old one removed. What a crash
between the two renames leaves aside is put back by whoever asks for the folder next.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from specsight.errors import SpecsightError
from specsight.storage.files import cannot_write, confined, sha256, write_json
from specsight.storage.leftovers import remove_leftovers, temporary_prefix
from specsight.storage.locks import LOCK, locked
from specsight.storage.reading import parse_json, read_text

Content = TypeVar("Content")

CHECKSUMS = "checksums.json"
LONGEST_LISTING = 1 << 22
"""Bytes of a checksum list: some thirty thousand files."""
WAIT = 60.0
"""Seconds to wait for another process that is saving the same folder."""
READ = (".json", ".yaml", ".safetensors", ".onnx", ".xml", ".bin")
"""Endings of the files that loading reads: each must be listed."""

ATTEMPTS = 10
"""How often a folder that others replace meanwhile is read anew."""

NOBODYS = frozenset({LOCK, ".DS_Store", "Thumbs.db", "desktop.ini"})
"""Names of files that programs leave behind and nobody misses."""


def check_replaceable(folder: Path, replace: bool) -> None:
    """Raise SpecsightError unless `folder` is absent, empty, or a sealed folder that `replace` gives up.

    Files in it that are on no checksum list are somebody's own, and refused with both.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise SpecsightError(f"'{folder}' is no folder: choose another one")
    if not any(folder.iterdir()):
        return
    if not (folder / CHECKSUMS).exists():
        raise SpecsightError(f"'{folder}' exists and is not a saved model: choose another folder")
    if not replace:
        raise SpecsightError(
            f"'{folder}' holds a saved model already: add --replace (in Python replace=True) to give it up, or choose "
            "another folder"
        )
    listed = {*_listing(folder), CHECKSUMS}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name not in listed and path.name not in NOBODYS and not path.is_dir():
            raise SpecsightError(
                f"'{folder}' holds '{name}' beside the model: move it away before the model is replaced"
            )


@contextlib.contextmanager
def whole_folder(folder: Path, replace: bool = False) -> Iterator[Path]:
    """Fill a temporary sibling, sealed and put in `folder`'s place only when everything is written.

    Where `folder` is a link, what it leads to is written. Raises SpecsightError where `check_replaceable` does, where
    another process is saving the same folder, and where the disk refuses.
    """
    try:
        target = folder.resolve()
        check_replaceable(folder, replace)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target):
            _put_back(target)
            check_replaceable(target, replace)
            remove_leftovers(target.parent)
            temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=temporary_prefix()))
            try:
                yield temporary
                _seal(temporary)
                temporary.chmod(0o755)
                if target.exists():
                    target.replace(_aside(target))
                temporary.replace(target)
                shutil.rmtree(_aside(target), ignore_errors=True)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


@contextlib.contextmanager
def revised_folder(folder: Path, seal: str | None = None) -> Iterator[Path]:
    """Change a copy of a sealed folder, which is sealed anew and put in its place only when everything is written.

    `seal`: what `seal_of` said of the folder that the change rests on. Raises SpecsightError as `verify_folder` and
    `whole_folder` do, and where another process has changed the folder since.
    """
    recover(folder)
    with whole_folder(folder, replace=True) as temporary:
        verify_folder(folder)
        if seal is not None and seal_of(folder) != seal:
            raise SpecsightError(
                f"'{folder}' was changed by another process meanwhile, and keeps that change: run the command again"
            )
        _copy_listed(folder, temporary)
        yield temporary


def copy_folder(folder: Path, target: Path) -> None:
    """Copy the files of a sealed folder into an existing one, which the caller seals.

    Raises SpecsightError as `verify_folder` does, and where another process replaces the folder meanwhile.
    """
    recover(folder)
    seal = seal_of(folder)
    verify_folder(folder)
    _copy_listed(folder, target)
    if seal_of(folder) != seal:
        raise SpecsightError(f"'{folder}' was changed by another process meanwhile: run the command again")


def read_folder(
    folder: Path, read: Callable[[], Content], anew: str = "fit the model again"
) -> tuple[Content, str]:
    """Verify a sealed folder and read it: what `read` returns, all of one saving, and the seal of that.

    Where another process has replaced the folder meanwhile, what was read may come from both, and its errors may, too:
    it is read anew. `anew` as for `verify_folder`. Raises SpecsightError as that and `read` do, and where the folder is
    replaced again and again.
    """
    for _ in range(ATTEMPTS):
        recover(folder)
        seal = seal_of(folder)
        try:
            verify_folder(folder, anew)
            content = read()
        except (SpecsightError, OSError):
            if seal_of(folder) == seal:
                raise
            continue
        if seal_of(folder) == seal:
            return content, seal
    raise SpecsightError(f"'{folder}' is being replaced by another process: try again when that has ended")


def seal_of(folder: Path) -> str:
    """What tells one saving of a folder from another; empty where no sealed folder lies there."""
    try:
        status = (folder / CHECKSUMS).stat()
        return f"{sha256(folder / CHECKSUMS)} {status.st_dev} {status.st_ino} {status.st_mtime_ns}"
    except OSError:
        return ""


def recover(folder: Path) -> None:
    """Put back what a crash while `folder` was replaced left aside; nothing happens where there is nothing to do.

    Raises SpecsightError where it may not be put back.
    """
    try:
        target = folder.resolve()
        if target.exists() or not _aside(target).exists():
            return
    except (OSError, RuntimeError):  # a name that is too long, or a loop of links: nothing lies there
        return
    try:
        with _alone(target):
            _put_back(target)
    except OSError as error:
        raise SpecsightError(
            f"'{folder}' lies in '{_aside(target)}' since saving it was cut off, and cannot be put back "
            f"({error.strerror}): rename it"
        ) from error


def verify_folder(folder: Path, anew: str = "fit the model again") -> None:
    """Compare every file with the checksums written beside it; the error names the first that differs, is missing, or
    is on no list, and says to do `anew`."""
    listed = _listing(folder, anew)
    if not listed:
        raise SpecsightError(f"'{folder / CHECKSUMS}' lists no file, so nothing is verified: {anew}")
    for name, digest in listed.items():
        path = confined(folder, name)
        if not path.is_file():
            raise SpecsightError(f"'{folder}' is incomplete: '{name}' is missing; {anew}")
        if sha256(path) != digest:
            raise SpecsightError(f"'{path}' is damaged (its checksum differs): {anew} or copy it anew")
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix in READ and name != CHECKSUMS and name not in listed:
            raise SpecsightError(
                f"'{path}' is on no checksum list: it was added after the model was saved; remove it"
            )


def _listing(folder: Path, anew: str = "fit the model again") -> dict[str, str]:
    """Name → digest, as sealed."""
    listing = folder / CHECKSUMS
    if not listing.is_file():
        raise SpecsightError(f"'{folder}' is not a saved model: it has no {CHECKSUMS}")
    try:
        content = parse_json(read_text(listing, LONGEST_LISTING))
    except (OSError, ValueError) as error:
        raise SpecsightError(f"'{listing}' is damaged: {anew}") from error
    if not isinstance(content, dict) or not all(isinstance(digest, str) for digest in content.values()):
        raise SpecsightError(f"'{listing}' is damaged: {anew}")
    return content


def _copy_listed(folder: Path, target: Path) -> None:
    for name in _listing(folder):
        copy = confined(target, name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(confined(folder, name), copy)


def _seal(folder: Path) -> None:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    write_json(folder / CHECKSUMS, {p.relative_to(folder).as_posix(): sha256(p) for p in files})


def _aside(target: Path) -> Path:
    """Where a folder lies while its successor takes its place; a name of bounded length, the same after a crash."""
    return target.with_name(f".old-{_short(target)}")


def _put_back(target: Path) -> None:
    """Finish or undo a replacement that was cut off; only for the holder of the lock."""
    aside = _aside(target)
    if not aside.exists():
        return
    if target.exists():
        shutil.rmtree(aside, ignore_errors=True)
    else:
        aside.replace(target)


@contextlib.contextmanager
def _alone(target: Path) -> Iterator[None]:
    with locked(target.with_name(f".lock-{_short(target)}"), WAIT, again=True) as held:
        if not held:
            raise SpecsightError(
                f"'{target}' is in use by another process: wait for it or choose another folder"
            )
        yield


def _short(target: Path) -> str:
    return hashlib.sha256(target.name.encode("utf-8", "surrogateescape")).hexdigest()[:12]

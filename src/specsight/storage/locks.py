"""One writer at a time, by locks that the operating system releases with the process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from specsight.errors import SpecsightError
from specsight.storage.files import cannot_write
from specsight.storage.leftovers import remove_leftovers

LOCK = ".lock"
FOREVER = -1.0
"""In the place of seconds: wait until the lock is free."""


@contextlib.contextmanager
def locked(file: Path, seconds: float = 0, again: bool = False) -> Iterator[bool]:
    """Hold the lock `file`, made and removed here; yields False where another process holds it for longer.

    A killed process leaves the file, not the lock. Removing it is safe while it is held: whoever waited for the removed
    file is sent to wait for the new one (filelock counts its links). `again`: this process may hold it more than once.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(file, timeout=seconds, is_singleton=again)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        if lock.lock_counter == 1:
            with contextlib.suppress(OSError):
                file.unlink()
        lock.release()


@contextlib.contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process; a second process is refused at once instead of mixing its results in.

    Temporary files that killed processes left in it are removed. A folder that was made here and stays empty goes
    again. Raises SpecsightError where it is held, is a file, or cannot be made.
    """
    try:
        new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise SpecsightError(f"'{folder}' is no folder: choose another --out") from error
    except (OSError, ValueError) as error:
        raise cannot_write(folder, error) from error
    try:
        with _held(folder):
            remove_leftovers(folder, deep=True)
            yield
    finally:
        if new:
            with contextlib.suppress(OSError):
                folder.rmdir()


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            held = stack.enter_context(locked(folder / LOCK))
        except OSError as error:
            raise cannot_write(folder, error) from error
        if not held:
            raise SpecsightError(
                f"'{folder}' is in use by another process: wait for it or choose another --out"
            )
        yield

"""Temporary files and folders: names that say which process made them, so that what a killed one left can be told from
what a living one is writing.

In: a folder. Out: the same without what processes that are no more left in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

PREFIX = ".tmp-"
_NAME = re.compile(re.escape(PREFIX) + r"([0-9a-f]{8})-(\d+)-")


def temporary_prefix() -> str:
    """Beginning of the names of this process's temporary files; of bounded length, whatever they stand for."""
    return f"{PREFIX}{_place()}-{os.getpid()}-"


def remove_leftovers(folder: Path, deep: bool = False) -> None:
    """Remove temporary files of processes of this machine that have ended; those of living processes and of other
    machines stay, and so does what may not be removed. `deep`: in all folders below as well."""
    import psutil

    here = _place()
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            match = _NAME.match(name)
            if match is None or match[1] != here or psutil.pid_exists(int(match[2])):
                continue
            path = Path(parent, name)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    path.unlink()
        folders[:] = [name for name in folders if deep and not name.startswith(PREFIX)]


@contextlib.contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """A folder for `purpose` among the system's temporary ones, removed in the end; those of killed processes, which
    could not remove theirs, are removed in the beginning."""
    remove_leftovers(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"{temporary_prefix()}{purpose}-") as folder:
        yield Path(folder)


def _place() -> str:
    """8 hex digits of where process numbers mean the same: the machine, and the container in it."""
    try:
        container = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        container = ""
    return hashlib.sha256(f"{platform.node()} {uuid.getnode()} {container}".encode()).hexdigest()[:8]

"""Lines that are appended to a file, each whole, on disk before `append` returns, and none twice after a kill."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from specsight.line.outlets.contract import OutletDown
from specsight.storage.reading import check_regular

TAIL = 1 << 20
"""Bytes at the end of a file in which lines that were written before are looked for; only the last one can be asked for
again, by a process that was killed between writing it and noting that."""


class AppendedFile:
    """A file of text lines. `header` is its first line, "" for none; `id_of` reads the id of a line.

    Raises OutletDown, in every method, where the file cannot be read or written, or holds something else.
    """

    def __init__(self, path: Path, header: str, id_of: Callable[[str], str]) -> None:
        self.path, self._header, self._id_of = path, header, id_of
        self._file: FileIO | None = None
        self._there: set[str] = set()

    def open(self) -> None:
        """Open the file, made where there is none; a last line that was not finished is cut off."""
        try:
            check_regular(self.path)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Without a buffer, which would keep what a full disk has refused and write it later.
            self._file = FileIO(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644), "r+")
            self._check_header()
            self._repair()
        except OSError as error:
            raise self._down(error) from error

    def append(self, line: str, id_: str) -> None:
        """Append a line (without its end), unless one with this id is among the last ones."""
        if id_ in self._there or self._file is None:
            return
        try:
            if not self.path.exists():  # moved away, as rotation of logs does: begin a new one
                self.close()
                self.open()
            end = self._file.seek(0, os.SEEK_END)
            try:
                _write(self._file, line)
                os.fsync(self._file.fileno())
            except OSError:
                os.ftruncate(self._file.fileno(), end)  # half a line is none
                raise
        except OSError as error:
            raise self._down(error) from error

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                raise self._down(error) from error

    def _check_header(self) -> None:
        assert self._file is not None
        if not self._header:
            return
        first = self._file.readline(len(self._header.encode()) + 2).decode("utf-8", "replace")
        if first and not self._header.startswith(first.rstrip("\n")):
            raise OutletDown(f"'{self.path}' holds something else than this table: choose another name")
        if first.rstrip("\n") != self._header:
            self._file.truncate(0)
            self._file.seek(0)
            _write(self._file, self._header)

    def _repair(self) -> None:
        """Cut off what stands behind the last end of a line, and remember which lines stand at the end."""
        assert self._file is not None
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(max(0, size - TAIL))
        tail = self._file.read()
        whole = tail.rpartition(b"\n")[0]
        cut = len(tail) - (len(whole) + 1 if b"\n" in tail else 0)
        if cut:
            self._file.truncate(size - cut)
        lines = whole.decode("utf-8", "replace").split("\n")
        self._there = {self._id_of(line) for line in lines if line and line != self._header}

    def _down(self, error: OSError) -> OutletDown:
        return OutletDown(f"cannot write '{self.path}': {error.strerror or error}")


def _write(file: FileIO, line: str) -> None:
    left = memoryview(line.encode("utf-8", "backslashreplace") + b"\n")
    while left:
        left = left[file.write(left) :]

"""The command line as its entry point runs it, in the process of the test: no second is spent on importing again."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from specsight import cli


def specsight_here(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What `specsight WORDS` prints and returns, in `cwd`.

    For what a command answers and writes. How a process begins and ends takes a real one: what it imports, streams,
    signals.
    """
    command = ["specsight", *map(str, words)]
    out, error = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code: object = None
    with contextlib.ExitStack() as stack:
        for context in (contextlib.redirect_stdout(out), contextlib.redirect_stderr(error), _within(cwd)):
            stack.enter_context(context)
        stack.enter_context(mock.patch("sys.argv", command))
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(command, code, *(_text(stream) for stream in (out, error)))


@contextlib.contextmanager
def _within(folder: Path | None) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder or before)
    try:
        yield
    finally:
        os.chdir(before)


def _text(stream: io.TextIOWrapper) -> str:
    written = stream.buffer
    assert isinstance(written, io.BytesIO)
    return written.getvalue().decode()

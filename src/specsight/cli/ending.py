"""How a command ends: streams that can be written, signals that stop it in one line, exit codes.

In: a function that runs the command. Out: its exit code, after what a person must know is on standard error.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import click

from specsight import screen
from specsight.errors import SpecsightError
from specsight.machine import STOPPING

USERS = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR,
    errno.ELOOP, errno.EPERM,
})  # fmt: skip
"""What the operating system says of a disk, a name or a right that a person can mend."""


class Stopped(BaseException):
    """A signal asks the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(command: Callable[[], object]) -> int:
    """Run `command` and return the exit code: what it returned, or 2 for a person's mistake, 128 + n for signal n.

    A person's mistake, a signal and a closed pipe are one line on standard error or none, never a traceback.
    """
    _open_streams()
    try:
        with _answering_signals():
            code = command()
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except SpecsightError as error:
        return _fail(str(error), 2)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        _say(shown.getvalue().rstrip())
        return error.exit_code
    except Stopped as stopped:
        name = signal.Signals(stopped.number).name
        return _fail(f"stopped by {name}; run the same command again to go on", 128 + stopped.number)
    except (KeyboardInterrupt, click.Abort):
        return _fail("stopped; what was finished is kept, run the same command again to go on", 130)
    except (BrokenPipeError, screen.ReaderLeft):
        _give_up_output()
        return 141
    except OSError as error:
        if error.errno not in USERS:
            raise
        if error.filename is None:
            _give_up_output()
        return _fail(f"{error.strerror}: '{error.filename or 'the output'}'", 2)


def _open_streams() -> None:
    """Give closed standard streams the null device, so that no file that is opened takes their place; make open ones
    write out what their encoding lacks."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 (open for good)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def _answering_signals() -> Iterator[None]:
    """Signals raise `Stopped` meanwhile. Ctrl-C raises KeyboardInterrupt, which libraries know; a SIGHUP that `nohup`
    ignores stays ignored."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    for number, handler in before.items():
        if number != signal.SIGINT and handler != signal.SIG_IGN:
            signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def stop_asked() -> Iterator[threading.Event]:
    """For a command that runs until it is stopped: an event that is set by the first signal of `STOPPING`, so that the
    command ends by itself; a second signal stops it at once, as it would any other."""
    asked = threading.Event()
    before = {number: signal.getsignal(number) for number in STOPPING}

    def ask(number: int, frame: FrameType | None) -> None:
        asked.set()
        for each, handler in before.items():
            signal.signal(each, handler)

    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, ask)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    # Asked again while it is ending, the process goes on ending.
    for each in STOPPING:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


def _give_up_output() -> None:
    """Nobody reads standard output any more: what is left in its buffer goes nowhere, without complaint."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def _fail(message: str, code: int) -> int:
    _say(f"specsight: {' '.join(message.splitlines())}")
    return code


def _say(text: str) -> None:
    """Print on standard error; a terminal that is gone hears nothing."""
    try:
        screen.say(*text.split("\n"), err=True)
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)

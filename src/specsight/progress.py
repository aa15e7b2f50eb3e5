"""Progress bars for whatever takes longer than a second; on standard error, and silent where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield `items`, showing `what` and the remaining time while they last.

    A bar is drawn on a terminal only; in a log file the loop stays silent.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    if sys.stderr is None or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(items, total=total, description=what)


def note(text: str) -> None:
    """Say one line on standard error where somebody watches, such as what is being waited for."""
    if sys.stderr is not None and sys.stderr.isatty():
        print(text, file=sys.stderr)

"""Lines and tables on the screen, whatever their text holds and whoever reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from specsight.errors import one_line, printable

if TYPE_CHECKING:
    from rich.console import RenderableType


class ReaderLeft(Exception):
    """Whoever read what is printed, such as `head`, reads no more."""


def say(*lines: str, err: bool = False) -> None:
    """Print lines; what names of files and other people's words hold of control characters and ends of lines is shown,
    not obeyed: none of them looks like a line of ours."""
    try:
        for line in lines:
            click.echo(one_line(line), err=err)
    except BrokenPipeError as error:  # click would end the process itself, with another code
        raise ReaderLeft from error


def show(content: RenderableType) -> None:
    """Print a table or other content of `rich`; its text is shown as `say` shows it, its styles are obeyed."""
    from rich.console import Console
    from rich.segment import Segment, Segments

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            raise ReaderLeft

    console = Screen()
    rendered = (
        Segment(printable(part.text), part.style)
        for line in console.render_lines(content, pad=False)
        for part in [*line, Segment.line()]
    )
    console.print(Segments(rendered), end="")

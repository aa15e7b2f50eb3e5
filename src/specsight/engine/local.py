"""One piece after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from specsight.engine.contract import Engine, Piece, Result


class Local(Engine):
    """The engine without workers."""

    elsewhere = False

    def map(self, make: Callable[[], Callable[[Piece], Result]], pieces: Iterable[Piece]) -> Iterator[Result]:
        """See `Engine.map`."""
        work = make()
        for piece in pieces:
            yield work(piece)


LOCAL = Local()
"""What holds where no engine is named."""

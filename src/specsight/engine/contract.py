"""The contract of engines: pieces of work in, their results out, in the order of the pieces.

No engine changes a result. What is known of a piece travels to the worker, what came of it comes back, and whoever
asked writes it down: so a run is written by one process, whatever works for it, and goes on after a kill as ever.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Engine(ABC):
    """Maps pieces of work over workers."""

    elsewhere: ClassVar[bool]
    """Whether workers are other processes, perhaps on other machines: what `map` is given must then be picklable, and
    the paths that it names must mean the same there."""
    chunk: int = 1
    """Small pieces (pictures, questions) that are worth one call of a worker."""

    @abstractmethod
    def map(self, make: Callable[[], Callable[[Piece], Result]], pieces: Iterable[Piece]) -> Iterator[Result]:
        """What `make()` gives of each piece, in the order of `pieces`.

        Every worker calls `make` once, which loads what its pieces need. Pieces are taken as they are needed, a bounded
        number ahead. Raises what `make` or a piece raises; SpecsightError where a piece took its worker with it again
        and again.
        """

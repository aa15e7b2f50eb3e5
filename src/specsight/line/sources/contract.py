"""Where pictures of a line come from: a folder that they arrive in, one that is replayed, a camera."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Arrival:
    """A picture that is complete, and what belongs to it."""

    part: str
    """Name of the part."""
    file: str
    """Name of the picture's file, with its ending."""
    picture: Path | bytes = field(repr=False)
    depth: Path | None = None
    """File of depth, in mm."""
    signals: Mapping[str, Path] = field(default_factory=dict)
    """Files of further channels, by name."""
    sidecar: Path | None = None
    """File with words about this part."""
    words: str | None = None
    """Instruction for this part; None: the line's."""
    moves: bool = True
    """Whether its files are taken out of where they lie; else they are copied."""


class Source(ABC):
    """Pictures, one after the other."""

    ended = False
    """Whether no further picture comes."""
    pause = 0.1
    """Seconds after which it is worth to ask again."""

    @abstractmethod
    def next(self) -> Arrival | None:
        """The next picture that is complete; None where none is yet."""

    def put_off(self, arrival: Arrival, reason: str) -> None:  # noqa: B027 (most sources offer nothing again)
        """Note that a picture could not be taken; it is offered again later, if at all."""

    def left(self) -> Mapping[str, str]:
        """Name → why it was not taken, of all that lies where pictures come from."""
        return {}

    def close(self) -> None:  # noqa: B027 (most sources keep nothing open)
        """Give up what is open."""

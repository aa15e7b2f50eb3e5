"""What a benchmark module hands back: rows of one table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measurement. All fields but `met` are printed as they are, so write units into them.

    Machines differ, so compare within one run where possible and put that into `ratio` ("12 × faster").
    """

    what: str
    measured: str
    aim: str
    ratio: str = ""
    met: bool | None = None
    """Whether the aim was reached; None where there is none."""

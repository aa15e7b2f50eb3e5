"""What a server lets pass: names it answers to, bodies it takes, how often. Defaults: a page on this machine alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from specsight.service.limits import Rates

LONGEST = 8 << 20
"""Bytes of a form: one with a text of a megabyte has three times as many."""
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Rules:
    """Rules of one server."""

    hosts: tuple[str, ...] = ()
    """Names that requests may address besides this machine's own."""
    bodies: Mapping[str, int] = field(default_factory=lambda: {FORM: LONGEST})
    """Type of a body → how many bytes it may have."""
    tokens: bool = False
    """Whether tokens are good, in a header of a program and at `/enter`."""
    open: frozenset[str] = frozenset()
    """Paths that anybody may ask."""
    open_below: tuple[str, ...] = ()
    """And how others begin."""
    rates: Rates | None = None
    """None: nobody is counted."""
    together: int = 512 << 20
    """Bytes of bodies that may be on their way at once: what comes beyond waits outside."""
    patience: float = 60.0
    """Seconds in which a body must have come."""

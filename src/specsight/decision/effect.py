"""What one clause does to the findings of a picture, or why it can do nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effect:
    """What one clause does."""

    excused: frozenset[int] = frozenset()
    """Numbers of the findings that do not count because of it."""
    unmet: bool = False
    """A requirement that is not met."""
    reason: str = ""
    """Why it could not be applied; empty: it was."""
    rest: str = ""
    """Of a clause that was applied: what of it could not be, and why; empty: nothing."""
    in_maps: bool = False
    """The detector has applied it to its maps already."""

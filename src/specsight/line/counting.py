"""Numbers of things, in words."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """ "1 record", "2 records"; `many`: where that is not `one` with an s."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def contents(count: int) -> str:
    """Pictures, depth and maps that are kept."""
    return counted(count, "picture or map", "pictures and maps")

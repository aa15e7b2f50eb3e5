"""What lines, parts and models may be called where they enter; what a database holds already is read as it is.

Names stand in addresses, tables and lines on a screen. A line's name may have slashes, but no step of a path that
browsers resolve before they ask.
"""

from __future__ import annotations

import re

from specsight.errors import SpecsightError, one_line

LONGEST = 200
"""Characters of a name: what columns of the database hold."""
MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
"""What a model may be called: a folder's name that needs no quoting anywhere."""
STEPS = frozenset({"", ".", ".."})


def check_line(name: str, given: str = "line") -> str:
    """A line's name. Raises SpecsightError, which begins with where it was `given`, for one that it may not have."""
    if not 0 < len(name) <= LONGEST or not name.isprintable() or name != name.strip():
        raise SpecsightError(
            f"{given} '{one_line(name[:LONGEST])}' is no name of a line: give 1 to {LONGEST} printable characters, "
            "without spaces around them"
        )
    if not STEPS.isdisjoint(name.split("/")):
        raise SpecsightError(
            f"{given} '{name}' is no name of a line: between slashes stands something else than '.' and '..'"
        )
    return name


def check_model(name: str) -> str:
    """A model's name. Raises SpecsightError for one that it may not have."""
    if not MODEL.fullmatch(name):
        raise SpecsightError(
            f"'{one_line(name)}' is no name for a model: use up to 63 letters, digits, '-', '_' and '.', and begin "
            "with a letter or digit"
        )
    return name


def part_name(name: str) -> str:
    """A part's name as a record holds it: what cannot be printed is written as `\\x0a`, and its end cut off."""
    return one_line(name)[:LONGEST]

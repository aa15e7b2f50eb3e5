"""Names in a file of arrays: several things lie in one file, the names of each beginning with a prefix of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")


def below(values: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    """Those of `values` whose names begin with `prefix`, by the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}

"""A name-to-class table filled by a decorator, looked up with "did you mean".

Every registry (detectors, dataset readers, encoders' families, metrics) is one of these, so that `specsight list`
and the contract tests see exactly what a user can name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from specsight.errors import SpecsightError, did_you_mean

T = TypeVar("T")


class Registry(Generic[T]):
    """Names of one kind of thing (`what` is used in messages), in the order they were registered."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that files the decorated class or function under `name`."""

        def add(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"{self.what} '{name}' is registered twice")
            self._entries[name] = entry
            return entry

        return add

    def __getitem__(self, name: str) -> T:
        if name not in self._entries:
            raise SpecsightError(f"unknown {self.what} '{name}': {did_you_mean(name, self._entries)}")
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def items(self) -> list[tuple[str, T]]:
        return list(self._entries.items())

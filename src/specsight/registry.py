"""Names → things that can be named: detectors, dataset readers, encoders, language models, metrics, synthetic defects.

A `Registry` is filled the first time it is asked: by the modules of its own package that register something, and by
the entry points that other installed distributions declare in its group. `specsight list`, the contract tests and the
command line therefore see a new method that is one new file, or another package, without a list to edit.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import InspectLoader
from importlib.metadata import EntryPoint, entry_points
from threading import RLock
from typing import Any, Generic, TypeVar

from specsight.errors import SpecsightError, did_you_mean

T = TypeVar("T")

REGISTERS = re.compile(r"^\s*@?(\w+\.)?register\b", re.MULTILINE)
"""A line of a module that registers something. Modules without one (networks, losses, ...) are not imported, because
they may need libraries that only the method itself needs."""


class Registry(Generic[T]):
    """Entries of one kind by name, in a fixed order: by module, then as registered; plug-ins last.

    Parameters:
        what: kind of the entries, in the singular, for messages.
        package: dotted name of the package whose modules register entries; None where nothing is discovered.
        group: group of entry points, such as "specsight.detectors"; None where other distributions add nothing.
        first: modules of the package whose entries come first, where an order must outlive new files; the others
            follow by name.
        adopt: turns the object that an entry point names into an entry; raises SpecsightError where it is none.
    """

    def __init__(
        self,
        what: str,
        package: str | None = None,
        *,
        group: str | None = None,
        first: Sequence[str] = (),
        adopt: Callable[[str, Any], T] | None = None,
    ) -> None:
        self.what = what
        self._package, self._group, self._first, self._adopt = package, group, tuple(first), adopt
        self._entries: dict[str, T] = {}
        self._callers: dict[str, str] = {}
        """Name of an entry → the module that called `register`."""
        self._broken: dict[str, str] = {}
        self._discovered = False
        self._lock = RLock()

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that files the decorated class or function under `name`."""
        caller = str(sys._getframe(1).f_globals.get("__name__", ""))

        def add(entry: T) -> T:
            if name in self._entries:
                raise ValueError(f"{self.what} '{name}' is registered twice")
            self._entries[name], self._callers[name] = entry, caller
            return entry

        return add

    @property
    def broken(self) -> dict[str, str]:
        """What could not be imported: name of the plug-in or module → one line that says why."""
        self._discover()
        return self._broken

    def __getitem__(self, name: str) -> T:
        self._discover()
        if not isinstance(name, str):
            raise SpecsightError(f"a {self.what} is named by text, got {name!r}")
        if name in self._entries:
            return self._entries[name]
        if name in self._broken:
            raise SpecsightError(f"{self.what} '{name}' is broken: {self._broken[name]}")
        raise SpecsightError(f"unknown {self.what} '{name}': {did_you_mean(name, self._entries)}")

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._discover()
        return iter(list(self._entries))

    def __len__(self) -> int:
        self._discover()
        return len(self._entries)

    def items(self) -> list[tuple[str, T]]:
        """(name, entry), in the order of the registry."""
        self._discover()
        return list(self._entries.items())

    def _discover(self) -> None:
        with self._lock:
            if self._discovered:
                return
            # Set before importing: a module that asks the registry while it is imported sees what is there so far.
            self._discovered = True
            if self._package is not None:
                self._import_package(self._package)
            if self._group is not None:
                for point in sorted(entry_points(group=self._group), key=lambda point: point.name):
                    self._load(point)

    def _import_package(self, package: str) -> None:
        modules = sorted(self._modules(package))
        leading = [f"{package}.{name}" for name in self._first]
        modules = [*leading, *(module for module in modules if module not in leading)]
        place = dict[str, int]()
        for module in modules:
            try:
                if _registers(module):
                    place[module] = len(place)
                    importlib.import_module(module)
            except (Exception, SystemExit) as error:
                self._broken[module.removeprefix(f"{package}.")] = _reason(error)

        def position(name: str) -> int:
            # Of an instance the attribute names the module of its class, which need not register anything.
            own = getattr(self._entries[name], "__module__", "")
            return place.get(own, place.get(self._callers.get(name, ""), len(place)))

        self._entries = {name: self._entries[name] for name in sorted(self._entries, key=position)}

    def _modules(self, package: str) -> Iterator[str]:
        """Dotted names of all modules below a package, its sub-packages' included."""
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            yield module.name
            if module.ispkg:
                try:
                    yield from self._modules(module.name)
                except Exception as error:
                    self._broken[module.name.removeprefix(f"{self._package}.")] = _reason(error)

    def _load(self, point: EntryPoint) -> None:
        source = f"'{point.value}'" + (f" of distribution '{point.dist.name}'" if point.dist else "")
        if point.name in self._entries:
            self._broken[point.name] = f"{source}: another {self.what} has this name"
            return
        try:
            plugin = point.load()
            # Importing the module may have registered it already, with the decorator.
            if point.name not in self._entries:
                self._entries[point.name] = self._adopt(point.name, plugin) if self._adopt else plugin
        except (Exception, SystemExit) as error:  # whatever others' code raises while it is imported
            self._broken[point.name] = f"{source}: {_reason(error)}"


def _registers(module: str) -> bool:
    """Whether a module's source registers something; True where there is no source to read."""
    spec = importlib.util.find_spec(module)
    source = spec.loader.get_source(module) if spec and isinstance(spec.loader, InspectLoader) else None
    return source is None or bool(REGISTERS.search(source))


def _reason(error: BaseException) -> str:
    """An error in one line."""
    words = " ".join(str(error).split())
    return words if isinstance(error, SpecsightError) else f"{type(error).__name__}: {words}"

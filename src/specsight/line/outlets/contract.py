"""Where judged parts are sent: the contract of an outlet, and the registry of all kinds.

In: an address such as "jsonl:results.jsonl", "webhook:https://…" or "mqtt://broker:1883/line/a". Out: an `Outlet`. What
waits for it, and what happens while it cannot be reached, is the business of `sending`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from specsight.errors import SpecsightError
from specsight.line.records import JudgedPart
from specsight.registry import Registry


class OutletDown(SpecsightError):
    """The outlet takes nothing now: the same part is sent again later, after `seconds` where the other side says so."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


class NotTaken(SpecsightError):
    """The other side says that it will never take this part; it is counted, and the next one is sent."""


class Outlet(ABC):
    """One place that judged parts are sent to, one after the other, by one thread.

    Parameters:
        address: kind, colon, and what the kind makes of the rest. It is shown on screens and holds no secret.

    Raises SpecsightError for an address that is none. Nothing is opened before `open`.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    @property
    def target(self) -> str:
        """What stands behind the kind."""
        return self.address.partition(":")[2]

    @abstractmethod
    def open(self) -> None:
        """Open what parts are sent through. Raises OutletDown where it cannot be reached now."""

    @abstractmethod
    def send(self, part: JudgedPart) -> None:
        """Return once the other side has the part for good. The same part may come twice, with the same id, where a
        process was killed in between. Raises OutletDown and NotTaken."""

    @abstractmethod
    def close(self) -> None:
        """Give up what `open` opened; does nothing where nothing is open."""


outlets: Registry[type[Outlet]] = Registry("outlet", "specsight.line.outlets", group="specsight.outlets")


def outlet(address: str) -> Outlet:
    """The outlet at an address. Raises SpecsightError for a kind that is none, and for an address it cannot use."""
    kind, colon, target = address.partition(":")
    if not colon or not target:
        raise SpecsightError(f"--to {address}: write a kind and where to, such as jsonl:results.jsonl")
    return outlets[kind](address)

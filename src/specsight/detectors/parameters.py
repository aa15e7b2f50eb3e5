"""Hyper-parameters as data: each has a default, a sentence, and the values it may take; one check serves all detectors.

In: the fields of a detector class, declared with `parameter`. Out: what a person reads (`specsight list detectors
patchcore`), completes (`--set`), and is told about a value out of range.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from specsight.errors import SpecsightError, did_you_mean

T = TypeVar("T")
DECLARED = "parameter"
AUTO = "auto"


@dataclass(frozen=True)
class Parameter:
    """One hyper-parameter of a detector.

    A number lies in [`low`, `high`] (`whole`: integers only); else the value is one of `choices`; else, where
    `layers`, a list of names of an encoder's layers. `optional`: None is allowed and leaves the choice to the method.
    """

    name: str
    default: Any
    help: str = ""
    """One sentence; what other values mean stands in it."""
    low: float | None = None
    high: float | None = None
    whole: bool = False
    unit: str = ""
    choices: tuple[str | bool, ...] = ()
    layers: bool = False
    optional: bool = False
    judging: bool = False
    """Whether nothing that is learned depends on it."""
    machine: bool = False
    """Whether it says where something runs, and no result depends on it."""
    automatic: bool = False
    """Whether `AUTO` is allowed, which leaves the choice to the good pictures."""

    @property
    def written_choices(self) -> tuple[str, ...]:
        """The choices as YAML writes them."""
        return tuple(map(_written, self.choices))

    @property
    def written_default(self) -> str:
        """The default as YAML writes it."""
        return _written(self.default)

    @property
    def values(self) -> str:
        """What it may be set to, for a table: "1 to 15", "joint or random", "layer names"."""
        if self.choices:
            return " or ".join(self.written_choices)
        if self.layers:
            return "layer names"
        if self.low is not None and self.high is not None:
            low, high = (f"{limit:.0f}" if self.whole else f"{limit:g}" for limit in (self.low, self.high))
            return f"{low} to {high}" + (f" {self.unit}" if self.unit else "") + self._or_auto
        return ""

    def check(self, value: Any) -> None:
        """Raise SpecsightError with the range or a suggestion where `value` is not allowed."""
        if (value is None and self.optional) or (value == AUTO and self.automatic):
            return
        if self.choices:
            self._check_choice(value)
        elif self.layers:
            if not (isinstance(value, tuple) and value and all(isinstance(name, str) for name in value)):
                raise SpecsightError(
                    f"{self.name} must be a list of layer names such as [stride8, stride16], got {value!r}"
                )
        elif self.low is not None and self.high is not None:
            check_range(self.name, value, self.low, self.high, whole=self.whole, instead=self._or_auto)

    @property
    def _or_auto(self) -> str:
        return f" or {AUTO}" if self.automatic else ""

    def _check_choice(self, value: Any) -> None:
        # 1 == True: the type counts too.
        if not any(value == choice and isinstance(value, type(choice)) for choice in self.choices):
            names = [choice for choice in self.choices if isinstance(choice, str)]
            hint = did_you_mean(value, names) if names and isinstance(value, str) else ""
            hint = f": {hint}" if hint.startswith("did you mean") else ""
            raise SpecsightError(f"{self.name} must be {self.values}, got {value!r}{hint}")


def parameter(
    default: T,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    choices: Sequence[str] = (),
    layers: bool = False,
    optional: bool = False,
    judging: bool = False,
    machine: bool = False,
    automatic: bool = False,
) -> T:
    """Declare a hyper-parameter: the default of a dataclass field, with what `Parameter` says of it.

    Whole numbers are those whose default is an int; flags (whose default is a bool) need no choices. An optional flag
    is declared with the default None and neither range nor choices.
    """
    flag = isinstance(default, bool) or (
        default is None and optional and low is None and not choices and not layers
    )
    declared = {
        "help": help,
        "low": low,
        "high": high,
        "whole": isinstance(default, int) and not flag,
        "unit": unit,
        "choices": (True, False) if flag else tuple(choices),
        "layers": layers,
        "optional": optional,
        "judging": judging,
        "machine": machine,
        "automatic": automatic,
    }
    return dataclasses.field(default=default, metadata={DECLARED: declared})


def layer_names(help: str) -> tuple[str, ...] | None:
    """Declare a hyper-parameter that names layers of the encoder; None lets the method choose."""
    return parameter(cast("tuple[str, ...] | None", None), help, layers=True, optional=True)


def sigma_parameter() -> float:
    """Declare the smoothing of a method's maps."""
    return parameter(
        4.0, "Smoothing of the map, in pixels of the framed picture.", low=0, high=100, unit="px"
    )


def top_parameter(share: float) -> float:
    """Declare which patches the score of a method is the mean of; `share`: its default."""
    return parameter(
        share, "The score is the mean over this share of the most anomalous patches.", low=1e-6, high=1
    )


def parameters_of(kind: type[Any]) -> dict[str, Parameter]:
    """Name → hyper-parameter of a detector class, base classes' first.

    A class that only changes a default inherits the rest of the declaration.
    """
    found = {}
    for field in dataclasses.fields(kind):
        if field.init:
            bases = (getattr(base, "__dataclass_fields__", {}).get(field.name) for base in kind.__mro__)
            declared: dict[str, Any] = next(
                (dict(base.metadata[DECLARED]) for base in bases if base and DECLARED in base.metadata), {}
            )
            found[field.name] = Parameter(field.name, field.default, **declared)
    return found


def check_range(
    name: str, value: Any, low: float, high: float, *, whole: bool = False, instead: str = ""
) -> None:
    """Raise SpecsightError unless `value` is a number (an integer where `whole`) in [low, high].

    `instead`: what else is allowed, for the message.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or (whole and not isinstance(value, int)) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise SpecsightError(f"{name} must be {kind} from {low:g} to {high:g}{instead}, got {value!r}")


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

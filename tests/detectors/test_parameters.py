"""Hyper-parameters: every detector declares its own, and values out of range are refused in one line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest

from specsight.detectors import create_detector, detectors
from specsight.detectors.parameters import Parameter, layer_names, parameter, parameters_of
from specsight.detectors.patchcore import PatchCore
from specsight.errors import SpecsightError

DECLARED = [
    (name, declared) for name in sorted(detectors) for declared in parameters_of(detectors[name]).values()
]
RANGED = [(name, declared) for name, declared in DECLARED if declared.low is not None]


@dataclass
class Example:
    """One parameter of each sort."""

    share: float = parameter(0.5, "A share.", low=0, high=1)
    count: int = parameter(3, "A number of things.", low=1, high=9, unit="things")
    mode: str = parameter("exact", "How.", choices=("exact", "fast"), judging=True)
    flag: bool = parameter(False, "Whether.")
    tested: bool | None = parameter(None, "Whether, or let a test say.", optional=True)
    layers: tuple[str, ...] | None = layer_names("Layers.")


@pytest.mark.parametrize(("name", "declared"), DECLARED)
def test_every_parameter_says_what_it_is_and_what_it_takes(name: str, declared: Parameter) -> None:
    assert declared.help.endswith("."), f"{name}.{declared.name}"
    of_others = ("encoder", "device", "language_model", "evidence", "head")
    assert declared.name in of_others or declared.values, f"{name}.{declared.name}"
    declared.check(declared.default)


@pytest.mark.parametrize(("name", "declared"), RANGED)
def test_values_out_of_range_are_refused(name: str, declared: Parameter) -> None:
    assert declared.low is not None
    assert declared.high is not None
    for value in (declared.low - 1, declared.high + 1, math.nan, True, "1"):
        with pytest.raises(SpecsightError, match=rf"^{declared.name} must be a (whole )?number from"):
            create_detector(name, **{declared.name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("share", -1, "share must be a number from 0 to 1, got -1"),
        ("count", 2.0, "count must be a whole number from 1 to 9, got 2.0"),
        ("mode", "fats", "mode must be exact or fast, got 'fats': did you mean 'fast'?"),
        ("mode", "no", "mode must be exact or fast, got 'no'"),
        ("mode", None, "mode must be exact or fast, got None"),
        ("flag", 1, "flag must be true or false, got 1"),
        ("tested", "yes", "tested must be true or false, got 'yes'"),
        (
            "layers",
            "stride8",
            "layers must be a list of layer names such as [stride8, stride16], got 'stride8'",
        ),
        ("layers", (), "layers must be a list of layer names such as [stride8, stride16], got ()"),
    ],
)
def test_a_message_names_the_value_and_the_way_out(name: str, value: Any, message: str) -> None:
    with pytest.raises(SpecsightError) as caught:
        parameters_of(Example)[name].check(value)
    assert str(caught.value) == message


def test_what_a_table_shows() -> None:
    described = {p.name: (p.written_default, p.values, p.judging) for p in parameters_of(Example).values()}
    assert described == {
        "share": ("0.5", "0 to 1", False),
        "count": ("3", "1 to 9 things", False),
        "mode": ("exact", "exact or fast", True),
        "flag": ("false", "true or false", False),
        "tested": ("None", "true or false", False),
        "layers": ("None", "layer names", False),
    }
    for allowed in (None, True, False):
        parameters_of(Example)["tested"].check(allowed)


def test_a_class_that_changes_a_default_inherits_the_rest() -> None:
    @dataclass
    class Smoother(PatchCore):
        sigma: float = 8.0

    changed, inherited = parameters_of(Smoother)["sigma"], parameters_of(PatchCore)["sigma"]
    assert (changed.default, inherited.default) == (8.0, 4.0)
    assert (changed.help, changed.low, changed.high) == (inherited.help, inherited.low, inherited.high)
    with pytest.raises(SpecsightError, match="sigma must be a number from 0 to 100"):
        Smoother(sigma=-1).check_parameters()

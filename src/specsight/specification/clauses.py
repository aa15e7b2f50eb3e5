"""What decides beside looks: tolerances, requirements, and the instruction that says what to inspect this time.

In: the fields of a YAML mapping. Out: frozen, validated models.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from specsight.specification.terms import DefectType, Model, Name, Positive


class Tolerance(Model):
    """A defect that is acceptable up to a limit (longest extent), everywhere or on one part."""

    defect: Name
    up_to_mm: Positive | None = None
    part: Name | None = None
    text: str = ""


class Requirement(Model):
    """Something that must be there: its absence is an anomaly although nothing looks wrong."""

    feature: Name
    part: Name | None = None
    count: Annotated[int, Field(ge=1)] = 1
    text: str = ""


class Instruction(Model):
    """What to inspect this time. Empty fields change nothing."""

    text: str = ""
    scope: tuple[Name, ...] = ()
    """Parts to inspect; empty means all of them."""
    only: tuple[Name, ...] = ()
    """Defect types that count; empty means all of them."""
    ignore: tuple[Name, ...] = ()
    tolerances: tuple[Tolerance, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    known_defects: tuple[DefectType, ...] = ()

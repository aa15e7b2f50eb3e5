"""Parts and defect types of a product in words, with the severity rule of each type.

In: the fields of a YAML mapping. Out: frozen, validated models; `specification.model` puts them together.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(min_length=1, max_length=200)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Model(BaseModel):
    """What all parts of a specification share: unknown keys are refused, values cannot be changed, text is stripped."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Part(Model):
    """A named zone of the product."""

    name: Name
    phrases: tuple[Name, ...] = ()
    """Other words for it."""
    description: str = ""
    critical: bool = False
    """Whether defects on it are one severity level graver."""


class SeverityLevel(Model):
    """One step of a severity rule: it applies up to its limit; a step without limit applies to everything.

    Raises ValueError where both limits are given.
    """

    level: Name
    """Name of the level, such as "major"."""
    up_to_mm: Positive | None = None
    """Longest extent of the finding in millimetres."""
    up_to_percent: Positive | None = None
    """Area of the finding as a share of the picture, in percent: for products without a known scale."""

    @model_validator(mode="after")
    def _one_limit(self) -> SeverityLevel:
        if self.up_to_mm is not None and self.up_to_percent is not None:
            raise ValueError("give up_to_mm or up_to_percent, not both")
        return self


DEFAULT_SEVERITY = (
    SeverityLevel(level="minor", up_to_percent=0.5),
    SeverityLevel(level="major", up_to_percent=3.0),
    SeverityLevel(level="critical"),
)
"""The rule of a product that names none."""


class DefectType(Model):
    """A known type of defect.

    Raises ValueError where the limits of its severity levels do not rise, or a level before the last has none.
    """

    name: Name
    phrases: tuple[Name, ...] = ()
    """Other words for it, as people write them: "a slit", "broken glass"."""
    superclass: Name | None = None
    """The wider kind that it belongs to, such as "surface"."""
    severity: tuple[SeverityLevel, ...] = ()
    """Its own rule, mildest level first; empty: the product's."""

    @model_validator(mode="after")
    def _levels_rise(self) -> DefectType:
        for unit in ("up_to_mm", "up_to_percent"):
            limits = [getattr(s, unit) for s in self.severity if getattr(s, unit) is not None]
            if limits != sorted(set(limits)):
                raise ValueError(f"severity limits ({unit}) must rise from level to level")
        if any(s.up_to_mm is None and s.up_to_percent is None for s in self.severity[:-1]):
            raise ValueError("only the last severity level may be without a limit")
        return self

"""Parts and defect types of a product in words, with the severity rule of each type.

In: the fields of a YAML mapping. Out: frozen, validated models; `specification.model` puts them together.
"""

from __future__ import annotations

from pydantic import field_validator, model_validator

from specsight.specification.fields import Millimetres, Model, Name, Percent, Phrases
from specsight.specification.outlines import Outline

ROUNDING = 1e-9
"""Share by which a number may exceed a limit: 3 pixels of 0.1 mm are 0.30000000000000004 mm."""


class Part(Model):
    """A named zone of the product."""

    name: Name
    phrases: Phrases = ()
    """Other words for it."""
    description: str = ""
    critical: bool = False
    """Whether defects on it are one severity level graver."""
    outline: Outline = ()
    """Where it lies on the specification's reference picture."""


class SeverityLevel(Model):
    """One step of a severity rule: it applies up to its limit; a step without limit applies to everything.

    Raises ValueError where both limits are given.
    """

    level: Name
    """Name of the level, such as "major"."""
    up_to_mm: Millimetres | None = None
    """Longest extent of the finding in millimetres."""
    up_to_percent: Percent | None = None
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

    Raises ValueError where a level of its severity rule cannot be reached (see `rising`).
    """

    name: Name
    phrases: Phrases = ()
    """Other words for it, as people write them: "a slit", "broken glass"."""
    superclass: Name | None = None
    """The wider kind that it belongs to, such as "surface"."""
    severity: tuple[SeverityLevel, ...] = ()
    """Its own rule, mildest level first; empty: the product's."""

    @field_validator("severity")
    @classmethod
    def _levels_rise(cls, severity: tuple[SeverityLevel, ...]) -> tuple[SeverityLevel, ...]:
        return rising(severity)


def is_within(value: float, limit: float) -> bool:
    """Whether a length or a share is at most its limit, but for `ROUNDING`."""
    return value <= limit * (1 + ROUNDING)


def rising(severity: tuple[SeverityLevel, ...]) -> tuple[SeverityLevel, ...]:
    """A severity rule, mildest level first, as it was given.

    Raises ValueError where a level cannot be reached or has the name of another: limits rise, every level but the last
    has one, and the last, which everything larger is, has none.
    """
    last = len(severity) - 1
    for k, step in enumerate(severity):
        before = severity[:k]
        if step.level in (other.level for other in before):
            raise ValueError(f"two levels are named '{step.level}'")
        for unit, words in (("up_to_mm", "mm"), ("up_to_percent", "%")):
            limit, limits = getattr(step, unit), [getattr(s, unit) for s in before if getattr(s, unit)]
            if limit is not None and limits and limit <= limits[-1]:
                raise ValueError(
                    f"limits must rise: '{step.level}' ends at {limit:g} {words}, "
                    f"a milder level at {limits[-1]:g} {words}"
                )
        limitless = step.up_to_mm is None and step.up_to_percent is None
        if limitless and k < last:
            raise ValueError(
                f"only the last level may be without a limit: nothing is graver than '{step.level}' here"
            )
        if not limitless and k == last:
            raise ValueError(f"the last level, '{step.level}', is without a limit: everything larger is that")
    return severity

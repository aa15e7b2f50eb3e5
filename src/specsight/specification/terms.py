"""Parts and defect types of a product in words, with the severity rule of each type.

In: the fields of a YAML mapping. Out: frozen, validated models; `specification.model` puts them together.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(min_length=1, max_length=200)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Part(Model):
    """A named zone of the product. Defects on a critical part are one severity level graver."""

    name: Name
    phrases: tuple[Name, ...] = ()
    description: str = ""
    critical: bool = False


class SeverityLevel(Model):
    """One step of a severity rule: it applies up to its limit; the last step has none."""

    level: Name
    up_to_mm: Positive | None = None
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


class DefectType(Model):
    """A known kind of defect: its name, the phrases people use for it, and when it is how grave."""

    name: Name
    phrases: tuple[Name, ...] = ()
    superclass: Name | None = None
    severity: tuple[SeverityLevel, ...] = ()

    @model_validator(mode="after")
    def _levels_rise(self) -> DefectType:
        for unit in ("up_to_mm", "up_to_percent"):
            limits = [getattr(s, unit) for s in self.severity if getattr(s, unit) is not None]
            if limits != sorted(set(limits)):
                raise ValueError(f"severity limits ({unit}) must rise from level to level")
        if any(s.up_to_mm is None and s.up_to_percent is None for s in self.severity[:-1]):
            raise ValueError("only the last severity level may be without a limit")
        return self

"""A product in words (`Specification`): its parts, defect types, tolerances, requirements and severity rule.

In: the fields of a YAML mapping. Out: a frozen, validated model whose names fit together.
Knows no detector: it says what words mean for sizes, parts and types; pixels are other rooms' business.
"""

from __future__ import annotations

from pydantic import model_validator

from specsight.specification.clauses import Requirement, Tolerance
from specsight.specification.terms import (
    DEFAULT_SEVERITY,
    DefectType,
    Model,
    Name,
    Part,
    Positive,
    SeverityLevel,
)
from specsight.specification.vocabulary import Vocabulary


class Specification(Model):
    """A product in words. Everything but `product` may be left out.

    Raises ValueError where a part or defect is defined twice, and where a tolerance or requirement names a part or
    defect that is not defined although others are.
    """

    product: Name
    """Its noun, such as "metal nut": prompts are made of it."""
    appearance: str = ""
    """How a good part looks, in words."""
    mm_per_px: Positive | None = None
    """Scale of the pictures at their own resolution; None: unknown."""
    parts: tuple[Part, ...] = ()
    defects: tuple[DefectType, ...] = ()
    tolerances: tuple[Tolerance, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    severity: tuple[SeverityLevel, ...] = DEFAULT_SEVERITY
    """The rule for findings of unknown type and for types without a rule of their own."""

    @model_validator(mode="after")
    def _names_fit(self) -> Specification:
        for what, names in (
            ("part", [p.name for p in self.parts]),
            ("defect", [d.name for d in self.defects]),
        ):
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise ValueError(f"{what} '{twice[0]}' is defined twice")
        parts, defects = Vocabulary.of(self.parts), Vocabulary.of(self.defects)
        for part in [*(t.part for t in self.tolerances), *(r.part for r in self.requirements)]:
            _check("part", part, parts)
        for tolerance in self.tolerances:
            _check("defect", tolerance.defect, defects)
        return self

    def defect(self, name: str) -> DefectType | None:
        """The defect type that `name` means, by its name or one of its phrases (see `vocabulary`), or None."""
        found = Vocabulary.of(self.defects).find(name)
        return next((defect for defect in self.defects if defect.name == found), None)

    def part(self, name: str) -> Part | None:
        """The part that `name` means, by its name or one of its phrases (see `vocabulary`), or None."""
        found = Vocabulary.of(self.parts).find(name)
        return next((part for part in self.parts if part.name == found), None)

    def severity_of(
        self, type: str | None, length_mm: float | None, area_percent: float, part: str | None = None
    ) -> str:
        """The severity level of a finding, by the rule of its type, else by the product's.

        Parameters: `type` and `part` are names or None; `length_mm` is the longest extent, None where the scale is
        unknown: levels in millimetres are then passed over for graver ones; `area_percent` is the finding's share of
        the picture, [0, 100]. On a critical part the level is one graver.
        """
        defect = self.defect(type) if type else None
        rule = defect.severity if defect and defect.severity else self.severity
        index = next(
            (i for i, step in enumerate(rule) if _within(step, length_mm, area_percent)), len(rule) - 1
        )
        found = self.part(part) if part else None
        if found and found.critical:
            index = min(index + 1, len(rule) - 1)
        return rule[index].level


def _within(step: SeverityLevel, length_mm: float | None, area_percent: float) -> bool:
    if step.up_to_mm is not None:
        return length_mm is not None and length_mm <= step.up_to_mm
    return step.up_to_percent is None or area_percent <= step.up_to_percent


def _check(what: str, name: str | None, names: Vocabulary) -> None:
    """Raise ValueError for a name that the specification, which defines some, does not define."""
    if name is not None and len(names) and name not in names:
        raise ValueError(f"unknown {what} '{name}': {names.hint(name)}")

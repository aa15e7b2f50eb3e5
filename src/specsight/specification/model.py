"""A product in words (`Specification`): its parts, defect types, tolerances, requirements and severity rule.

In: the fields of a YAML mapping. Out: a frozen, validated model whose names fit together.
Knows no detector: it says what words mean for sizes, parts and types; pixels are other rooms' business.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, Strict, field_validator, model_validator

from specsight.specification.clauses import Requirement, Tolerance
from specsight.specification.fields import Model, Name, Scale
from specsight.specification.outlines import FurtherReference, Reference
from specsight.specification.terms import DEFAULT_SEVERITY, DefectType, Part, SeverityLevel, is_within, rising
from specsight.specification.vocabulary import Vocabulary, normal_form


class Specification(Model):
    """A product in words. Everything but `product` may be left out.

    Raises ValueError where a name or phrase means two parts or two defects, where a severity level cannot be
    reached, where a tolerance or requirement names a part or defect that is not defined although others are, and where
    parts have an outline and there is no reference, or the other way round.
    """

    product: Name
    """Its noun, such as "metal nut": prompts are made of it."""
    appearance: str = ""
    """How a good part looks, in words."""
    mm_per_px: Annotated[Scale, Strict()] | None = None
    """Scale of the pictures at their own resolution; None: unknown."""
    mm_per_px_at_width: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    """Width in pixels of the pictures that `mm_per_px` was measured on: in pictures of another width, which show the
    same field of view at another resolution, a pixel is as many millimetres as that makes it. None: of any width."""
    parts: Annotated[tuple[Part, ...], Field(max_length=255)] = ()
    """At most as many as a part map of 8 bits can tell apart; where outlines overlap, later parts lie on top."""
    reference: Reference | None = None
    """The picture that the outlines of parts were drawn on."""
    further_references: Annotated[tuple[FurtherReference, ...], Field(max_length=50)] = ()
    """Other pictures with outlines of their own, for a product that one picture does not show whole."""
    defects: Annotated[tuple[DefectType, ...], Field(max_length=255)] = ()
    tolerances: Annotated[tuple[Tolerance, ...], Field(max_length=1000)] = ()
    requirements: Annotated[tuple[Requirement, ...], Field(max_length=1000)] = ()
    severity: Annotated[tuple[SeverityLevel, ...], Field(min_length=1, max_length=100)] = DEFAULT_SEVERITY
    """The rule for findings of unknown type and for types without a rule of their own."""

    @field_validator("severity")
    @classmethod
    def _levels_rise(cls, severity: tuple[SeverityLevel, ...]) -> tuple[SeverityLevel, ...]:
        return rising(severity)

    @model_validator(mode="after")
    def _names_fit(self) -> Specification:
        _distinct("part", self.parts)
        _distinct("defect", self.defects)
        parts, defects = Vocabulary.of(self.parts), Vocabulary.of(self.defects)
        for part in [*(t.part for t in self.tolerances), *(r.part for r in self.requirements)]:
            _check("part", part, parts)
        for tolerance in self.tolerances:
            _check("defect", tolerance.defect, defects)
        return self

    @model_validator(mode="after")
    def _outlines_have_a_picture(self) -> Specification:
        outlined = [part.name for part in self.parts if part.outline]
        if outlined and self.reference is None:
            raise ValueError(
                f"part '{outlined[0]}' has an outline, and nothing says on which picture: add "
                "reference: {picture: good.png, size: [width, height]}"
            )
        if self.reference is not None and not outlined:
            raise ValueError(
                f"reference '{self.reference.picture}' is named, and no part has an outline: draw them with "
                "'specsight parts', or leave it out"
            )
        known = Vocabulary.of(self.parts)
        for further in self.further_references:
            if self.reference is None:
                raise ValueError(
                    f"'{further.picture}' is a further reference, and there is no first: name it 'reference'"
                )
            for name in further.outlines:
                if not any(part.name == name for part in self.parts):
                    raise ValueError(f"unknown part '{name}': {known.hint(name)}")
        return self

    def defect(self, name: str) -> DefectType | None:
        """The defect type that `name` means, by its name or one of its phrases (see `vocabulary`), or None."""
        found = Vocabulary.of(self.defects).find(name)
        return next((defect for defect in self.defects if defect.name == found), None)

    def part(self, name: str) -> Part | None:
        """The part that `name` means, by its name or one of its phrases (see `vocabulary`), or None."""
        found = Vocabulary.of(self.parts).find(name)
        return next((part for part in self.parts if part.name == found), None)

    def scale(self, width: int) -> float | None:
        """Millimetres per pixel of a picture that is `width` pixels wide; None: unknown."""
        if self.mm_per_px is None or self.mm_per_px_at_width is None:
            return self.mm_per_px
        return self.mm_per_px * self.mm_per_px_at_width / width

    def severity_of(
        self, type: str | None, length_mm: float | None, area_percent: float, part: str | None = None
    ) -> str | None:
        """The severity level of a finding, by the rule of its type, else by the product's.

        Parameters: `type` and `part` are names or None; `length_mm` is the longest extent, None where the scale is
        unknown; `area_percent` is the finding's share of the picture, [0, 100]. On a critical part the level is one
        graver. Returns None where the rule has a limit in millimetres and the scale is unknown.
        """
        defect = self.defect(type) if type else None
        rule = defect.severity if defect and defect.severity else self.severity
        if length_mm is None and any(step.up_to_mm is not None for step in rule):
            return None
        index = next(
            (i for i, step in enumerate(rule) if _within(step, length_mm, area_percent)), len(rule) - 1
        )
        found = self.part(part) if part else None
        if found and found.critical:
            index = min(index + 1, len(rule) - 1)
        return rule[index].level


def _within(step: SeverityLevel, length_mm: float | None, area_percent: float) -> bool:
    if step.up_to_mm is not None:
        return length_mm is not None and is_within(length_mm, step.up_to_mm)
    return step.up_to_percent is None or is_within(area_percent, step.up_to_percent)


def _distinct(what: str, items: Sequence[Part | DefectType]) -> None:
    """Raise ValueError where a name or phrase means two of the items (see `vocabulary`)."""
    named: dict[str, tuple[str, str]] = {}
    for item in items:
        form = normal_form(item.name)
        if form in named:
            other = named[form][1]
            spelling = "" if other == item.name else f" (as '{other}': the two mean the same)"
            raise ValueError(f"{what} '{item.name}' is defined twice{spelling}")
        named[form] = item.name, item.name
    for item in items:
        for phrase in item.phrases:
            owner, other = named.setdefault(normal_form(phrase), (item.name, phrase))
            if owner != item.name:
                spelling = f"'{other}' of '{owner}'" if other != owner else f"{what} '{owner}'"
                raise ValueError(
                    f"'{phrase}', a phrase of '{item.name}', means {spelling} already: leave one out"
                )


def _check(what: str, name: str | None, names: Vocabulary) -> None:
    """Raise ValueError for a name that the specification, which defines some, does not define."""
    if name is not None and len(names) and name not in names:
        raise ValueError(f"unknown {what} '{name}': {names.hint(name)}")

"""What a data set and measurements tell of a product → a first specification, and what a person must complete.

In: samples, descriptions, an ontology. Out: a `Specification` that loads as it is, and YAML text in which every
measured sentence stands with where it comes from, and every gap as a line that begins with "TO DO".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from pydantic import ValidationError

from specsight.benchmark.describing.rules import MOST_COLOURS, listed
from specsight.benchmark.records import Description
from specsight.errors import SpecsightError
from specsight.records import Sample
from specsight.specification import Specification
from specsight.specification.terms import SeverityLevel
from specsight.specification.vocabulary import as_words, normal_form
from specsight.specification.yaml import dump_yaml


class NamedType(Protocol):
    """A type as an ontology knows it."""

    @property
    def name(self) -> str:
        """Canonical name."""

    @property
    def superclass(self) -> str | None:
        """The wider kind."""

    @property
    def phrases(self) -> Iterable[str]:
        """Other words for it."""

    @property
    def severity(self) -> tuple[SeverityLevel, ...]:
        """Its own rule; empty: the product's."""


class NamedTypes(Protocol):
    """What knows types."""

    def find(self, raw: str, product: str) -> NamedType | None:
        """The type that a set calls `raw` on `product`."""


def first_specification(
    samples: Sequence[Sample],
    descriptions: Sequence[Description],
    ontology: NamedTypes | None = None,
    name: str | None = None,
) -> Specification:
    """The specification that a set tells by itself: types with their words, parts, scale, and how good parts look.

    `name`: what the product is called; None: by its only product. Of a set with several products the appearance stays
    empty, for it is said product by product (`descriptions`). Nothing is made up: no tolerance, no requirement, no
    critical part. Raises ValueError where there are several products and no name, SpecsightError for names that no
    specification takes.
    """
    products = sorted({sample.product for sample in samples})
    if name is None and len(products) != 1:
        raise ValueError(f"{len(products)} products need a name in common")
    fields: dict[str, Any] = {"product": as_words(name or products[0])}
    if len(descriptions) == 1:
        fields["appearance"] = "; ".join(_appearance(descriptions[0]))
    scales = {sample.mm_per_px for sample in samples}
    if len(scales) == 1 and (scale := scales.pop()) is not None:
        fields["mm_per_px"] = scale
    parts = dict.fromkeys(name for sample in samples for _, name in sorted(sample.part_names.items()))
    fields["parts"] = [{"name": name} for name in _distinct(parts)]
    fields["defects"] = list(_defects(samples, ontology))
    try:
        return Specification.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise SpecsightError(
            f"no specification can be made of the names in the data ({'.'.join(map(str, first['loc']))}: "
            f"{first['msg']}): write one and give it with --spec"
        ) from error


def specification_text(specification: Specification, descriptions: Iterable[Description]) -> str:
    """YAML of a first specification, headed by what was measured and what a person must complete, as comments."""
    lines = ["# A first specification, made of the data set alone."]
    missing: dict[str, None] = {}
    for description in descriptions:
        lines.append(f"# {_comment(description.product)}:")
        for sentence in description.sentences:
            by = f", {sentence.provenance.by}" if sentence.provenance.by else ""
            lines.append(f"#   {_comment(sentence.text)} [{sentence.provenance.source}{_comment(by)}]")
        missing |= dict.fromkeys(description.missing)
    lines += [f"# TO DO: {_comment(one)}" for one in missing]
    return "\n".join(lines) + "\n" + dump_yaml(specification)


def _appearance(description: Description) -> Iterator[str]:
    """How a good part looks, in words without numbers: prompts are made of them."""
    values = {one.aspect: one.values for one in description.sentences if one.provenance.source == "measured"}
    colours = list(values.get("colour", {}).get("colours", {}))[:MOST_COLOURS]
    if colours:
        yield f"mainly {colours[0]}" + (f", with {listed(colours[1:])}" if colours[1:] else "")
    if surface := values.get("texture", {}).get("surface"):
        yield str(surface)
    outlines = (one.values["outline"] for one in description.sentences if one.values.get("outline"))
    if outline := next(outlines, None):
        yield f"{outline} outline"


def _comment(text: str) -> str:
    """Text that cannot leave its line: what is shown in a comment may come from a file's name or a model."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _distinct(names: Iterable[str]) -> Iterator[str]:
    """Names without those that mean the same as one before."""
    forms: set[str] = set()
    for name in names:
        if normal_form(name) not in forms:
            forms.add(normal_form(name))
            yield name


def _defects(samples: Sequence[Sample], ontology: NamedTypes | None) -> Iterator[Mapping[str, Any]]:
    """The types that occur, by name; a phrase that means two of them belongs to none."""
    found: dict[str, dict[str, Any]] = {}
    for product, raw in sorted({(s.product, d.type) for s in samples for d in s.defects}):
        entry = ontology.find(raw, product) if ontology else None
        name = entry.name if entry else as_words(raw)
        known = found.setdefault(normal_form(name), {"name": name, "phrases": {}})
        known["phrases"].update(dict.fromkeys((as_words(raw), *(entry.phrases if entry else ()))))
        if entry and entry.superclass:
            known["superclass"] = entry.superclass
        if entry and entry.severity:
            known["severity"] = [step.model_dump(exclude_none=True) for step in entry.severity]
    owners: dict[str, set[str]] = {form: {form} for form in found}
    for form, known in found.items():
        for phrase in known["phrases"]:
            owners.setdefault(normal_form(phrase), set()).add(form)
    for form, known in found.items():
        phrases = [p for p in _distinct(known["phrases"]) if owners[normal_form(p)] == {form}]
        known["phrases"] = [phrase for phrase in phrases if normal_form(phrase) != form]
        yield known

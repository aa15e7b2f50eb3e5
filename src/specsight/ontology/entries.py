"""What is known of a type of defect, and what a file of such knowledge holds, as validated models.

In: the fields of a YAML mapping. Out: frozen models; `loading` reads them from files, `ontology` puts them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator
from typing_extensions import Self

from specsight.errors import did_you_mean
from specsight.specification.fields import Model, Name, Phrases
from specsight.specification.terms import SeverityLevel, rising

Text = Annotated[str, Field(max_length=500)]
Causes = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=300)], ...], Field(max_length=50)]


class Attributes(Model):
    """How a defect of a type looks, in terms that can be compared."""

    shape: Literal["line", "spot", "area", "edge", "piece", "whole"] = "area"
    """Long and thin; small and round; a patch; along an edge; a part of the body; the body as a whole."""
    size: Literal["small", "medium", "large", "any"] = "any"
    relief: Literal["raised", "recessed", "through", "flat", "any"] = "any"
    """Against the surface around it; through: it goes through the material."""


class Knowledge(Model):
    """What is known of a type of defect, on any product or on one."""

    looks: Text = ""
    """One sentence: what a person sees."""
    causes: Causes = ()
    """Typical causes, most frequent first, as phrases that complete "It is caused by"."""
    consequence: Text = ""
    """One sentence: what follows if the part is used."""
    action: Text = ""
    """One sentence: what is to be done with the part and in the process."""
    severity: Annotated[tuple[SeverityLevel, ...], Field(max_length=100)] = ()
    """Its own rule, mildest level first; empty: the product's (`Specification.severity_of`)."""

    @field_validator("severity")
    @classmethod
    def _levels_rise(cls, severity: tuple[SeverityLevel, ...]) -> tuple[SeverityLevel, ...]:
        return rising(severity)


class TypeEntry(Knowledge):
    """A canonical type of defect. What it leaves out is that of the type that it is `like`."""

    name: Name
    superclass: Name | None = None
    """The wider kind; known for every entry that an `Ontology` gives."""
    like: Name | None = None
    """A type that this one is a case of: the two are never offered as different answers unless one product has both."""
    synonyms: Phrases = ()
    attributes: Attributes = Attributes()
    generic: bool = False
    """It says no more than that something is wrong ("defective", "combined"); it is never an option."""

    @property
    def phrases(self) -> tuple[str, ...]:
        """Other words for it (`specification.vocabulary.Named`)."""
        return self.synonyms


class RawType(Knowledge):
    """What a set calls a type on some products, and what is known of it there besides."""

    raw: Annotated[Phrases, Field(min_length=1)]
    """Names of the set: of folders, mask values or labels."""
    type: Name
    """Canonical name."""


class ProductTypes(Model):
    """The types that occur on some products of a set."""

    names: Annotated[Phrases, Field(min_length=1)]
    """Names of the products; `*` and `?` stand for any letters and any one letter."""
    types: Annotated[tuple[RawType, ...], Field(max_length=10_000)]


class OntologyFile(Model):
    """One file: general types, types of the products of a set, or both.

    Raises ValueError where a type, a superclass or `like` is named that neither this file nor those before it define
    (`info.context`: "types", "superclasses").
    """

    set: Name | None = None
    title: Text = ""
    layout: Name | None = None
    """Where data are read in the layout of another set, products of this file are not meant even if names are equal."""
    general: tuple[Name, ...] | None = None
    """Its types that may occur on any product; None: all of them where the file is of no set, else none."""
    superclasses: Mapping[Name, Text] = Field(default_factory=dict)
    """Name → what it means."""
    types: Annotated[tuple[TypeEntry, ...], Field(max_length=10_000)] = ()
    products: Annotated[tuple[ProductTypes, ...], Field(max_length=10_000)] = ()

    @field_validator("types")
    @classmethod
    def _types_have_a_superclass(
        cls, types: tuple[TypeEntry, ...], info: ValidationInfo
    ) -> tuple[TypeEntry, ...]:
        context = info.context or {}
        known: set[str] = set(context.get("types", ()))
        superclasses = {*context.get("superclasses", ()), *info.data.get("superclasses", ())}
        own: set[str] = set()
        for entry in types:
            if entry.name in own:
                raise ValueError(f"'{entry.name}' is defined twice: keep one")
            own.add(entry.name)
            if entry.like is not None:
                _check("type", entry.like, (known | own) - {entry.name})
            elif entry.superclass is None and entry.name not in known:
                raise ValueError(
                    f"'{entry.name}' has no superclass: name one, or a type before it that it is like"
                )
            if entry.superclass is not None:
                _check("superclass", entry.superclass, superclasses)
        return types

    @model_validator(mode="after")
    def _general_types_are_its_own(self) -> Self:
        for name in self.general or ():
            _check("type", name, {entry.name for entry in self.types})
        return self

    @property
    def anywhere(self) -> frozenset[str]:
        """Names of the types that may occur on any product."""
        if self.general is not None:
            return frozenset(self.general)
        return frozenset(entry.name for entry in self.types if self.set is None)

    @field_validator("products")
    @classmethod
    def _types_are_known(
        cls, products: tuple[ProductTypes, ...], info: ValidationInfo
    ) -> tuple[ProductTypes, ...]:
        if "types" in info.data:  # else these have a mistake, which is said first
            context = info.context or {}
            known = {*context.get("types", ()), *(entry.name for entry in info.data["types"])}
            for raw in (raw for product in products for raw in product.types):
                _check("type", raw.type, known)
        return products


def _check(what: str, name: str, known: set[str]) -> None:
    if name not in known:
        raise ValueError(f"unknown {what} '{name}': {did_you_mean(name, sorted(known))}")

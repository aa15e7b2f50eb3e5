"""Types of defect as a graph: a set's own name → canonical type → superclass, with what is known of each.

In: the files that `loading` reads. Out: look-ups by a set's own names, and the types that can occur on a product.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from specsight.ontology.entries import Knowledge, ProductTypes, RawType, TypeEntry
from specsight.specification import Specification
from specsight.specification.vocabulary import Vocabulary, normal_form, normal_forms, product_form, same_name

UNSPECIFIED = "unspecified"


@dataclass(frozen=True)
class Ontology:
    """Everything that is known of types.

    Parameters: `superclasses` maps names to meanings; `types` maps canonical names to complete entries; `products` says
    what types sets have, later ones before earlier ones; `general` are the types that may occur on any product.
    """

    superclasses: Mapping[str, str]
    types: Mapping[str, TypeEntry]
    products: tuple[ProductTypes, ...] = ()
    general: frozenset[str] = frozenset()
    _valid: dict[str, tuple[tuple[TypeEntry, tuple[str, ...]], ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _found: dict[tuple[str, str], TypeEntry | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def digest(self) -> str:
        """Hex digest of all that is known: equal ontologies have equal ones."""
        content = {
            "superclasses": dict(self.superclasses),
            "types": {name: entry.model_dump(mode="json") for name, entry in self.types.items()},
            "products": [block.model_dump(mode="json") for block in self.products],
            "general": sorted(self.general),
        }
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def find(self, raw: str, product: str) -> TypeEntry | None:
        """The type that a set's name, a canonical name or a synonym means on a product, or None.

        Names of the product's own types come first, then their synonyms, then the types that any product may have.
        What is known of the type on this product is in the entry. Spelling as in `specification.vocabulary`.
        """
        key = (raw, product)
        if key not in self._found:
            self._found[key] = self._find(raw, product)
        return self._found[key]

    def valid(self, product: str) -> tuple[TypeEntry, ...]:
        """The types that are known to occur on a product, in the order of the files; without generic ones."""
        return tuple(entry for entry, _ in self._of_product(product) if not entry.generic)

    def same(self, first: str, second: str, product: str) -> bool:
        """Whether two names mean one type on a product."""
        one, other = self.find(first, product), self.find(second, product)
        if one is None or other is None:
            return same_name(first, second)
        return one.name == other.name

    def same_superclass(self, first: str, second: str, product: str) -> bool:
        """Whether two names mean types of one superclass."""
        one, other = self.find(first, product), self.find(second, product)
        return one is not None and other is not None and one.superclass == other.superclass != UNSPECIFIED

    def with_specification(self, specification: Specification, product: str) -> Ontology:
        """This ontology, knowing the defects that a product's specification names: canonical there under its names.

        What is known of the type that a defect's name or one of its phrases means stays known; its own superclass, if
        it names one, counts where nothing is known.
        """
        superclasses, types = dict(self.superclasses), dict(self.types)
        raws: list[RawType] = []
        for defect in specification.defects:
            names = (defect.name, *defect.phrases)
            found = next((entry for name in names if (entry := self.find(name, product))), None)
            if found is None or not same_name(found.name, defect.name):
                superclass = found.superclass if found else defect.superclass or UNSPECIFIED
                new: dict[str, object] = {"name": defect.name, "superclass": superclass}
                if found:
                    new |= {**_knowledge(found), "like": found.name, "attributes": found.attributes}
                found = TypeEntry.model_validate(new)
                superclasses.setdefault(str(superclass), "")
                types[found.name] = found
            raws.append(RawType(raw=names, type=found.name))
        if not raws:
            return self
        block = ProductTypes(names=(product,), types=tuple(raws))
        return replace(self, superclasses=superclasses, types=types, products=(*self.products, block))

    def subset(self, products: Collection[str], types: Collection[str]) -> Ontology:
        """What is known of some products' types, of some types besides, and of what these are like."""
        blocks = {
            name: ProductTypes(
                names=(name,),
                types=tuple(
                    RawType.model_validate(
                        {**_knowledge(entry), "raw": raw or (entry.name,), "type": entry.name}
                    )
                    for entry, raw in self._of_product(name)
                ),
            )
            for name in sorted(set(products))
        }
        wanted = {*types, *(raw.type for block in blocks.values() for raw in block.types)}
        wanted &= set(self.types)
        wanted |= {like for name in wanted if (like := self.types[name].like) is not None}
        kept = {name: entry for name, entry in self.types.items() if name in wanted}
        kept = {
            name: entry if entry.like in kept else entry.model_copy(update={"like": None})
            for name, entry in kept.items()
        }
        used = {entry.superclass for entry in kept.values()}
        return Ontology(
            {name: text for name, text in self.superclasses.items() if name in used},
            kept,
            tuple(block for block in blocks.values() if block.types),
            self.general & set(kept),
        )

    def _find(self, raw: str, product: str) -> TypeEntry | None:
        own = self._of_product(product)
        form = normal_form(raw)
        for entry, names in own:
            if form in normal_forms((*names, entry.name)):
                return entry
        among = Vocabulary.of(entry for entry, _ in own).find(raw)
        if among is not None:
            return next(entry for entry, _ in own if entry.name == among)
        general = Vocabulary.of(entry for name, entry in self.types.items() if name in self.general).find(raw)
        return None if general is None else self.types[general]

    def _of_product(self, product: str) -> tuple[tuple[TypeEntry, tuple[str, ...]], ...]:
        """(type, the set's names for it) on a product. Of two blocks that have a name, the later one counts; what both
        know of a type adds up."""
        name = product_form(product)
        if name not in self._valid:
            owners: dict[str, tuple[str, str]] = {}
            found: dict[str, TypeEntry] = {}
            for block in self.products:
                if any(_means(pattern, name) for pattern in block.names):
                    for raw in block.types:
                        found[raw.type] = _with(found.get(raw.type, self.types[raw.type]), raw)
                        owners.update({normal_form(one): (raw.type, one) for one in raw.raw})
            names: dict[str, list[str]] = {}
            for type_, one in owners.values():
                names.setdefault(type_, []).append(one)
            self._valid[name] = tuple(
                (entry, tuple(names[type_])) for type_, entry in found.items() if type_ in names
            )
        return self._valid[name]


def _knowledge(entry: TypeEntry) -> dict[str, object]:
    """What is known of it, without its names and its place in the graph."""
    return entry.model_dump(include=entry.model_fields_set & set(Knowledge.model_fields))


def _with(entry: TypeEntry, raw: RawType) -> TypeEntry:
    """A type with what is known of it on one product."""
    known = {name: getattr(raw, name) for name in Knowledge.model_fields if name in raw.model_fields_set}
    return entry.model_copy(update=known) if known else entry


def _means(pattern: str, product: str) -> bool:
    """Whether a name of a product, in which `*` and `?` may stand for other letters, is that of one in normal form."""
    return fnmatchcase(product, product_form(pattern).replace("[", "[[]"))


def completed(entries: Iterable[TypeEntry]) -> dict[str, TypeEntry]:
    """Entries by name, each with what it leaves out from the type that it is like, which stands before it.

    Of two entries of one name the later one adds to the earlier one.
    """
    types: dict[str, TypeEntry] = {}
    for entry in entries:
        given = {name: getattr(entry, name) for name in entry.model_fields_set}
        before = types.get(entry.name)
        if before is not None:
            types[entry.name] = before.model_copy(update=given)
            continue
        base = types[entry.like] if entry.like is not None else None
        inherited = {
            name: getattr(base, name)
            for name in (*Knowledge.model_fields, "attributes", "superclass")
            if base is not None and name not in given
        }
        types[entry.name] = entry.model_copy(update=inherited)
    return types

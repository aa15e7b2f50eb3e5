"""Whether a specification that was given is that of the data. In: both. Out: notes for the person who gave it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specsight.ontology import Ontology
from specsight.records import Sample
from specsight.specification import Specification

MOST_NAMED = 5
"""Types and products that a note names."""


def doubts(samples: Sequence[Sample], ontology: Ontology, given: Specification | None) -> Iterator[str]:
    """Notes on types of the data that a specification does not name, and whether it is that of another product.

    `ontology` knows the specification's names; types that say no more than that something is wrong need none.
    """
    if given is None:
        return
    named = {defect.name for defect in given.defects}
    occurring = {(s.product, defect.type) for s in samples for defect in s.defects if defect.type}
    found = {raw: ontology.find(raw, product) for product, raw in sorted(occurring)}
    types = {entry.name if entry else raw for raw, entry in found.items() if not (entry and entry.generic)}
    unnamed = sorted(types - named)
    if not unnamed:
        return
    some = ", ".join(unnamed[:MOST_NAMED]) + (", …" if len(unnamed) > MOST_NAMED else "")
    if len(unnamed) < len(types):
        yield f"the specification names {len(types) - len(unnamed)} of the {len(types)} types of the data, not: {some}"
        return
    products = ", ".join(sorted({s.product for s in samples})[:MOST_NAMED])
    yield (
        f"the specification (product: {given.product}) names no type of the data ({some}): is it that of {products}?"
    )

"""Specifications in the words of a labelled set: one that is given in the labels' spelling, or one made of the labels.

In: samples with labelled defects. Out: a `Specification` whose defects are named as the labels name them.
"""

from __future__ import annotations

from collections.abc import Sequence

from specsight.records import Sample
from specsight.specification import Specification
from specsight.specification.vocabulary import Vocabulary, normal_form


def spelt_as_labelled(specification: Specification, samples: Sequence[Sample]) -> Specification:
    """Rename a specification's defects to the spelling of the samples' labels.

    "Break" and "broken large" become "break" and "broken_large" where the labels say so: an answer is not wrong for its
    spelling. Defects are compared with labels by name alone (see `specification.vocabulary`), not by phrase. Tolerances
    follow their defects. Returns the specification itself where nothing changes.
    """
    names = Vocabulary([d.name for d in specification.defects])
    renamed: dict[str, str] = {}
    for label in sorted({t for s in samples if s.label == "defective" for t in s.types}):
        name = names.find(label)
        if name is not None and renamed.get(name) != name:
            renamed[name] = label
    if all(name == label for name, label in renamed.items()):
        return specification
    defects = Vocabulary.of(specification.defects)
    content = specification.model_dump()
    for defect in content["defects"]:
        defect["name"] = renamed.get(defect["name"], defect["name"])
    for tolerance in content.get("tolerances", ()):
        name = defects.spelling(tolerance["defect"])
        tolerance["defect"] = renamed.get(name, name)
    return Specification.model_validate(content)


def specification_from_labels(product: str, samples: Sequence[Sample]) -> Specification:
    """Make a specification of a product's name and the names of the defects it is labelled with.

    Of labels that mean the same ("scratch", "scratches") the first in the alphabet is the name.
    """
    types = sorted({t for s in samples if s.product == product and s.label == "defective" for t in s.types})
    distinct = {normal_form(type_): type_ for type_ in reversed(types)}
    return Specification.model_validate(
        {"product": product, "defects": [{"name": type_} for type_ in sorted(distinct.values())]}
    )

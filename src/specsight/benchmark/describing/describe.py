"""Good training pictures of a product → its normal description, sentence by sentence, and what a person must add.

In: samples of the train split, the specification. Out: a `Description`. Sentences come from captioners
(`contract.captioners`): "rules" always, others by name; each keeps where it comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from specsight import images
from specsight.benchmark.describing.contract import Captioner, Example, Good, load_captioner
from specsight.benchmark.describing.looks import looks_of
from specsight.benchmark.describing.rules import STEADY, RuleCaptioner, product_sentence
from specsight.benchmark.ingest import Membership
from specsight.benchmark.records import Description, Sentence
from specsight.datasets.parallel import map_in_threads
from specsight.errors import SpecsightError, UnreadableFile
from specsight.records import Sample
from specsight.specification import Specification
from specsight.specification.terms import DEFAULT_SEVERITY

MOST_PICTURES = 24
"""Good pictures that a description is made of."""
ASPECTS = ("object", "colour", "texture", "geometry", "material", "parts", "count", "variation", "critical")


def descriptions(
    samples: Sequence[Sample],
    members: Mapping[str, Membership],
    specification: Specification | None = None,
    captioners: Sequence[str] = (),
    *,
    device: str = "auto",
) -> Iterator[Description]:
    """The description of every product in `samples`, in the order of names.

    `members` says which are training pictures (`splits.make_splits`); `captioners` name what speaks beside the rules.
    Raises SpecsightError for an unknown captioner.
    """
    loaded = [load_captioner(name, device) for name in captioners]
    of_product: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda s: s.id):
        of_product.setdefault(sample.product, [])
        if sample.label == "good" and members[sample.id].split == "train":
            of_product[sample.product].append(sample)
    for product in sorted(of_product):
        good = spread(of_product[product], {s.id: members[s.id].group for s in of_product[product]})
        yield describe(product, good, specification, loaded)


def describe(
    product: str,
    good: Sequence[Sample],
    specification: Specification | None = None,
    captioners: Iterable[Captioner] = (),
) -> Description:
    """The description of one product from good pictures of it, which are read here; those that cannot be are left out.

    Without a readable picture nothing is measured, and the description says so among what is missing.
    """
    examples = [one for one in map_in_threads(_example, good, "Describing") if one is not None]
    if not examples:
        lacks = [
            "how a good part looks: there is no good training picture",
            *missing(specification, good, []),
        ]
        return Description(product=product, sentences=(product_sentence(product),), missing=tuple(lacks))
    if sum(one.looks.things > 0 for one in examples) < STEADY * len(examples):
        # What seems to be background in some pictures is none: all are measured alike.
        examples = [replace(one, looks=looks_of(one.rgb, before_background=False)) for one in examples]
    seen = Good(product, examples, specification)
    sentences = [s for captioner in (RuleCaptioner(), *captioners) for s in captioner.sentences(seen)]
    sentences.sort(key=lambda one: ASPECTS.index(one.aspect))
    return Description(
        product=product, sentences=tuple(sentences), missing=tuple(missing(specification, good, sentences))
    )


def missing(
    specification: Specification | None, good: Iterable[Sample], sentences: Iterable[Sentence]
) -> list[str]:
    """What no measurement can say and nobody has said, in words."""
    scaled = any(one.mm_per_px for one in good)
    found = []
    stated = {one.aspect for one in sentences if one.provenance.source in ("specification", "expert")}
    if "material" not in stated and not (specification and specification.appearance):
        found.append("appearance: what a good part looks like and is made of, in a sentence")
    if not scaled and (specification is None or specification.mm_per_px is None):
        found.append("mm_per_px: how many millimetres a pixel is; nothing is asked in millimetres without it")
    if specification is None or not specification.parts:
        found.append("parts: their names, and outlines on one reference picture (specsight parts)")
    elif not any(part.critical for part in specification.parts):
        found.append("parts: which of them are critical")
    if specification is None or not specification.tolerances:
        found.append("tolerances: which defects are acceptable up to which size, and on which part")
    if specification is None or not specification.requirements:
        found.append("requirements: what every good part must have, and how often")
    if specification is None or not (
        specification.severity != DEFAULT_SEVERITY or any(one.severity for one in specification.defects)
    ):
        found.append(
            "severity: from which size a defect is minor, major or critical (now by its share of the picture)"
        )
    return found


def spread(samples: Sequence[Sample], groups: Mapping[str, str], most: int = MOST_PICTURES) -> list[Sample]:
    """At most `most` of the samples, evenly spread over them, of distinct objects as far as there are so many."""
    firsts = list({groups[s.id]: s for s in reversed(samples)}.values())[::-1]
    chosen = firsts if len(firsts) >= most else [*firsts, *(s for s in samples if s not in firsts)]
    if len(firsts) < most:
        return chosen[:most]
    places = np.linspace(0, len(chosen) - 1, most).round().astype(int)
    return [chosen[k] for k in places]


def _example(sample: Sample) -> Example | None:
    try:
        picture = images.load_picture(sample)
    except (UnreadableFile, SpecsightError, OSError):
        return None
    return Example(sample, picture.rgb, looks_of(picture.rgb), picture.parts)

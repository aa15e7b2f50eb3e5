"""Matched pairs of instructions for photographs: made of defect masks, part maps and a specification.

In: samples with masks, and where the parts lie. Out: the same samples with `InstructedVerdict`s: two sentences about
one picture, of which one calls for accepting it and the other for rejecting it. Nothing is asked whose answer the data
do not hold: no requirement (no mask says what is missing), and no limit closer to a defect's length than a quarter.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.evaluation.instructions.phrasing import limit_sentence, only_sentence, scope_sentence
from specsight.evaluation.instructions.regions import Region, regions_of
from specsight.records import InstructedVerdict, Sample, Verdict
from specsight.specification import Specification
from specsight.specification.vocabulary import normal_form, normal_forms

HOME = 0.6
"""Share of a defect that must lie on a part for the defect to be there."""
LEAST_PART = 0.03
"""Share of the picture that a part must cover to be the only one to inspect."""
MARGIN = 0.015
"""Share of the picture's shorter side that must lie between any defect and a part which is called clean: no outline is
more exact."""
BELOW, ABOVE = 0.75, 1.25
"""Limits of tolerances as shares of the length of the defect."""


@dataclass(frozen=True)
class _Seen:
    """What is known of one picture."""

    labels: frozenset[str]
    """Normal forms of the types that it is labelled with."""
    regions: Sequence[Region]
    parts: NDArray[np.uint8] | None
    part_names: Mapping[int, str]
    specification: Specification
    scale: float | None

    @property
    def defects(self) -> list[Region]:
        return [region for region in self.regions if not region.speck]


Wording = tuple[str, dict[str, Any]]
"""A sentence, and the fields of `Instruction` that it stands for."""
Couple = tuple[str, Wording, Wording]
"""The kind of words; what calls for rejecting the picture, and what calls for accepting it."""


def with_pairs(
    samples: Sequence[Sample],
    specification: Specification,
    part_maps: Mapping[str, NDArray[np.uint8]],
    seed: int = 0,
) -> list[Sample]:
    """The samples with matched pairs, as many as can be made of each; those that bring instructions stay as they are.

    Parameters: `part_maps`: id of a sample → (H, W) map with the place of each part in `specification.parts`, counted
    from 1; what lies on no part is 0. Samples without one are asked nothing about parts. `seed` and a sample's id
    decide on sentences, parts and types.
    """
    return [
        sample
        if sample.instructions
        else replace(
            sample, instructions=pairs_of(sample, specification, part_maps.get(sample.id), seed=seed)
        )
        for sample in samples
    ]


def pairs_of(
    sample: Sample,
    specification: Specification,
    parts: NDArray[np.uint8] | None,
    part_names: Mapping[int, str] | None = None,
    seed: int = 0,
) -> tuple[InstructedVerdict, ...]:
    """The matched pairs of one defective sample, in random order: at most one of each kind.

    `part_names`: value in `parts` → name; None: the place in `specification.parts`, counted from 1. A picture that is
    good, or whose masks are not known, has none.
    """
    if sample.label != "defective":
        return ()
    size = (parts.shape[0], parts.shape[1]) if parts is not None else images.picture_size(sample.image)
    regions = regions_of(sample, size)
    if not regions:
        return ()
    names = part_names or {k: part.name for k, part in enumerate(specification.parts, 1)}
    scale = sample.mm_per_px or specification.scale(size[1])
    seen = _Seen(normal_forms(sample.types), regions, parts, names, specification, scale)
    rng = np.random.default_rng([seed, zlib.crc32(sample.id.encode("utf-8", "replace"))])
    couples = [couple for make in (_by_part, _by_size, _by_type) if (couple := make(rng, seen)) is not None]
    instructed = []
    for n, k in enumerate(rng.permutation(len(couples))):
        kind, strict, mild = couples[k]
        both: list[tuple[Wording, Verdict]] = [(strict, "reject"), (mild, "accept")]
        instructed += [
            InstructedVerdict(text, verdict, kind, f"p{n}", clause)
            for (text, clause), verdict in (both[i] for i in rng.permutation(2))
        ]
    return tuple(instructed)


def _by_part(rng: np.random.Generator, seen: _Seen) -> Couple | None:
    """Inspect the part that a defect is on, or one that no defect comes near."""
    if seen.parts is None:
        return None
    homes = sorted(
        {
            value
            for region in seen.defects
            for value, share in region.shares(seen.parts).items()
            if share > HOME and value in seen.part_names
        }
    )
    near = _widened(seen)
    clean = [
        value
        for value in sorted(seen.part_names)
        if np.mean(seen.parts == value) >= LEAST_PART and not np.any(near & (seen.parts == value))
    ]
    if not homes or not clean:
        return None
    wordings = [
        (scope_sentence(rng, name), {"scope": [name]})
        for name in (seen.part_names[_one(rng, homes)], seen.part_names[_one(rng, clean)])
    ]
    return "scope", wordings[0], wordings[1]


def _widened(seen: _Seen) -> NDArray[np.bool_]:
    """All defects and what lies within the margin of them, (H, W)."""
    union = np.any([region.mask for region in seen.regions], axis=0).astype(np.uint8)
    reach = max(1, math.ceil(MARGIN * min(union.shape)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(union, disc) > 0)


def _by_size(rng: np.random.Generator, seen: _Seen) -> Couple | None:
    """A tolerance below the length of the only defect of the picture, and one above."""
    if seen.scale is None or len(seen.regions) != 1:
        return None
    (region,) = seen.regions
    type_ = seen.specification.defect(region.type)
    limits = limits_around(region.extent * seen.scale)
    if type_ is None or limits is None or _cut_off(region):
        return None
    wordings = [
        (
            limit_sentence(rng, type_, limit),
            {"tolerances": [{"defect": type_.name, "up_to_mm": limit}]},
        )
        for limit in limits
    ]
    return "tolerance", wordings[0], wordings[1]


def _cut_off(region: Region) -> bool:
    """Whether a defect goes on beyond the picture: nobody knows how long it is."""
    mask = region.mask
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


def limits_around(length_mm: float) -> tuple[float, float] | None:
    """A limit a quarter below and one a quarter above a length, in two digits; None where it has no such limits."""
    digits = 1 - math.floor(math.log10(length_mm))
    step = 10.0**-digits
    below = round(math.floor(length_mm * BELOW / step + 1e-9) * step, digits)
    above = round(math.ceil(length_mm * ABOVE / step - 1e-9) * step, digits)
    return (below, above) if 0 < below < length_mm < above else None


def _by_type(rng: np.random.Generator, seen: _Seen) -> Couple | None:
    """Nothing counts but a type that is there, or but one that is not."""
    defects = seen.specification.defects
    clear = {normal_form(region.type) for region in seen.defects}
    present = [one for one in defects if normal_form(one.name) in clear]
    absent = [one for one in defects if normal_form(one.name) not in seen.labels]
    if not present or not absent:
        return None
    chosen = (
        present[int(rng.integers(len(present)))],
        absent[int(rng.integers(len(absent)))],
    )
    wordings = [(only_sentence(rng, type_), {"only": [type_.name]}) for type_ in chosen]
    return "knowledge", wordings[0], wordings[1]


def _one(rng: np.random.Generator, values: Sequence[int]) -> int:
    return values[int(rng.integers(len(values)))]

"""Good pictures → pictures with synthetic defects, each with the type of the specification that it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.errors import SpecsightError
from specsight.records import Picture
from specsight.specification import Specification
from specsight.specification.synonyms import PHRASES
from specsight.specification.vocabulary import normal_forms
from specsight.synthetic.defects import synthesise, synthesisers

UNTYPED = ("nsa", "draem", "cutpaste scar")
"""Synthetic defects that stand for damage of no particular kind."""


@dataclass(frozen=True)
class SyntheticPicture(Picture):
    """A good picture with one synthetic defect."""

    mask: NDArray[np.bool_] | None = None
    """(H, W): exactly the pixels that changed."""
    type: str | None = None
    """Type in the specification; None: damage of no particular kind."""


def synthesisers_for(specification: Specification) -> list[tuple[str, str | None]]:
    """(synthetic defect, type of the specification) for every type that some synthetic defect goes by the words of,
    and the untyped ones."""
    known = []
    for defect in specification.defects:
        words = normal_forms((defect.name, *defect.phrases))
        known += [(s, defect.name) for s in synthesisers if words & normal_forms((s, *PHRASES.get(s, ())))]
    return [*known, *((s, None) for s in UNTYPED)]


def add_defects(
    generator: np.random.Generator,
    picture: Picture,
    kinds: list[tuple[str, str | None]],
    count: int,
    side: int,
) -> Iterator[SyntheticPicture]:
    """`count` defective copies of a good picture, its shorter side at most `side` pixels: what the encoder sees of it.

    Defects that cannot be seen on this picture are left out.
    """
    rgb = picture.rgb
    if min(picture.size) > side:
        rgb, _ = images.shorter_side(rgb, side)
    for _ in range(count):
        synthetic, type_ = kinds[int(generator.integers(len(kinds)))]
        try:
            made = synthesise(generator, rgb, synthetic)
        except SpecsightError:
            continue
        yield SyntheticPicture(made.rgb, circular=picture.circular, mask=made.mask, type=type_)

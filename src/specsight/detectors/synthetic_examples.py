"""Good pictures → pictures with synthetic defects, each with the type of the specification that it stands for.

In: a good picture and the kinds of synthetic defects to put on copies of it. Out: the copies with their exact masks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

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


class SyntheticKind(NamedTuple):
    """A synthetic defect by its name, and the type of the specification that it stands for."""

    synthesiser: str
    type: str | None
    """None: damage of no particular kind."""


@dataclass(frozen=True)
class SyntheticPicture(Picture):
    """A good picture with one synthetic defect."""

    mask: NDArray[np.bool_] | None = None
    """(H, W): exactly the pixels that changed."""
    kind: SyntheticKind | None = None


def kinds_for(specification: Specification) -> list[SyntheticKind]:
    """List the synthetic defects that go by the name or a phrase of some type of the specification, and `UNTYPED`."""
    kinds = []
    for defect in specification.defects:
        words = normal_forms((defect.name, *defect.phrases))
        for name in synthesisers:
            if words & normal_forms((name, *PHRASES.get(name, ()))):
                kinds.append(SyntheticKind(name, defect.name))
    return [*kinds, *(SyntheticKind(name, None) for name in UNTYPED)]


def every_kind(specification: Specification) -> list[SyntheticKind]:
    """List every synthetic defect; half of the entries, if any, stand for a type of the specification."""
    typed = [kind for kind in kinds_for(specification) if kind.type is not None]
    with_type = {kind.synthesiser for kind in typed}
    others = [SyntheticKind(name, None) for name in synthesisers if name not in with_type]
    return [*typed * max(1, round(len(others) / max(1, len(typed)))), *others]


def add_defects(
    generator: np.random.Generator, picture: Picture, kinds: Sequence[SyntheticKind], count: int, side: int
) -> Iterator[SyntheticPicture]:
    """Put one synthetic defect on each of at most `count` copies of a good picture.

    Kinds are drawn with equal chances; where a synthetic defect stands for several types, one of them is drawn. Copies
    whose defect cannot be seen on this picture are left out. The shorter side of the copies is at most `side` pixels:
    what the encoder sees of them.
    """
    rgb = picture.rgb
    if min(picture.size) > side:
        rgb, _ = images.shorter_side(rgb, side)
    for _ in range(count):
        name = kinds[int(generator.integers(len(kinds)))].synthesiser
        try:
            made = synthesise(generator, rgb, name)
        except SpecsightError:
            continue
        types = [kind.type for kind in kinds if kind.synthesiser == name]
        type_ = types[int(generator.integers(len(types)))] if len(set(types)) > 1 else types[0]
        yield SyntheticPicture(
            made.rgb, circular=picture.circular, mask=made.mask, kind=SyntheticKind(name, type_)
        )

"""Views of good parts → what is learned of them in every modality, and that as arrays, for saving.

In: views of good pictures, each with the physical part that it shows. Out: `GoodParts`. Pictures of one part are left
out together while z-scores are learned: another view of the same part would lie too near.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import View
from specsight.detectors.fusion.normality import FOLDS, Normality, learn_normality
from specsight.detectors.fusion.seeing import UNSEEN, usual_unseen
from specsight.detectors.fusion.tokens import CHANNELS, GEOMETRY, KNOWN, depth_vectors, rgb_vectors
from specsight.encoders import JOINT, Features
from specsight.features import grids
from specsight.features.surface import DESCRIPTORS
from specsight.storage import below

STORED = 200_000
"""Good patches of each modality to learn from, at most; as many of each picture."""
REFERENCES = 2048
"""Good patches in the joint space that words are compared with."""
VARIANCE = {"rgb": 0.97, "depth": 0.95}
"""Share of the variance of good patches that their axes hold."""


@dataclass(frozen=True)
class GoodParts:
    """What was learned of good parts: each None where no good part had the modality."""

    rgb: Normality | None
    depth: Normality | None
    joint: Features | None
    """(M, D): good patches in the joint space with words."""
    usual_unseen: tuple[float, float]
    """Shares of a cell up to which white and black are usual."""

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """What it consists of, by name, for saving."""
        found = {"usual_unseen": np.asarray(self.usual_unseen, np.float32)}
        for name, normality in (("rgb", self.rgb), ("depth", self.depth)):
            if normality is not None:
                found |= {f"{name}/{key}": values for key, values in normality.arrays().items()}
        return found if self.joint is None else {**found, "joint": self.joint}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.float32]]) -> GoodParts:
        """The one that `arrays` describe. Raises KeyError or ValueError where they do not fit together."""
        rgb, depth = below(arrays, "rgb/"), below(arrays, "depth/")
        joint = arrays.get("joint")
        if not (rgb or depth) or bool(rgb) != (joint is not None) or (joint is not None and joint.ndim != 2):
            raise ValueError("patches of colours, of depth and of words do not belong together")
        white, black = arrays["usual_unseen"]
        return cls(
            Normality.of_arrays(rgb) if rgb else None,
            Normality.of_arrays(depth, CHANNELS) if depth else None,
            joint,
            (float(white), float(black)),
        )


@dataclass
class _Gathered:
    """Patches of each picture, and its place among all pictures."""

    patches: list[Features] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def add(self, patches: Features, number: int) -> None:
        if len(patches):
            self.patches.append(patches)
            self.numbers.append(number)


def learn_good_parts(
    views: Iterable[View],
    expected: int,
    objects: Sequence[str],
    coloured: Sequence[str],
    memory: int,
    seed: int,
) -> GoodParts:
    """Learn from views of good parts, `expected` of them.

    `objects` is filled while `views` are drawn: of each the physical part, as far as it is known (fewer: each view
    shows its own). `coloured` names the encoder's layers, `memory` bounds the patches that each modality keeps.
    """
    generator = np.random.default_rng(seed)
    limit, of_joint = max(1, STORED // max(1, expected)), -(-REFERENCES // max(1, expected))
    colours, surfaces, joint, unseen = _Gathered(), _Gathered(), list[Features](), list[Features]()
    widths: list[int] = []
    count = 0
    for view in views:
        layers = {name: view.features[name] for name in coloured if name in view.features}
        if layers:
            vectors, cells = rgb_vectors(layers, {name: view.cells[name] for name in layers})
            widths = [len(grid) for grid in layers.values()]
            shown = view.frame.shows_picture(cells).ravel()
            colours.add(_some(vectors[shown], limit, generator), count)
            patches = grids.vectors(view.features[JOINT])
            patches = patches[view.frame.shows_picture(view.cells[JOINT]).ravel()]
            joint.append(_some(patches, of_joint, generator))
        if UNSEEN in view.features:
            unseen.append(view.features[UNSEEN])
        if GEOMETRY in view.features:
            known = (view.features[KNOWN][0] > 0) & view.frame.shows_picture(view.cells[GEOMETRY])
            vectors = depth_vectors(view.features[GEOMETRY])[known.ravel()]
            surfaces.add(_some(vectors, limit, generator), count)
        count += 1
    named = objects if len(objects) == count else [str(number) for number in range(count)]
    places = {name: place for place, name in enumerate(dict.fromkeys(named))}

    def normality(
        of: _Gathered, modality: str, widths: Sequence[int], channels: tuple[int, ...]
    ) -> Normality | None:
        if not of.patches:
            return None
        folds = [places[named[number]] % FOLDS for number in of.numbers]
        return learn_normality(of.patches, folds, widths, memory, seed, channels, VARIANCE[modality])

    return GoodParts(
        normality(colours, "rgb", widths, ()),
        normality(surfaces, "depth", [1] * (len(DESCRIPTORS) + 1), CHANNELS),
        np.concatenate(joint) if joint else None,
        usual_unseen(unseen),
    )


def _some(patches: Features, limit: int, generator: np.random.Generator) -> Features:
    if len(patches) <= limit:
        return patches
    return patches[np.sort(generator.choice(len(patches), limit, replace=False))]

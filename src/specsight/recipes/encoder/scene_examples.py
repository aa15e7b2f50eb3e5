"""Training examples of the joint space: pictures with the defect type of every pixel, and regions with meanings.

In: photographs, rendered tyres, a generator. Out: `SceneExample`s from procedural scenes and products with synthetic
defects, from tyres, and from photographs, of which nothing but their synthetic defects is known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.recipes.encoder.sentences import Meaning
from specsight.specification.synonyms import PHRASES
from specsight.synthetic.defects import synthesise
from specsight.synthetic.defects.painting import VISIBLE
from specsight.synthetic.scenes.blocks import render_block
from specsight.synthetic.scenes.camera import Camera
from specsight.synthetic.scenes.objects import render_object
from specsight.synthetic.scenes.photographs import Photographs, recolour
from specsight.synthetic.scenes.scene import Scene, render_scene
from specsight.synthetic.scenes.tyre_pictures import NOT_VISIBLE, TyrePicture, TyrePictures, part_thing
from specsight.synthetic.scenes.variation import vary_photograph
from specsight.synthetic.scenes.vessels import render_vessel
from specsight.synthetic.tyres.features import ACCEPTABLE

TYPES: tuple[str, ...] = tuple(name for name in PHRASES if name != "anomaly")
"""Defect types in the order of their numbers in type maps, from 1."""
SYNTHETIC = (
    "crack", "scratch", "cut", "hole", "stain", "contamination", "foreign body", "dent", "bulge", "break", "fray",
    "uneven", "discolouration", "missing material", "fibre", "excess material", "exposed cord", "open splice",
)  # fmt: skip
OF_VESSELS = ("break", "contamination", "crack", "foreign body", "scratch")
"""What happens to vessels."""
UNNAMED = ("draem", "cutpaste", "cutpaste scar", "nsa")
ANY = 254
"""In a type map: a defect of a synthetic kind without a type of its own."""
SMALLEST_REGION = 0.02
"""Share of a picture from which on defects are confined to one of its objects."""
BLUR_REACH = 3
"""Pixels beyond which no lens and no sharpening carries a visible change; of the sensor, where it is coarser."""
MARK_KINDS = ACCEPTABLE
"""Acceptable marks whose place is known, in the order of their numbers in maps of marks, from 1."""
GOOD = 0.3
"""Share of examples without a defect. Acceptable variation comes as often on these as on the others."""
VARIED_PHOTOGRAPHS = 0.7
KINDS = ("tyre", "photograph", "block", "vessel", "object", "scene")
"""Where examples come from."""


@dataclass
class SceneExample:
    """A picture and what is true of it."""

    rgb: NDArray[np.uint8]
    """(S, S, 3)."""
    types: NDArray[np.uint8]
    """(S, S): 0 good, 1 + index into TYPES, ANY, or NOT_VISIBLE."""
    regions: NDArray[np.uint8]
    """(S, S), indexes `meanings`."""
    meanings: list[Meaning] = field(default_factory=list)
    """An empty one says nothing."""
    marks: NDArray[np.uint8] | None = None
    """(S, S): 0, or 1 + index into `MARK_KINDS`; None where no such mark can be."""


class SceneExamples:
    """Makes examples of every kind.

    `tyres`: None where the tyre line's pictures are not wanted. `shares`: how often each of `KINDS` comes, summing to
    one; None: equally often.
    """

    def __init__(
        self, photographs: Photographs, tyres: TyrePictures | None, shares: Mapping[str, float] | None = None
    ) -> None:
        self.photographs, self.tyres = photographs, tyres
        self.shares = dict(shares or dict.fromkeys(KINDS, 1 / len(KINDS)))

    def make(self, rng: np.random.Generator, side: int) -> SceneExample:
        """An example of (side, side) pixels, of a kind drawn by the shares."""
        return self.make_kind(str(rng.choice(list(self.shares), p=list(self.shares.values()))), rng, side)

    def make_kind(self, kind: str, rng: np.random.Generator, side: int) -> SceneExample:
        """An example of one of `KINDS`; scenes stand in for tyres where there are none."""
        if kind == "tyre" and self.tyres is not None:
            return _tyre_example(rng, self.tyres[int(rng.integers(len(self.tyres)))], side)
        if kind == "photograph":
            rgb = self.photographs.crop(rng, side)
            if rng.random() < VARIED_PHOTOGRAPHS:
                rgb = vary_photograph(rng, rgb, 1.7)
            scene = Scene(rgb, np.zeros((side, side), np.uint8), camera=Camera.random(rng, colour=True))
        elif kind == "block":
            scene = render_block(rng, side)
        elif kind == "vessel":
            return _example_with_defects(rng, render_vessel(rng, side), OF_VESSELS)
        elif kind == "object":
            scene = render_object(rng, side)
        else:
            scene = render_scene(rng, side, self.photographs if rng.random() < 0.3 else None)
        return _example_with_defects(rng, scene)


def _example_with_defects(
    rng: np.random.Generator, scene: Scene, typical: tuple[str, ...] = SYNTHETIC
) -> SceneExample:
    """A scene with up to three synthetic defects; a share `GOOD` stays good. A third are of a `typical` kind."""
    meanings = [Meaning("", words.thing, words.material, words.colour) for words in scene.words] or [
        Meaning()
    ]
    types = np.zeros(scene.rgb.shape[:2], np.uint8)
    pixels = scene.pixels
    where = _where(rng, scene)
    for _ in range(0 if rng.random() < GOOD else int(rng.integers(1, 4))):
        chance = rng.random()
        name = str(rng.choice(typical if chance < 0.35 else SYNTHETIC if chance < 0.92 else UNNAMED))
        try:
            defect = synthesise(rng, pixels, name, where)
        except SpecsightError:
            continue  # Nothing visible came of it on this surface: the picture simply has one defect less.
        pixels = defect.rgb
        types[defect.mask] = 1 + TYPES.index(name) if name in TYPES else ANY
    if not types.any():
        return SceneExample(scene.rgb, types, scene.regions, meanings)
    rgb = scene.camera.expose(pixels)
    return SceneExample(rgb, _as_seen(types, scene, rgb), scene.regions, meanings)


def _as_seen(types: NDArray[np.uint8], scene: Scene, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Types of the pixels that differ visibly on the camera's picture: blur widens defects, and hides some.

    What a JPEG file spreads further over its blocks is no part of any defect, and not good either.
    """
    changed = cv2.absdiff(rgb, scene.rgb).max(axis=2) >= VISIBLE
    reach = math.ceil(BLUR_REACH * scene.camera.coarseness)
    reached = cv2.dilate(types, np.ones((2 * reach + 1,) * 2, np.uint8))
    own = np.where(types > 0, types, reached)
    return np.where(changed, np.where(own > 0, own, NOT_VISIBLE), 0).astype(np.uint8)


def _where(rng: np.random.Generator, scene: Scene) -> NDArray[np.bool_]:
    """An object of the scene, all of them together, if it has one large enough, or everything."""
    areas = np.bincount(scene.regions.ravel(), minlength=1)
    large = [index for index in range(1, len(areas)) if areas[index] > SMALLEST_REGION * scene.regions.size]
    if large and rng.random() < 0.85:
        return np.asarray(
            scene.regions == int(rng.choice(large)) if rng.random() < 0.75 else scene.regions > 0
        )
    return np.ones(scene.regions.shape, np.bool_)


def _tyre_example(rng: np.random.Generator, picture: TyrePicture, side: int) -> SceneExample:
    """A crop of a rendered tyre, at 0.7–1.25 times its scale, mirrored and recoloured at random."""
    scale = max(side / picture.rgb.shape[0], float(rng.uniform(0.7, 1.25)))
    full = round(picture.rgb.shape[0] * scale)
    top, left = (int(v) for v in rng.integers(0, full - side + 1, 2))
    flips = [slice(None, None, -1 if rng.random() < 0.5 else 1) for _ in range(2)]

    def cut(array: NDArray[np.uint8], method: int) -> NDArray[np.uint8]:
        sized = cv2.resize(array, (full, full), interpolation=method)[top : top + side, left : left + side]
        return np.ascontiguousarray(sized[flips[0], flips[1]])

    rgb = recolour(rng, cut(picture.rgb, cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))
    types = cut(picture.types, cv2.INTER_NEAREST)
    parts = cut(picture.parts, cv2.INTER_NEAREST)
    meanings = [Meaning("", "tyre", "rubber")]
    meanings += [
        Meaning("", part_thing(value), "rubber" if rng.random() < 0.5 else "") for value in range(1, 9)
    ]
    return SceneExample(rgb, types, parts, meanings, cut(picture.marks, cv2.INTER_NEAREST))


__all__ = ["ANY", "MARK_KINDS", "NOT_VISIBLE", "SYNTHETIC", "TYPES", "SceneExample", "SceneExamples"]

"""Procedural scenes: objects of named materials on a named surface, under a camera.

In: a generator, a side, and optionally photographs whose crops serve as further materials. Out: a `Scene`: pixels, a
map of regions, and for each region the words that are true of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic import shapes
from specsight.synthetic.compositing import Pixels, over, shading, soften
from specsight.synthetic.scenes import outlines
from specsight.synthetic.scenes.body import Body
from specsight.synthetic.scenes.camera import Camera, eight_bits, illuminate
from specsight.synthetic.scenes.materials import MATERIALS, Material, surface
from specsight.synthetic.scenes.photographs import Photographs
from specsight.synthetic.scenes.variation import vary
from specsight.synthetic.shapes import Alpha

_ROUND = ("disc", "ring", "gear", "nut")


@dataclass(frozen=True)
class Region:
    """What can be said about one region: object (empty for the background), material and colour (empty: unknown)."""

    thing: str = ""
    material: str = ""
    colour: str = ""


@dataclass
class Scene:
    """A lit scene before the `camera`: `pixels` (H, W, 3) uint8; `regions` (H, W) uint8 indexes `words`."""

    pixels: NDArray[np.uint8]
    regions: NDArray[np.uint8]
    words: list[Region] = field(default_factory=list)
    camera: Camera = field(default_factory=Camera)

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8: the picture that the camera takes."""
        return self.camera.expose(self.pixels)


def render_scene(rng: np.random.Generator, side: int, photographs: Photographs | None = None) -> Scene:
    """A random scene of (side, side) pixels: a bare surface, one centred product, or several objects."""
    shape = (side, side)
    pixels, words = _filling(rng, side, photographs)
    regions = np.zeros(shape, np.uint8)
    kind = rng.random()
    counts = 0 if kind < 0.2 else 1 if kind < 0.4 else int(rng.integers(2, 9))
    described = [words]
    for _ in range(counts):
        mask, name = _outline(rng, side, alone=counts == 1)
        inside, words = _filling(rng, side, photographs)
        pixels = _lay(rng, pixels, inside, mask)
        described.append(Region(name, words.material, words.colour))
        regions[mask > 0.5] = len(described) - 1
        if rng.random() < 0.4:
            pixels = _concentric(rng, pixels, mask)
        body = Body.of_cover(mask, round=name in _ROUND, turn=rng.uniform(0, np.pi))
        pixels = vary(rng, pixels, body, 2.0 if counts == 1 else 0.5)
    if rng.random() < 0.5:
        whole = Body.whole(rng, shape, round=counts == 0 and rng.random() < 0.3)
        pixels = vary(rng, pixels, whole, 2.0 if counts == 0 else 0.8)
    lit = eight_bits(illuminate(rng, pixels))
    return Scene(lit, regions, described, Camera.random(rng))


def _filling(rng: np.random.Generator, side: int, photographs: Photographs | None) -> tuple[Pixels, Region]:
    """What fills a region: a material, or, half of the time where there are photographs, a crop of one."""
    if photographs is not None and rng.random() < 0.5:
        return photographs.crop(rng, side).astype(np.float32) / np.float32(255), Region()
    piece = surface(rng, (side, side), _material(rng))
    return piece.pixels, Region("", piece.material.name, piece.colour)


def _material(rng: np.random.Generator) -> Material:
    return MATERIALS[int(rng.integers(len(MATERIALS)))]


def _outline(rng: np.random.Generator, side: int, alone: bool) -> tuple[Alpha, str]:
    name = str(rng.choice(list(outlines.OUTLINES)))
    radius = side * (rng.uniform(0.28, 0.5) if alone else np.exp(rng.uniform(np.log(0.05), np.log(0.45))))
    centre = side * (rng.normal(0.5, 0.03, 2) if alone else rng.uniform(0.05, 0.95, 2))
    points = outlines.OUTLINES[name](rng)
    placed = outlines.place(
        points, (float(centre[0]), float(centre[1])), float(radius), rng.uniform(0, 2 * np.pi)
    )
    mask = shapes.polygon(placed, (side, side))
    if name in ("disc", "nut", "gear") and rng.random() < 0.35:
        hole = outlines.place(
            outlines.disc(rng), (float(centre[0]), float(centre[1])), radius * rng.uniform(0.2, 0.8), 0.0
        )
        mask = mask * (1 - shapes.polygon(hole, (side, side)))
        name = "ring"
    return mask, name


def _lay(rng: np.random.Generator, below: Pixels, above: Pixels, mask: Alpha) -> Pixels:
    """`above` over `below` within `mask`, with a cast shadow, shaded rim and rounded body, each sometimes."""
    if rng.random() < 0.4:
        shift = np.array([[1, 0, rng.uniform(-6, 6)], [0, 1, rng.uniform(-6, 6)]], np.float64)
        shadow = cv2.GaussianBlur(cv2.warpAffine(mask, shift, mask.shape[::-1]), (0, 0), rng.uniform(1, 6))
        below = below * (1 - np.float32(rng.uniform(0.1, 0.6)) * shadow)[..., None]
    if rng.random() < 0.4:
        body = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
        body = np.minimum(body / (body.max() + np.float32(1e-3)) / np.float32(rng.uniform(0.1, 1)), 1)
        above = above * (np.float32(rng.uniform(0.3, 0.9)) + np.float32(0.5) * np.sqrt(body))[..., None]
    result = over(below, above, mask)
    if rng.random() < 0.5:
        depth, angle = rng.choice([-1, 1]) * rng.uniform(0.05, 0.4), rng.uniform(0, 2 * np.pi)
        result = result + shading(soften(mask, max(0.6, rng.uniform(0.5, 3))), depth, angle)[..., None]
    return np.clip(result, 0, 1).astype(np.float32)


def _concentric(rng: np.random.Generator, pixels: Pixels, mask: Alpha) -> Pixels:
    """Bright and dark bands that follow the outline, as on bottle mouths, caps and turned parts."""
    distance = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    bands = np.zeros(int(distance.max()) + 2, np.float32)
    for _ in range(int(rng.integers(1, 6))):
        start, width = int(rng.integers(0, bands.size)), int(rng.integers(1, max(3, bands.size // 4)))
        bands[start : start + width] += rng.normal(0, 0.3)
    profile = cv2.GaussianBlur(bands[None], (0, 0), rng.uniform(0.5, 2))[0]
    shade = np.interp(distance, np.arange(profile.size), profile).astype(np.float32) * mask
    return np.asarray(
        np.clip(pixels + shade[..., None] * (0.3 + pixels), 0, 1).astype(np.float32), np.float32
    )

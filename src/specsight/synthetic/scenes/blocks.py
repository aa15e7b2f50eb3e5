"""Industrial close-ups: a block of ground, pressed or moulded material that fills the frame.

Generic products, drawn from ranges wide enough to cover many lines; no real product is imitated.
"""

from __future__ import annotations

import numpy as np

from specsight.synthetic import fields
from specsight.synthetic.compositing import Pixels
from specsight.synthetic.scenes.body import Body
from specsight.synthetic.scenes.camera import Camera, eight_bits, illuminate
from specsight.synthetic.scenes.materials import MATERIALS, surface
from specsight.synthetic.scenes.scene import Region, Scene
from specsight.synthetic.scenes.variation import vary

_BLOCKS = [
    material
    for material in MATERIALS
    if material.name
    in ("ground metal", "magnetic ferrite", "brushed metal", "cast metal", "turned metal", "stone", "plastic")
]
_VARIED, _MEAN = 0.75, 2.5
"""How often a block shows acceptable variation, and how many kinds then."""


def render_block(rng: np.random.Generator, side: int) -> Scene:
    """A machined or pressed block: low contrast, broad shading, chamfers or shadows along some of its edges."""
    shape = (side, side)
    piece = surface(rng, shape, _BLOCKS[int(rng.integers(len(_BLOCKS)))])
    pixels = piece.pixels
    if rng.random() < 0.7:
        pixels = np.clip((pixels - pixels.mean()) * rng.uniform(0.4, 1) + rng.uniform(0.2, 0.7), 0, 1)
    for edge in range(4):
        if rng.random() < 0.35:
            pixels = _chamfer(rng, np.rot90(pixels, edge), side)
            pixels = np.rot90(pixels, -edge)
    if rng.random() < 0.5:
        bands = fields.cloud(rng, shape, rng.uniform(20, 90), exact=True)
        pixels = pixels * (1 + np.float32(rng.uniform(0, 0.12)) * bands)[..., None]
    if rng.random() < _VARIED:
        body = Body.whole(rng, shape, round=rng.random() < 0.3)
        pixels = vary(rng, np.ascontiguousarray(pixels, np.float32), body, _MEAN)
    lit = eight_bits(illuminate(rng, np.ascontiguousarray(pixels, np.float32)))
    words = [Region("tile", piece.material.name, piece.colour)]
    return Scene(lit, np.zeros(shape, np.uint8), words, Camera.random(rng))


def _chamfer(rng: np.random.Generator, pixels: Pixels, side: int) -> Pixels:
    """A band of another tone along the upper edge, its border straight and slightly soft."""
    width, slope = side * rng.uniform(0.02, 0.15), rng.normal(0, 0.02)
    rows, columns = np.indices(pixels.shape[:2], dtype=np.float32)
    band = np.clip((width + slope * columns - rows) / rng.uniform(0.5, 3), 0, 1)[..., None]
    toned: Pixels = pixels * (
        1 + band * np.float32(rng.choice([rng.uniform(-0.8, -0.2), rng.uniform(0.2, 0.7)]))
    )
    return np.clip(toned, 0, 1)

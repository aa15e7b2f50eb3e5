"""Industrial close-ups: a block of ground material that fills the frame, a round vessel seen from above.

Generic products, drawn from ranges wide enough to cover many lines; no real product is imitated.
"""

from __future__ import annotations

import cv2
import numpy as np

from specsight.synthetic import fields
from specsight.synthetic.compositing import Pixels, over
from specsight.synthetic.scenes import camera, outlines
from specsight.synthetic.scenes.materials import MATERIALS, surface
from specsight.synthetic.scenes.scene import Region, Scene
from specsight.synthetic.shapes import polygon

_BLOCKS = [
    material
    for material in MATERIALS
    if material.name
    in ("ground metal", "magnetic ferrite", "brushed metal", "cast metal", "turned metal", "stone", "plastic")
]
_VESSELS = [
    material for material in MATERIALS if material.name in ("glass", "plastic", "painted metal", "rubber")
]


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
    lit = camera.illuminate(rng, np.ascontiguousarray(pixels, np.float32))
    words = [Region("tile", piece.material.name, piece.colour)]
    return Scene(camera.expose(rng, lit), np.zeros(shape, np.uint8), words)


def render_vessel(rng: np.random.Generator, side: int) -> Scene:
    """A round opening from above: nested walls with reflections around them, on a plain ground."""
    shape = (side, side)
    ground = np.full((*shape, 3), rng.choice([rng.uniform(0.02, 0.2), rng.uniform(0.75, 1.0)]), np.float32)
    piece = surface(rng, shape, _VESSELS[int(rng.integers(len(_VESSELS)))])
    centre = side * rng.normal(0.5, 0.02, 2)
    outer = side * rng.uniform(0.36, 0.49)
    rows, columns = np.indices(shape, dtype=np.float32)
    dy, dx = rows - np.float32(centre[1]), columns - np.float32(centre[0])
    radius, angle = np.hypot(dx, dy) / np.float32(outer), np.arctan2(dy, dx)
    profile = np.interp(radius, *_walls(rng)).astype(np.float32)
    gleam = sum(
        rng.uniform(0, 0.5) * np.cos(k * angle + rng.uniform(0, 6.3)) for k in range(1, 5)
    ) * np.interp(radius, np.sort(rng.random(6)), rng.random(6))
    body = piece.pixels * profile[..., None] + np.float32(0.35) * (gleam * profile)[..., None].astype(
        np.float32
    )
    disc = polygon(
        outlines.place(outlines.disc(rng), (float(centre[0]), float(centre[1])), outer, 0.0), shape
    )
    pixels = np.clip(over(ground, body, disc), 0, 1).astype(np.float32)
    pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.3, 1.2))
    lit = camera.illuminate(rng, pixels)
    words = [Region(), Region("vessel", piece.material.name, piece.colour)]
    return Scene(camera.expose(rng, lit), (disc > 0.5).astype(np.uint8), words)


def _walls(rng: np.random.Generator) -> tuple[list[float], list[float]]:
    """Brightness over radius: alternating dark and bright walls of random widths."""
    edges = np.sort(rng.uniform(0.3, 1.0, int(rng.integers(3, 8))))
    radii, tones = [0.0], [float(rng.uniform(0.1, 1.6))]
    for edge in edges:
        radii += [float(edge) - 0.01, float(edge) + 0.01]
        tones += [tones[-1], float(rng.uniform(0.1, 1.8))]
    return [*radii, 1.5], [*tones, tones[-1]]


def _chamfer(rng: np.random.Generator, pixels: Pixels, side: int) -> Pixels:
    """A band of another tone along the upper edge, its border straight and slightly soft."""
    width, slope = side * rng.uniform(0.02, 0.15), rng.normal(0, 0.02)
    rows, columns = np.indices(pixels.shape[:2], dtype=np.float32)
    band = np.clip((width + slope * columns - rows) / rng.uniform(0.5, 3), 0, 1)[..., None]
    toned: Pixels = pixels * (
        1 + band * np.float32(rng.choice([rng.uniform(-0.8, -0.2), rng.uniform(0.2, 0.7)]))
    )
    return np.clip(toned, 0, 1)

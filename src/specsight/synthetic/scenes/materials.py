"""Materials: what a surface is made of, as pixels and as words.

In: a generator and a shape. Out: linear-looking RGB in [0, 1] and the words that describe it. A material's relief is a
random field; its colour comes from a palette of named colours, so that sentences about colour are true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from specsight.synthetic import fields
from specsight.synthetic.compositing import Pixels
from specsight.synthetic.fields import Field, Shape
from specsight.synthetic.scenes import patterns

Relief = Callable[[np.random.Generator, Shape], Field]

COLOURS: dict[str, tuple[float, float, float]] = {
    "black": (0.07, 0.07, 0.08),
    "dark grey": (0.25, 0.25, 0.26),
    "grey": (0.5, 0.5, 0.5),
    "light grey": (0.74, 0.74, 0.73),
    "white": (0.93, 0.92, 0.9),
    "red": (0.75, 0.13, 0.12),
    "orange": (0.88, 0.48, 0.12),
    "yellow": (0.88, 0.8, 0.18),
    "green": (0.17, 0.55, 0.22),
    "blue": (0.14, 0.28, 0.68),
    "purple": (0.45, 0.2, 0.55),
    "pink": (0.9, 0.55, 0.65),
    "brown": (0.42, 0.26, 0.14),
    "beige": (0.82, 0.73, 0.58),
    "golden": (0.78, 0.62, 0.25),
    "turquoise": (0.15, 0.6, 0.6),
}
GREYS = ("black", "dark grey", "grey", "light grey", "white")


@dataclass(frozen=True)
class Material:
    """A kind of surface: its names (the first is the common one), its usual colours, relief, and relief contrast."""

    names: tuple[str, ...]
    colours: tuple[str, ...]
    relief: Relief
    contrast: tuple[float, float]

    @property
    def name(self) -> str:
        """The first of its names."""
        return self.names[0]


@dataclass(frozen=True)
class Surface:
    """A piece of material: pixels (H, W, 3) in [0, 1], and its words."""

    pixels: Pixels
    material: Material
    colour: str


def surface(rng: np.random.Generator, shape: Shape, material: Material | None = None) -> Surface:
    """A random piece of `material` (or of any): relief around one named colour, with a slight second tint."""
    material = material or MATERIALS[int(rng.integers(len(MATERIALS)))]
    colour = str(rng.choice(material.colours if rng.random() < 0.8 else list(COLOURS)))
    base = np.clip(np.array(COLOURS[colour], np.float32) + rng.normal(0, 0.03, 3), 0.02, 1).astype(np.float32)
    relief = material.relief(rng, shape)
    amplitude = np.float32(rng.uniform(*material.contrast))
    tint = rng.normal(1, 0.12, 3).astype(np.float32)
    # A multiplicative relief keeps the hue: dark and light spots of one colour.
    shade = np.clip(1 + amplitude * relief, 0.1, 2.2)
    pixels = base * shade[..., None] + (relief * amplitude * np.float32(0.12))[..., None] * tint
    return Surface(np.clip(pixels, 0, 1), material, colour)


def _brushed(rng: np.random.Generator, shape: Shape) -> Field:
    angle = (
        rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.05) if rng.random() < 0.7 else rng.uniform(0, np.pi)
    )
    lines = patterns.streaks(rng, shape, rng.uniform(20, 120), float(angle))
    return fields.standardise(
        lines + np.float32(rng.uniform(0, 0.5)) * fields.cloud(rng, shape, rng.uniform(30, 120), exact=True)
    )


def _ground(rng: np.random.Generator, shape: Shape) -> Field:
    """Ground or pressed grey material: soft clouds, fine grain, faint directional marks."""
    marks = patterns.streaks(rng, shape, rng.uniform(8, 50), rng.uniform(0, np.pi))
    total = marks * np.float32(rng.uniform(0.1, 0.8)) + patterns.fractal(rng, shape, rng.uniform(20, 120))
    return fields.standardise(total + np.float32(rng.uniform(0.1, 0.9)) * fields.grain(rng, shape))


def _cast(rng: np.random.Generator, shape: Shape) -> Field:
    rough = patterns.fractal(rng, shape, rng.uniform(6, 30), 4, 0.8)
    return fields.standardise(rough + np.float32(rng.uniform(0.2, 0.8)) * fields.grain(rng, shape))


def _turned(rng: np.random.Generator, shape: Shape) -> Field:
    """Concentric tool marks of a lathe."""
    rows, columns = np.indices(shape, dtype=np.float32)
    centre = rng.uniform(-0.3, 1.3, 2) * shape
    radius = np.hypot(rows - centre[0], columns - centre[1]).astype(np.float32)
    profile = rng.standard_normal(int(np.hypot(*shape) * 2.5) + 4).astype(np.float32)
    profile = cv2.blur(profile[None], (int(rng.integers(1, 6)), 1))[0]
    return fields.standardise(np.interp(radius, np.arange(profile.size), profile))


def _wood(rng: np.random.Generator, shape: Shape) -> Field:
    grain = patterns.streaks(rng, shape, 40, rng.uniform(-0.2, 0.2) + rng.choice([0, np.pi / 2]))
    return fields.standardise(patterns.rings(rng, shape, rng.uniform(5, 30)) + np.float32(0.5) * grain)


def _leather(rng: np.random.Generator, shape: Shape) -> Field:
    distance, _ = patterns.cells(rng, shape, rng.uniform(3, 12))
    soft = cv2.GaussianBlur(-distance, (3, 3), 0)
    return fields.standardise(soft + np.float32(0.4) * patterns.fractal(rng, shape, rng.uniform(15, 60)))


def _fabric(rng: np.random.Generator, shape: Shape) -> Field:
    return patterns.weave(rng, shape, rng.uniform(3, 14), rng.uniform(0, np.pi))


def _mesh(rng: np.random.Generator, shape: Shape) -> Field:
    return patterns.dots(rng, shape, rng.uniform(6, 28), rng.uniform(0, np.pi))


def _ribbed(rng: np.random.Generator, shape: Shape) -> Field:
    return patterns.grating(rng, shape, rng.uniform(4, 40), rng.uniform(0, np.pi))


def _smooth(rng: np.random.Generator, shape: Shape) -> Field:
    fine = np.float32(rng.uniform(0, 0.3)) * fields.grain(rng, shape)
    return fields.standardise(fields.cloud(rng, shape, rng.uniform(50, 200), exact=True) + fine)


def _stone(rng: np.random.Generator, shape: Shape) -> Field:
    _, labels = patterns.cells(rng, shape, rng.uniform(2.5, 9))
    shades = rng.standard_normal(int(labels.max()) + 1).astype(np.float32)
    return fields.standardise(shades[labels] + patterns.fractal(rng, shape, rng.uniform(20, 80)))


def _tiled(rng: np.random.Generator, shape: Shape) -> Field:
    """Bricks or tiles with joints."""
    height, width = rng.uniform(12, 50), rng.uniform(12, 70)
    rows, columns = np.indices(shape, dtype=np.float32)
    row = np.floor(rows / height)
    columns = columns + np.float32(width * rng.choice([0, 0.5])) * (row % 2)
    joint = np.minimum(rows % height, columns % width) < rng.uniform(1, 4)
    shades = rng.standard_normal((64, 64)).astype(np.float32)
    tone = shades[row.astype(int) % 64, np.floor(columns / width).astype(int) % 64]
    return fields.standardise(
        np.where(joint, np.float32(rng.choice([-3, 3])), tone) + 0.3 * fields.grain(rng, shape)
    )


def _random(rng: np.random.Generator, shape: Shape) -> Field:
    return patterns.spectral(rng, shape)


_METALLIC = ("grey", "light grey", "dark grey", "golden", "grey")
_ANY = tuple(COLOURS)
MATERIALS: tuple[Material, ...] = (
    Material(("brushed metal", "brushed steel", "brushed aluminium"), _METALLIC, _brushed, (0.04, 0.25)),
    Material(("ground metal", "machined steel", "grinded metal"), GREYS, _ground, (0.04, 0.22)),
    Material(("magnetic ferrite", "pressed ceramic", "sintered material"), GREYS, _ground, (0.03, 0.15)),
    Material(("cast metal", "cast iron", "rough metal"), GREYS, _cast, (0.08, 0.3)),
    Material(("turned metal", "lathed steel"), _METALLIC, _turned, (0.05, 0.25)),
    Material(("wood", "timber", "wooden board"), ("brown", "beige", "golden", "orange"), _wood, (0.06, 0.3)),
    Material(("leather", "hide"), ("brown", "black", "beige", "red"), _leather, (0.06, 0.25)),
    Material(("fabric", "cloth", "woven textile"), _ANY, _fabric, (0.08, 0.4)),
    Material(("mesh", "grid", "perforated sheet"), _ANY, _mesh, (0.15, 0.5)),
    Material(("ribbed rubber", "corrugated rubber"), ("black", "dark grey"), _ribbed, (0.1, 0.5)),
    Material(("striped sheet", "ribbed sheet"), _ANY, _ribbed, (0.1, 0.5)),
    Material(("rubber", "caoutchouc"), ("black", "dark grey"), _cast, (0.05, 0.25)),
    Material(("plastic", "polymer"), _ANY, _smooth, (0.02, 0.12)),
    Material(
        ("glass", "glazing"), ("green", "brown", "light grey", "turquoise", "blue"), _smooth, (0.03, 0.2)
    ),
    Material(("painted metal", "lacquered sheet"), _ANY, _smooth, (0.02, 0.1)),
    Material(("stone", "granite", "concrete"), (*GREYS, "beige", "pink"), _stone, (0.08, 0.35)),
    Material(("ceramic tiles", "brickwork"), (*GREYS, "red", "beige", "blue"), _tiled, (0.06, 0.25)),
    Material(("patterned surface", "textured surface"), _ANY, _random, (0.06, 0.35)),
)

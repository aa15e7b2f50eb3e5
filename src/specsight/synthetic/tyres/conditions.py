"""What differs from picture to picture without being a defect: plant, mould, wear, light and camera settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from specsight.errors import SpecsightError, did_you_mean

LightKind = Literal["diffuse", "grazing", "dark_field", "low"]
LIGHTS: tuple[LightKind, ...] = get_args(LightKind)

SIDES: dict[str, float] = {"right": 0.0, "bottom": 90.0, "left": 180.0, "top": 270.0}
"""Where the light stands → its azimuth in degrees, in image axes (x to the right, y down)."""


@dataclass(frozen=True)
class Light:
    """One lighting. `azimuth` and `elevation` in degrees matter to grazing and low light only."""

    kind: LightKind
    side: str
    azimuth: float
    elevation: float
    tint: tuple[float, float, float]
    """Colour of the light, mean 1."""


@dataclass(frozen=True)
class Plant:
    """Compound and process of one factory."""

    name: str
    albedo: tuple[float, float, float]
    """Diffuse reflectance of its rubber (linear RGB)."""
    gloss: float
    """Strength of the specular lobe, in units of a plain rubber's."""
    grain_mm: float
    """RMS of the surface's finest roughness."""
    mottling: float
    """Relative variation of the reflectance over centimetres."""
    trims_spews: bool


PLANTS: dict[str, Plant] = {
    p.name: p
    for p in (
        Plant("A", (0.0320, 0.0320, 0.0325), 1.0, 0.0060, 0.016, trims_spews=False),
        Plant("B", (0.0280, 0.0285, 0.0300), 1.35, 0.0048, 0.012, trims_spews=True),
        Plant("C", (0.0380, 0.0365, 0.0350), 0.75, 0.0075, 0.022, trims_spews=False),
    )
}


@dataclass(frozen=True)
class Camera:
    """Optics and sensor: `blur_px` (sigma), `exposure` (relative), `electrons` (full well: fewer is noisier)."""

    blur_px: float
    exposure: float
    electrons: float
    vignetting: float
    """Relative loss of light in the corners."""


def sample_light(rng: np.random.Generator, kind: LightKind, axis_aligned: bool) -> Light:
    """A lighting of this kind; `axis_aligned` for line lights along or across a strip."""
    side = tuple(SIDES)[rng.integers(len(SIDES))]
    turn = 0.0 if axis_aligned else float(rng.uniform(-18, 18))
    low, high = {"grazing": (12.0, 20.0), "low": (35.0, 55.0)}.get(kind, (20.0, 20.0))
    warmth = float(rng.uniform(-0.03, 0.03)) + (0.05 if kind == "low" else 0.0)
    elevation = float(rng.uniform(low, high))
    return Light(kind, side, SIDES[side] + turn, elevation, (1 + warmth, 1.0, 1 - warmth))


def sample_camera(rng: np.random.Generator, kind: LightKind) -> Camera:
    """Camera settings; low light means fewer electrons, hence noise."""
    electrons = float(rng.uniform(9000, 16000)) * (0.12 if kind == "low" else 1.0)
    return Camera(
        blur_px=float(rng.uniform(0.45, 0.8)),
        exposure=float(rng.uniform(0.92, 1.08)),
        electrons=electrons,
        vignetting=float(rng.uniform(0.03, 0.15)),
    )


def light_kinds(names: tuple[str, ...]) -> tuple[LightKind, ...]:
    """The kinds of light called `names`; SpecsightError for an unknown one."""
    for name in names:
        if name not in LIGHTS:
            raise SpecsightError(f"unknown light '{name}': {did_you_mean(name, LIGHTS)}")
    return tuple(kind for kind in LIGHTS if kind in names)

"""From the mould's shape to rubber: roughness, reflectance, gloss, wear; the `Surface` everything else works on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.fields import Field, smoothstep
from specsight.synthetic.tyres import tread
from specsight.synthetic.tyres.canvas_noise import canvas_cloud, canvas_grain, canvas_octaves
from specsight.synthetic.tyres.conditions import Plant
from specsight.synthetic.tyres.geometry import ZONE_WIDTH_MM, Window

_PIN_HOLES = 7e-4
"""Per pixel."""


@dataclass
class Surface:
    """The truth of a scene on the canvas of its window."""

    height: Field
    """(rows, columns) mm, larger is nearer to the camera."""
    albedo: Field
    """(rows, columns, 3) diffuse reflectance, linear RGB in [0, 1]."""
    gloss: Field
    """(rows, columns) strength of the specular lobe, 1 for plain rubber."""
    parts: NDArray[np.uint8]
    handling: float
    """How strongly raised edges are polished by touch, see `polish`."""

    def copy(self) -> Surface:
        """A surface of its own arrays (the part map is shared: nothing changes it)."""
        return Surface(self.height.copy(), self.albedo.copy(), self.gloss.copy(), self.parts, self.handling)

    def paint(self, where: tuple[slice, slice], alpha: Field, colour: tuple[float, float, float]) -> None:
        """Lay a colour over a box of the surface with opacity `alpha` in [0, 1]; paint is duller than rubber."""
        patch = self.albedo[where]
        patch += alpha[..., None] * (np.asarray(colour, np.float32) - patch)
        self.gloss[where] *= 1 - np.float32(0.6) * alpha


def vulcanise(
    rng: np.random.Generator,
    window: Window,
    height: Field,
    parts: NDArray[np.uint8],
    plant: Plant,
    *,
    wear: float,
) -> Surface:
    """Give the mould's shape the skin of rubber from `plant`; `wear` in [0, 1] scuffs what stands out."""
    if window.zone == "tread" and wear > 0:
        height = _abraded(window, height, 0.6 * wear)
    handling = 0.15 + 0.5 * wear
    rubbed = polish(height, handling, window.mm_per_px)
    height = height + _roughness(rng, window, plant)
    speckle = canvas_grain(rng, window)
    film = _release_film(rng, window)
    tone = 1 + np.float32(plant.mottling) * canvas_octaves(rng, window, 9.0) + np.float32(0.07) * speckle
    tone += rubbed
    np.clip(tone, 0.5, 2.0, out=tone)
    albedo = tone[..., None] * np.asarray(plant.albedo, np.float32)
    # What wanders to the surface or stays of the mould's release agent is brownish.
    albedo += film[..., None] * np.asarray((0.0022, 0.0017, 0.0010), np.float32)
    streaks = canvas_cloud(rng, window, 1.6, 9.0)
    gloss = (
        1 + np.float32(0.045) * streaks + np.float32(0.16) * speckle - np.float32(0.16) * film + 2 * rubbed
    )
    gloss *= np.float32(plant.gloss)
    np.clip(gloss, 0.2, 3.0, out=gloss)
    return Surface(
        height.astype(np.float32), albedo.astype(np.float32), gloss.astype(np.float32), parts, handling
    )


def polish(height: Field, handling: float, mm_per_px: float) -> Field:
    """Relative paleness of what stands out from its surroundings: conveyors and hands touch it first."""
    around = cv2.GaussianBlur(height, (0, 0), max(1.0, 1.2 / mm_per_px))
    rubbed: Field = np.clip((height - around) * np.float32(2.5), 0, 1) * np.float32(0.5 * handling)
    return rubbed


def _roughness(rng: np.random.Generator, window: Window, plant: Plant) -> Field:
    """Fine grain, the machining marks of the mould, pin holes, and a slight waviness of the part, in mm."""
    fine = cv2.GaussianBlur(canvas_grain(rng, window), (0, 0), 0.6) * np.float32(2.0)
    machining = canvas_cloud(rng, window, 0.7, 45.0)
    waviness = canvas_octaves(rng, window, 30.0, count=2)
    roughness: Field = np.float32(plant.grain_mm) * (fine + np.float32(0.7) * machining)
    roughness += np.float32(0.03) * waviness
    rows, columns = window.canvas
    count = int(rng.poisson(rows * columns * _PIN_HOLES))
    y, x = rng.integers(rows, size=count), rng.integers(columns, size=count)
    roughness[y, x] -= rng.uniform(0.01, 0.06, count).astype(np.float32)
    return roughness


def _release_film(rng: np.random.Generator, window: Window) -> Field:
    """Patches, wiped along the mould, of release agent and bloom: 0 to 1, with a drying edge."""
    return smoothstep((canvas_octaves(rng, window, 14.0) - np.float32(0.7)) * np.float32(1.6))


def _abraded(window: Window, height: Field, wear_mm: float) -> Field:
    """The tread ground down by `wear_mm` everywhere above the grooves."""
    crown = tread.crown(window.y_mm() - np.float32(ZONE_WIDTH_MM["tread"] / 2))
    abraded: Field = np.minimum(height, crown - np.float32(wear_mm))
    return abraded

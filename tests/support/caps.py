"""A drawn product with two parts, a rim and a face, whose place on a picture is known to the pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from specsight.specification import Specification, parse_specification

SIZE = 128
MIDDLE = 64.0
RIM, FACE = 48.0, 28.0
"""Radii."""
YAML = """product: cap
reference: {picture: good/00.png, size: [128, 128]}
mm_per_px: 0.5
parts:
- name: rim
  outline:
  - ring: {centre: [64, 64], outer: 48}
- name: face
  outline:
  - ring: {centre: [64, 64], outer: 28}
"""


def cap(
    seed: int = 0, move: tuple[float, float] = (0, 0), light: float = 1.0
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A cap `move`d by (x, y) pixels, (128, 128, 3), and its part map: 1 rim, 2 face."""
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    across, down = x - MIDDLE - move[0], y - MIDDLE - move[1]
    radius = np.hypot(across, down)
    ridges = 130 + 60 * np.sign(np.sin(24 * np.arctan2(down, across)))
    checks = 150 + 50 * np.sign(np.sin(across / 2.5) * np.sin(down / 2.5))
    grey = np.where(radius < FACE, checks, np.where(radius < RIM, ridges, 25))
    grey = grey * light + np.random.default_rng(seed).normal(0, 4, grey.shape)
    parts = np.where(radius < FACE, 2, np.where(radius < RIM, 1, 0))
    rgb = np.repeat(grey.clip(0, 255)[..., None], 3, 2)
    return rgb.astype(np.uint8), parts.astype(np.uint8)


def specification() -> Specification:
    return parse_specification(YAML)


def write_caps(folder: Path, count: int = 8) -> Path:
    """Pictures of good caps below `folder`/good, the first at the middle, and the specification, which is returned."""
    (folder / "good").mkdir(parents=True)
    generator = np.random.default_rng(1)
    for number in range(count):
        move = generator.uniform(-8, 8, 2) if number else (0.0, 0.0)
        rgb, _ = cap(number, (float(move[0]), float(move[1])))
        Image.fromarray(rgb).save(folder / "good" / f"{number:02}.png")
    (folder / "cap.yaml").write_text(YAML)
    return folder / "cap.yaml"


def overlap(found: NDArray[np.uint8], truth: NDArray[np.uint8], value: int) -> float:
    """Intersection over union of a part."""
    return float(((found == value) & (truth == value)).sum() / ((found == value) | (truth == value)).sum())

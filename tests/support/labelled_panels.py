"""A small labelled set of another product, for methods that learn from other products first: panels with spots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from zlib import crc32

import numpy as np
from PIL import Image

from specsight.detectors import Detector
from specsight.detectors.cross_set.detector import CrossSetDetector
from specsight.records import Defect, Label, Sample
from specsight.specification import DefectType, Specification

D = TypeVar("D", bound=Detector)

COLOURS = {"stain": (210, 25, 25), "burn": (25, 25, 210), "mould": (25, 200, 25)}
PHRASES = {"stain": ("red spot",), "burn": ("blue spot",), "mould": ("green spot",)}


def panel_words(types: Sequence[str] = ("stain", "burn"), product: str = "panel") -> Specification:
    defects = tuple(DefectType(name=type_, phrases=PHRASES[type_]) for type_ in types)
    return Specification(product=product, defects=defects)


def panels(
    folder: Path, types: Sequence[str] = ("stain", "burn"), count: int = 5, product: str = "panel"
) -> list[Sample]:
    """`count` good panels (64 × 80) and `count` with a spot of each type, each spot with a mask."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for kind in ("good", *types):
        for number in range(count):
            name = f"{product}-{kind}-{number}"
            generator = np.random.default_rng(crc32(name.encode()))
            pixels = 130 + generator.normal(0, 6, (64, 80, 1)) + generator.normal(0, 2, (64, 80, 3))
            mask = np.zeros((64, 80), np.uint8)
            if kind != "good":
                top, left = (int(k) for k in generator.integers(0, (32, 48)))
                mask[top : top + 24, left : left + 24] = 255
                pixels[mask > 0] = np.add(COLOURS[kind], generator.normal(0, 6, (576, 3)))
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / f"{name}.png")
            Image.fromarray(mask).save(folder / f"{name}_mask.png")
            defects = () if kind == "good" else (Defect(kind, folder / f"{name}_mask.png"),)
            label: Label = "defective" if defects else "good"
            samples.append(Sample(name, folder / f"{name}.png", product, "train", label, defects))
    return samples


def trained_on_panels(detector: D, types: Sequence[str] = ("stain", "burn")) -> D:
    """`detector`, trained on panels where it is one that must be."""
    if isinstance(detector, CrossSetDetector):
        with TemporaryDirectory() as folder:
            detector.train(panels(Path(folder), types), {"panel": panel_words(types)})
    return detector

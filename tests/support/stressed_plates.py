"""A small set of plates with depth, of two products, on which an evaluation under stress takes seconds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import tifffile

from specsight.datasets import write_manifest
from specsight.records import Defect, Sample

SIZE = (64, 64)


def write_plates(folder: Path, products: tuple[str, ...] = ("plate a", "plate b")) -> Path:
    """Eight good plates to learn from, three good and three with a dark spot to test, of each product."""
    folder.mkdir()
    rng, samples = np.random.default_rng(1), []
    for product in products:
        for number in range(14):
            name = f"{product} {number}"
            grain = cv2.GaussianBlur(rng.normal(0, 12, (*SIZE, 3)), (0, 0), 1.0)
            pixels, depth = 120 + 3 * grain, rng.normal(200, 0.01, SIZE).astype(np.float32)
            defects: tuple[Defect, ...] = ()
            if number >= 11:
                spot = np.zeros(SIZE, np.uint8)
                cv2.circle(spot, (12 + 6 * number % 40, 30), 8, 255, -1)
                pixels[spot > 0] = 10
                cv2.imwrite(str(folder / f"{name} mask.png"), spot)
                defects = (Defect("spot", folder / f"{name} mask.png"),)
            cv2.imwrite(str(folder / f"{name}.png"), np.clip(pixels, 0, 255).astype(np.uint8))
            tifffile.imwrite(folder / f"{name}.tiff", depth)
            samples.append(
                Sample(
                    name,
                    folder / f"{name}.png",
                    product,
                    "train" if number < 8 else "test",
                    "defective" if defects else "good",
                    defects,
                    depth=folder / f"{name}.tiff",
                )
            )
    write_manifest(samples, folder / "manifest.jsonl")
    return folder

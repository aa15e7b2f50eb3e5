"""CutPaste (Li et al., CVPR 2021) and natural synthetic anomalies (NSA, Schlüter et al., ECCV 2022).

Both move pieces of the product about; NSA blends them in by solving Poisson's equation, so that no seam gives them
away.
"""

from __future__ import annotations

import cv2
import numpy as np

from specsight.synthetic.compositing import Pixels, over
from specsight.synthetic.defects import placing
from specsight.synthetic.defects.painting import Where, synthesisers


@synthesisers.register("cutpaste")
def paint_cutpaste(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A rectangle of 2–15 % of the area, aspect 0.3–3.3, jittered in brightness and put elsewhere."""
    area = rng.uniform(0.02, 0.15) * where.sum()
    aspect = rng.uniform(0.3, 1) if rng.random() < 0.5 else rng.uniform(1, 3.3)
    rows, columns = int(np.sqrt(area * aspect)), int(np.sqrt(area / aspect))
    return _paste(rng, pixels, where, max(2, rows), max(2, columns), degrees=0.0)


@synthesisers.register("cutpaste scar")
def paint_scar(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """A thin strip of 2–16 by 10–25 px (at 256 px), turned by up to 45 degrees and put elsewhere."""
    unit = min(where.shape) / 256
    rows, columns = max(2, round(rng.uniform(2, 16) * unit)), max(4, round(rng.uniform(10, 25) * unit))
    return _paste(rng, pixels, where, rows, columns, degrees=float(rng.uniform(-45, 45)))


@synthesisers.register("nsa")
def paint_nsa(rng: np.random.Generator, pixels: Pixels, where: Where) -> Pixels:
    """One to three patches, half-width 0.03 + Gamma(2, 0.05) of the side, resized, blended in elsewhere."""
    height, width = where.shape
    canvas = np.clip(pixels * 255, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        half = [max(3, int(min(0.03 + rng.gamma(2, 0.05), 0.35) * side)) for side in (height, width)]
        y0, x0 = int(rng.integers(0, height - 2 * half[0])), int(rng.integers(0, width - 2 * half[1]))
        patch = canvas[y0 : y0 + 2 * half[0], x0 : x0 + 2 * half[1]]
        scale = float(np.clip(rng.normal(1, 0.5), 0.7, 1.3))
        # seamlessClone fails on patches of four pixels: nothing of them is left inside its border.
        size = [int(np.clip(side * scale, 6, limit - 4)) for side, limit in zip(patch.shape, (height, width))]
        patch = cv2.resize(patch, (size[1], size[0]))
        x, y = placing.pick(rng, where)
        # The blending needs the whole patch inside the frame, with a pixel to spare.
        centre = (
            int(np.clip(x, size[1] // 2 + 2, width - size[1] // 2 - 2)),
            int(np.clip(y, size[0] // 2 + 2, height - size[0] // 2 - 2)),
        )
        mode = cv2.NORMAL_CLONE if rng.random() < 0.5 else cv2.MIXED_CLONE
        canvas = cv2.seamlessClone(patch, canvas, np.full(patch.shape[:2], 255, np.uint8), centre, mode)
    result: Pixels = canvas.astype(np.float32) / np.float32(255)
    return np.where(where[..., None], result, pixels)


def _paste(
    rng: np.random.Generator, pixels: Pixels, where: Where, rows: int, columns: int, *, degrees: float
) -> Pixels:
    """A random rectangle of `rows` × `columns` pixels, turned by `degrees` and jittered in brightness, elsewhere."""
    height, width = where.shape
    rows, columns = min(rows, height - 1), min(columns, width - 1)
    y0, x0 = int(rng.integers(0, height - rows)), int(rng.integers(0, width - columns))
    x, y = placing.pick(rng, where)
    move = cv2.getRotationMatrix2D((x0 + columns / 2, y0 + rows / 2), degrees, 1.0)
    move[:, 2] += x - (x0 + columns / 2), y - (y0 + rows / 2)
    box = np.zeros((height, width), np.float32)
    box[y0 : y0 + rows, x0 : x0 + columns] = 1
    moved = cv2.warpAffine(pixels, move, (width, height), borderMode=cv2.BORDER_REFLECT)
    alpha = cv2.warpAffine(box, move, (width, height)) * where
    return over(pixels, moved * np.float32(np.exp(rng.normal(0, 0.1))), alpha)

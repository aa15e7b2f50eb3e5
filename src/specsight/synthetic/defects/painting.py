"""The contract of every synthesiser, the registry, and the rule about masks.

A synthesiser paints: (rng, pixels (H, W, 3) float32 in [0, 1], where (H, W) bool) → pixels of the same shape. `where`
says which pixels belong to the product (all of them where nothing is known). What counts as changed is decided here,
once, for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.registry import Registry
from specsight.specification.synonyms import PHRASES
from specsight.specification.vocabulary import place_phrase
from specsight.synthetic.compositing import Pixels

Where = NDArray[np.bool_]
Paint = Callable[[np.random.Generator, Pixels, Where], Pixels]

VISIBLE = 7
"""A pixel counts as changed when one of its channels moved by at least this many of 255 grey levels: less than the
noise of a camera nobody could point at."""
SMALLEST = 6
"""Fewer changed pixels than this are no defect: the painter tries again elsewhere."""
ATTEMPTS = 24


@dataclass(frozen=True)
class SyntheticDefect:
    """`rgb` (H, W, 3) uint8 differs from the good picture exactly where `mask` (H, W) bool is true."""

    rgb: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    type: str
    """Name of the synthesiser; for the typed ones also the name of the defect type."""
    text: str
    """A sentence about the defect, with its place."""
    parameters: Mapping[str, float] = field(default_factory=dict)
    """Centre (x, y, shares of the picture) and area (share of the picture) of what was changed."""


synthesisers: Registry[Paint] = Registry(
    "synthetic defect",
    "specsight.synthetic.defects",
    # Seeded training draws types in the order of the registry: the same weights need the same order.
    first=("lines", "spots", "matter", "edges", "pasted", "draem"),
)
"""Name of a synthetic defect → its painter. A module of this package that registers one is found by itself."""


def synthesise(
    rng: np.random.Generator, rgb: NDArray[np.uint8], type: str, where: Where | None = None
) -> SyntheticDefect:
    """Put one defect of `type` on the good picture `rgb` (H, W, 3) uint8, within `where` (H, W) bool if given.

    Raises SpecsightError for a picture too small to carry one (16 px), for an empty `where`, and where nothing visible
    came of several attempts (a defect as dark as the surface it lies on).
    """
    paint = synthesisers[type]
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or min(rgb.shape[:2]) < 16:
        raise SpecsightError(
            f"a picture must be (H, W, 3) uint8 of at least 16 px, got {rgb.shape} {rgb.dtype}"
        )
    where = np.ones(rgb.shape[:2], np.bool_) if where is None else where
    if where.shape != rgb.shape[:2] or not where.any():
        raise SpecsightError(f"where must be a non-empty {rgb.shape[:2]} mask, got {where.shape}")
    pixels = rgb.astype(np.float32) / np.float32(255)
    for _ in range(ATTEMPTS):
        painted, mask = _settle(rgb, paint(rng, pixels.copy(), where), where)
        if mask.sum() >= SMALLEST:
            return _describe(rng, painted, mask, type)
    raise SpecsightError(f"no visible '{type}' could be put on this picture: choose another type or picture")


def _settle(
    good: NDArray[np.uint8], painted: Pixels, where: Where
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Quantise; put back every pixel beside the product or whose change nobody could see; the rest is the mask."""
    result = np.clip(painted * 255 + np.float32(0.5), 0, 255).astype(np.uint8)
    change = np.abs(result.astype(np.int16) - good.astype(np.int16)).max(axis=2)
    mask: NDArray[np.bool_] = (change >= VISIBLE) & where
    return np.where(mask[..., None], result, good), mask


def _describe(
    rng: np.random.Generator, rgb: NDArray[np.uint8], mask: NDArray[np.bool_], type: str
) -> SyntheticDefect:
    rows, columns = np.nonzero(mask)
    x, y = float(columns.mean() / mask.shape[1]), float(rows.mean() / mask.shape[0])
    phrase = str(rng.choice(PHRASES.get(type, PHRASES["anomaly"])))
    parameters = {"x": round(x, 4), "y": round(y, 4), "area": round(float(mask.mean()), 6)}
    return SyntheticDefect(rgb, mask, type, f"{phrase} {place_phrase(x, y)}", parameters)

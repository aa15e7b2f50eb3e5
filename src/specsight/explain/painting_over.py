"""Regions of a picture painted over: from an aligned good picture, else from the place with the likest surroundings.

In: pixels and masks. Out: pixels. Inpainting by diffusion leaves smudges on textured products, which are defects of
their own; a patch that continues the surroundings does not (exemplar-based, after Criminisi et al., TIP 2004; one patch
for each connected region, its brightness adjusted, with a soft edge).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
MARGIN = 0.01
"""By which share of the shorter side a region is painted over beyond its mask, at least two pixels."""
RING = 0.05
"""Width, as a share of the shorter side, of the surroundings that a patch must continue; at least six pixels."""
UNLIKE = 20.0
"""Root mean square difference, in grey levels, of surroundings from which on no patch is taken."""
TRIES = 200
"""Random places that `equal_region` looks at."""


def painted_over(
    rgb: Pixels, mask: Mask, barred: Mask, others: Sequence[Pixels] = (), aligned: Pixels | None = None
) -> Pixels | None:
    """`rgb` (H, W, 3) with the pixels of `mask` (H, W), and a margin around them, replaced; None where nothing fits.

    Parameters: no patch is taken from what is `barred` (H, W), the picture's defects; `others` are good pictures of the
    same product, from which patches may come as well as from the picture itself; `aligned` is a good one on which
    everything lies where it lies on `rgb`: its own pixels are taken then.
    """
    if aligned is not None:
        return _blended(rgb, aligned, mask)
    barred = widened(barred | mask)
    filled = rgb
    for region in _regions(widened(mask)):
        patch = _patch(filled, region, barred, others)
        if patch is None:
            return None
        filled = _blended(filled, patch, region & mask)
    return filled


def equal_region(mask: Mask, generator: np.random.Generator) -> Mask | None:
    """`mask` (H, W) moved to where it meets neither itself, margins included, nor the picture's edge; None: no room."""
    barred = widened(widened(mask))
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    height, width = mask.shape
    for _ in range(TRIES):
        down = int(generator.integers(-rows[0], height - rows[-1]))
        right = int(generator.integers(-columns[0], width - columns[-1]))
        moved = np.roll(mask, (down, right), axis=(0, 1))
        if not np.any(widened(moved) & barred):
            return moved
    return None


def widened(mask: Mask, share: float = MARGIN, least: int = 2) -> Mask:
    """`mask` (H, W) grown by `share` of the shorter side, at least by `least` pixels."""
    by = _pixels(mask, share, least)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel) > 0)


def _pixels(mask: Mask, share: float, least: int) -> int:
    height, width = mask.shape
    return max(least, int(share * min(height, width) + 0.5))


def _regions(mask: Mask) -> Iterator[Mask]:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    for label in range(1, count):
        yield np.asarray(labels == label)


def _patch(rgb: Pixels, region: Mask, barred: Mask, others: Sequence[Pixels]) -> Pixels | None:
    """A picture like `rgb` whose `region` continues its surroundings; None where no place does."""
    ring = widened(region, RING, 6) & ~barred
    if not ring.any():
        return None
    rows, columns = (np.flatnonzero((region | ring).any(axis=axis)) for axis in (1, 0))
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    around, inside = ring[window], region[window]
    best, found = np.inf, None
    for number, source in enumerate((rgb, *others)):
        differences = _differences(source, rgb[window], around)
        if number == 0:
            differences[_touched(barred, inside)] = np.inf
        place = np.unravel_index(int(np.argmin(differences)), differences.shape)
        if differences[place] < best:
            best, found = float(differences[place]), (source, place)
    if found is None or np.sqrt(best / (3 * around.sum())) > UNLIKE:
        return None
    source, (top, left) = found
    taken = source[top : top + inside.shape[0], left : left + inside.shape[1]].astype(np.float32)
    shift = (rgb[window][around].astype(np.float32) - taken[around]).mean(axis=0)
    patched = np.array(rgb)
    patched[window] = np.clip(np.round(taken + shift), 0, 255).astype(np.uint8)
    return patched


def _differences(source: Pixels, template: Pixels, around: Mask) -> NDArray[np.float64]:
    """Sum of squared differences of `template` (h, w, 3), where it is `around`, at every place of `source`."""
    if source.shape[0] < template.shape[0] or source.shape[1] < template.shape[1]:
        return np.full((1, 1), np.inf)
    weights = np.repeat(around[..., None], 3, axis=2).astype(np.float32)
    found = cv2.matchTemplate(
        source.astype(np.float32), template.astype(np.float32), cv2.TM_SQDIFF, mask=weights
    )
    return np.asarray(np.maximum(found, 0), np.float64)


def _touched(barred: Mask, inside: Mask) -> Mask:
    """At which places a window's `inside` (h, w) would hold something `barred` (H, W)."""
    hits = cv2.matchTemplate(barred.astype(np.float32), inside.astype(np.float32), cv2.TM_CCORR)
    return np.asarray(hits > 0.5)


def _blended(rgb: Pixels, patch: Pixels, mask: Mask) -> Pixels:
    """`patch` inside `mask`, `rgb` outside of its margin, and a soft edge between them."""
    weight = cv2.GaussianBlur(widened(mask).astype(np.float32), (0, 0), _pixels(mask, MARGIN, 2) / 2)[
        ..., None
    ]
    weight[mask] = 1
    weight[~widened(widened(mask))] = 0
    return np.asarray(np.round(weight * patch + (1 - weight) * rgb), np.uint8)

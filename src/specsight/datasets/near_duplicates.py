"""Pictures that look alike to the pixel: the same part taken twice, saved again, or lightly retouched.

A 256-bit difference hash (which of two neighbouring cells is brighter) proposes pairs, a 32 × 32 thumbnail confirms
them: pictures of one product under one fixed camera are alike anyway, and the hash alone would report many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.progress import track

_HASH_SIDE, _THUMBNAIL_SIDE = 16, 32
_MOST_BITS = 4
"""Of 256. Distinct good bottles of MVTec AD differ by 4 or more, the same bottle taken twice by 1."""
_MOST_GREY = 1.5
"""Mean absolute difference of the thumbnails, in grey levels of 255; distinct good bottles: 2.9 or more."""
_BLOCK = 2048


@dataclass(frozen=True)
class Fingerprint:
    """Hash (256,) of -1 and 1, thumbnail (1024,) in grey levels."""

    bits: NDArray[np.int8]
    thumbnail: NDArray[np.uint8]


def fingerprint(rgb: NDArray[np.uint8]) -> Fingerprint:
    """Fingerprint of a picture (H, W, 3); independent of its size."""
    import cv2

    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    cells = cv2.resize(grey, (_HASH_SIDE + 1, _HASH_SIDE), interpolation=cv2.INTER_AREA)
    bits = np.where(cells[:, 1:] > cells[:, :-1], 1, -1).astype(np.int8).ravel()
    side = (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE)
    return Fingerprint(
        bits, np.asarray(cv2.resize(grey, side, interpolation=cv2.INTER_AREA), np.uint8).ravel()
    )


def near_duplicates(fingerprints: Sequence[Fingerprint]) -> list[tuple[int, int]]:
    """Index pairs (i < j) that look alike. All pairs are compared, as matrix products of blocks of hashes."""
    if len(fingerprints) < 2:
        return []
    bits = np.stack([one.bits for one in fingerprints]).astype(np.float32)
    same = bits.shape[1] - 2 * _MOST_BITS
    pairs = []
    for start in track(range(0, len(bits), _BLOCK), "comparing"):
        rows, columns = np.nonzero(bits[start : start + _BLOCK] @ bits.T >= same)
        pairs += [(int(i) + start, int(j)) for i, j in zip(rows, columns) if i + start < j]
    return [(i, j) for i, j in pairs if _grey_distance(fingerprints[i], fingerprints[j]) <= _MOST_GREY]


def _grey_distance(a: Fingerprint, b: Fingerprint) -> float:
    return float(np.abs(a.thumbnail.astype(np.int16) - b.thumbnail).mean())

"""Pictures that show the same part, as far as pixels tell: copies, other encodings, frames of one video.

In: fingerprints of pictures, in the order of their names. Out: pairs. Pictures of one product under one fixed camera
are alike anyway, so a correlation alone would report most of them. Each picture is therefore compared with its nearest
neighbours only, moved onto them by phase correlation, and what remains must be as small as compression, sensor noise
and a change of exposure leave it. Where more than colours was measured (depth, normals), that must be equal, too.

The limits were set on good pictures of MVTec AD bottle (229 pictures, one bottle taken twice: 228 parts), DeepPCB (381
templates: 381), magnetic tile and made copies: re-encoded down to JPEG 75, noise of 5 grey levels, 3 % brighter, moved
by up to 2 % of the picture (15 bottles x 8: 15 parts).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight.progress import track

_SIDE, _COARSE_SIDE = 128, 16
_MARGIN = 8
"""Thumbnail pixels by which pictures may be moved against each other; as many are left out at the rim."""
_COMPARED_SIDE = (_SIDE - 2 * _MARGIN) // 2
_MOST_GREY, _MOST_CONTRAST = 0.5, 0.03
"""The rest may be 0.5 grey levels (noise) plus 3 % of the contrast (interpolation); distinct bottles: 4.5 %."""
_LEAST_CORRELATION = 0.9
_LEAST_COARSE_CORRELATION = 0.8
"""Before they are moved onto each other."""
_MOST_GAIN, _MOST_COLOUR = 1.2, 20.0
"""Ratio of contrasts, and difference of mean colours in grey levels: beyond them it is another part, not another
exposure."""
_CONSTANT = 1e-6
_NEIGHBOURS = 6
_USUAL = 0.1
"""Quantile of the distances from one picture to all others that counts as usual."""
_UNUSUAL = 1 / 3
"""Share of the usual distance below which two pictures are unusually alike."""
_BLOCK = 512

Pairs = list[tuple[int, int]]


@dataclass(frozen=True)
class Fingerprint:
    """What is compared of a picture."""

    grey: NDArray[np.uint8]
    """Thumbnail (128, 128), whatever the picture's shape."""
    colour: NDArray[np.float64]
    """Mean colour (3,)."""
    further: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """Thumbnails (128, 128), by name, of what else was measured of the part, such as its depth."""


@dataclass(frozen=True)
class Likeness:
    """Index pairs (i < j) of pictures that are alike, each pair in one list only."""

    same: Pairs = field(default_factory=list)
    """Show the same part."""
    unusual: Pairs = field(default_factory=list)
    """Correlated above 0.9, and nearer than a third of what is usual in the set: other exposures of one part, or of
    one variant of the product."""


def fingerprint(
    rgb: NDArray[np.uint8], further: Mapping[str, NDArray[np.float32]] | None = None
) -> Fingerprint:
    """Fingerprint of a picture (H, W, 3); independent of its size.

    `further`: what else was measured, by name, (H, W) each, NaN where unknown, in an absolute unit.
    """
    import cv2

    grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    measured = {name: _measured(plane) for name, plane in sorted((further or {}).items())}
    return Fingerprint(np.asarray(grey, np.uint8), np.asarray(cv2.mean(rgb)[:3]), measured)


def near_duplicates(fingerprints: Sequence[Fingerprint]) -> Likeness:
    """Pairs that are alike, enough of them to connect all pictures of a part.

    Neighbours are found by matrix products of blocks of coarse thumbnails: time is quadratic, memory linear in n.
    """
    alike = Likeness()
    first: dict[bytes, int] = {}
    for i, one in enumerate(fingerprints):
        planes = b"".join(plane.tobytes() for plane in one.further.values())
        twin = first.setdefault(one.grey.tobytes() + one.colour.round().tobytes() + planes, i)
        if twin != i:
            alike.same.append((twin, i))
    different = sorted(first.values())
    prints = [fingerprints[i] for i in different]
    pairs = _neighbours(prints) if len(prints) > 1 else {}
    for (i, j), unusual in pairs.items():
        if _same_part(prints[i], prints[j]):
            alike.same.append((different[i], different[j]))
        elif unusual:
            alike.unusual.append((different[i], different[j]))
    return alike


def connected(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Label (count,) of each of `count` things: the smallest index among all that pairs connect it with."""
    labels = list(range(count))

    def root(i: int) -> int:
        while labels[i] != i:
            labels[i] = labels[labels[i]]
            i = labels[i]
        return i

    for i, j in pairs:
        a, b = root(i), root(j)
        labels[max(a, b)] = min(a, b)
    return [root(i) for i in range(count)]


def _neighbours(prints: Sequence[Fingerprint]) -> dict[tuple[int, int], bool]:
    """Pairs worth a comparison, and whether they are unusually alike: nearest neighbours, and those next in order."""
    names = sorted(set.intersection(*(set(one.further) for one in prints)))
    coarse = np.stack([_coarse(one, names) for one in prints])
    pairs: dict[tuple[int, int], bool] = {}
    count = min(_NEIGHBOURS, len(prints) - 1)
    usual_rank = int(_USUAL * (len(prints) - 2))
    usual = np.empty(len(prints), np.float32)
    candidates: list[tuple[int, int, float]] = []
    for start in track(range(0, len(coarse), _BLOCK), "Comparing"):
        correlation = coarse[start : start + _BLOCK] @ coarse.T
        rows = np.arange(len(correlation))
        correlation[rows, rows + start] = -2
        next_ = np.minimum(rows + start + 1, len(coarse) - 1)
        ranks = sorted({len(coarse) - 1 - usual_rank, len(coarse) - count})
        order = np.argpartition(correlation, ranks, axis=1)
        usual[start : start + _BLOCK] = correlation[rows, order[:, len(coarse) - 1 - usual_rank]]
        near = np.column_stack([order[:, len(coarse) - count :], next_])
        values = correlation[rows[:, None], near]
        for row, column in zip(*np.nonzero(values >= _LEAST_COARSE_CORRELATION)):
            candidates.append((int(row) + start, int(near[row, column]), float(values[row, column])))
    for i, j, value in candidates:
        # The distance of normalized thumbnails is sqrt(2 (1 - correlation)).
        limit = (1 - max(usual[i], usual[j])) * _UNUSUAL**2
        pairs[min(i, j), max(i, j)] = value > _LEAST_CORRELATION and 1 - value <= limit
    return pairs


def _coarse(one: Fingerprint, names: Sequence[str]) -> NDArray[np.float32]:
    """Coarse thumbnails of grey and of what else was measured, 256 values each, without mean; of length 1 together.

    A constant one is 0 and leaves the comparison to the others.
    """
    vectors = [_direction(plane) for plane in (one.grey.astype(np.float32), *(one.further[n] for n in names))]
    length = np.sqrt(max(1, sum(bool(v.any()) for v in vectors)))
    return np.asarray(np.concatenate(vectors) / length, np.float32)


def _direction(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Coarse thumbnail (256,) without mean, of length 1 (0 where it is constant)."""
    import cv2

    small = cv2.resize(plane, (_COARSE_SIDE, _COARSE_SIDE), interpolation=cv2.INTER_AREA)
    vector = small.ravel() - small.mean()
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length > _CONSTANT else 0 * vector, np.float32)


def _measured(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Thumbnail (128, 128) of measurements: means of what is known, and the median where nothing is."""
    import cv2

    known = np.isfinite(plane)
    middle = np.float32(np.median(plane[known])) if known.any() else np.float32(0)
    shares, sums = (
        cv2.resize(values.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        for values in (known, np.where(known, plane - middle, 0))
    )
    return np.asarray(middle + sums / np.maximum(shares, np.float32(_CONSTANT)), np.float32)


def _same_part(a: Fingerprint, b: Fingerprint) -> bool:
    import cv2

    if np.abs(a.colour - b.colour).max() > _MOST_COLOUR:
        return False
    names = [name for name in a.further if name in b.further]
    still, moving = ([one.grey.astype(np.float32), *(one.further[name] for name in names)] for one in (a, b))
    seen = next((i for i, plane in enumerate(still) if np.ptp(plane) > _CONSTANT), 0)
    window = cv2.createHanningWindow((_SIDE, _SIDE), cv2.CV_32F)
    # phaseCorrelate may write into what it is given.
    (x, y), _ = cv2.phaseCorrelate(still[seen].copy(), moving[seen].copy(), window)
    moves = [(0.0, 0.0)] + ([(x, y)] if max(abs(x), abs(y)) <= _MARGIN else [])
    for move in moves:
        moved = [cv2.warpAffine(plane, _move(*move), (_SIDE, _SIDE)) for plane in moving]
        equal = _equal(still[0], moved[0]) or (
            bool(names) and max(np.ptp(still[0]), np.ptp(moving[0])) <= _CONSTANT
        )
        if equal and all(_measured_alike(*planes) for planes in zip(still[1:], moved[1:])):
            return True
    return False


def _move(x: float, y: float) -> NDArray[np.float32]:
    return np.array([[1, 0, -x], [0, 1, -y]], np.float32)


def _equal(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    """Whether two thumbnails are equal up to exposure (a gain and an offset), noise and interpolation."""
    first, second = _centre(a), _centre(b)
    contrast = [float(np.sqrt((v**2).mean())) for v in (first, second)]
    low, high = min(contrast), max(contrast)
    if low < _CONSTANT or high > _MOST_GAIN * low + _MOST_GREY:
        return False
    correlation = float((first * second).mean()) / (low * high)
    rest = low * float(np.sqrt(max(0.0, 2 - 2 * correlation)))
    return correlation > _LEAST_CORRELATION and rest <= _MOST_GREY + _MOST_CONTRAST * low


def _measured_alike(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    """Whether two thumbnails of measurements are equal up to noise and interpolation; no exposure changes them."""
    contrast = min(float(np.sqrt((_centre(v) ** 2).mean())) for v in (a, b))
    rest = float(np.sqrt((_inside(a - b) ** 2).mean()))
    return rest <= _MOST_CONTRAST * contrast + _CONSTANT


def _centre(thumbnail: NDArray[np.float32]) -> NDArray[np.float32]:
    """`_inside` without its mean."""
    small = _inside(thumbnail)
    return np.asarray(small - small.mean(), np.float32)


def _inside(thumbnail: NDArray[np.float32]) -> NDArray[np.float32]:
    """What lies inside the margin, at half the resolution."""
    import cv2

    inner = np.ascontiguousarray(thumbnail[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN])
    small = cv2.resize(inner, (_COMPARED_SIDE, _COMPARED_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small.ravel(), np.float32)

"""Greedy k-centre selection (Gonzalez 1985; PatchCore's coreset): each pick is the point farthest from all picks.

In: points (N, D). Out: the indices of the picks, in order. The textbook loop reads all N × D numbers once per pick;
here the same picks come out of matrix products over small sets of points:

- Distances to the picks only fall, so the last one computed is an upper bound. Bounds are brought up to date lazily,
  for the points that are farthest by their bounds, against all picks they have missed at once.
- Picks then follow one another among the candidates, the farthest of those points, for as long as the farthest
  candidate lies beyond every bound of the other points: then it is the farthest of all, just as in the textbook.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray

from specsight.features.threads import one_thread
from specsight.progress import track

Points = NDArray[np.float32]
Indices = NDArray[np.int64]

REFRESHED = 1024
"""Rows whose bounds are brought up to date together: enough to keep a matrix product busy."""
CANDIDATE_BYTES = 1 << 20
"""Candidates are read once per pick and should stay in a core's own cache."""
PICKS_AT_ONCE = 1024
"""Picks per matrix product, which bounds its result to a few megabytes."""
WIDE = 512
"""Numbers per point from which products are large enough for several threads."""
NOISE = 1e-6
"""Squared distances below this share of the largest squared norm are float32 rounding: duplicates."""


def greedy_k_centre(
    points: Points, count: int, start: int = 0, what: str = "selecting the coreset"
) -> Indices:
    """Return the indices of `count` picks among `points` (N, D) float32, the first being `start`.

    The picks are those of the textbook algorithm up to float32 rounding and the order of exact ties. Fewer come back
    where fewer points are distinct. `what` labels the progress bar. Needs room for the picks and for 1,024 rows
    beside the points.
    """
    if points.ndim != 2 or not len(points) or points.dtype != np.float32:
        raise ValueError(f"points must be (N, D) float32 with N > 0, got {points.shape} {points.dtype}")
    if not 0 <= start < len(points):
        raise ValueError(f"start {start} is outside the {len(points)} points")
    selection = _Selection(points, min(count, len(points)))
    selection.pick(start)
    with nullcontext() if points.shape[1] >= WIDE else one_thread():
        for _ in track(selection.steps(), what, total=selection.wanted - 1):
            pass
    return np.array(selection.picks[: selection.count])


class _Selection:
    """State of one greedy selection of `wanted` among `points`, whose rows are read but never copied as a whole."""

    def __init__(self, points: Points, wanted: int) -> None:
        self.points = points
        self.wanted = wanted
        # Distances come from |x|² + |y|² - 2xy; taking the mean off first keeps the cancellation in that small.
        self.mean = points.mean(0, dtype=np.float64).astype(np.float32)
        self.norms = _squared_norms(points, self.mean)
        self.noise = NOISE * float(self.norms.max())
        self.candidates = int(np.clip(CANDIDATE_BYTES // (4 * points.shape[1]), 64, REFRESHED))
        self.picks = np.empty(wanted, np.int64)
        self.chosen = np.empty((wanted, points.shape[1] + 1), np.float32)
        """(-2 y, |y|²) for each pick y: its product with (x, 1) is |x - y|² but for |x|²."""
        self.count = 0
        self.bounds = np.full(len(points), np.inf, np.float32)
        """Upper bounds of the squared distances to the nearest pick."""
        self.compared = np.zeros(len(points), np.int64)
        """How many of the picks each bound accounts for."""

    def pick(self, index: int) -> None:
        """Add a point to the picks."""
        self.chosen[self.count, :-1] = -2 * (self.points[index] - self.mean)
        self.chosen[self.count, -1] = self.norms[index]
        self.picks[self.count] = index
        self.count += 1
        self.bounds[index] = -1.0

    def steps(self) -> Iterator[int]:
        """Select, yielding the number of picks made after each."""
        while self.count < self.wanted:
            before = self.count
            if not self._advance():
                return
            yield from range(before + 1, self.count + 1)

    def _advance(self) -> bool:
        """Refresh the farthest rows and pick while that is certain; False once only duplicates are left."""
        rows, outside = _largest(self.bounds, REFRESHED)
        extended = self._extended(rows)
        self._refresh(rows, extended)
        best, next_best = _largest(self.bounds[rows], self.candidates)
        outside = max(outside, next_best)
        rows, extended = rows[best], extended[best]
        distances = self.bounds[rows]
        if distances.max() <= self.noise and outside <= self.noise:
            return False
        while self.count < self.wanted:
            farthest = int(distances.argmax())
            if distances[farthest] < outside or distances[farthest] <= self.noise:
                break
            self.pick(int(rows[farthest]))
            nearest = extended @ self.chosen[self.count - 1] + self.norms[rows]
            np.minimum(distances, np.maximum(nearest, 0), out=distances)
            distances[farthest] = -1.0
        self.bounds[rows] = distances
        self.compared[rows] = self.count
        return True

    def _extended(self, rows: Indices) -> Points:
        """(x, 1) for the centred points x of `rows`."""
        extended = np.empty((len(rows), self.points.shape[1] + 1), np.float32)
        np.subtract(self.points[rows], self.mean, out=extended[:, :-1])
        extended[:, -1] = 1
        return extended

    def _refresh(self, rows: Indices, extended: Points) -> None:
        """Bring the bounds of `rows`, whose extended points are given, up to date with all picks."""
        stale = np.flatnonzero(self.compared[rows] < self.count)
        order = stale[np.argsort(self.compared[rows[stale]], kind="stable")]
        # Rows that missed about as many picks share a product.
        for group in np.array_split(order, min(4, max(1, len(order)))):
            if not len(group):
                continue
            members = rows[group]
            nearest = np.full(len(group), np.inf, np.float32)
            for begin in range(int(self.compared[members].min()), self.count, PICKS_AT_ONCE):
                block = slice(begin, min(begin + PICKS_AT_ONCE, self.count))
                np.minimum(nearest, (extended[group] @ self.chosen[block].T).min(1), out=nearest)
            nearest = np.maximum(nearest + self.norms[members], 0)
            self.bounds[members] = np.minimum(self.bounds[members], nearest)
        self.compared[rows] = self.count


def _squared_norms(points: Points, mean: Points) -> Points:
    norms = np.empty(len(points), np.float32)
    for begin in range(0, len(points), REFRESHED):
        block = points[begin : begin + REFRESHED] - mean
        norms[begin : begin + len(block)] = np.einsum("nd,nd->n", block, block)
    return norms


def _largest(values: Points, count: int) -> tuple[Indices, float]:
    """Positions of the `count` largest values in rising order of position, and the largest of the others (-1: none)."""
    if len(values) <= count:
        return np.arange(len(values)), -1.0
    order = np.argpartition(values, len(values) - count - 1)
    return np.sort(order[-count:]), float(values[order[len(values) - count - 1]])

"""A memory bank: the patches of good parts, thinned to a coreset while they stream by, and searched exactly.

In: patch vectors (n, D), picture by picture. Out: for any vectors, the distance to their nearest neighbours in the
bank. While collecting, memory is bounded: when the buffer is full it is reduced to its own coreset (merge and reduce),
whose covering radius adds to that of the final selection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from specsight.features.coreset import Indices, Points, greedy_k_centre

REDUCED_TO = 4
"""A full buffer is reduced to this many times the final size, so that early pictures keep enough to choose from."""
BLAS_FROM = 20
"""Queries (or, in newer versions of faiss, numbers in all queries) from which a search is a matrix product."""
PARALLEL_FROM = 4_000_000_000
"""Products from which a search is spread over processors. Below, faiss' waiting threads would cost the encoder's own
threads more than they bring."""
PIECE = 16_384
"""Vectors projected at a time."""


class BankBuilder:
    """Collects patch vectors and selects at most `limit` of them, or `ratio` of all if that is fewer.

    `budget` bounds the collected vectors in bytes; `seed` draws the first pick.
    """

    def __init__(self, ratio: float, limit: int, budget: int, seed: int) -> None:
        self.ratio, self.limit, self.budget, self.seed = ratio, limit, budget, seed
        self.total = 0
        """Vectors taken in."""
        self._buffer = np.empty((0, 0), np.float32)
        self._filled = 0

    def add(self, vectors: Points, expected: int = 0) -> None:
        """Take in (n, D) vectors; `expected` more of them are likely to follow (sizes the buffer once)."""
        for begin in range(0, len(vectors), self._capacity(vectors.shape[1]) // 2):
            self._add(vectors[begin : begin + self._capacity(vectors.shape[1]) // 2], expected)

    def _add(self, vectors: Points, expected: int) -> None:
        capacity = self._capacity(vectors.shape[1])
        if self._filled + len(vectors) > capacity:
            self._reduce(min(REDUCED_TO * self.limit, capacity // 2))
        needed = self._filled + len(vectors)
        if needed > len(self._buffer):
            rows = min(capacity, max(needed + expected, 2 * len(self._buffer)))
            grown = np.empty((rows, vectors.shape[1]), np.float32)
            if self._filled:
                grown[: self._filled] = self._buffer[: self._filled]
            self._buffer = grown
        self._buffer[self._filled : needed] = vectors
        self._filled = needed
        self.total += len(vectors)

    @property
    def collected(self) -> Points:
        """The vectors at hand, (n, D): all that were taken in, or what a full buffer was reduced to and those since."""
        return self._buffer[: self._filled]

    def build(self, project: Callable[[Points], Points] | None = None) -> Points:
        """Return the selected vectors (M, D'), chosen in the space that `project` leads to.

        The builder is empty afterwards.
        """
        size = max(1, min(self.limit, round(self.ratio * self.total)))
        collected, self._buffer = self.collected, np.empty((0, 0), np.float32)
        self._filled = 0
        if project is not None:
            pieces = np.array_split(collected, max(1, len(collected) // PIECE))
            collected = np.concatenate([project(piece) for piece in pieces])
        return collected[self._select(collected, size)]

    def _capacity(self, width: int) -> int:
        """Rows the buffer may hold; never so few that the final selection would not fit in half of it."""
        return max(self.budget // (4 * width), 2 * self.limit, 2)

    def _reduce(self, size: int) -> None:
        picks = self._select(self._buffer[: self._filled], size)
        self._buffer[: len(picks)] = self._buffer[picks]
        self._filled = len(picks)

    def _select(self, vectors: Points, size: int) -> Indices:
        if len(vectors) <= size:
            return np.arange(len(vectors))
        start = int(np.random.default_rng(self.seed).integers(len(vectors)))
        return np.sort(greedy_k_centre(vectors, size, start))


class MemoryBank:
    """Exact nearest neighbours among fixed vectors (M, D) by Euclidean distance."""

    def __init__(self, vectors: Points) -> None:
        """Raises ValueError where `vectors` are no table, or an empty one, as in a damaged file."""
        import faiss

        if vectors.ndim != 2 or not vectors.size:
            raise ValueError(f"a bank of vectors cannot be {vectors.shape}")
        self.vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        # Since 1.14 faiss leaves BLAS aside below 128,000 query numbers, where it is 5 × slower on banks of thousands.
        faiss.cvar.distance_compute_blas_threshold = BLAS_FROM
        self._index: Any = faiss.IndexFlatL2(self.vectors.shape[1])
        # faiss computes |x|² + |y|² - 2xy, which cancels far from the origin: neighbours are sought around the mean.
        self.mean = self.vectors.mean(0, dtype=np.float64).astype(np.float32)
        self._index.add(self.vectors - self.mean)

    def nearest(self, queries: Points, count: int = 1) -> tuple[Points, Indices]:
        """Return distances (n, count), rising, and positions in the bank (n, count) of each query's nearest vectors.

        faiss only picks the neighbours: the distances of those pairs are computed from their differences, since its
        own cancel near zero.
        """
        import faiss

        queries = np.ascontiguousarray(queries, dtype=np.float32)
        work = len(queries) * self.vectors.size
        # The number holds for torch as well: left as it is, pictures encoded after the first search would be summed up
        # by fewer threads, to other last bits, than those before.
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1 if work < PARALLEL_FROM else threads)
        try:
            _, neighbours = self._index.search(queries - self.mean, min(count, len(self.vectors)))
        finally:
            faiss.omp_set_num_threads(threads)
        distances = np.empty(neighbours.shape, np.float32)
        for column in range(neighbours.shape[1]):
            distances[:, column] = np.linalg.norm(queries - self.vectors[neighbours[:, column]], axis=1)
        if neighbours.shape[1] > 1:
            order = np.argsort(distances, axis=1, kind="stable")
            distances, neighbours = (
                np.take_along_axis(distances, order, 1),
                np.take_along_axis(neighbours, order, 1),
            )
        return distances, neighbours

"""Where a picture's features lie over those of a labelled one: the shift at which the two agree best.

In: grids of features of two pictures. Out: the shift in cells, down and across, and how well the two agree there, as
the mean cosine of cells that meet. All shifts are tried at once by the correlation theorem; on circular strips, columns
go round. Between cells, the peak is that of a parabola through its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float32]

LEAST_OVERLAP = 0.3
"""Share of the labelled picture's cells that meet cells of the other; fewer agree by chance."""


@dataclass(frozen=True)
class Placement:
    """How a picture lies over a labelled one: what the labelled one shows at a place lies `shift` further on it."""

    shift: tuple[float, float]
    """In cells, down and across."""
    agreement: float
    """Mean cosine of cells that meet, at most 1."""


class Placeable:
    """Features (D, h, w) whose mean over the picture was taken from them, ready to be placed."""

    def __init__(self, grid: Grid, circular: bool = False) -> None:
        centred = grid - grid.mean((1, 2), keepdims=True)
        self.grid = np.asarray(centred / (np.linalg.norm(centred, axis=0, keepdims=True) + 1e-6), np.float32)
        self.circular = circular

    def over(self, labelled: Placeable) -> Placement:
        """Where this picture lies over a labelled one."""
        size = self._padded(labelled)
        product = np.conj(labelled._spectrum(size)) * self._spectrum(size)
        sums = np.fft.irfft2(product.sum(0), size)
        covered = np.fft.irfft2(np.conj(labelled._cover(size)) * self._cover(size), size)
        least = LEAST_OVERLAP * labelled.grid[0].size
        means = np.where(covered >= least - 0.5, sums / np.maximum(covered, 1), -1.0)
        peak = np.unravel_index(int(means.argmax()), size)
        shift = tuple(
            _signed(int(at), length) + _between(np.take(means, peak[1 - axis], 1 - axis), int(at))
            for axis, (at, length) in enumerate(zip(peak, size, strict=True))
        )
        return Placement((shift[0], shift[1]), float(min(means[peak], 1.0)))

    def _padded(self, other: Placeable) -> tuple[int, int]:
        """Size at which no shift wraps around, except across on circular strips of one length."""
        (h, w), (h2, w2) = self.grid.shape[1:], other.grid.shape[1:]
        round_ = self.circular and other.circular and w == w2
        return h + h2, w if round_ else w + w2

    def _spectrum(self, size: tuple[int, int]) -> NDArray[np.complexfloating]:
        if size not in self._spectra:
            self._spectra[size] = np.fft.rfft2(self.grid, size).astype(np.complex64)
        return self._spectra[size]

    def _cover(self, size: tuple[int, int]) -> NDArray[np.complexfloating]:
        return np.asarray(np.fft.rfft2(np.ones(self.grid.shape[1:]), size))

    @cached_property
    def _spectra(self) -> dict[tuple[int, int], NDArray[np.complexfloating]]:
        return {}


def _signed(at: int, length: int) -> int:
    return at - length if at > length // 2 else at


def _between(line: NDArray[np.float64], at: int) -> float:
    """Offset of the peak of a parabola through a maximum and its neighbours, in [-0.5, 0.5]."""
    before, peak, after = line[at - 1], line[at], line[(at + 1) % len(line)]
    bend = before - 2 * peak + after
    if bend >= 0 or min(before, after) <= -1:
        return 0.0
    return float(np.clip((before - after) / (2 * bend), -0.5, 0.5))

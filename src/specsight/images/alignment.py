"""A picture brought to the pose of another, and maps brought back: a rotation about the middle and a shift.

In: planes of a picture. Out: the same planes aligned, of the same size, or the other way round. What lies outside of
the picture is filled by reflection in colour and never counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.images.cells import Size


@dataclass(frozen=True)
class Alignment:
    """Where what an aligned picture shows lies in the picture itself; both have the same size."""

    degrees: float
    """Counter-clockwise rotation about the middle that brings the aligned picture back, in degrees."""
    shift: tuple[float, float]
    """Rows and columns by which the middle then moves, in shares of the picture's longer side."""

    @classmethod
    def of_matrix(cls, matrix: NDArray[Any], size: Size) -> Alignment:
        """The alignment of a map as `matrix` gives it."""
        x, y = _middle(size)
        moved = matrix @ np.array([x, y, 1.0])
        longer = max(size)
        degrees = float(np.degrees(np.arctan2(matrix[0, 1], matrix[0, 0])))
        return cls(degrees, (float(moved[1] - y) / longer, float(moved[0] - x) / longer))

    def matrix(self, size: Size) -> NDArray[np.float64]:
        """The map (2, 3) from (x, y, 1) in an aligned picture of `size` to (x, y) in the picture; middles of pixels are
        whole numbers."""
        x, y = _middle(size)
        cosine, sine = np.cos(np.radians(self.degrees)), np.sin(np.radians(self.degrees))
        turn = np.array([[cosine, sine], [-sine, cosine]])
        offset = np.array([x, y]) - turn @ np.array([x, y]) + np.array(self.shift[::-1]) * max(size)
        return np.column_stack([turn, offset])

    def aligned_rgb(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Colours (H, W, 3) of the aligned picture, interpolated; beyond the picture they continue by reflection."""
        import cv2

        return np.asarray(self._warped(rgb, cv2.BORDER_REFLECT_101), np.uint8)

    def aligned_mask(self, mask: NDArray[Any]) -> NDArray[np.float32]:
        """Share of every pixel (H, W) of the aligned picture that a mask (H, W) of the picture covers."""
        import cv2

        return np.asarray(self._warped(np.asarray(mask, np.float32), cv2.BORDER_CONSTANT), np.float32)

    def restored(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """A map (H, W) on the aligned picture → on the picture; where that shows nothing of it, the least value."""
        import cv2

        height, width = values.shape
        restored = cv2.warpAffine(
            values,
            self.matrix((height, width)),
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=float(values.min()),
        )
        return np.asarray(restored, np.float32)

    def places(
        self, y: NDArray[np.float64], x: NDArray[np.float64], size: Size
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rows and columns, each (h, w), in the picture of what the aligned one shows at rows `y` (h,) and columns `x`
        (w,); coordinates run from the edge of the first pixel."""
        (a, b, right), (c, d, down) = self.matrix(size)
        across, along = x[None, :] - 0.5, y[:, None] - 0.5
        return c * across + d * along + down + 0.5, a * across + b * along + right + 0.5

    def unseen(self, size: Size) -> float:
        """Share in [0, 1] of a picture of `size` that lies outside of the aligned one, of 32 × 32 places."""
        y, x = ((np.arange(32) + 0.5) * length / 32 for length in size)
        turn, offset = np.hsplit(self.matrix(size), [2])
        places = np.stack(np.meshgrid(x, y)).reshape(2, -1) - 0.5
        across, down = np.linalg.inv(turn) @ (places - offset) + 0.5
        seen = (across >= 0) & (across < size[1]) & (down >= 0) & (down < size[0])
        return float(1 - seen.mean())

    def _warped(self, plane: NDArray[Any], border: int) -> NDArray[Any]:
        import cv2

        height, width = plane.shape[:2]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        warped: NDArray[Any] = cv2.warpAffine(
            plane, self.matrix((height, width)), (width, height), flags=flags, borderMode=border
        )
        return warped


def _middle(size: Size) -> tuple[float, float]:
    """(x, y) of the middle of a picture, in pixels whose middles are whole numbers."""
    return (size[1] - 1) / 2, (size[0] - 1) / 2

"""A picture → what `Fusion` looks at beside the encoder's features: geometry of depth, parts, and where colours end.

In: a picture, its frame, cells. Out: grids by name. A camera that is dazzled or sees nothing (pixels at one end of its
range) says nothing of the part's colours there: `UNSEEN` holds how much of each cell that is. What is usual of it good
pictures tell (`usual_unseen`): a white product is white, and not dazzling.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.detectors.fusion.tokens import GEOMETRY, KNOWN, PARTS
from specsight.encoders import Features
from specsight.features.surface import geometry
from specsight.images import Cells, Frame
from specsight.records import RGB, Picture

UNSEEN = "pixels at an end of their range"
"""Name in a view: (2, h, w), the share of each cell that is white in all channels, and that is black."""
WHITE, BLACK = 252, 2
"""Stored values from which on, and up to which, a channel holds no more than that."""
USUAL = 0.999
"""Quantile over the cells of good pictures: more is not usual."""
BEYOND = 0.4
"""Share of a cell by which it must exceed what is usual."""


def surface_grids(
    picture: Picture, frame: Frame, cells: Cells, mm_per_px: float | None, parts: Sequence[int]
) -> dict[str, Features]:
    """Grids on `cells` by name: of the surface where depth was measured, and shares of `parts` where these are mapped.

    Where there are depth and colours, `UNSEEN` too: colours that were lost are left out only where depth still tells
    something (without depth a white spot is all that is seen of whatever is there).
    """
    found = dict[str, Features]()
    if picture.depth is not None and np.isfinite(picture.depth).any():
        own, known = geometry(picture.depth, frame, cells, mm_per_px)
        found |= {GEOMETRY: own, KNOWN: known[None].astype(np.float32)}
        if RGB not in picture.absent:
            found[UNSEEN] = _unseen(picture.rgb, frame, cells)
    if picture.parts is not None and parts:
        found[PARTS] = np.stack([_share(picture.parts == value, frame, cells) for value in parts])
    return found


def usual_unseen(pictures: Sequence[Features]) -> tuple[float, float]:
    """Up to which shares of a cell white and black are usual on good pictures, each (2, h, w)."""
    if not pictures:
        return 1.0, 1.0
    together = np.concatenate([one.reshape(2, -1) for one in pictures], axis=1)
    white, black = np.quantile(together, USUAL, axis=1)
    return float(white), float(black)


def blind_cells(unseen: Features, usual: tuple[float, float]) -> NDArray[np.bool_]:
    """(h, w) cells that hold no colours, of shares (2, h, w): those with more white or black than is usual, and their
    neighbours, whose patches see them too."""
    beyond = (unseen > np.array(usual)[:, None, None] + BEYOND).any(0)
    return np.asarray(cv2.dilate(beyond.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


def _unseen(rgb: NDArray[np.uint8], frame: Frame, cells: Cells) -> Features:
    ends = cv2.inRange(rgb, (WHITE,) * 3, (255,) * 3), cv2.inRange(rgb, (0,) * 3, (BLACK,) * 3)
    return np.stack([_share(mask > 0, frame, cells) for mask in ends])


def _share(mask: NDArray[np.bool_], frame: Frame, cells: Cells) -> NDArray[np.float32]:
    return frame.covered(mask, cells) if mask.any() else np.zeros(cells.size, np.float32)

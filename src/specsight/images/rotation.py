"""A picture turned about its middle, with its depth and parts: how few-shot methods stretch their references.

In: a `Picture`. Out: one of the same size, its corners filled by reflection in colour and unknown in depth and parts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from specsight.records import Picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def rotated(picture: Picture, degrees: float) -> Picture:
    """`picture` turned counter-clockwise by `degrees`, same size.

    Colours are interpolated and continue by reflection beyond the frame. Depth (H, W) and parts (H, W) take the
    nearest pixel's value, so that no distance or part arises that was not measured; where the turned picture shows
    what lay outside the frame, depth is NaN and the part is 0. What a circular strip shows at its ends no longer meets
    once it is turned: the result is not circular.
    """
    import cv2
    import numpy as np

    height, width = picture.size
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    rgb = cv2.warpAffine(
        picture.rgb, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return replace(
        picture,
        rgb=np.asarray(rgb, np.uint8),
        depth=None if picture.depth is None else _nearest(picture.depth, turn, np.nan),
        parts=None if picture.parts is None else _nearest(picture.parts, turn, 0),
        circular=picture.circular and degrees % 360 == 0,
    )


def _nearest(plane: NDArray[Any], turn: NDArray[np.float64], outside: float) -> NDArray[Any]:
    """`plane` (H, W) under the affine map `turn` (2, 3), `outside` where nothing of it is seen."""
    import cv2

    turned: NDArray[Any] = cv2.warpAffine(
        plane,
        turn,
        plane.shape[::-1],
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=outside,
    )
    return turned

"""A picture turned about its middle, with all its modalities: how few-shot methods stretch their references.

In: a `Picture`. Out: one of the same size, its corners filled by reflection in colour and unknown in all else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from specsight.images.signals import is_light
from specsight.records import NORMALS, XYZ, Picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def rotated(picture: Picture, degrees: float) -> Picture:
    """`picture` turned counter-clockwise by `degrees`, same size.

    Colours are interpolated and continue by reflection beyond the frame. Depth (H, W) and parts (H, W) take the
    nearest pixel's value, so that no distance or part arises that was not measured; where the turned picture shows
    what lay outside the frame, depth is NaN and the part is 0. Pictures under other lights turn as colours do, further
    channels as depth, and the vectors of normals and clouds with their pixels. What a circular strip shows at its ends
    no longer meets once it is turned: the result is not circular.
    """
    import cv2
    import numpy as np

    height, width = picture.size
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return replace(
        picture,
        rgb=_interpolated(picture.rgb, turn),
        depth=None if picture.depth is None else _nearest(picture.depth, turn, np.nan),
        parts=None if picture.parts is None else _nearest(picture.parts, turn, 0),
        circular=picture.circular and degrees % 360 == 0,
        signals={name: _signal(name, channels, turn) for name, channels in picture.signals.items()},
    )


def _signal(name: str, channels: NDArray[Any], turn: NDArray[np.float64]) -> NDArray[Any]:
    import numpy as np

    if is_light(name):
        return _interpolated(channels, turn)
    turned = _nearest(channels, turn, np.nan)
    if name in (NORMALS, XYZ):
        # The affine map without its shift turns directions on the picture, y down.
        turned[..., :2] = turned[..., :2] @ turn[:, :2].T.astype(np.float32)
    return turned


def _interpolated(rgb: NDArray[np.uint8], turn: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Colours (H, W, 3) under the affine map `turn` (2, 3), continued by reflection."""
    import cv2
    import numpy as np

    size = (rgb.shape[1], rgb.shape[0])
    turned = cv2.warpAffine(rgb, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(turned, np.uint8)


def _nearest(plane: NDArray[Any], turn: NDArray[np.float64], outside: float) -> NDArray[Any]:
    """`plane` (H, W) or (H, W, C) under the affine map `turn` (2, 3), `outside` where nothing of it is seen."""
    import cv2
    import numpy as np

    if plane.ndim == 3:
        return np.stack(
            [_nearest(np.ascontiguousarray(p), turn, outside) for p in np.moveaxis(plane, 2, 0)], 2
        )
    turned: NDArray[Any] = cv2.warpAffine(
        plane,
        turn,
        plane.shape[::-1],
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=outside,
    )
    return turned

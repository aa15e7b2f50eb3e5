"""A picture turned about its middle, corners filled by reflection: how few-shot methods stretch their references."""

from __future__ import annotations

from dataclasses import replace

from specsight.records import Picture


def rotated(picture: Picture, degrees: float) -> Picture:
    """`picture` with its colours turned counter-clockwise, same size; depth and parts are dropped."""
    import cv2
    import numpy as np

    height, width = picture.size
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    rgb = cv2.warpAffine(
        picture.rgb, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return replace(picture, rgb=np.asarray(rgb, np.uint8), depth=None, parts=None)

"""Pictures that were sent over a narrow line: JPEG at low quality. In and out: RGB."""

from __future__ import annotations

import cv2
import numpy as np

from specsight.records import RGB, Picture
from specsight.stress.picture import Pixels, photographs
from specsight.stress.stressor import Stressor, stressors


def jpeg(picture: Picture, level: float, random: np.random.Generator) -> Picture:
    """Coded as JPEG (libjpeg, colours halved 4:2:0) at quality 100 - `level`, and decoded."""
    return photographs(picture, lambda rgb: _coded(rgb, int(100 - level)))


def _coded(rgb: Pixels, quality: int) -> Pixels:
    settings = [
        *(cv2.IMWRITE_JPEG_QUALITY, quality),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
    ]
    coded = cv2.imencode(".jpg", rgb[..., ::-1], settings)[1]
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded[..., ::-1], np.uint8)


stressors.register("jpeg")(
    Stressor(
        "JPEG",
        "coded as JPEG at a low quality and decoded",
        "100 - quality",
        (50.0, 75.0, 90.0),
        99.0,
        (RGB,),
        jpeg,
        whole=True,
    )
)

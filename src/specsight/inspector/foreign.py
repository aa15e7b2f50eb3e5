"""What is asked of a saved model because others may have made or changed it, whatever its checksums say.

In: its folder, and the detector in it. Out: nothing, or one line that says what is wrong. That arrays, layers and
parameters agree only the method knows; one judgement asks for all of them at once.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from specsight.detectors import Detector
from specsight.errors import MissingExtra, SpecsightError
from specsight.inspector.judgements import check_judgement
from specsight.records import Picture

SIDE = 64
"""Pixels of the picture that is tried, framed as any other afterwards."""


def try_out(detector: Detector, folder: Path) -> None:
    """Judge a drawn picture. Raises SpecsightError, which names `folder`, where the detector cannot."""
    ramp = np.linspace(0, 255, SIDE).astype(np.uint8)
    rgb = np.stack([np.broadcast_to(ramp, (SIDE, SIDE)), np.broadcast_to(ramp[:, None], (SIDE, SIDE))], -1)
    rgb = np.concatenate([rgb, 255 - rgb[..., :1]], -1)
    picture = Picture(rgb, np.full((SIDE, SIDE), 1, np.float32) if detector.needs.depth else None)
    try:
        with np.errstate(all="ignore"):
            judgement = detector.judge(detector.look([picture])[0])
        check_judgement(judgement, picture, detector.name)
        sound = bool(np.isfinite(judgement.score))
    except MissingExtra:
        raise
    except (
        SpecsightError,
        ArithmeticError,
        LookupError,
        TypeError,
        AttributeError,
        ValueError,
        RuntimeError,
        MemoryError,
    ) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SpecsightError(
            f"the detector in '{folder}' cannot judge a picture ({reason}): its files are damaged; fit the model again"
        ) from error
    if not sound:
        raise SpecsightError(
            f"the detector in '{folder}' gives scores that are no numbers: its files are damaged; fit the model again"
        )

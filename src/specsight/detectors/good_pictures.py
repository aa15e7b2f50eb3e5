"""The framing that is chosen before a fit, by good samples alone.

In: samples to be learned from, and what the parameters leave open. Out: a `Framing`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from specsight import images
from specsight.encoders import Encoder
from specsight.errors import UnreadableFile
from specsight.preparation import Choices, Framing, propose_framing
from specsight.preparation.pose import UPRIGHT
from specsight.records import Picture, Sample

READ = 512 << 20
"""Bytes of pictures that are held at once to choose by; one picture at least is."""


def choose_framing(
    samples: Sequence[Sample], encoder: Callable[[], Encoder], given: Framing, choices: Choices
) -> Framing:
    """What is `given`, and by the good ones among `samples` what `choices` leave open; see `propose_framing`.

    The encoder is loaded only where something is left open. Pictures that cannot be read are left out here; the fit
    itself reports them.
    """
    if not choices.any:
        return given
    good = [sample for sample in samples if sample.label != "defective"]
    return propose_framing(
        _readable(good[:: max(1, len(good) // UPRIGHT)][:UPRIGHT]), encoder(), given, choices
    )


def usual_scale(samples: Sequence[Sample]) -> float | None:
    """Side of a pixel in mm that is usual among samples; None: none of them says it."""
    sizes = [sample.mm_per_px for sample in samples if sample.mm_per_px]
    return float(np.median(sizes)) if sizes else None


def _readable(samples: Sequence[Sample]) -> list[Picture]:
    pictures: list[Picture] = []
    for sample in samples:
        try:
            pictures.append(images.load_picture(sample))
        except UnreadableFile:
            continue
        if sum(picture.rgb.nbytes for picture in pictures) > READ:
            break
    return pictures

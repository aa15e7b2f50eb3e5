"""Whether pictures are to be registered to one good part before they are looked at: what leave-one-out scores say.

In: pictures of good parts and a function that encodes one, aligned or as it lies. Out: the `Reference` that pictures
are registered to, or none, and why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from specsight.features.grids import top_mean
from specsight.features.memory_bank import MemoryBank
from specsight.images.alignment import Alignment
from specsight.images.registration import ASPECT, Reference, Registration, register
from specsight.records import Picture

COMPARED = 16
"""Good pictures that are compared, at most."""
LEAST = 4
"""Good pictures without which nothing can be said."""
LEFT_OUT = 8
"""Of these, those that are left out one by one."""
REFERENCES = 4
"""Pictures that are tried as the reference."""
PATCHES = 400
"""Patches of a left-out picture that are compared."""
TOP = 0.05
"""Share of them that make its score."""
LOWER = 0.85
"""Pictures are registered where that brings the scores of left-out parts below this share, in the geometric mean."""
MOSTLY = 0.75
"""And where it lowers this share of the scores at least."""
AGREEMENT = 0.5
"""Least correlation with the reference, in the median, of parts that can be registered."""
REGISTERED = 0.9
"""Least share of the good parts that can be."""
STILL_DEGREES, STILL_SHIFT = 0.5, 0.003
"""Parts that lie nearer to one another than this are aligned as they are."""
FREE_DEGREES = 45.0
"""Good parts that are rotated further than this may lie in any rotation."""

Vectors = NDArray[np.float32]
Encode = Callable[[Picture, Alignment | None], Vectors]


def choose_alignment(pictures: Sequence[Picture], encode: Encode) -> tuple[Reference | None, str]:
    """The reference that pictures are to be registered to, None for not at all, and the reason in words.

    `encode` gives the patch vectors (n, D) of a picture that show it. Aligning a picture interpolates it, which brings
    any pictures nearer to one another: so scores are compared with the lower of those of pictures as they lie and of
    pictures shifted by half a pixel. At most `COMPARED` pictures are encoded, three times each.
    """
    chosen, why = reference_of(pictures)
    if chosen is None:
        return None, f"not registered, because {why}"
    if chosen.still:
        return None, "not registered, because good parts lie in one pose"
    gain, lowered = _measured(chosen, encode)
    if gain >= 1 - LOWER and lowered >= MOSTLY:
        return chosen.reference, (
            "registered to one good part, because that lowers the leave-one-out scores of good parts by "
            f"{gain:.0%}"
        )
    less = f"by only {max(gain, 0.0):.0%}" if gain < 1 - LOWER else f"for only {lowered:.0%} of them"
    return None, f"not registered, because that lowers the leave-one-out scores of good parts {less}"


@dataclass(frozen=True)
class Registered:
    """Good pictures registered to one of them, which is left out of both."""

    reference: Reference
    pictures: Sequence[Picture]
    alignments: Sequence[Alignment]

    @property
    def still(self) -> bool:
        """Whether they lay in one pose before."""
        return all(
            abs(one.degrees) < STILL_DEGREES and math.hypot(*one.shift) < STILL_SHIFT
            for one in self.alignments
        )


def reference_of(pictures: Sequence[Picture]) -> tuple[Registered | None, str]:
    """The good picture that the others agree with best once they are registered to it, or why there is none."""
    pictures = pictures[:: max(1, len(pictures) // COMPARED)][:COMPARED]
    if len(pictures) < LEAST:
        return None, f"fewer than {LEAST} good parts say nothing of how others lie"
    if any(picture.circular for picture in pictures):
        return None, "strips have ends that meet"
    aspects = [picture.size[0] / picture.size[1] for picture in pictures]
    if max(aspects) / min(aspects) > 1 + ASPECT:
        return None, "pictures have different shapes"
    found: list[tuple[float, int, Reference, list[Registration]]] = []
    for number in range(min(REFERENCES, len(pictures))):
        reference = Reference.of(pictures[number].rgb)
        tried = [register(one.rgb, reference) for k, one in enumerate(pictures) if k != number]
        if sum(one.alignment is not None for one in tried) >= REGISTERED * len(tried):
            found.append((float(np.median([one.agreement for one in tried])), number, reference, tried))
    if not found:
        return None, "good parts cannot be registered to one another"
    agreement, number, reference, tried = max(found, key=lambda one: one[0])
    if agreement < AGREEMENT:
        return None, "good parts have too little in common to be registered to one another"
    others = [one for k, one in enumerate(pictures) if k != number]
    pairs = [(one, t.alignment) for one, t in zip(others, tried) if t.alignment is not None]
    alignments = [alignment for _, alignment in pairs]
    return Registered(_within(reference, alignments), [one for one, _ in pairs], alignments), ""


def _within(reference: Reference, alignments: Sequence[Alignment]) -> Reference:
    """The reference with limits: twice as far as good parts lie from it."""
    degrees = max(abs(one.degrees) for one in alignments)
    shift = max(math.hypot(*one.shift) for one in alignments)
    return replace(
        reference,
        degrees=180.0 if degrees > FREE_DEGREES else max(10.0, 2 * degrees),
        shift=min(max(0.05, 2 * shift), reference.shift),
    )


def _measured(chosen: Registered, encode: Encode) -> tuple[float, float]:
    """Share by which registering lowers scores of left-out parts, and the share of these that it lowers."""
    halves = [
        Alignment(0.0, (0.5 / max(picture.size), 0.5 / max(picture.size))) for picture in chosen.pictures
    ]
    as_they_lie, softened, aligned = (
        _scores([encode(picture, one) for picture, one in zip(chosen.pictures, alignments)])
        for alignments in ([None] * len(halves), halves, chosen.alignments)
    )
    before = np.minimum(as_they_lie, softened)
    ratios = aligned / np.maximum(before, 1e-12)
    return float(1 - np.exp(np.log(np.maximum(ratios, 1e-6)).mean())), float((ratios < 1).mean())


def _scores(vectors: Sequence[Vectors]) -> NDArray[np.float64]:
    """Scores of pictures left out one by one: mean of the largest distances to the nearest patch of all others."""
    banks = [MemoryBank(one) for one in vectors]
    scores = []
    for number in range(min(LEFT_OUT, len(vectors))):
        own = vectors[number]
        some = own[np.random.default_rng(number).permutation(len(own))[:PATCHES]]
        others = [bank.nearest(some)[0][:, 0] for k, bank in enumerate(banks) if k != number]
        scores.append(top_mean(np.min(others, axis=0), TOP))
    return np.array(scores)

"""Whether a feature of a named colour is there: its blobs, compared with those that good pictures show.

In: what is wanted, the evidence of one picture, what good pictures show. Out: the blobs that are the feature.
A blob must have the shape that its noun says ("dot": round; "stripe": long). Where good pictures show such blobs alike
in size, or in place, it must be of that size, or in that place; a feature of another colour that good pictures never
show is held to what they show of its kind ("red balance dot" to their "yellow balance dot").
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from specsight.presence.colours import COLOURS, Blob
from specsight.presence.evidence import Evidence
from specsight.presence.good_pictures import GoodPictures
from specsight.presence.wording import Wanted

LEAST_ROUNDNESS = 0.55
LEAST_FILL = 0.8
"""Of what is called a dot: a disc seen at up to 55 degrees, with a ragged edge."""
MOST_ROUNDNESS = 0.5
"""Of what is called a line."""
ALIKE = 6.0
"""Sizes are alike where the ninth decile of areas is at most so many times the first."""
SIZE_MARGIN = 2.5
"""Factor by which an area may lie outside of those on good pictures."""
LEAST_PICTURES = 5
"""Good pictures that show a feature, fewer of which say nothing about its size and place."""
FIXED = 0.05
"""Deviation of places, as a share of the picture, below which a feature has a place of its own."""
PLACE_MARGIN = 0.12
"""Share of the picture by which a feature with a place of its own may lie off it."""


@dataclass(frozen=True)
class Usual:
    """What a feature is like on good pictures."""

    shown: float = 0.0
    """Share of the good pictures with its part in view that show it."""
    pictures: int = 0
    """Of how many."""
    area: tuple[float, float] | None = None
    """From, to, as shares of the picture; None: it varies, or is not known."""
    least: int = 1
    """How many good pictures that show it show at least, but for a twentieth of them."""
    place: tuple[float, float] | None = None
    """x and y, shares of width and height; None: it varies, or is not known."""


def usual(wanted: Wanted, good: GoodPictures, pictures: Collection[int]) -> Usual:
    """What the coloured feature is like on those of the good pictures whose numbers are given."""
    if not pictures:
        return Usual()
    shaped = where_shown(wanted, good, pictures, Usual())
    like = Usual(area=_alike([blob.area for blob in shaped.values() if not blob.cut_off]))
    fitting = where_shown(wanted, good, pictures, like)
    place = _place([blob for blob in fitting.values() if not blob.cut_off])
    like = Usual(len(fitting) / len(pictures), len(pictures), like.area, place=place)
    counts = Counter(
        number
        for number, blob in good.of_colour(wanted.colour)
        if number in pictures and fits(blob, wanted, like)
    )
    least = int(np.quantile(list(counts.values()), 0.05, method="lower")) if counts else 1
    return replace(like, least=least)


def where_shown(
    wanted: Wanted, good: GoodPictures, pictures: Collection[int], like: Usual
) -> dict[int, Blob]:
    """Number of each of the good pictures that shows the feature → its largest blob that no rim cuts off, if any."""
    largest: dict[int, Blob] = {}
    for number, blob in good.of_colour(wanted.colour):
        if number in pictures and fits(blob, wanted, like):
            known = largest.get(number)
            if known is None or (known.cut_off, -known.area) > (blob.cut_off, -blob.area):
                largest[number] = blob
    return largest


def blobs_of(wanted: Wanted, picture: Evidence, like: Usual) -> list[Blob]:
    """The blobs that are the feature, the largest first."""
    return [blob for blob in picture.blobs(wanted.colour) if fits(blob, wanted, like)]


def others_in_its_place(wanted: Wanted, picture: Evidence, like: Usual) -> list[tuple[str, Blob]]:
    """(colour, blob) of what has shape, size and place of the feature in another bright colour; nothing where neither
    its size nor its place is known."""
    if like.area is None and like.place is None:
        return []
    others = [name for name, colour in COLOURS.items() if colour.hues and name != wanted.colour]
    own = picture.blobs(wanted.colour)
    return [
        (name, blob)
        for name in others
        for blob in blobs_of(replace(wanted, colour=name), picture, like)
        # Ranges of hues overlap: what has both names is no other colour.
        if not any(math.hypot(blob.x - one.x, blob.y - one.y) < 0.02 for one in own)
    ]


def fits(blob: Blob, wanted: Wanted, like: Usual) -> bool:
    """Whether a blob of the colour has the shape of the feature, and its usual size and place."""
    if not _shaped(blob, wanted):
        return False
    if like.area is not None:
        low, high = like.area
        # Of what the rim cuts off, any part may show.
        if blob.area > high or (blob.area < low and not blob.cut_off):
            return False
    if like.place is not None:
        x, y = like.place
        return math.hypot(blob.x - x, blob.y - y) <= PLACE_MARGIN
    return True


def _shaped(blob: Blob, wanted: Wanted) -> bool:
    if blob.cut_off:
        return True
    if wanted.is_round:
        return blob.roundness >= LEAST_ROUNDNESS and blob.fill >= LEAST_FILL
    return not wanted.is_long or blob.roundness <= MOST_ROUNDNESS


def _alike(areas: Sequence[float]) -> tuple[float, float] | None:
    """The range of areas that are alike, with its margin."""
    if len(areas) < LEAST_PICTURES:
        return None
    low, high = np.quantile(areas, (0.1, 0.9))
    if high > ALIKE * low:
        return None
    return float(low) / SIZE_MARGIN, float(high) * SIZE_MARGIN


def _place(blobs: Sequence[Blob]) -> tuple[float, float] | None:
    """The place that blobs share."""
    if len(blobs) < LEAST_PICTURES:
        return None
    places = np.array([(blob.x, blob.y) for blob in blobs])
    middle = np.median(places, axis=0)
    deviation = np.quantile(np.hypot(*(places - middle).T), 0.9)
    return (float(middle[0]), float(middle[1])) if deviation < FIXED else None

"""What good pictures show → what is needed to find the features of a specification in others.

In: good pictures one by one, what is required, and a look at any of them. Out: `GoodPictures`. Surroundings are learned
of the coloured features that only some of the good pictures show: those may lie outside a picture. How a part looks is
learned where it is itself what is required.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib.util import find_spec

from specsight.detectors import View
from specsight.presence import coloured
from specsight.presence.check import ALWAYS, PresenceCheck
from specsight.presence.evidence import Evidence
from specsight.presence.good_pictures import GoodPictures
from specsight.presence.outlined import MOST_PICTURES, OutlinedPart
from specsight.presence.place import Place
from specsight.presence.wording import Wanted, wanted
from specsight.progress import track
from specsight.specification import Requirement, Specification

READ_PICTURES = 16
"""Good pictures that are read where lettering is required: each takes about a second."""


def learn(
    pictures: Iterable[Evidence], specification: Specification, again: Callable[[int], Evidence]
) -> GoodPictures:
    """Measure good pictures, none of which is kept; `again` gives one of them by its number, with a view of it, where
    it is to be read, or surroundings or parts are to be learned."""
    good = GoodPictures.of(pictures)
    good = replace(good, read=_read(good, specification, again))
    views: dict[int, View | None] = {}

    def view(number: int) -> View | None:
        if number not in views:
            views[number] = again(number).view
        return views[number]

    places, outlined = dict[str, Place | None](), dict[str, OutlinedPart | None]()
    check = PresenceCheck(good, specification)
    for requirement in specification.requirements:
        asked = wanted(requirement.feature, requirement.text)
        part = check.part_named(asked)
        if asked.text:
            continue
        if part is not None and part not in outlined:
            outlined[part] = _outlined(check, part, again)
        elif part is None and asked.colour and asked.kind not in places:
            places[asked.kind] = _place(check, requirement, asked, view)
    return replace(
        good,
        places=tuple(one for one in places.values() if one),
        outlined=tuple(one for one in outlined.values() if one),
    )


def _outlined(check: PresenceCheck, part: str, again: Callable[[int], Evidence]) -> OutlinedPart | None:
    shown = []
    for number in sorted(check.pictures_of(Requirement(feature=part, part=part)))[:MOST_PICTURES]:
        picture = again(number)
        mask, view = check.mask_of(part, picture), picture.view
        if mask is not None and view is not None:
            shown.append((view, mask))
    return OutlinedPart.learn(part, shown)


def _read(
    good: GoodPictures, specification: Specification, again: Callable[[int], Evidence]
) -> dict[int, tuple[str, ...]]:
    """Lines of lettering on some good pictures, where it is required and can be read."""
    required = [one for one in specification.requirements if wanted(one.feature, one.text).text]
    if not required or find_spec("rapidocr_onnxruntime") is None:
        return {}
    check = PresenceCheck(good, specification)
    numbers = sorted(frozenset[int]().union(*(check.pictures_of(one) for one in required)))
    chosen = numbers[:: max(1, len(numbers) // READ_PICTURES)][:READ_PICTURES]
    return {number: again(number).lines() for number in track(chosen, "Reading")}


def _place(
    check: PresenceCheck, requirement: Requirement, asked: Wanted, view: Callable[[int], View | None]
) -> Place | None:
    good, numbers = check.good, check.pictures_of(requirement)
    like = coloured.usual(asked, good, numbers)
    if not 0 < like.shown < ALWAYS:
        return None
    found = coloured.where_shown(asked, good, numbers, like)
    whole = [(view(number), blob) for number, blob in sorted(found.items()) if not blob.cut_off]
    others = [view(number) for number in sorted(numbers) if number not in found]
    return Place.learn(
        asked.kind, [(one, blob) for one, blob in whole if one], [one for one in others if one]
    )

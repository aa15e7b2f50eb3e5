"""Is a required feature there? What is looked for in a picture, and what is said where that cannot be told.

In: a `Requirement`, the evidence of one picture, what good pictures show. Out: a `Presence`: how often the feature was
found, or why that cannot be said. Nothing found counts as absent only where the feature would show: good pictures
always show it, or its place is in view, or something else is in its place, or no good picture ever shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from specsight.errors import MissingExtra
from specsight.presence import coloured, lettered
from specsight.presence.coloured import Usual
from specsight.presence.evidence import Evidence
from specsight.presence.good_pictures import KEPT_BLOBS, GoodPictures
from specsight.presence.wording import Wanted, wanted
from specsight.records import Box, Presence
from specsight.specification import Requirement, Specification
from specsight.specification.vocabulary import Vocabulary, place_phrase, with_article

ALWAYS = 0.95
"""Share of the good pictures from which on a feature counts as shown by all of them."""
ENOUGH = 10
"""Good pictures, fewer of which do not tell what all of them show."""


@dataclass(frozen=True)
class PresenceCheck:
    """Looks for required features of one product."""

    good: GoodPictures = field(default_factory=GoodPictures)
    specification: Specification | None = None
    _known: dict[tuple[str, str | None], Usual] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What coloured features are like on good pictures, by feature and part: worked out once."""

    def check(self, requirement: Requirement, picture: Evidence) -> Presence:
        """What is found of one requirement in one picture."""
        found = picture.found_by(self)
        if requirement not in found:
            found[requirement] = self._check(requirement, picture)
        return found[requirement]

    def _check(self, requirement: Requirement, picture: Evidence) -> Presence:
        asked = wanted(requirement.feature, requirement.text)
        if requirement.part is not None and not self._shows(picture.parts, requirement.part):
            return Presence(requirement, None, f"the picture shows no '{requirement.part}'")
        if asked.text:
            return self._lettered(requirement, asked, picture)
        if (part := self.part_named(asked)) is not None:
            return self._outlined(requirement, asked, part, picture)
        if asked.colour:
            # "Green cap": a region of that colour on the part that is called so, where there is one.
            part = requirement.part or self._words.find(asked.kind)
            sought = requirement.model_copy(update={"part": part})
            if part is not None and not self._shows(picture.parts, part):
                return Presence(requirement, None, f"the picture shows no '{part}'")
            if picture.parts is None and self.good.parts and not self.pictures_of(sought):
                reason = f"no good picture shows a '{part}', and whether this one does is not known"
                return Presence(requirement, None, reason)
            return replace(self._coloured(sought, asked, picture), clause=requirement)
        return Presence(
            requirement,
            None,
            f"'{asked.name}' names no part, no colour and nothing that is written, so nothing tells how it looks: "
            "outline it as a part in the specification",
        )

    def part_named(self, asked: Wanted) -> str | None:
        """The part of the specification that a feature is; None: it is none."""
        return self._words.find(asked.name)

    def mask_of(self, part: str, picture: Evidence) -> NDArray[np.bool_] | None:
        """(H, W): where a picture shows a part; None where it does not."""
        return picture.mask_of({name for name in picture.parts or () if self._words.same(name, part)})

    def _outlined(self, requirement: Requirement, asked: Wanted, part: str, picture: Evidence) -> Presence:
        look = next((one for one in self.good.outlined if one.part == part), None)
        mask = self.mask_of(part, picture)
        if look is None or mask is None:
            what = (
                "good pictures do not tell how it looks"
                if look is None
                else "the picture's part map has none"
            )
            return Presence(requirement, None, f"'{asked.name}' is a part, and {what}")
        places = picture.find_part(look, mask)
        if places is None:
            return Presence(
                requirement, None, f"the detector's features are not those '{asked.name}' was learned from"
            )
        there = tuple(box for box, found in places if found)
        if len(there) < requirement.count <= sum(found is not False for _, found in places):
            reason = f"'{asked.name}' looks otherwise than on good pictures in part: damaged, or covered"
            return Presence(requirement, None, reason)
        if there:
            found = _found(asked, requirement, there, picture)
            return Presence(requirement, len(there), found=found, boxes=there)
        return Presence(
            requirement, 0, found=_absent(asked, requirement), boxes=tuple(box for box, _ in places)
        )

    def _lettered(self, requirement: Requirement, asked: Wanted, picture: Evidence) -> Presence:
        try:
            reading = picture.reading(asked.text)
        except MissingExtra as error:
            return Presence(requirement, None, f"lettering is read by an extra: {error}")
        boxes = tuple(box for box in reading.boxes if self._on_part(box, requirement, picture))
        if len(boxes) >= requirement.count:
            return Presence(
                requirement, len(boxes), found=_found(asked, requirement, boxes, picture), boxes=boxes
            )
        if reading.instead and reading.instead_box:
            found = f"{_absent(asked, requirement)}: it reads '{reading.instead}'"
            return Presence(requirement, 0, found=found, boxes=(reading.instead_box,))
        if reading.unsure:
            return Presence(requirement, None, f"'{asked.text}' cannot be read for sure: '{reading.unsure}'")
        if boxes:
            return Presence(
                requirement, len(boxes), found=_found(asked, requirement, boxes, picture), boxes=boxes
            )
        return self._unread(requirement, asked)

    def _unread(self, requirement: Requirement, asked: Wanted) -> Presence:
        """What follows where nothing like the lettering is read."""
        read = [self.good.read[k] for k in self.pictures_of(requirement) if k in self.good.read]
        shown = sum(lettered.is_in(asked.text, lines) for lines in read) / max(len(read), 1)
        if len(read) >= ENOUGH and shown >= ALWAYS:
            return Presence(requirement, 0, found=_absent(asked, requirement))
        return Presence(
            requirement,
            None,
            f"nothing like '{asked.text}' is read, and good pictures do not tell that it would be: it may be "
            "illegible, or outside the picture",
        )

    def _coloured(self, requirement: Requirement, asked: Wanted, picture: Evidence) -> Presence:
        own = self._usual(requirement, asked)
        known, like = next(
            (
                (other, usual)
                for other in self._of_its_kind(asked)
                if (usual := self._usual(requirement, other)).shown > own.shown
            ),
            (asked, own),
        )
        blobs = [
            blob
            for blob in coloured.blobs_of(asked, picture, like)
            if self._on_part(blob.box, requirement, picture)
        ]
        boxes = tuple(blob.box for blob in blobs)
        if requirement.count <= len(boxes) < min(like.least, KEPT_BLOBS):
            return Presence(
                requirement,
                None,
                f"good pictures show {like.least} regions like '{asked.name}' and this one {len(boxes)}: which of them "
                "is missing cannot be told",
            )
        if len(boxes) >= requirement.count:
            return Presence(
                requirement, len(boxes), found=_found(asked, requirement, boxes, picture), boxes=boxes
            )
        instead = coloured.others_in_its_place(asked, picture, like)
        if instead and not blobs:
            colour, blob = instead[0]
            found = f"{_absent(asked, requirement)}: {with_article(colour)} one is in its place"
            return Presence(requirement, 0, found=found, boxes=(blob.box,))
        reason = self._out_of_view(asked, known, like, requirement, picture)
        if reason:
            return Presence(requirement, None, reason)
        if boxes:
            found = _found(asked, requirement, boxes, picture)
            return Presence(requirement, len(boxes), found=found, boxes=boxes)
        place = self._place_of(asked, picture)
        return Presence(requirement, 0, found=_absent(asked, requirement), boxes=(place,) if place else ())

    def _place_of(self, asked: Wanted, picture: Evidence) -> Box | None:
        """Where a feature belongs that may lie outside the picture; None: its place is not known to be in view."""
        place = next((one for one in self.good.places if one.kind == asked.kind), None)
        return picture.find(place) if place else None

    def _out_of_view(
        self, asked: Wanted, known: Wanted, like: Usual, requirement: Requirement, picture: Evidence
    ) -> str:
        """Why a feature that was not found may lie outside the picture; empty where it would show."""
        if like.shown >= ALWAYS or like.shown == 0 or like.pictures < ENOUGH:
            return ""
        if self._place_of(asked, picture):
            return ""
        return (
            f"no {asked.name} was found, and its place is not known to be in view: {like.shown:.0%} of the good "
            f"pictures show {'it' if known == asked else with_article(known.name)}"
        )

    def pictures_of(self, requirement: Requirement) -> frozenset[int]:
        """Numbers of the good pictures that show the part of a requirement."""
        return frozenset(k for k, parts in enumerate(self.good.parts) if self._shows(parts, requirement.part))

    def _usual(self, requirement: Requirement, asked: Wanted) -> Usual:
        """What a coloured feature is like on the good pictures that show its part."""
        key = asked.name, requirement.part
        if key not in self._known:
            self._known[key] = coloured.usual(asked, self.good, self.pictures_of(requirement))
        return self._known[key]

    def _of_its_kind(self, asked: Wanted) -> list[Wanted]:
        """The features of the specification that are called the same but for their colour."""
        if self.specification is None or not asked.kind:
            return []
        required = (wanted(one.feature, one.text) for one in self.specification.requirements)
        return [one for one in required if one.kind == asked.kind and one.colour not in ("", asked.colour)]

    def _shows(self, parts: frozenset[str] | None, part: str | None) -> bool:
        """Whether a picture with these parts shows a part; where its parts are not known, it does."""
        return part is None or parts is None or any(self._words.same(part, one) for one in parts)

    def _on_part(self, box: Box, requirement: Requirement, picture: Evidence) -> bool:
        """Whether a box lies on the part that the requirement names; where that is not known, it does."""
        if requirement.part is None or picture.parts is None:
            return True
        here = picture.parts_in(box)
        return any(self._words.same(requirement.part, one) for one in here)

    @cached_property
    def _words(self) -> Vocabulary:
        return Vocabulary.of(self.specification.parts if self.specification else ())


def _found(asked: Wanted, requirement: Requirement, boxes: Sequence[Box], picture: Evidence) -> str:
    height, width = picture.picture.size
    places = list(
        dict.fromkeys(place_phrase((x0 + x1) / 2 / width, (y0 + y1) / 2 / height) for x0, y0, x1, y1 in boxes)
    )
    times = f" {len(boxes)} times" if len(boxes) > 1 else ""
    short = f", {requirement.count} are required" if len(boxes) < requirement.count else ""
    return f"{asked.name} found{times} {', '.join(places[:5])}{short}"


def _absent(asked: Wanted, requirement: Requirement) -> str:
    where = f" on the {requirement.part}" if requirement.part and requirement.part not in asked.name else ""
    return f"no {asked.name}{where} (required)"

"""Is a required feature there? What is looked for in a picture, and what is said where that cannot be told.

In: a `Requirement`, the evidence of one picture, what good pictures show. Out: a `Presence`: how often the feature was
found, or why that cannot be said. Nothing found counts as absent only where the feature would show: good pictures
always show it, or its place is in view, or something else is in its place, or no good picture ever shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from specsight.presence import coloured
from specsight.presence.coloured import Usual
from specsight.presence.colours import Blob
from specsight.presence.evidence import Evidence
from specsight.presence.good_pictures import GoodPictures
from specsight.presence.wording import Wanted, wanted
from specsight.records import Presence
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

    def look_for(
        self, requirements: Sequence[Requirement], picture: Evidence
    ) -> Mapping[Requirement, Presence]:
        """What is found of each requirement in one picture."""
        return {requirement: self.check(requirement, picture) for requirement in requirements}

    def check(self, requirement: Requirement, picture: Evidence) -> Presence:
        """What is found of one requirement in one picture."""
        asked = wanted(requirement.feature)
        if requirement.part is not None and not self._shows(picture.parts, requirement.part):
            return Presence(requirement, None, f"the picture shows no '{requirement.part}'")
        if asked.colour:
            return self._coloured(requirement, asked, picture)
        return Presence(
            requirement,
            None,
            f"'{asked.name}' names neither a colour nor what is written: nothing tells how it looks",
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
            if self._on_part(blob, requirement, picture)
        ]
        boxes = tuple(blob.box for blob in blobs)
        if len(blobs) >= requirement.count:
            return Presence(requirement, len(blobs), found=_found(asked, requirement, blobs), boxes=boxes)
        instead = coloured.others_in_its_place(asked, picture, like)
        if instead and not blobs:
            colour, blob = instead[0]
            found = f"{_absent(asked, requirement)}: {with_article(colour)} one is in its place"
            return Presence(requirement, 0, found=found, boxes=(blob.box,))
        reason = self._out_of_view(asked, known, like, requirement, picture)
        if reason:
            return Presence(requirement, None, reason)
        found = _found(asked, requirement, blobs) if blobs else _absent(asked, requirement)
        return Presence(requirement, len(blobs), found=found, boxes=boxes)

    def _out_of_view(
        self, asked: Wanted, known: Wanted, like: Usual, requirement: Requirement, picture: Evidence
    ) -> str:
        """Why a feature that was not found may lie outside the picture; empty where it would show."""
        if like.shown >= ALWAYS or like.shown == 0 or like.pictures < ENOUGH:
            return ""
        return (
            f"'{asked.name}' was not found, and {like.shown:.0%} of the good pictures show its place: "
            "this one need not"
        )

    def _usual(self, requirement: Requirement, asked: Wanted) -> Usual:
        """What a coloured feature is like on the good pictures that show its part."""
        numbers = {k for k, parts in enumerate(self.good.parts) if self._shows(parts, requirement.part)}
        return coloured.usual(asked, self.good, numbers)

    def _of_its_kind(self, asked: Wanted) -> list[Wanted]:
        """The features of the specification that are called the same but for their colour."""
        if self.specification is None or not asked.kind:
            return []
        required = (wanted(one.feature) for one in self.specification.requirements)
        return [one for one in required if one.kind == asked.kind and one.colour not in ("", asked.colour)]

    def _shows(self, parts: frozenset[str] | None, part: str | None) -> bool:
        """Whether a picture with these parts shows a part; where its parts are not known, it does."""
        return part is None or parts is None or any(self._words.same(part, one) for one in parts)

    def _on_part(self, blob: Blob, requirement: Requirement, picture: Evidence) -> bool:
        """Whether a blob lies on the part that the requirement names; where that is not known, it does."""
        if requirement.part is None or picture.parts is None:
            return True
        here = picture.parts_in(blob.box)
        return any(self._words.same(requirement.part, one) for one in here)

    @property
    def _words(self) -> Vocabulary:
        return Vocabulary.of(self.specification.parts if self.specification else ())


def _found(asked: Wanted, requirement: Requirement, blobs: Sequence[Blob]) -> str:
    places = list(dict.fromkeys(place_phrase(blob.x, blob.y) for blob in blobs))
    times = f" {len(blobs)} times" if len(blobs) > 1 else ""
    short = f", {requirement.count} are required" if len(blobs) < requirement.count else ""
    return f"{asked.name} found{times} {', '.join(places[:5])}{short}"


def _absent(asked: Wanted, requirement: Requirement) -> str:
    where = f" on the {requirement.part}" if requirement.part else ""
    return f"no {asked.name}{where} (required)"

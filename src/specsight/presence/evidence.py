"""What can be measured in one picture to find a required feature, each measured when it is first asked for.

In: a picture with its part map, and the view of it. Out: parts that show, blobs of a colour, lines of lettering.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from specsight.detectors import View
from specsight.presence import lettered, lettering
from specsight.presence.colours import Blob, Lab
from specsight.presence.lettered import Reading
from specsight.presence.lettering import Line
from specsight.presence.outlined import OutlinedPart
from specsight.presence.place import Place
from specsight.records import Box, Picture, Presence
from specsight.specification import Requirement


class Evidence:
    """Measurements of one picture.

    Parameters: `part_names` are those of the values of `picture.parts`; `look` gives a view of it with grids of
    features, None where nothing does.
    """

    def __init__(
        self, picture: Picture, part_names: Mapping[int, str], look: Callable[[], View] | None = None
    ) -> None:
        self.picture, self.part_names, self._look = picture, dict(part_names), look
        self._check: object = None
        self._found: dict[Requirement, Presence] = {}
        self._blobs: dict[str, tuple[Blob, ...]] = {}
        self._outlined: dict[str, list[tuple[Box, bool | None]] | None] = {}
        self._places: dict[str, Box | None] = {}
        self._read: list[tuple[Line, ...]] = []
        self._unread = lettering.readings(picture)

    @cached_property
    def view(self) -> View | None:
        """A view of it with grids of features, if any."""
        return self._look() if self._look else None

    @cached_property
    def parts(self) -> frozenset[str] | None:
        """Names of the parts that show; None where that is not known."""
        if self.picture.parts is None or not self.part_names:
            return None
        return self._named(self.picture.parts)

    def found_by(self, check: object) -> dict[Requirement, Presence]:
        """What a check has found in the picture so far, to be added to; that of another one is dropped."""
        if self._check is not check:
            self._check, self._found = check, {}
        return self._found

    def blobs(self, colour: str) -> tuple[Blob, ...]:
        """Regions of a colour, see `Lab.blobs`."""
        if colour not in self._blobs:
            self._blobs[colour] = self._lab.blobs(colour)
        return self._blobs[colour]

    def reading(self, text: str) -> Reading:
        """What is known of a text in the picture. Raises MissingExtra where no recogniser is installed."""
        return lettered.look_for(text, self._lines())

    def lines(self) -> tuple[str, ...]:
        """What is read in the picture in the first way that reads anything."""
        return next((tuple(line.text for line in lines) for lines in self._lines() if lines), ())

    def _lines(self) -> Iterator[tuple[Line, ...]]:
        """Readings of the picture, each made when it is first asked for."""
        yield from self._read
        for lines in self._unread:
            self._read.append(lines)
            yield lines

    def find(self, place: Place) -> Box | None:
        """Where the place of a feature is in view; None where it is not, as far as can be told."""
        if place.kind not in self._places:
            self._places[place.kind] = place.find(self.view) if self.view is not None else None
        return self._places[place.kind]

    def largest_blobs(self, colour: str, most: int) -> tuple[Blob, ...]:
        """The first of `blobs`."""
        return self._blobs[colour][:most] if colour in self._blobs else self._lab.blobs(colour, most)

    def mask_of(self, parts: Collection[str]) -> NDArray[np.bool_] | None:
        """(H, W): where the picture shows one of these parts; None where it shows none."""
        values = [value for value, name in self.part_names.items() if name in parts]
        if self.picture.parts is None or not values:
            return None
        mask = np.isin(self.picture.parts, values)
        return mask if mask.any() else None

    def find_part(self, part: OutlinedPart, mask: NDArray[np.bool_]) -> list[tuple[Box, bool | None]] | None:
        """See `OutlinedPart.find`."""
        if part.part not in self._outlined:
            self._outlined[part.part] = part.find(self.view, mask) if self.view is not None else None
        return self._outlined[part.part]

    def parts_in(self, box: Box) -> frozenset[str]:
        """Names of the parts that touch a box."""
        if self.picture.parts is None:
            return frozenset()
        x0, y0, x1, y1 = box
        return self._named(self.picture.parts[y0:y1, x0:x1])

    def _named(self, parts: NDArray[np.uint8]) -> frozenset[str]:
        values = np.flatnonzero(np.bincount(parts.ravel()))
        return frozenset(self.part_names[int(value)] for value in values if int(value) in self.part_names)

    @cached_property
    def _lab(self) -> Lab:
        return Lab(self.picture.rgb)

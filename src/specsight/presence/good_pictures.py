"""What good pictures show, kept with the model, so that any feature can be compared with them later.

In: measurements (`Evidence`) of good pictures. Out: which parts each shows, its largest blobs of every colour, and what
is written on it; one array and some names, which are saved and read back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import NotRequired, Self, TypedDict

from specsight.presence.colours import COLOURS, Blob
from specsight.presence.evidence import Evidence
from specsight.presence.outlined import OutlinedPart
from specsight.presence.place import Place
from specsight.record_json import Text, check

MOST_PICTURES = 100
"""Good pictures that are measured: more tell no more of how often a feature shows."""
KEPT_BLOBS = 12
"""Of one colour in one picture, the largest."""
COLUMNS = 11
"""Of the array of blobs: picture, colour, x, y, area, roundness, fill, whether it is cut off, and its L*, a*, b*."""
COLOUR_NAMES = tuple(COLOURS)

Parts = frozenset[str] | None
"""Names of the parts that a picture shows; None: not known."""


class GoodPicturesJson(TypedDict):
    """What is saved beside the array of blobs."""

    parts: list[list[Text] | None]
    colours: list[Text]
    places: NotRequired[list[dict[Text, Any]]]
    outlined: NotRequired[list[dict[Text, Any]]]
    read: NotRequired[dict[Annotated[str, Field(pattern=r"^\d{1,9}$")], list[Text]]]


@dataclass(frozen=True)
class GoodPictures:
    """Measurements of good pictures."""

    parts: tuple[Parts, ...] = ()
    """Of each picture."""
    blobs: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, COLUMNS), np.float32))
    """(n, `COLUMNS`); colours are numbers in `COLOUR_NAMES`."""
    places: tuple[Place, ...] = ()
    """Of the features that the specification requires and only some pictures show."""
    outlined: tuple[OutlinedPart, ...] = ()
    """Of the parts that the specification requires."""
    read: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Lines of lettering by the number of the picture; of some pictures, where the specification requires lettering."""

    @classmethod
    def of(cls, pictures: Iterable[Evidence]) -> Self:
        """Measure pictures, one by one."""
        parts, rows = list[Parts](), list[list[float]]()
        for number, picture in enumerate(pictures):
            parts.append(picture.parts)
            for colour, name in enumerate(COLOUR_NAMES):
                rows += [_row(number, colour, blob) for blob in picture.largest_blobs(name, KEPT_BLOBS)]
        return cls(tuple(parts), np.array(rows, np.float32).reshape(-1, COLUMNS))

    def of_colour(self, name: str) -> list[tuple[int, Blob]]:
        """(number of the picture, blob) of a colour; of such blobs no box is known."""
        rows = self.blobs[self.blobs[:, 1] == COLOUR_NAMES.index(name)]
        return [(int(row[0]), _blob(row)) for row in rows]

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays to be saved."""
        places = {
            f"place{k}.{name}": one for k, p in enumerate(self.places) for name, one in p.state().items()
        }
        parts = {
            f"part{k}.{name}": one for k, p in enumerate(self.outlined) for name, one in p.state().items()
        }
        return {"blobs": self.blobs, **places, **parts}

    def to_json(self) -> dict[str, Any]:
        """The rest, as JSON values."""
        parts = [None if one is None else sorted(one) for one in self.parts]
        places = [place.to_json() for place in self.places]
        read = {str(number): list(lines) for number, lines in self.read.items()}
        outlined = [part.to_json() for part in self.outlined]
        return {
            "parts": parts,
            "colours": list(COLOUR_NAMES),
            "places": places,
            "outlined": outlined,
            "read": read,
        }

    @classmethod
    def from_saved(cls, values: Mapping[str, Any], state: Mapping[str, NDArray[Any]]) -> Self:
        """Read what `to_json` and `state` gave. Raises ValueError for anything else."""
        values = check(GoodPicturesJson, values)
        blobs = state["blobs"]
        if (
            blobs.dtype != np.float32
            or blobs.ndim != 2
            or blobs.shape[1] != COLUMNS
            or values["colours"] != list(COLOUR_NAMES)
        ):
            raise ValueError(f"blobs {blobs.dtype} {blobs.shape} of {len(values['colours'])} colours")
        limits = len(values["parts"]), len(COLOUR_NAMES)
        if len(blobs) and (blobs[:, :2].min() < 0 or (blobs[:, :2] >= limits).any()):
            raise ValueError("blobs of pictures or colours that are not there")
        places = [
            Place.from_saved(place, {name: state[f"place{k}.{name}"] for name in ("axes", "templates")})
            for k, place in enumerate(values.get("places", ()))
        ]
        parts = tuple(None if one is None else frozenset(one) for one in values["parts"])
        read = {int(number): tuple(lines) for number, lines in values.get("read", {}).items()}
        outlined = [
            OutlinedPart.from_saved(part, {name: state[f"part{k}.{name}"] for name in ("axes", "cells")})
            for k, part in enumerate(values.get("outlined", ()))
        ]
        return cls(parts, blobs, tuple(places), tuple(outlined), read)


def _row(picture: int, colour: int, blob: Blob) -> list[float]:
    return [
        picture, colour, blob.x, blob.y, blob.area, blob.roundness, blob.fill, float(blob.cut_off), *blob.lab,
    ]  # fmt: skip


def _blob(row: NDArray[np.float32]) -> Blob:
    _, _, x, y, area, roundness, fill, cut_off, *lab = (float(value) for value in row)
    return Blob(x, y, area, roundness, fill, (0, 0, 0, 0), cut_off > 0, (lab[0], lab[1], lab[2]))

"""What a store keeps of a part's picture and map, decoded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.inspector.pictures import read_picture
from specsight.line.kept_maps import decode_kept
from specsight.line.records import JudgedPart
from specsight.line.store import LineStore


class NotKept(SpecsightError):
    """A picture or map that was never there, or is kept no longer."""


def pixels_of(store: LineStore, part: JudgedPart) -> NDArray[np.uint8]:
    """The picture (H, W, 3) as it was judged. Raises NotKept, and UnreadableFile where it never was a picture."""
    content = store.content(part.picture) if part.picture else None
    if content is None:
        raise NotKept("the picture of this part is kept no longer")
    return read_picture(content, "")[1].rgb


def kept_map(store: LineStore, part: JudgedPart) -> NDArray[np.float32]:
    """The map (h, w), as it is kept. Raises NotKept."""
    content = store.content(part.map) if part.map else None
    if content is None:
        raise NotKept("the map of this part is kept no longer")
    return decode_kept(content)

"""Parts of a product on its pictures: outlines on one reference picture ↔ part maps."""

from specsight.parts.areas import UsualAreas
from specsight.parts.finder import Found, PartFinder
from specsight.parts.outlines import drawn, outlined, outlines_of, part_map, part_names
from specsight.parts.overlays import overlay

__all__ = [
    "Found",
    "PartFinder",
    "UsualAreas",
    "drawn",
    "outlined",
    "outlines_of",
    "overlay",
    "part_map",
    "part_names",
]

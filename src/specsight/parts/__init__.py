"""Parts of a product on its pictures: outlines on one reference picture ↔ part maps."""

from specsight.parts.finder import Found, PartFinder
from specsight.parts.outlines import drawn, outlines_of, part_map, part_names

__all__ = ["Found", "PartFinder", "drawn", "outlines_of", "part_map", "part_names"]

"""The tyre line's defects: one function per type, filed in `KINDS` by name."""

from specsight.synthetic.tyres.defects import bodies, cavities, lines, marks
from specsight.synthetic.tyres.defects.base import (
    KINDS,
    MAX_DEFECTS,
    Kind,
    Placed,
    Site,
    kind_called,
    occupy,
    place,
    rim_free,
)

__all__ = [
    "KINDS",
    "MAX_DEFECTS",
    "Kind",
    "Placed",
    "Site",
    "bodies",
    "cavities",
    "kind_called",
    "lines",
    "marks",
    "occupy",
    "place",
    "rim_free",
]

"""What the values of VisA's masks mean: the table published with the set (`utils/id2class.py`, Apache-2.0).

Names are in lower case; "particals" is spelt "particles".
"""

from __future__ import annotations

_TYPES: dict[str, tuple[str, ...]] = {
    "candle": (
        "chunk of wax missing",
        "damaged corner of packaging",
        "weird candle wick",
        "different colour spot",
        "extra wax in candle",
        "foreign particles on candle",
        "wax melded out of the candle",
        "other",
    ),
    "capsules": ("bubble", "discolor", "scratch", "leak", "misshape"),
    "cashew": (
        "burnt",
        "corner or edge breakage",
        "different colour spot",
        "middle breakage",
        "small holes",
        "small scratches",
        "stuck together",
        "same colour spot",
        "other",
    ),
    "chewinggum": (
        "chunk of gum missing",
        "corner missing",
        "scratches",
        "similar colour spot",
        "small cracks",
        "other",
    ),
    "fryum": (
        "burnt",
        "corner or edge breakage",
        "different colour spot",
        "fryum stuck together",
        "middle breakage",
        "similar colour spot",
        "small scratches",
        "other",
    ),
    "macaroni1": (
        "chip around edge and corner",
        "different colour spot",
        "middle breakage",
        "similar colour spot",
        "small cracks",
        "small scratches",
        "other",
    ),
    "macaroni2": (
        "breakage down the middle",
        "color spot similar to the object",
        "different color spot",
        "small chip around edge",
        "small cracks",
        "small scratches",
        "other",
    ),
    "pcb1": ("bent", "melt", "scratch", "missing"),
    "pcb2": ("bent", "melt", "scratch", "missing"),
    "pcb3": ("bent", "melt", "scratch", "missing"),
    "pcb4": ("burnt", "scratch", "missing", "damage", "extra", "wrong place", "dirt"),
    "pipe_fryum": (
        "burnt",
        "corner and edge breakage",
        "different colour spot",
        "middle breakage",
        "similar colour spot",
        "small scratches",
        "stuck together",
        "small cracks",
        "other",
    ),
}


def type_name(product: str, value: int) -> str | None:
    """Name of the defect type that `value` means on `product`, or None where the table does not know it."""
    names = _TYPES.get(product, ())
    return names[value - 1] if 1 <= value <= len(names) else None

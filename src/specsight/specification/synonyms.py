"""What types of defect are called in general: phrases for each type, and the types that shade into each other.

The first phrase of a type is its plain name; the others are what inspectors, standards and data sets say instead.
Random choices are made among them: their order and number are part of every seed's result.
"""

from __future__ import annotations

from specsight.specification.vocabulary import Vocabulary

PHRASES: dict[str, tuple[str, ...]] = {
    "crack": ("a crack", "a fracture line", "a hairline crack", "a fissure", "cracking", "a branching crack"),
    "scratch": ("a scratch", "a scrape", "scratches", "a score mark", "an abrasion", "a scuff mark"),
    "cut": ("a cut", "a slit", "a gash", "an incision", "a tear", "a slash", "a knife cut"),
    "hole": ("a hole", "a blowhole", "a pit", "a pore", "a pinhole", "a void", "a gas pore", "porosity"),
    "stain": (
        "a stain",
        "an oil stain",
        "a liquid stain",
        "a spill mark",
        "a discoloured spot",
        "a smear",
        "a spot of dirt",
    ),
    "contamination": (
        "contamination",
        "dirt",
        "a contaminant",
        "residue",
        "foreign matter",
        "impurities",
        "dust",
        "a dirty spot",
    ),
    "foreign body": (
        "a foreign body",
        "a foreign object",
        "a foreign particle",
        "an inclusion",
        "embedded debris",
    ),
    "dent": ("a dent", "a dimple", "an indentation", "a depression", "a sunken spot"),
    "bulge": (
        "a bulge",
        "a blister",
        "a bubble",
        "a bump",
        "a swelling",
        "a raised spot",
        "an air bubble",
        "trapped air",
    ),
    "break": (
        "a break",
        "a broken edge",
        "a chip",
        "breakage",
        "a chipped edge",
        "a fracture",
        "a broken part",
        "a fragment broken off",
        "broken glass",
    ),
    "fray": (
        "fray",
        "a frayed edge",
        "fraying",
        "a ragged edge",
        "fuzzy fibres at the edge",
        "an eroded edge",
    ),
    "uneven": (
        "uneven",
        "an uneven surface",
        "unevenness",
        "an uneven area",
        "irregular shading",
        "a worn area",
    ),
    "discolouration": ("discolouration", "a colour change", "a faded area", "a wrong colour", "a burnt mark"),
    "missing material": (
        "missing material",
        "a missing part",
        "missing rubber",
        "a missing piece",
        "lost material",
    ),
    "underfill": (
        "underfill",
        "short moulding",
        "light moulding",
        "an underfilled spot",
        "an incompletely filled mould",
        "lightness",
    ),
    "chunk-out": (
        "a chunk-out",
        "a chunk torn out",
        "chunking",
        "torn-out rubber",
        "a torn-out piece",
    ),
    "fibre": ("a fibre", "a hair", "a thread", "a strand", "lint"),
    "excess material": (
        "excess material",
        "flash",
        "excess flash",
        "a burr",
        "surplus material",
        "an overflow",
        "a fin",
    ),
    "exposed cord": (
        "exposed cord",
        "visible cords",
        "bare cord",
        "exposed reinforcement threads",
        "cord exposure",
    ),
    "open splice": ("an open splice", "an open joint", "a gaping seam", "a splice gap", "a separated seam"),
    "lettering": ("defective lettering", "defective characters", "illegible print", "a marking defect"),
    "wrong lettering": (
        "wrong lettering",
        "a misprint",
        "wrong marking",
        "wrong characters",
        "incorrect lettering",
        "a wrong insert",
    ),
    "missing lettering": (
        "missing lettering",
        "absent lettering",
        "unfilled lettering",
        "missing characters",
        "incomplete lettering",
    ),
    "missing mark": (
        "a missing balance dot",
        "a missing mark",
        "an absent balance dot",
        "a missing paint dot",
    ),
    "anomaly": (
        "a defect",
        "an anomaly",
        "damage",
        "a flaw",
        "a fault",
        "something abnormal",
        "an imperfection",
    ),
}
"""Defect type → phrases. "anomaly" is any defect whose type is not said."""

GENERAL = Vocabulary(PHRASES)
"""Any of these phrases → its type: "an air bubble" → "bulge"."""

RELATED: tuple[frozenset[str], ...] = (
    frozenset({"crack", "cut", "scratch"}),
    frozenset({"stain", "contamination", "discolouration"}),
    frozenset({"contamination", "foreign body", "fibre"}),
    frozenset({"break", "missing material", "chunk-out"}),
    frozenset({"missing material", "underfill"}),
    frozenset({"lettering", "wrong lettering"}),
    frozenset({"lettering", "missing lettering"}),
    frozenset({"underfill", "missing lettering"}),
    frozenset({"uneven", "discolouration"}),
)
"""Types that shade into each other: neither wholly right nor wrong where the other is meant."""


def related(first: str, second: str) -> bool:
    """Whether two general types are the same, shade into each other, or one is "anomaly", which any defect is.

    Parameters: keys of `PHRASES`.
    """
    return (
        first == second or "anomaly" in (first, second) or any({first, second} <= group for group in RELATED)
    )

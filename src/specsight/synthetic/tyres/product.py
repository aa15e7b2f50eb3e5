"""The product in words: a specification of a tyre model, ready for YAML, and its severity rule.

Plain data, as it is written to YAML; levels of severity come from the `Specification` that it makes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from specsight.specification import Specification
from specsight.synthetic.tyres.catalogue import MODELS
from specsight.synthetic.tyres.geometry import PART_NAMES, TyreModel

LEVELS = ("minor", "major", "critical")

SEVERITY_MM: dict[str, tuple[float, float]] = {
    "cut": (8, 20),
    "crack": (10, 22),
    "scratch": (20, 35),
    "blister": (10, 20),
    "foreign body": (4, 7),
    "underfill": (8, 14),
    "chunk-out": (8, 15),
    "exposed cord": (2, 6),
    "open splice": (12, 30),
    "excess flash": (12, 25),
    "stain": (12, 24),
    "wrong lettering": (1, 60),
    "missing lettering": (10, 30),
    "missing balance dot": (20, 40),
}
"""Type → longest extent in mm up to which it is minor, and up to which it is major; beyond, it is critical."""

CRITICAL_PARTS = ("bead ring",)
"""A leak starts here: defects are one level graver."""

SPEW_LIMIT_MM = 9.0
DEMOULDING_LIMIT_MM = 12.5
"""Acceptable by the product's own specification; the generator stays below."""

PHRASES: dict[str, tuple[str, ...]] = {
    "cut": ("slit", "knife cut"),
    "crack": ("cracking", "fissure"),
    "scratch": ("scuff", "abrasion line"),
    "blister": ("bulge", "air bubble", "trapped air"),
    "foreign body": ("foreign particle", "inclusion", "embedded object"),
    "underfill": ("short moulding", "light moulding", "lightness"),
    "chunk-out": ("chunking", "torn-out rubber"),
    "exposed cord": ("cord exposure", "visible cord", "bare cord"),
    "open splice": ("open joint", "splice opening"),
    "excess flash": ("flash", "overflow", "fin"),
    "stain": ("contamination", "discolouration", "spot of dirt"),
    "wrong lettering": ("misprint", "wrong marking", "wrong insert"),
    "missing lettering": ("absent lettering", "unfilled lettering"),
    "missing balance dot": ("absent balance dot", "dot missing"),
    "demoulding mark": ("demoulding scuff", "mould release mark"),
    "chalk mark": ("crayon mark", "wax mark"),
    "spew": ("vent spew", "rubber hair", "whisker"),
}

_SUPERCLASSES = {
    "cut": "mechanical damage",
    "scratch": "mechanical damage",
    "underfill": "missing rubber",
    "chunk-out": "missing rubber",
    "foreign body": "contamination",
    "stain": "contamination",
    "wrong lettering": "marking",
    "missing lettering": "marking",
    "missing balance dot": "marking",
}

_PART_TEXTS: dict[str, tuple[tuple[str, ...], str]] = {
    "tread": (
        ("tread blocks", "ribs", "running surface"),
        "blocks and ribs with sipes; coloured lines are painted on",
    ),
    "groove": (("grooves", "tread grooves"), "grooves around and across, with wear indicator bars"),
    "shoulder": (("tread shoulder", "buttress"), "edge of the tread, notched by the lateral grooves"),
    "sidewall": (("side wall", "flank"), "matt rubber with concentric ribs and the ring of the balance dot"),
    "lettering": (("letters", "inscription", "marking"), "raised brand, size and DOT code"),
    "toe": (("bead toe",), "inner edge of the bead, with fabric imprint"),
    "bead ring": (("bead", "bead seat", "bead base"), "seat on the rim, with hump lines"),
    "flange": (("rim flange", "rim line area"), "contact with the rim's flange: rim protector and rim line"),
}


_LOOKS = (
    "near-black matt rubber, raised lettering, a yellow balance dot in its moulded ring. "
    "Synthetic product: pictures are rendered, not photographed."
)


def severity(type: str, size_mm: float, part: str) -> str | None:
    """The level of a defect by the specification's rule; it depends on neither model nor picture."""
    return _rule().severity_of(type, size_mm, 0.0, part)


def specification(model: TyreModel) -> dict[str, Any]:
    """The model's specification as plain data (keys of `specsight.specification.Specification`)."""
    shared = shared_specification()
    size = {
        "feature": f"lettering '{model.size}'",
        "part": "lettering",
        "text": f"The size reads {model.size}.",
    }
    return {
        **shared,
        "product": model.product,
        "appearance": f"Passenger tyre {model.brand} {model.line}, {model.size}: {_LOOKS}",
        "requirements": [*shared["requirements"], size],
    }


def shared_specification() -> dict[str, Any]:
    """What holds for tyres of every model: all but their names and the size that the lettering must read."""
    return {
        "product": "tyre",
        "appearance": f"Passenger tyres of several brands, lines and sizes: {_LOOKS}",
        "parts": [
            {
                "name": name,
                "phrases": list(_PART_TEXTS[name][0]),
                "description": _PART_TEXTS[name][1],
                **({"critical": True} if name in CRITICAL_PARTS else {}),
            }
            for name in PART_NAMES.values()
        ],
        "defects": [
            *(_defect_entry(name) for name in SEVERITY_MM),
            *({"name": n, "phrases": list(PHRASES[n])} for n in ("demoulding mark", "chalk mark", "spew")),
        ],
        "tolerances": [
            _tolerance(
                "demoulding mark", DEMOULDING_LIMIT_MM, "Demoulding marks up to 12.5 mm are acceptable."
            ),
            _tolerance("spew", SPEW_LIMIT_MM, "Vent spews up to 9 mm are acceptable."),
            _tolerance("chalk mark", None, "Chalk marks of the operators are acceptable."),
        ],
        "requirements": [
            {
                "feature": "yellow balance dot",
                "part": "sidewall",
                "text": "A yellow balance dot is required in the moulded ring.",
            },
        ],
    }


@cache
def _rule() -> Specification:
    return Specification.model_validate(specification(next(iter(MODELS.values()))))


def _defect_entry(name: str) -> dict[str, Any]:
    limits = [{"level": level, "up_to_mm": float(limit)} for level, limit in zip(LEVELS, SEVERITY_MM[name])]
    entry: dict[str, Any] = {"name": name, "phrases": list(PHRASES[name])}
    if name in _SUPERCLASSES:
        entry["superclass"] = _SUPERCLASSES[name]
    return {**entry, "severity": [*limits, {"level": LEVELS[-1]}]}


def _tolerance(defect: str, limit: float | None, text: str) -> dict[str, Any]:
    return {"defect": defect, **({"up_to_mm": limit} if limit else {}), "text": text}

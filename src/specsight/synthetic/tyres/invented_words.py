"""Invented names and small print of tyres: brands, lines, sizes with their load, codes of the mould."""

from __future__ import annotations

import math
import string

import numpy as np

from specsight.synthetic.tyres.geometry import Moulding

_ONSETS = (
    "B",
    "BR",
    "D",
    "DR",
    "F",
    "G",
    "GR",
    "K",
    "KR",
    "L",
    "M",
    "N",
    "P",
    "PR",
    "R",
    "S",
    "ST",
    "T",
    "TR",
    "V",
    "Z",
)
_NUCLEI = ("A", "E", "I", "O", "U", "AU", "EO", "IA")
_ENDINGS = ("", "N", "R", "X", "S", "L", "RA", "NT", "TEK", "DA", "RO", "VEX", "LIS", "MON", "GO")
_REAL = frozenset(
    ("AVON", "BARUM", "COOPER", "DUNLOP", "FALKEN", "FULDA", "KELLY", "KLEBER", "KUMHO", "LASSA", "MAXXIS", "METEOR",
     "NEXEN", "NITTO", "NOKIAN", "PIRELLI", "SAVA", "TOYO", "TIGAR", "TITAN", "ZETA", "VREDESTEIN")
)  # fmt: skip
"""Brands that exist and that syllables could happen to make."""

_LINES = (
    "TOUR", "CITY", "RALLYE", "ROAD", "ECO", "TERRA", "SPEED", "GRAND", "TRAIL", "ALPHA", "NOVA", "STRADA", "PRIMA",
    "AERO", "CROSS", "VAN", "METRO", "VIA", "ULTRA", "DYNA",
)  # fmt: skip
_LINE_ENDINGS = (
    "",
    " 2",
    " 3",
    " GT",
    " R",
    " PLUS",
    " S1",
    " HP",
    " A/T",
    " 4S",
    " LX",
    "MAX",
    "TEC",
    "ONE",
    " EVO",
)

_WIDTHS_MM = tuple(range(155, 280, 10))
_ASPECTS = tuple(range(35, 75, 5))
_RIMS_INCH = tuple(range(13, 21))
_SPEEDS = "QSTHVW"
_CIRCUMFERENCE_MM = (1680.0, 2360.0)
_INCH_MM = 25.4
_PLIES = ("1 PLY POLYESTER", "2 PLY POLYESTER", "1 PLY RAYON", "2 PLY RAYON")


def draw_brand(rng: np.random.Generator) -> str:
    """4 to 9 capital letters that can be spoken."""
    while True:
        syllables = "".join(
            _ONSETS[int(rng.integers(len(_ONSETS)))] + _NUCLEI[int(rng.integers(len(_NUCLEI)))]
            for _ in range(int(rng.integers(1, 4)))
        )
        name = syllables + _ENDINGS[int(rng.integers(len(_ENDINGS)))]
        if 4 <= len(name) <= 9 and name not in _REAL:
            return name


def draw_line(rng: np.random.Generator) -> str:
    """The name of a product line."""
    return _LINES[int(rng.integers(len(_LINES)))] + _LINE_ENDINGS[int(rng.integers(len(_LINE_ENDINGS)))]


def draw_size(rng: np.random.Generator) -> tuple[str, float, int]:
    """(size with load index and speed symbol, circumference in mm that follows from it, load index)."""
    while True:
        width, aspect, rim = (int(rng.choice(values)) for values in (_WIDTHS_MM, _ASPECTS, _RIMS_INCH))
        circumference = math.pi * (rim * _INCH_MM + 2 * width * aspect / 100)
        # Low sections come on wide tyres and large rims, high ones on narrow tyres and small rims.
        usual = abs(width - 205 - 15 * (rim - 16)) <= 30 and abs(aspect - 55 + 5 * (rim - 16)) <= 10
        if _CIRCUMFERENCE_MM[0] <= circumference <= _CIRCUMFERENCE_MM[1] and usual:
            break
    load = round(91 + 0.22 * (width - 205) + 0.3 * (aspect - 55) + 1.5 * (rim - 16)) + int(
        rng.integers(-1, 3)
    )
    speed = _SPEEDS[int(rng.integers(len(_SPEEDS)))]
    return f"{width}/{aspect} R{rim} {load}{speed}", round(circumference), load


def draw_moulding(rng: np.random.Generator, load: int) -> Moulding:
    """Small print that fits the load index `load`, and how the mould is cut."""
    kg = 5 * round(45 * 10 ** (load / 80) / 5)
    kpa = int(rng.choice((240, 300, 340, 350)))
    return Moulding(
        plant_code=_code(rng, 2),
        type_code=_code(rng, 4),
        dates=(f"{int(rng.integers(1, 53)):02d}{int(rng.integers(19, 27))}",),
        treadwear=20 * int(rng.integers(6, 31)),
        max_load=f"{kg} KG ({round(kg * 2.2046)} LBS)",
        max_pressure=f"{kpa} KPA ({round(kpa * 0.14504)} PSI)",
        approval=f"E{int(rng.integers(1, 30))} 02{int(rng.integers(10_000, 99_999))}-S2WR2",
        ply=_PLIES[int(rng.integers(len(_PLIES)))],
        line_style=str(rng.choice(("solid", "outline"))),
        cap=round(float(rng.uniform(0.8, 1.1)), 2),
        stretch=round(float(rng.uniform(0.85, 1.15)), 2),
        raised=round(float(rng.uniform(0.7, 1.3)), 2),
        knurl_lean=round(float(rng.uniform(-0.8, 0.8)), 2),
        notch_lean=round(float(rng.uniform(-0.3, 0.3)), 2),
        notch_mm=round(float(rng.uniform(1.8, 4.0)), 1),
    )


def _code(rng: np.random.Generator, length: int) -> str:
    """Capital letters and digits; none that look like another."""
    letters = [c for c in string.ascii_uppercase + string.digits if c not in "GIOQS01"]
    return "".join(str(c) for c in rng.choice(letters, length))

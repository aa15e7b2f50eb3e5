"""Lengths in text: numbers in figures or words, with their unit → millimetres.

In: plain text in lower case. Out: `Quantity`s with their places in the text; what is a quantity and no length of a
defect (an area, a weight, less than nothing, metres) says what is wrong with it. A grammar of fifty lines is used
instead of a library: pint reads neither numbers in words nor inches written as a quotation mark, and has no notion of
where in a sentence a quantity stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from specsight.specification.vocabulary import as_words

UNITS = {
    "mm": 1.0, "millimetre": 1.0, "millimeter": 1.0, "mill": 1.0,
    "cm": 10.0, "centimetre": 10.0, "centimeter": 10.0,
    "μm": 1e-3, "um": 1e-3, "micron": 1e-3, "micrometre": 1e-3, "micrometer": 1e-3,
    "inch": 25.4, "inches": 25.4, "in": 25.4, '"': 25.4, "''": 25.4,
    "thou": 0.0254, "mil": 0.0254,
    "m": 1e3, "metre": 1e3, "meter": 1e3, "km": 1e6, "ft": 304.8, "foot": 304.8, "feet": 304.8, "yard": 914.4,
}  # fmt: skip
"""Unit → millimetres."""
FOREIGN = (
    "kg", "g", "gram", "grams", "mg", "%", "percent", "per cent", "px", "pixel", "pixels", "degrees", "°", "°c", "n",
    "bar", "ml", "l", "litre", "litres", "s", "sec", "seconds", "minute", "minutes", "min", "hours", "h", "days", "ms",
    "kilogram", "kilograms", "kilo", "kilos", "pound", "pounds", "lb", "lbs", "oz", "volt", "volts", "v", "newton",
    "furlong", "furlongs", "mile", "miles", "k", "db", "hz", "mpa", "nm", "euro", "euros",
)  # fmt: skip
"""Units that measure no length, or none that a picture shows."""
LONGEST = 1000.0
"""Millimetres: no defect that a tolerance speaks of is longer."""

SMALL = {
    "zero": 0, "nought": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
SHARES = {
    "half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "eighth": 8, "tenth": 10,
    "sixteenth": 16, "hundredth": 100, "thousandth": 1000,
}  # fmt: skip

_SMALL = "|".join(SMALL)
_WHOLE = rf"(?:(?:{'|'.join(TENS)})(?:[ -](?:{_SMALL}))?|{_SMALL}|an? hundred|one hundred)"
_SHARE = rf"(?:(?:{_WHOLE}|an?)[ -])?(?:{'|'.join(SHARES)})s?"
_WORDS = rf"{_WHOLE} and (?:an? |one )?{_SHARE}|{_WHOLE} point {_WHOLE}(?: {_WHOLE})*|{_SHARE}|{_WHOLE}|an?"
_FIGURES = r"\d+[ -]\d+/\d+|\d+/\d+|\d+ and a half|\d{1,3}(?:[ ,.]\d{3})+[.,]\d+|\d+(?:[.,]\d+)?|[.,]\d+"
_NUMBER = rf"(?:{_FIGURES}|(?<![\w])(?:{_WORDS})(?![\w]))"
_NAMES = "|".join(sorted(map(re.escape, (*UNITS, *FOREIGN)), key=len, reverse=True))
_UNIT = rf"(?P<unit>(?:{_NAMES})s?)(?P<power>\^[23]|[23](?!\d))?(?![\w])"
_OWN = rf"(?: ?(?:{_NAMES})s?(?![\w]))?"
_LOW = rf"(?:between (?P<least>{_NUMBER}){_OWN} and |(?P<less>{_FIGURES}){_OWN} ?[-–] ?|(?P<low>{_NUMBER}){_OWN} to )"
QUANTITY = re.compile(
    rf"(?P<plus>± ?|\+/- ?)?(?P<sign>(?<![\w)])- ?|\bminus )?{_LOW}?(?P<first>\d ?[x×] ?)?(?P<number>{_NUMBER})"
    rf"(?:[ -]|(?: of)? (?:an? )?)?(?P<square>square |sq\.? ?|cubic )?{_UNIT}(?P<times> ?[x×] ?\d)?"
)
CODE = re.compile(r"(?<!\S)[a-z]\d{2,} $")
"""A code such as "r16" at the end of a text."""
INCH_IS_PREPOSITION = re.compile(
    r" (?:the|an?|any|diameter|length|size|width|extent|total|all|each|every|this|these|extension|dimension|general)\b"
)


@dataclass(frozen=True)
class Quantity:
    """A length in millimetres at `start:end` of a text; `low`: lower end of a range; `problem`: it is no limit."""

    start: int
    end: int
    mm: float
    low: float | None = None
    problem: str = ""


def quantities(text: str) -> Iterator[Quantity]:
    """The quantities of a text in plain characters and lower case, from left to right."""
    position = 0
    while match := QUANTITY.search(text, position):
        position = match.end()
        if match["unit"] == "in" and INCH_IS_PREPOSITION.match(text, match.end("unit")):
            continue
        if match["unit"] in FOREIGN and CODE.search(text, 0, match.start()):
            # "205/55 R16 91V": a figure behind a code belongs to it.
            continue
        if match["number"] in ("a", "an") and match["unit"] in ("in", "m", "g", "s", "l", "k", "n", "h", "v"):
            continue
        yield _quantity(match)


def _quantity(match: re.Match[str]) -> Quantity:
    written = as_words(match[0].strip())
    start = match.start()
    unit = match["unit"]
    scale = UNITS.get(unit, UNITS.get(unit.removesuffix("s")))
    number = number_of(match["number"])
    lower = match["least"] or match["less"] or match["low"]
    low = number_of(lower) if lower else None
    problem = ""
    if match["square"] or match["power"]:
        problem = f"'{written}' is an area or a volume: give a length in mm"
    elif scale is None:
        problem = f"'{written}' is no length: give mm, cm, µm or inches"
    elif match["sign"]:
        problem = f"'{written}' is below zero: a limit is 0 mm or more"
    elif match["plus"] or match["times"] or match["first"]:
        problem = f"'{written}' is not one length: give the longest extent"
    elif number is None or (lower and low is None):
        over_zero = re.search(r"/ ?0+(?!\d)", match[0])
        problem = (
            f"'{written}' divides by zero: check the number"
            if over_zero
            else f"'{written}' can be read in two ways: write it without separators of thousands"
        )
    elif number * scale > LONGEST:
        problem = f"'{written}' is longer than {LONGEST / 1000:g} m, which no defect is: check the unit"
    if problem or number is None or scale is None:
        return Quantity(start, match.end(), 0.0, None, problem or f"'{written}' is no length")
    value, least = _round(number * scale), None if low is None else _round(low * scale)
    if least is not None and least > value:
        problem = f"'{written}' ends below where it begins"
    return Quantity(start, match.end(), value, least, problem)


def number_of(text: str) -> float | None:
    """A number in figures or words; None where it may be two numbers ("1,000")."""
    text = text.strip().removesuffix(" of")
    if text[0].isdigit() or text[0] in ".,":
        return _figures(text)
    if " point " in text:
        whole, _, rest = text.partition(" point ")
        digits = "".join(str(int(_words(word))) for word in rest.split())
        return float(f"{_words(whole):g}.{digits}")
    whole, joined, share = text.partition(" and ")
    return _words(whole) + (_words(share) if joined else 0.0)


def _figures(text: str) -> float | None:
    if text.endswith(" and a half"):
        return float(text.split()[0]) + 0.5
    if "/" in text:
        whole, _, share = text.replace("-", " ").rpartition(" ")
        above, _, below = share.partition("/")
        return float(whole or 0) + float(above) / float(below) if float(below) else None
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?: \d{3})+[.,]\d+", text):
        return float(re.sub(r"[ ,](?=\d{3})", "", text).replace(",", "."))
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+[.,]\d+|[1-9]\d*,\d{3}", text):
        return None
    return float(text.replace(",", "."))


def _words(text: str) -> float:
    """A number in words below a thousand, or a share: "twenty-five", "three quarters", "a half"."""
    parts = [part for part in re.split(r"[ -]", text) if part]
    share = parts[-1] if parts[-1] in SHARES else parts[-1].removesuffix("s")
    if share in SHARES:
        return (_words(" ".join(parts[:-1])) if parts[:-1] else 1.0) / SHARES[share]
    if "hundred" in parts:
        return 100.0
    return float(sum(TENS.get(part, SMALL.get(part, 1)) for part in parts))


def _round(value: float) -> float:
    """Without the last digits that conversion adds: 0.3 cm are 3 mm."""
    return float(f"{value:.9g}")

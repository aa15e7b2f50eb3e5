"""Words of answers: lists, counts, plurals, lengths with their unit."""

from __future__ import annotations

import math
from collections.abc import Sequence

from specsight.asking.query import MILLIMETRES
from specsight.records import Finding, Verdict
from specsight.specification.vocabulary import normal_form, with_article

PLURAL_ENDINGS = ("s", "x", "ch", "sh")


def listed(words: Sequence[str], joint: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"


def plural(name: str) -> str:
    """The plural of a name: "scratch" → "scratches", "foreign body" → "foreign bodies"; a name that is one stays."""
    if normal_form(name) != name.casefold() and name.endswith("s"):
        return name
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(PLURAL_ENDINGS) else f"{name}s"


def counted(count: int, name: str) -> str:
    """ "no cut", "1 cut", "2 cuts"."""
    if count == 0:
        return f"no {name}"
    return f"{count:,} {name if count == 1 else plural(name)}"


def capitalised(text: str) -> str:
    """A text as it begins a sentence; what follows its first letter stays as it is."""
    return text[:1].upper() + text[1:]


def verdict_word(verdict: Verdict | None) -> str:
    """ "accepted", "rejected", "without a verdict"."""
    return "without a verdict" if verdict is None else {"accept": "accepted", "reject": "rejected"}[verdict]


def a_named(types: Sequence[str], joint: str = "or") -> str:
    """ "a cut or a crack"; "a defect" where no type is named."""
    return listed([with_article(name) for name in types], joint) or "a defect"


def on_parts(parts: Sequence[str]) -> str:
    """ " on the tread and the shoulder", or nothing."""
    return f" on {listed([f'the {name}' for name in parts])}" if parts else ""


def at_places(places: Sequence[str]) -> str:
    """ " at the top left", " in the centre", or nothing."""
    return f" {listed([at_place(place) for place in places])}" if places else ""


def at_place(place: str) -> str:
    """A cell of the grid as it stands in a sentence."""
    if place == "centre":
        return "in the centre"
    return "over the whole picture" if place == "whole picture" else f"at the {place}"


def length(finding: Finding, unit: str = "", beside: float | None = None) -> str:
    """The length of a finding: in the unit that was asked for where it is known, else in what is known.

    `beside`: a number in that unit; the length then has as many decimals as it takes to see that it is another.
    """
    if unit == "px" or finding.length_mm is None:
        return f"{decimal(finding.length_px, 0, beside)} px"
    if unit in ("", "mm"):
        return f"{decimal(finding.length_mm, 1, beside)} mm"
    return f"{decimal(finding.length_mm / MILLIMETRES[unit], 2, beside)} {unit} ({finding.length_mm:.1f} mm)"


def area(finding: Finding, unit: str = "", beside: float | None = None) -> str:
    """The area of a finding, in squares of the unit that was asked for (as `length`)."""
    if unit == "px" or finding.area_mm2 is None:
        return f"{finding.area_px:,} px"
    if unit in ("", "mm"):
        return f"{decimal(finding.area_mm2, 1, beside)} mm²"
    squares = decimal(finding.area_mm2 / MILLIMETRES[unit] ** 2, 2, beside)
    return f"{squares} {unit}² ({finding.area_mm2:.1f} mm²)"


def decimal(value: float, decimals: int, beside: float | None = None) -> str:
    """A number with so many decimals, or with up to six where it takes more to stand as it does to another one."""

    def stands(shown: float, other: float) -> tuple[bool, bool]:
        return shown < other, shown > other

    if beside is not None:
        exact = beside if math.isclose(value, beside, rel_tol=1e-9) else value
        while decimals < 6 and stands(float(f"{value:.{decimals}f}"), beside) != stands(exact, beside):
            decimals += 1
    return f"{value:.{decimals}f}"


def located(finding: Finding) -> str:
    """Where a finding lies: "on the tread, at the top left"."""
    where = at_place(finding.place)
    return f"on the {finding.part}, {where}" if finding.part else where

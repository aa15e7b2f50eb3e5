"""Words of answers: lists, counts, plurals, lengths with their unit."""

from __future__ import annotations

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


def length(finding: Finding, unit: str = "") -> str:
    """The length of a finding: in the unit that was asked for where it is known, else in what is known."""
    if unit == "px" or finding.length_mm is None:
        return f"{finding.length_px:.0f} px"
    millimetres = f"{finding.length_mm:.1f} mm"
    if unit in ("", "mm"):
        return millimetres
    return f"{finding.length_mm / MILLIMETRES[unit]:.2f} {unit} ({millimetres})"


def area(finding: Finding) -> str:
    """The area of a finding, in mm² where the scale is known."""
    return f"{finding.area_px:,} px" if finding.area_mm2 is None else f"{finding.area_mm2:.1f} mm²"


def located(finding: Finding) -> str:
    """Where a finding lies: "on the tread, at the top left"."""
    where = at_place(finding.place)
    return f"on the {finding.part}, {where}" if finding.part else where

"""Numbers in tagged questions: lengths to compare with ("longer than 5 mm"), counts ("more than two"), of pictures.

In: tags. Out: tags in which a length is one tag LIMIT and a picture with its number one tag PICTURE; and `Bound`s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from specsight.asking.query import Bound, Relation
from specsight.asking.tagging import Tag
from specsight.reading.quantities import SMALL

UNITS = {
    "mm": "mm", "millimetre": "mm", "millimetres": "mm", "millimeter": "mm", "millimeters": "mm",
    "cm": "cm", "centimetre": "cm", "centimetres": "cm", "centimeter": "cm", "centimeters": "cm",
    "in": "in", "inch": "in", "inches": "in", "px": "px", "pixel": "px", "pixels": "px",
}  # fmt: skip
RELATIONS: tuple[tuple[Relation, tuple[str, ...]], ...] = (
    ("at least", ("at least", "not less than", "no less than", "not under", "or more", "minimum")),
    (
        "at most",
        ("at most", "not more than", "no more than", "up to", "within", "or less", "not over", "maximum"),
    ),
    (
        "over",
        ("more than", "over", "above", "exceed", "exceeds", "longer", "bigger", "larger", "wider", "greater"),
    ),
    ("under", ("less than", "fewer than", "under", "below", "shorter", "smaller", "short of")),
    ("exactly", ("exactly", "only", "just", "precisely")),
)
PICTURES = ("PICTURE", "PRODUCT")
SQUARE = ("square", "sq")
THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


def with_numbers(tags: Sequence[Tag]) -> list[Tag]:
    """The tags with LIMIT and NUMBER, and pictures with their numbers in `value`."""
    found: list[Tag] = []
    k = 0
    while k < len(tags):
        tag = tags[k]
        following = tags[k + 1] if k + 1 < len(tags) else None
        number = _number(tag)
        if number is not None and (used := _with_unit(tags[k + 1 : k + 4])):
            unit = tags[k + 1 : k + 1 + used]
            of_area = "2" if used > 1 else ""
            name = next(UNITS[one.text] for one in unit if one.text in UNITS)
            words = " ".join(one.text for one in (tag, *unit))
            found.append(Tag("LIMIT", words, tag.start, unit[-1].end, f"{number!r} {name}{of_area}"))
            k += 1 + used
        elif tag.tag == "PICTURE" and following is not None and _number(following) is not None:
            found.append(replace(tag, end=following.end, value=f"{_number(following):g}"))
            k += 2
        elif tag.tag == "ORDINAL" and following is not None and following.tag in PICTURES:
            found.append(replace(following, start=tag.start, tag="PICTURE", value=tag.value))
            k += 2
        elif number is not None and tag.text.isdigit():
            found.append(replace(tag, tag="NUMBER", value=f"{number:g}"))
            k += 1
        else:
            found.append(tag)
            k += 1
    return _listed_pictures(found)


def _with_unit(tags: Sequence[Tag]) -> int:
    """How many tags behind a number are its unit: 1 of a length, 2 of an area ("square mm", "mm^2"), 0: none."""
    texts = [one.text for one in tags]
    if len(texts) > 1 and texts[0] in SQUARE and texts[1] in UNITS:
        return 2
    if not texts or texts[0] not in UNITS:
        return 0
    return 2 if len(texts) > 1 and texts[1] == "2" and tags[1].start - tags[0].end <= 1 else 1


def _listed_pictures(tags: Sequence[Tag]) -> list[Tag]:
    """ "the first and the second picture", "pictures 1 and 2": the ordinal or number beside a picture is one too."""
    found = list(tags)
    for k, tag in enumerate(found):
        if tag.tag != "PICTURE" or not tag.value:
            continue
        for step, kinds in ((-1, ("ORDINAL",)), (1, ("NUMBER", "ORDINAL"))):
            near = k + step
            while 0 <= near < len(found) and found[near].tag in (
                "and",
                "or",
                "the",
                "with",
                "to",
                "than",
                ",",
            ):
                near += step
            joined = abs(near - k) > 1 and 0 <= near < len(found)
            if (
                joined
                and found[near].tag in kinds
                and (near + 1 >= len(found) or found[near + 1].tag != "one" or step > 0)
            ):
                found[near] = replace(found[near], tag="PICTURE")
    return found


def bound_of(tags: Sequence[Tag]) -> Bound | None:
    """What a length or a count is to be compared with; None where there is nothing to compare."""
    for k, tag in enumerate(tags):
        before = " ".join(one.text for one in tags[max(0, k - 3) : k])
        after = " ".join(one.text for one in tags[k + 1 : k + 3])
        if tag.tag == "LIMIT":
            value, unit = tag.value.split()
            relation = _relation(f"{before} | {after}") or "exactly"
            return Bound(relation, float(value), unit, _half(tag.text))
        number = _number(tag)
        if number is not None and tag.tag in ("NUMBER", tag.text):
            said = _relation(before)
            noun = tags[k + 1].tag if k + 1 < len(tags) else ""
            if said and noun in ("DEFECT", "TYPE", "OTHERTYPE", "GROUP", "of", "?"):
                return Bound(said, number)
        if tag.text in ("several", "multiple") and k + 1 < len(tags):
            return Bound("over", 1.0)
    return None


def _relation(words: str) -> Relation | None:
    padded = f" {words} "
    return next((name for name, phrases in RELATIONS if any(f" {one} " in padded for one in phrases)), None)


def _half(words: str) -> float:
    """Half a unit of the last decimal of the number that a text begins with."""
    return 0.5 * 10.0 ** -len(words.split()[0].replace(",", ".").partition(".")[2])


def _number(tag: Tag) -> float | None:
    if THOUSANDS.fullmatch(tag.text):
        return float(tag.text.replace(",", ""))
    if tag.text.replace(".", "", 1).replace(",", "", 1).isdigit():
        return float(tag.text.replace(",", "."))
    return float(SMALL[tag.text]) if tag.text in SMALL and tag.text != "nought" else None

"""Tags of a question → the fields of its `Query` that names, numbers and places fill.

In: tags. Out: fields by name; names that nothing knows, where a question has a part or a defect.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from specsight.asking.measures import UNITS, bound_of
from specsight.asking.names import ProductNames
from specsight.asking.query import Kind
from specsight.asking.rules import has
from specsight.asking.tagging import Tag

MEASURES = (
    ("distance", ("distance", "apart", "away")),
    ("length", ("long", "length", "longer", "shorter", "short")),
    ("width", ("wide", "width", "wider", "thick", "thickness")),
    ("depth", ("deep", "depth", "deeper")),
    ("height", ("high", "height", "higher", "tall")),
    ("area", ("area", "surface", "cover", "covers", "covered")),
)
"""What is measured → words that ask for it."""
COUNTED = ("one", "DEFECT", "TYPE", "OTHERTYPE", "GROUP", "?", ".")
"""Tags behind the number of a finding."""
NOUNS = ("TYPE", "PART", "DEFECT", "OTHERTYPE", "GROUP", "FEATURE", "PRODUCT", "PICTURE")
PREPOSITIONS = (
    "on",
    "in",
    "at",
    "with",
    "of",
    "inside",
    "near",
    "to",
    "about",
    "and",
    "or",
    "PART",
    "BE",
    "DO",
    "HAVE",
)
"""Tags in front of "the" and the name of a part."""
IN_FRONT_OF_DEFECTS = frozenset({
    "a", "an", "any", "some", "the", "no", "more", "every", "all", "you", "HERE", "BE", "find", "found", "see",
    "visible",
})  # fmt: skip
WITH_UNKNOWN: frozenset[Kind | None] = frozenset(
    {None, "presence", "count", "type", "place", "size", "severity", "part"}
)
"""Kinds in which a name that nothing knows is a part or a defect."""
Value = TypeVar("Value")


def slots_of(tags: Sequence[Tag], names: ProductNames) -> dict[str, Any]:
    """Names, numbers and places that a question holds."""
    types: list[str] = []
    for tag in tags:
        if tag.tag == "TYPE":
            types.append(tag.value)
        elif tag.tag == "GROUP":
            types.extend(names.groups[tag.value])
    texts = [tag.text for tag in tags]
    return {
        "types": unique(types),
        "parts": unique(tag.value for tag in tags if tag.tag == "PART"),
        "places": _places(tags),
        "features": _features(tags),
        "pictures": unique(int(float(tag.value)) for tag in tags if tag.tag == "PICTURE" and tag.value),
        "which": _which(tags),
        "most": next((tag.value for tag in tags if tag.tag == "MOST"), ""),
        "refers": any(tag.tag == "IT" for tag in tags),
        "other": "other" in texts or "else" in texts,
        "level": next((tag.value for tag in tags if tag.tag == "LEVEL"), ""),
        "measure": next((name for name, words in MEASURES if any(word in texts for word in words)), ""),
        "unit": _unit(tags),
        "bound": bound_of(tags),
        "reference": any(tag.tag == "REFERENCE" for tag in tags),
        "unseen": next((tag.text for tag in tags if tag.tag == "UNSEEN"), ""),
        "unknown_types": unique(tag.value for tag in tags if tag.tag == "OTHERTYPE"),
    }


def unknown_names(tags: Sequence[Tag], kind: Kind | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Parts, and types of defect, that a question names and nothing knows."""
    words = " ".join(tag.tag for tag in tags)
    named = any(tag.tag in ("TYPE", "GROUP") for tag in tags)
    parts: list[str] = []
    types: list[str] = []
    for k, tag in enumerate(tags):
        if tag.tag != "UNK" or (k and tags[k - 1].tag == "UNK"):
            continue
        behind = next((one.tag for one in tags[k + 1 :] if one.tag != "UNK"), "")
        if behind in NOUNS and not (k and tags[k - 1].tag == "PRODUCT"):
            continue
        before = [one.tag for one in tags[:k] if one.tag != "UNK"]
        article = before[-1] if before else ""
        preposition = before[-2] if len(before) > 1 else ""
        name = " ".join(one.text for one in _run(tags, k))
        if article in ("the", "its", "IT") and preposition in PREPOSITIONS:
            parts.append(name)
        elif named:
            # "Is there a cut or a dingus?": beside a type that is known, only what is listed with it is one too.
            listed = article in ("a", "an") and preposition in ("or", "and")
            types += [name] if listed or article in ("or", "and") else []
        elif (
            article in IN_FRONT_OF_DEFECTS
            or article in ("many", "of")
            or (article in ("PART", "PRODUCT") and (kind == "presence" or "BE" in before))
        ):
            types.append(name)
    about_defects = (types and has("seen at all", words)) or (parts and has("of defects", words))
    if kind not in WITH_UNKNOWN or (kind is None and not about_defects):
        return (), ()
    return unique(parts), unique(types)


def unique(values: Iterable[Value]) -> tuple[Value, ...]:
    """Each value once, in order."""
    return tuple(dict.fromkeys(values))


def _features(tags: Sequence[Tag]) -> tuple[str, ...]:
    """Required features; with a word in front that the feature does not have, as they were asked for: "red dot"."""
    return unique(
        f"{tags[k - 1].text} {tag.text}" if k and tags[k - 1].tag == "UNK" else tag.value
        for k, tag in enumerate(tags)
        if tag.tag == "FEATURE"
    )


def _which(tags: Sequence[Tag]) -> tuple[int, ...]:
    """Numbers of findings: "the second defect", "finding 2"."""
    found = []
    for k, tag in enumerate(tags):
        following = tags[k + 1] if k + 1 < len(tags) else None
        if tag.tag == "ORDINAL" and (following is None or following.tag in COUNTED):
            found.append(int(tag.value))
        elif tag.tag == "DEFECT" and following is not None and following.tag == "NUMBER":
            found.append(int(float(following.value)))
    return unique(found)


def _places(tags: Sequence[Tag]) -> tuple[str, ...]:
    found: list[str] = []
    for k, tag in enumerate(tags):
        if tag.tag != "PLACE":
            continue
        pair = {found[-1], tag.value} if found and k and tags[k - 1].tag == "PLACE" else set()
        rows, columns = pair & {"top", "bottom"}, pair & {"left", "right"}
        if len(rows) == len(columns) == 1:
            found[-1] = " ".join((*rows, *columns))
        else:
            found.append(tag.value)
    return unique(found)


def _unit(tags: Sequence[Tag]) -> str:
    """The unit that an answer is wanted in: "how many mm", "in cm"."""
    asked = (tag.text for tag in tags if tag.tag != "LIMIT" and tag.text in UNITS and tag.text != "in")
    return next((UNITS[text] for text in asked), "")


def _run(tags: Sequence[Tag], start: int) -> Sequence[Tag]:
    end = start
    while end < len(tags) and tags[end].tag == "UNK":
        end += 1
    return tags[start:end]

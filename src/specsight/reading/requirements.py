"""Items → requirements: what must be there, where, and how often.

In: the items of one reading. Out: `Fact`s of kind "requirement", or none where nothing is required. The items are
matched against patterns over one letter an item; the feature's words are taken from the sentence as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from specsight.reading.facts import Fact
from specsight.reading.items import Item, Name, NotUnderstood
from specsight.reading.lexicon import words_of
from specsight.reading.tokens import COUNTS, Sentence

LETTERS = dict(  # noqa: C408
    names="N", parts="P", product="G", num="#", place="L", must="m", may="y", be="b", have="h", free="f", ensure="E",
    without="w", there="t", no="o", nothing="o", conj=",", colon=":", hasbeen="p", prep="-", lacking="K", all="a",
    present="T", generic="d", naming="u", following="j", onlyone="e", rest="q",
) | {"not": "n", "if": "i", "except": "x", "else": "q"}  # fmt: skip
PREDICATES = dict(  # noqa: C408
    require="R",
    present="T",
    missing="M",
    reject="X",
    accept="A",
    inspect="I",
    occur="c",
    lookfor="S",
    report="r",
)
_F = r"(?P<f>#?z*[NP](?:-[NPG]|[NPV])?)"
_S = r"(?:[GVW]|(?P<o>[PQ]))?"
"""What a main clause behind the feature may be about: the product, a part, or anything else with an article."""
_L = r"(?P<l>L?)"
_L2 = r"(?P<l2>L?)"
_BAD = r"(?:m?b?X|[my]?n?b?nA|m?nb?A|m?b?nA|mb?r|r)"
PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_L},?{_F}{_L2}:?m?b?Rb?(?P<l3>L?)",
        rf"(?P<g>N)R{_F}T?{_L}",
        rf"T[-]?{_F}{_L}:?m?b?[RI]",
        rf"w{_F}{_L},?{_S}m?b?{_BAD}G?",
        rf"w{_F}{_L},?o[GVWNPQ]m?b?A",
        rf"{_L},?{_F}{_L2}:?mb?[Tt](?P<l3>L?)(?:,?qX)?",
        rf"{_F}b?mb?(?P<l>L)",
        rf"Gm?b?(?:X|nA|r)(?:w|i?o){_F}{_L}",
        rf"io{_F}{_L}b?T?,?{_S}m?b?{_BAD}G?",
        rf"{_L},?[tT]mb?{_F}T?{_L2}",
        rf"(?P<o>P)b?m(?:b?h|h){_F}T?t?{_L}",
        rf"(?P<o>P)b?R{_F}T?{_L}",
        rf"G?R:?j?:?{_F}{_L}",
        rf"(?:o|a)?Gmb?h{_F}T?{_L}",
        rf"G(?:R){_F}T?{_L}",
        rf"{_L},?(?P<o2>P?)mb?h{_F}",
        rf"(?:E|I)T?[-]?{_F}b?m?b?[Tt]?{_L}(?P<present>)",
        rf"(?:E|I)(?P<o>P|G)b?h{_F}{_L}(?P<present>)",
        rf"(?:E|I)[tT]b?{_F}T?{_L}",
        rf"(?:a|o)?(?P<o>P|G)?(?:w|ho|nh){_F}{_L},?(?:b|mb)?{_BAD}",
        rf"(?P<g>N)(?:w|ho){_F}{_L},?(?:b|mb)?{_BAD}",
        rf"(?:nA|X|mX|r)G?(?P<o>P)?(?:G)?w{_F}{_L}A?",
        rf"(?:nA|X|mX|r)(?P<o>P|G)[-]?w{_F}{_L}",
        rf"(?:nA|X|mX|r)(?P<g>N)w{_F}{_L}",
        rf"Gm?b?(?:X|nA|r)G?,?i{_F}{_L}b?M{_L2}",
        rf"Gm?b?(?:eA|Ae)h{_F}{_L}",
        rf"o(?P<o>P|G)w{_F}{_L}",
        rf"o(?P<o>P|G)(?:[ym]b?A)w{_F}{_L}",
        rf"M[-]?{_F}{_L}[my]?b?{_BAD}",
        rf"M{_F}{_L}:{_BAD}",
        rf"(?:X|nA|r)i?M{_F}{_L}",
        rf"(?:X|r)G?,?i{_F}{_L}b?M{_L2}",
        rf"i{_F}{_L}b?M{_L2},?G?m?b?{_BAD}G?",
        rf"{_L},?{_F}{_L2}[my]nb?M(?P<l3>L?)",
        rf"{_F}{_L}b?M:{_BAD}",
        rf"R:{_F}{_L}",
        rf"{_L},?mh{_F}",
    )
)
DETERMINERS = frozenset({"a", "an", "the", "any", "every", "each", "all", "its", "their", "on", "of", "one"})
UNSAID = frozenset(
    {"this", "what", "nothing", "everything", "it", "all", "care", "attention", "caution", "patience"}
)


def required(items: Sequence[Item], sentence: Sentence, has_parts: bool) -> list[Fact]:
    """The requirement that all items together state; empty where they state none.

    Raises NotUnderstood for a requirement on a part that the product lacks.
    """
    items = _numbered(items)
    letters = "".join(_letter(item, before, sentence) for before, item in zip([None, *items], items))
    if not re.search(r"[RTMtwEhm]", letters) or re.search(r"[?p]", letters):
        return []
    for pattern in PATTERNS:
        match = pattern.fullmatch(letters)
        if match:
            found = _requirement(match, items, sentence)
            if found:
                return found
    return []


def _letter(item: Item, before: Item | None, sentence: Sentence) -> str:
    """One letter for what an item may be in a pattern.

    Behind another name, names with an article of their own are no part of it: "without a dot | the tyre is rejected".
    """
    if before is not None and before.kind in ("names", "parts", "product"):
        between = sentence.words[before.end : item.start]
        if item.kind in ("names", "parts") and not DETERMINERS.isdisjoint(between):
            return "W" if item.kind == "names" else "Q"
        if item.kind == "product" and not between:
            return "G" if item.text.endswith("s") else "V"
    if item.text == "lacking":
        return "w"
    if item.kind == "deep" or (
        item.kind in ("block", "compare") and item.text.removeprefix("a ") in words_of("feature adjectives")
    ):
        return "z"
    if item.kind == "pred":
        return PREDICATES.get(item.value, "?")
    return LETTERS.get(item.kind, "?")


def _numbered(items: Sequence[Item]) -> list[Item]:
    return [item for item in items if item.kind != "anysize" and item.text not in ("do", "does")]


def _requirement(match: re.Match[str], items: Sequence[Item], sentence: Sentence) -> list[Fact]:
    groups = match.groupdict()
    start, end = match.span("f")
    feature = list(items[start:end])
    if any(item.value == "or" for item in items):
        raise NotUnderstood("of several features it cannot be told whether each is required")
    count = 1
    if feature[0].kind == "num":
        count = COUNTS.get(feature[0].text) or int(feature[0].text)
        feature = feature[1:]
    if any(item.kind == "lacking" for item in feature) and len(feature) > 1:
        return []
    name = _name(feature, sentence)
    if re.search(r"\b(?:in|on|at) (?:every|each)\b", name):
        return []
    if not name or name in UNSAID or count < 1 or count > 1000:
        return []
    if len(feature) == 1 and feature[0].kind == "names" and feature[0].names[0].known and not groups.get("o"):
        return []
    listed = any(len(item.names) > 1 for item in feature)
    if listed and any(one.known for item in feature for one in item.names):
        return []
    places = [items[match.start(group)] for group in ("l", "l2", "l3", "o", "o2") if groups.get(group)]
    places = [item for item in places if item.kind != "product"]
    if groups.get("g") and items[match.start("g")].names[0].known:
        return []
    if len(places) > 1:
        raise NotUnderstood("")
    parts: list[Name | None] = [one for item in places for one in item.names]
    names = [name]
    if len(feature[-1].names) > 1:
        before = " ".join(item.text.removeprefix("a ") for item in feature[:-1])
        first, *others = [one.text for one in feature[-1].names]
        names = [f"{before} {first}".strip(), *others]
    return [
        Fact(
            "requirement",
            part.text if part else None,
            one,
            float(count),
            0.9 * (part.confidence if part else 1.0),
        )
        for one in names
        for part in parts or [None]
    ]


def _name(feature: Sequence[Item], sentence: Sentence) -> str:
    words = list(sentence.words[feature[0].start : feature[-1].end])
    while words and words[0] in DETERMINERS:
        words.pop(0)
    name = " ".join(words)
    return name.strip('"') if name.count('"') == 2 and name[0] == name[-1] == '"' else name

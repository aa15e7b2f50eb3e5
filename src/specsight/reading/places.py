"""Prepositions with what they belong to → places on parts.

In: items. Out: items, with parts behind a preposition as places; what stands on no part of the product is `lacking`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from specsight.reading.items import UNKNOWN, Item, Name
from specsight.reading.lexicon import words_of
from specsight.reading.noun_phrases import all_in, teaches
from specsight.reading.tokens import Sentence

SILENT = (
    "of",
    "for",
    "to",
    "about",
    "as for",
    "as to",
    "regarding",
    "concerning",
    "with regard to",
    "with respect to",
    "by",
)
"""Prepositions that may stand before a defect as well as before a part."""


def with_places(found: list[Item], sentence: Sentence, has_parts: bool) -> list[Item]:
    """Prepositions with what they belong to: places on parts; "on the product" says nothing."""
    placed: list[Item] = []
    k = 0
    while k < len(found):
        item = found[k]
        after = found[k + 1] if k + 1 < len(found) else None
        if item.text == "(" and len(found) > k + 2 and found[k + 2].text == ")" and _remark(found[k + 1]):
            placed.append(found[k + 1])
            k += 3
            continue
        if _is_turned(found, k, placed):
            # "All defects that are not in the bore": those outside of it.
            placed = placed[:-1] if placed[-1].kind == "be" else placed
            found[k + 1] = replace(found[k + 1], kind="outside")
            k += 1
            continue
        in_brackets = [one.kind for one in found[k : k + 3]] == ["conj", "parts", "conj"]
        if in_brackets and item.text == "(" and found[k + 2].text == ")":
            placed.append(replace(found[k + 1], kind="place"))
            k += 3
            continue
        if (
            item.kind == "names"
            and all_in(item, words_of("generic part"))
            and after is not None
            and after.text == "of"
        ):
            k += 2
            continue
        if item.kind not in ("prep", "outside") or after is None:
            placed.append(item)
            k += 1
            continue
        kind = "place" if item.kind == "prep" else "outside"
        if after.kind in ("parts", "place"):
            placed.append(replace(after, kind=kind, start=item.start))
            k += 2
        elif after.kind == "product" or (after.kind == "all" and kind == "place"):
            placed += [] if kind == "place" else [Item("block", item.start, after.end, after.text)]
            k += 2
        elif (
            after.kind == "names"
            and not after.names[0].known
            and (item.text not in SILENT or after.value == "place")
        ):
            placed = _at_unknown(placed, item, after, kind, found, sentence, has_parts)
            k += 2
        else:
            if item.text == "about" and after.kind == "limit":
                placed.append(replace(item, kind="block"))
            if not (
                item.text in SILENT
                or after.kind in ("limit", "names", "generic", "pred", "following", "onlyone")
            ):
                placed.append(replace(item, kind="block"))
            k += 1
    return _without_product(placed)


def _is_turned(found: Sequence[Item], k: int, placed: Sequence[Item]) -> bool:
    """Whether "not" before a place, behind all defects, turns it: "all defects not on the rim"."""
    item, after = found[k], found[k + 1] if k + 1 < len(found) else None
    before_place = [one.kind for one in found[k : k + 2]] == ["not", "place"]
    turned = before_place or (item.kind == "not" and after is not None and after.kind == "prep")
    generic = "generic" in [one.kind for one in placed[-2:]]
    return turned and generic and placed[-1].kind in ("be", "generic")


def _at_unknown(
    placed: Sequence[Item],
    item: Item,
    after: Item,
    kind: str,
    found: Sequence[Item],
    sentence: Sentence,
    has_parts: bool,
) -> list[Item]:
    """The items with a place that no specification names: part of the name that is taught, a part that is lacking, or a
    place where there are no parts."""
    last = placed[-1] if placed else None
    if last is not None and last.kind == "names" and not last.names[0].known and teaches(found):
        name = f"{last.text} {sentence.name(item.start, after.end)}"
        return [*placed[:-1], Item("names", last.start, after.end, name, "", (Name(name, False, UNKNOWN),))]
    if has_parts:
        return [*placed, Item("lacking", after.start, after.end, after.text)]
    return [*placed, replace(after, kind=kind, start=item.start)]


def _remark(item: Item) -> bool:
    """Whether an item in brackets belongs to what stands before them: "burr (max.)", "the seam (1 mm)"."""
    return item.kind in ("limit", "none", "anysize") or item.value == "limit"


def _without_product(found: list[Item]) -> list[Item]:
    """Without prepositions that lead to nothing."""
    return [item for item in found if not (item.kind == "prep" and item.text in SILENT)]

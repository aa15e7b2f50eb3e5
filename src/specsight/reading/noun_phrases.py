"""Names side by side and in lists → one item: "hairline scratch", "rim chip", "rim, bead and tread".

In: items. Out: items. A name that is put together of others is in no specification and stands as it was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from specsight.reading.items import UNKNOWN, Item, Name
from specsight.reading.lexicon import words_of
from specsight.reading.normal import stem
from specsight.reading.tokens import Sentence


def noun_phrases(found: list[Item], sentence: Sentence) -> list[Item]:
    """Names side by side as one: "tread surface", "hairline scratch", "rim chip" (a chip on the rim)."""
    joined: list[Item] = []
    taught = teaches(found)
    for item in found:
        before = joined[-1] if joined else None
        if before is None or before.end != item.start or "(" in before.text:
            joined.append(item)
            continue
        pair = (before.kind, item.kind)
        if (
            _adjective(before, taught)
            and item.kind in ("names", "parts")
            and not (item.kind == "names" and item.names[0].known)
        ):
            name = sentence.name(before.start, item.end)
            joined[-1] = Item("names", before.start, item.end, name, "", (Name(name, False, UNKNOWN),))
            continue
        if pair == ("names", "names"):
            joined[-1] = compound(before, item, sentence)
        elif pair == ("parts", "product") or (
            item.kind == "names" and before.kind == "parts" and all_in(item, words_of("generic part"))
        ):
            joined[-1] = replace(before, end=item.end)
        elif pair == ("product", "names") and not item.names[0].known and before.value == "":
            name = sentence.name(before.start, item.end)
            joined[-1] = Item("names", before.start, item.end, name, "", (Name(name, False, UNKNOWN),))
        elif pair == ("product", "names") and before.text == "surface":
            joined[-1] = compound(before, item, sentence)
        elif pair == ("product", "parts") or pair == ("product", "names"):
            joined[-1] = replace(item, start=before.start)
        elif pair == ("parts", "names"):
            if item.names[0].known or stem(item.text.split()[-1]) in words_of("defect heads"):
                whole = sentence.name(before.start, item.end)
                joined[-1] = replace(before, kind="place")
                joined.append(replace(item, names=(replace(item.names[0], whole=whole),)))
            else:
                name = sentence.name(before.start, item.end)
                joined[-1] = Item("names", before.start, item.end, name, "", (Name(name, False, UNKNOWN),))
        elif pair == ("names", "parts") and not before.names[0].known:
            name = sentence.name(before.start, item.end)
            joined[-1] = Item("names", before.start, item.end, name, "place", (Name(name, False, UNKNOWN),))
        elif pair == ("names", "product") and not before.names[0].known:
            name = sentence.name(before.start, item.end)
            joined[-1] = Item("names", before.start, item.end, name, "", (Name(name, False, UNKNOWN),))
        else:
            joined.append(item)
    return joined


def _adjective(item: Item, taught: bool) -> bool:
    """Whether a word with a task of its own may be part of a name in front of a noun: "printed logo"."""
    if taught and (
        item.value == "missing" or (item.kind == "block" and item.text in words_of("feature adjectives"))
    ):
        return True
    return (
        item.kind == "pred"
        and item.value == "present"
        and item.text.endswith(("ed", "en", "legible", "readable"))
    ) or (item.kind == "compare" and item.text in ("minimum", "maximum", "min", "max"))


def compound(first: Item, second: Item, sentence: Sentence) -> Item:
    """Two names side by side as one."""
    if first.names and first.names[0].known and all_in(second, words_of("generic defect")):
        return replace(first, end=second.end)
    name = sentence.name(first.start, second.end)
    known = second.names[0].text if second.names[0].known else ""
    return Item("names", first.start, second.end, name, "", (Name(name, False, UNKNOWN, known),))


def all_in(item: Item, words: frozenset[str]) -> bool:
    """Whether an unknown name consists of these words alone."""
    return not item.names[0].known and all(stem(word) in words for word in item.text.split())


def teaches(found: Sequence[Item]) -> bool:
    """Whether a sentence teaches types of defect, whose names may hold a place: "blisters in the lacquer"."""
    return any(item.kind == "observed" or item.value in ("known", "lookfor", "occur") for item in found)


def lists(found: list[Item]) -> list[Item]:
    """Names of one kind, parted by commas, "and" or "or", as one item."""
    listed: list[Item] = []
    k = 0
    while k < len(found):
        item = found[k]
        last = listed[-1] if listed else None
        if item.kind == "conj" and last is not None and last.kind in ("names", "parts", "place", "outside"):
            end = k
            while end < len(found) and found[end].kind == "conj":
                end += 1
            after = found[end] if end < len(found) else None
            same = after is not None and (
                after.kind == last.kind or (last.kind in ("place", "outside") and after.kind == "parts")
            )
            if same and after is not None and all(joint.text in LIST_JOINTS for joint in found[k:end]):
                commas = all(joint.text == "," for joint in found[k:end])
                either = last.value == "or" or any(joint.text in ("or", "nor", "/") for joint in found[k:end])
                names = (*last.names, *after.names)
                listed[-1] = replace(
                    last, end=after.end, names=names, value="or" if either else "commas" if commas else "and"
                )
                k = end + 1
                continue
        listed.append(item)
        k += 1
    return listed


LIST_JOINTS = frozenset(
    {
        ",",
        "and",
        "or",
        "&",
        "/",
        "and/or",
        "as well as",
        "along with",
        "together with",
        "plus",
        "+",
        "nor",
        "but also",
        "and also",
    }
)

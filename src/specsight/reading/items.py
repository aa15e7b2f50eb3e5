"""Tokens → items: what one reading of a sentence consists of, once limits, places and lists are put together.

In: tokens. Out: `Item`s: limits with their comparison ("not longer than 2 mm" is one limit), names side by side and in
lists as one item, names of parts behind a preposition as places; words without a task of their own are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from specsight.reading.lexicon import words_of
from specsight.reading.limits import Limit, with_limits
from specsight.reading.names import OWN
from specsight.reading.normal import stem
from specsight.reading.tokens import Sentence, Token

UNKNOWN = 0.75
"""How sure it is that unknown words are one name."""
PLACELESS = ("all", "product", "generic")


@dataclass(frozen=True)
class Name:
    """A name of a part or a defect as the specification spells it; unknown names as they stand."""

    text: str
    known: bool = True
    confidence: float = OWN
    within: str = ""
    """The known name that it ends in, with other words before it: "deep scratch"; empty: there is none."""
    whole: str = ""
    """With the part that stands before it, as it was written: "flank tear"; empty: there is none."""


@dataclass(frozen=True)
class Item:
    """One unit of a sentence's meaning, of the words `start:end`.

    `kind`: names (of defects), parts, place (on parts), outside (of parts), limit, pred, conj, or one of the lexicon.
    """

    kind: str
    start: int
    end: int
    text: str = ""
    value: str = ""
    names: tuple[Name, ...] = ()
    limit: Limit | None = None


class NotUnderstood(Exception):
    """A reading that makes no sense; its text is a reason that a person can use, or empty."""


def items_of(tokens: Sequence[Token], sentence: Sentence, has_parts: bool) -> list[Item]:
    """The items of a reading. Raises NotUnderstood for a quantity that is no limit and a place that there is not."""
    found = [_item(token) for token in _in_context(with_limits(tokens))]
    found = _noun_phrases(found, sentence)
    found = _with_places(found, sentence, has_parts)
    listed = _lists(found)
    while listed and listed[0].kind in ("conj", "colon"):
        del listed[0]
    return listed


def _item(token: Token) -> Item:
    kind, value = token.kind, token.value
    names: tuple[Name, ...] = ()
    if kind == "def":
        kind, names = "names", (Name(value, True, token.confidence),)
    elif kind == "unk":
        kind, names = "names", (Name(token.text.strip('"'), False, UNKNOWN),)
    elif kind == "part":
        kind, names = "parts", (Name(value, True, token.confidence),)
    if token.quantity is not None and token.quantity.problem:
        raise NotUnderstood(token.quantity.problem)
    limit = token if isinstance(token, Limit) else None
    return Item("limit" if limit else kind, token.start, token.end, token.text, value, names, limit)


def _in_context(tokens: Sequence[Token]) -> list[Token]:
    """Tokens with several senses in the one that their neighbours ask for; words without a task are left out."""
    found: list[Token] = []
    measured = any(token.kind in ("limit", "anysize") for token in tokens)
    for k, token in enumerate(tokens):
        before = found[-1] if found else None
        after = tokens[k + 1] if k + 1 < len(tokens) else None
        token = _in_sense(token, before, after)
        if token.kind == "generic" and _predicated(found):
            token = token.be("pred", "reject")
        if token.kind == "particle":
            if not any(one.kind == "pred" for one in found):
                found.append(token.be("block"))
            continue
        if token.kind in ("who", "pronoun", "noise", "there be"):
            continue
        if token.kind == "size":
            if not measured:
                found.append(token.be("block"))
            continue
        if token.kind == "neither":
            if token.text != "neither":
                continue
            token = token.be("no")
        found.append(token)
    return found


def _predicated(found: Sequence[Token]) -> bool:
    """Whether a noun for defects stands as a predicate: "is a defect", "are no defects"."""
    k = len(found)
    while k and found[k - 1].kind in ("not", "no"):
        k -= 1
    return bool(k) and found[k - 1].kind == "be"


def _in_sense(token: Token, before: Token | None, after: Token | None) -> Token:
    if len(token.senses) < 2:
        return token
    kinds = {kind for kind, _ in token.senses}
    next_kind = after.kind if after else ""
    past = before is not None and before.kind in ("hasbeen", "have")
    passive = before is not None and before.kind in ("be", "must", "may")
    if passive and token.text in ("found", "observed", "seen", "noticed", "encountered"):
        return token.be("pred", "present")
    if token.text == "there":
        must = after is not None and after.may_be("must")
        stands = must or next_kind in ("be", "may") or (before is not None and before.kind in ("be", "must"))
        return token if stands else token.be("there")
    if token.text == "all":
        return token.be("all" if next_kind in ("but", "except", "") else "noise")
    if "observed" in kinds:
        return token.be("observed") if past else token
    if token.kind == "pred" and "be" in kinds:
        return token.be("be") if next_kind in ("pred", "free", "not", "generic", "no", "limit") else token
    if "limitto" in {value for _, value in token.senses} and "limit" in {value for _, value in token.senses}:
        verb = next_kind in ("pred", "part") or (after is not None and after.text == "to")
        return token.be("pred", "limitto" if verb else "limit")
    if token.may_be("pred", "known"):
        return token.be("pred", "known") if next_kind in ("colon", "naming") else token.be("rest")
    if token.kind == "compare" and "prep" in kinds:
        return token.be("prep")
    if token.kind == "compare" and "outside" in kinds:
        return token.be("outside")
    if token.kind == "compare" and "if" in kinds:
        return token.be("if")
    if token.kind == "pred" and "product" in kinds:
        return token.be("product")
    if token.text in ("failure", "finding", "findings"):
        return token if before is not None and before.kind == "be" else token.be("generic")
    if token.text in ("regarding", "concerning", "restricted to", "confined to", "limited to"):
        is_verb = before is not None and before.kind in ("be", "not", "must")
        return token.be("pred", "limitto") if is_verb else token.be("prep")
    if token.text in ("none", "no one") and next_kind not in ("except", "but"):
        return token.be("none")
    if token.text in ("maximum", "max", "max.", "limits", "limit"):
        return token.be("pred", "limit")
    if token.text in ("excluding", "leaving out"):
        return token.be("except") if before is not None else token
    if token.text in ("being", "should"):
        if token.text == "should" and (before is None or before.kind == "conj"):
            return token
        return token.be("be" if token.text == "being" else "must")
    return token


def _noun_phrases(found: list[Item], sentence: Sentence) -> list[Item]:
    """Names side by side as one: "tread surface", "hairline scratch", "rim chip" (a chip on the rim)."""
    joined: list[Item] = []
    taught = _teaches(found)
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
            joined[-1] = _compound(before, item, sentence)
        elif pair == ("parts", "product") or (
            item.kind == "names" and before.kind == "parts" and _all_in(item, words_of("generic part"))
        ):
            joined[-1] = replace(before, end=item.end)
        elif pair == ("product", "names") and not item.names[0].known and before.value == "":
            name = sentence.name(before.start, item.end)
            joined[-1] = Item("names", before.start, item.end, name, "", (Name(name, False, UNKNOWN),))
        elif pair == ("product", "names") and before.text == "surface":
            joined[-1] = _compound(before, item, sentence)
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
    return (item.kind == "pred" and item.value == "present" and item.text.endswith(("ed", "en"))) or (
        item.kind == "compare" and item.text in ("minimum", "maximum", "min", "max")
    )


def _compound(first: Item, second: Item, sentence: Sentence) -> Item:
    if first.names and first.names[0].known and _all_in(second, words_of("generic defect")):
        return replace(first, end=second.end)
    name = sentence.name(first.start, second.end)
    known = second.names[0].text if second.names[0].known else ""
    return Item("names", first.start, second.end, name, "", (Name(name, False, UNKNOWN, known),))


def _all_in(item: Item, words: frozenset[str]) -> bool:
    return not item.names[0].known and all(stem(word) in words for word in item.text.split())


def _with_places(found: list[Item], sentence: Sentence, has_parts: bool) -> list[Item]:
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
        turned = [one.kind for one in found[k : k + 2]] == ["not", "place"] or (
            item.kind == "not" and after is not None and after.kind == "prep"
        )
        if (
            turned
            and placed
            and "generic" in [one.kind for one in placed[-2:]]
            and placed[-1].kind in ("be", "generic")
        ):
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
            and _all_in(item, words_of("generic part"))
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
            last = placed[-1] if placed else None
            if last is not None and last.kind == "names" and not last.names[0].known and _teaches(found):
                name = f"{last.text} {sentence.name(item.start, after.end)}"
                placed[-1] = Item("names", last.start, after.end, name, "", (Name(name, False, UNKNOWN),))
            elif has_parts:
                placed.append(Item("lacking", after.start, after.end, after.text))
            else:
                placed.append(replace(after, kind=kind, start=item.start))
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


def _remark(item: Item) -> bool:
    """Whether an item in brackets belongs to what stands before them: "burr (max.)", "the seam (1 mm)"."""
    return item.kind in ("limit", "none", "anysize") or item.value == "limit"


def _teaches(found: Sequence[Item]) -> bool:
    """Whether a sentence teaches types of defect, whose names may hold a place: "blisters in the lacquer"."""
    return any(item.kind == "observed" or item.value in ("known", "lookfor", "occur") for item in found)


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


def _without_product(found: list[Item]) -> list[Item]:
    """Without prepositions that lead to nothing."""
    return [item for item in found if not (item.kind == "prep" and item.text in SILENT)]


def _lists(found: list[Item]) -> list[Item]:
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

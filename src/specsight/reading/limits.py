"""A quantity with the words of comparison around it → one limit: "not longer than 2 mm" → at most 2 mm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from specsight.reading.tokens import Token

BELOW, ABOVE = "below", "above"
FLIPPED = {BELOW: ABOVE, ABOVE: BELOW, "": ""}


@dataclass(frozen=True)
class Limit(Token):
    """A length and which side of it is meant: `below` it, `above` it, or "" where nothing says so."""

    mm: float = 0.0
    side: str = ""
    spans: bool = False
    """Whether it is a range, "from 1 to 3 mm", of which `mm` is the end."""


def with_limits(tokens: Sequence[Token]) -> list[Token]:
    """The tokens with each quantity and its comparison as one `Limit`; a quantity with a problem stays."""
    found: list[Token] = []
    k = 0
    while k < len(tokens):
        token = tokens[k]
        if token.kind != "quantity" or token.quantity is None or token.quantity.problem:
            found.append(token)
            k += 1
            continue
        side, start = _before(found)
        behind, end = _behind(tokens, k + 1)
        side = behind if behind and not side else side
        low = token.quantity.low is not None
        if low and side == ABOVE:
            side = BELOW
        found.append(
            Limit(
                "limit",
                token.text,
                start or token.start,
                tokens[end - 1].end,
                mm=token.quantity.mm,
                side=side,
                spans=low,
            )
        )
        k = end
    return found


def _before(found: list[Token]) -> tuple[str, int]:
    """Take what compares off the end of `found`; the side that it means, and where it begins."""
    end = len(found)
    k = _over_sizes(found, end)
    if k and found[k - 1].may_be("compare"):
        side = _side(found[k - 1])
        if found[k - 1].text.startswith("reach") and k > 1 and found[k - 2].kind == "may":
            side = BELOW
        if side:
            start = _over_sizes(found, k - 1)
            while start and _side(found[start - 1]) == side:
                start = _over_sizes(found, start - 1)
            side, start = _negated(found, start, side)
            begin = found[start].start
            del found[start:]
            return side, begin
    if k < end and not any(token.kind == "pred" for token in found[k:end]):
        begin = found[k].start
        del found[k:]
        return "", begin
    return "", 0


def _over_sizes(found: Sequence[Token], end: int) -> int:
    """Back over "with a length of"."""
    k = end
    while k and (
        found[k - 1].kind == "size"
        or (
            found[k - 1].text in ("of", "with", "to", "at", "by", "with length", "and")
            and k - 2 >= 0
            and _sized(found, k)
        )
    ):
        k -= 1
    return k


def _sized(found: Sequence[Token], k: int) -> bool:
    """Whether the preposition before `k` belongs to a size or a comparison beside it."""
    word = found[k - 1].text
    if word == "and":
        return False
    following = found[k].kind == "size" if k < len(found) else False
    leading = found[k - 2].kind == "size" or found[k - 2].may_be("compare")
    return following or leading or (word in ("of", "at") and k == len(found))


def _negated(found: Sequence[Token], start: int, side: str) -> tuple[str, int]:
    """A "not" before the comparison turns it round."""
    k = start
    while k and (
        found[k - 1].kind in ("be", "who", "pronoun", "noise") or found[k - 1].text in ("have", "with", "in")
    ):
        k -= 1
    if k and found[k - 1].kind == "not":
        return FLIPPED[side], k - 1
    return side, start


def _behind(tokens: Sequence[Token], start: int) -> tuple[str, int]:
    """The side that words behind a quantity mean, and where they end."""
    side, end, k = "", start, start
    while k < len(tokens):
        token = tokens[k]
        after = tokens[k + 1] if k + 1 < len(tokens) else None
        if token.kind == "size":
            end = k + 1
        elif token.may_be("compare", "less") and not _compares_next(tokens, k):
            side, end = BELOW, k + 1
        elif (token.may_be("compare", "more") and not _compares_next(tokens, k)) or (
            token.text == "on"
            and (after is None or after.kind not in ("part", "unk", "product", "all", "def"))
        ):
            side, end = ABOVE, k + 1
        elif token.kind == "deep":
            return side, end
        else:
            break
        k += 1
    return side, end


def _compares_next(tokens: Sequence[Token], k: int) -> bool:
    """Whether "max." belongs to a quantity that follows."""
    return k + 1 < len(tokens) and tokens[k + 1].kind == "quantity"


def _side(token: Token) -> str:
    if token.may_be("compare", "up") or token.may_be("compare", "less"):
        return BELOW
    return ABOVE if token.may_be("compare", "over") or token.may_be("compare", "more") else ""


def without_comparison(token: Token) -> Token:
    """The token in a sense that compares nothing."""
    others = tuple(sense for sense in token.senses if sense[0] != "compare")
    return replace(token, kind=others[0][0], value=others[0][1]) if others else token

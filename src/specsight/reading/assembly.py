"""Tokens → items: limits with their comparison, names side by side and in lists as one, places on parts.

In: the tokens of one reading. Out: its `Item`s.
"""

from __future__ import annotations

from collections.abc import Sequence

from specsight.reading.items import UNKNOWN, Item, Name, NotUnderstood
from specsight.reading.limits import Limit, with_limits
from specsight.reading.noun_phrases import lists, noun_phrases
from specsight.reading.places import with_places
from specsight.reading.senses import in_context
from specsight.reading.tokens import Sentence, Token


def items_of(tokens: Sequence[Token], sentence: Sentence, has_parts: bool) -> list[Item]:
    """The items of a reading. Raises NotUnderstood for a quantity that is no limit and a place that there is not."""
    found = [_item(token) for token in in_context(with_limits(tokens))]
    found = noun_phrases(found, sentence)
    found = with_places(found, sentence, has_parts)
    listed = lists(found)
    while listed and listed[0].kind in ("conj", "colon"):
        del listed[0]
    return listed


def _item(token: Token) -> Item:
    kind, value = token.kind, token.value
    names: tuple[Name, ...] = ()
    if kind == "def":
        kind, names = "names", (Name(value, True, token.confidence),)
    elif kind == "unk":
        kind, names = "names", (Name(_bare(token.text), False, UNKNOWN),)
    elif kind == "part":
        kind, names = "parts", (Name(value, True, token.confidence),)
    if token.quantity is not None and token.quantity.problem:
        raise NotUnderstood(token.quantity.problem)
    limit = token if isinstance(token, Limit) else None
    return Item("limit" if limit else kind, token.start, token.end, token.text, value, names, limit)


def _bare(text: str) -> str:
    """Words without the quotation marks around all of them."""
    whole = text.count('"') == 2 and text[0] == text[-1] == '"'
    return text[1:-1] if whole else text

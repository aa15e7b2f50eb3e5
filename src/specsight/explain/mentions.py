"""Words of a statement → mentions: names of types and parts, places, sizes, counts, verdicts, negations.

In: a text, the names of a product (`Terms`), and what the evidence itself says, which may be repeated as it stands.
Out: mentions in the order of the text. A word that is none of them is a mention too, of what could not be read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from specsight.explain.claims import Mention, Quantity, Saying
from specsight.explain.lexicon import place_fillers
from specsight.explain.terms import Terms
from specsight.explain.tokens import MARK, Token, tokens_of
from specsight.reading.quantities import SMALL, TENS, UNITS

PIXELS = ("px", "pixel", "pixels")
LENGTHS = {
    unit: scale for unit, scale in UNITS.items() if unit.isalpha() and unit not in ("in", "mill", "mil")
}
THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
PUNCTUATION = {
    ",": "comma", "\u2013": "comma", ";": "semicolon", ":": "colon", ".": "stop", "!": "stop", "?": "question",
    "(": "open", "[": "open", ")": "close", "]": "close", "/": "or", "&": "joint", "~": "about", "\u2248": "about",
    "\u2265": "at least", ">": "more than", "\u2264": "at most", "<": "less than",
    **dict.fromkeys("-\"'*=#", "neutral"),
}  # fmt: skip


def mentions(text: str, terms: Terms, sayings: Sequence[Saying] = ()) -> list[Mention]:
    """Everything that a text mentions, in its order; sayings first, so that nothing inside of them is read."""
    tokens = tokens_of(text, sayings)
    found: list[Mention] = []
    place = 0
    while place < len(tokens):
        end, mention = _next(tokens, place, terms, sayings)
        said = " ".join(token.text for token in tokens[place:end])
        found.append(replace(mention, said=mention.said or said))
        place = end
    return found


def _next(
    tokens: Sequence[Token], place: int, terms: Terms, sayings: Sequence[Saying]
) -> tuple[int, Mention]:
    token = tokens[place]
    if token.text.startswith(MARK):
        saying = sayings[int(token.text.strip(MARK))]
        return place + 1, Mention("saying", saying, saying.text)
    named = terms.mentions_at(tokens, place)
    number = _quantity(tokens, place)
    if number and (named is None or number[0] >= named[0]):
        return number
    if named:
        return _filled(tokens, *named) if named[1].kind == "place" else named
    if token.text in PUNCTUATION:
        return place + 1, Mention(PUNCTUATION[token.text])
    return place + 1, Mention("unread")


def _filled(tokens: Sequence[Token], end: int, mention: Mention) -> tuple[int, Mention]:
    """A place with what may follow it: "top left corner of the picture"."""
    grown = True
    while grown:
        grown = False
        for words in place_fillers():
            if tuple(token.text for token in tokens[end : end + len(words)]) == words:
                end, grown = end + len(words), True
                break
    return end, mention


def _quantity(tokens: Sequence[Token], place: int) -> tuple[int, Mention] | None:
    """A number in figures or words with its unit, where one begins at a token."""
    number = _number(tokens, place)
    if number is None:
        return None
    end, value, half = number
    square = False
    if end < len(tokens) and tokens[end].text in ("square", "sq"):
        square, end = True, end + 1
    unit = tokens[end].text.rstrip(".") if end < len(tokens) else ""
    known = unit in PIXELS or unit in LENGTHS or unit.removesuffix("s") in LENGTHS
    if not known:
        return None if square else (end, Mention("number", Quantity(value, "", half)))
    scale = 1.0 if unit in PIXELS else LENGTHS.get(unit, LENGTHS.get(unit.removesuffix("s"), 1.0))
    end += 1
    if [token.text for token in tokens[end : end + 2]] == ["^", "2"]:
        square, end = True, end + 2
    power = 2 if square else 1
    name = ("px" if unit in PIXELS else "mm") + ("2" if square else "")
    return end, Mention("size", Quantity(value * scale**power, name, half * scale**power))


def _number(tokens: Sequence[Token], place: int) -> tuple[int, float, float] | None:
    """(end, value, half a unit of its last digit)."""
    text = tokens[place].text
    if text == "minus" and place + 1 < len(tokens) and tokens[place + 1].text != "minus":
        number = _number(tokens, place + 1)
        return number and (number[0], -number[1], number[2])
    if text[0].isdigit() or (text[0] in ".," and len(text) > 1):
        figures = text.replace(",", "") if THOUSANDS.fullmatch(text) else text.replace(",", ".")
        try:
            value = float(figures)
        except ValueError:
            return None
        return place + 1, value, 0.5 * 10.0 ** -len(figures.partition(".")[2])
    if text == "half" and place + 1 < len(tokens) and tokens[place + 1].text in ("a", "an"):
        return place + 2, 0.5, 0.05
    words = SMALL | TENS
    if text not in words:
        return None
    value, end = float(words[text]), place + 1
    if text in TENS and end < len(tokens) and 0 < SMALL.get(tokens[end].text, 0) < 10:
        value, end = value + SMALL[tokens[end].text], end + 1
    digits = ""
    if end + 1 < len(tokens) and tokens[end].text == "point":
        end += 1
        while end < len(tokens) and SMALL.get(tokens[end].text, 10) < 10:
            digits, end = digits + str(SMALL[tokens[end].text]), end + 1
    elif [token.text for token in tokens[end : end + 3]] == ["and", "a", "half"]:
        digits, end = "5", end + 3
    return end, float(f"{value:g}.{digits or 0}"), 0.5 * 10.0 ** -len(digits)

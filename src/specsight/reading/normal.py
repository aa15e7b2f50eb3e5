"""Spellings that mean the same: typographic quotes, dashes, spaces, fractions and signs → plain ones.

In: text as a person, a word processor or a PDF wrote it. Out: the same text in characters that the grammar knows, and
single words in the form in which two spellings of one word are equal.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from specsight.specification.vocabulary import normal_form

FRACTION = re.compile(r"(?<=\d)?\s?([¼½¾⅐-⅞])")
INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
PLAIN = str.maketrans({
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2212", "-"),
    **dict.fromkeys("\u2013\u2014\u2015", "\u2013"),
    **dict.fromkeys("\u2264\u2a7d\u2266", "\u2264"),
    **dict.fromkeys("\u2265\u2a7e\u2267", "\u2265"),
    "\u2044": "/",
    "\u00b5": "\u03bc",
    "\u2300": "\u00f8",
    "\u00d8": "\u00f8",
})  # fmt: skip
"""Dashes that part a sentence become one of them; hyphens and minus signs become "-"."""
SPELLINGS = {
    "color": "colour", "discoloration": "discolouration", "discolored": "discoloured", "discolor": "discolour",
    "mold": "mould", "molding": "moulding", "demolding": "demoulding", "tire": "tyre", "gray": "grey",
    "center": "centre", "fiber": "fibre", "selvage": "selvedge", "unmolded": "unmoulded", "teeth": "tooth",
    "feet": "foot", "vise": "vice", "mis": "miss", "aluminum": "aluminium", "lettering": "lettering",
    "edges": "edge", "dies": "die", "halves": "half", "leaves": "leaf", "ridges": "ridge", "bulges": "bulge",
    "faces": "face", "holes": "hole", "pores": "pore", "creases": "crease",
}  # fmt: skip
"""American → British, and plurals that a rule does not make singular."""


def plain(text: str) -> str:
    """`text` in plain characters; line ends stay, control characters become spaces."""
    text = FRACTION.sub(lambda match: f" {unicodedata.normalize('NFKC', match[1])}", text)
    text = INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n"))
    text = text.replace("²", "^2").replace("³", "^3")
    text = unicodedata.normalize("NFKC", text.translate(PLAIN)).translate(PLAIN)
    return "".join(
        " " if unicodedata.category(letter) in ("Cc", "Zs", "Zl", "Zp") and letter != "\n" else letter
        for letter in text
    )


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """The form that singular and plural, British and American spelling of one word share."""
    form = normal_form(word)
    form = SPELLINGS.get(form, form)
    return SPELLINGS.get(word, form)


def stems(name: str) -> tuple[str, ...]:
    """The stems of a name's words; hyphens part words."""
    words = (
        word.strip(".'\"") for word in plain(name).casefold().replace("-", " ").replace("_", " ").split()
    )
    found = tuple(stem(word.removesuffix("'s")) for word in words if word)
    return found[1:] if len(found) > 1 and found[0] in ("a", "an", "the") else found

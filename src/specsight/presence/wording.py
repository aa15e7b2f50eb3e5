"""A required feature in words → what to look for: lettering, a blob of a colour, or whatever its name says.

In: the feature of a `Requirement`, such as "lettering '205/55 R16'", "yellow balance dot", "three screws". Out: a
`Wanted`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from specsight.presence.colours import COLOURS, SYNONYMS
from specsight.specification.vocabulary import normal_form, without_article

QUOTED = re.compile(r"['\"“”‘’«»‹›„`](?P<text>[^'\"“”‘’«»‹›„`]+)['\"“”‘’«»‹›„`]")
QUOTES = re.compile(r"['\"“”‘’«»‹›„`]")
LETTERING = frozenset(
    {
        "code", "designation", "imprint", "inscription", "label", "lettering", "logo", "marking", "name", "number",
        "print", "size", "text", "type", "word", "wording", "writing",
    }
)  # fmt: skip
"""Nouns of what is written on products."""
SAYS = frozenset({"is", "of", "reads", "reading", "saying", "says", "that", "which", "with", ":"})
"""What may stand between such a noun and the text."""
ROUND = frozenset({"ball", "button", "circle", "disc", "disk", "dot", "led", "point", "spot"})
LONG = frozenset({"band", "bar", "cord", "line", "streak", "strip", "stripe", "thread", "wire"})


@dataclass(frozen=True)
class Wanted:
    """What a requirement's words ask for."""

    name: str
    """The feature without an article, as it was written."""
    text: str = ""
    """What must be written there; empty: nothing."""
    colour: str = ""
    """A key of `COLOURS`; empty: none is named."""
    kind: str = ""
    """Its normal form without the colour: "balance dot"."""

    @property
    def is_round(self) -> bool:
        """Whether its noun is that of something round."""
        return not ROUND.isdisjoint(self.kind.split())

    @property
    def is_long(self) -> bool:
        """Whether its noun is that of a line."""
        return not LONG.isdisjoint(self.kind.split())


def wanted(feature: str, sentence: str = "") -> Wanted:
    """What the words of a feature ask for. Lettering in quotation marks is taken as it stands in the sentence that the
    feature was read from, where there is one: readers change letter case, and take numbers for quantities."""
    name = without_article(" ".join(feature.split()))
    start = QUOTES.search(name)
    if start and (quoted := _quoted_in(sentence, name[start.end() :])):
        name = f"{name[: start.start()].strip()} '{quoted}'".strip()
    words = normal_form(name).split()
    if text := _text(name):
        return Wanted(name, text=text, kind=" ".join(words))
    for place, word in enumerate(words):
        colour = SYNONYMS.get(word, word)
        if colour in COLOURS:
            return Wanted(name, colour=colour, kind=" ".join(words[:place] + words[place + 1 :]))
    return Wanted(name, kind=" ".join(words))


def _quoted_in(sentence: str, beginning: str) -> str:
    """What stands in quotation marks in a sentence: the only such text, or the one that is most alike."""
    texts = [found["text"].strip() for found in QUOTED.finditer(sentence)]
    alike = [SequenceMatcher(None, text.casefold(), beginning.casefold()).ratio() for text in texts]
    return max(zip(alike, texts), default=(0.0, ""))[1]


def _text(name: str) -> str:
    """What must be written: what stands in quotation marks, or behind a noun of what is written, or a code alone."""
    if quoted := QUOTED.search(name):
        return quoted["text"].strip()
    words = name.split()
    nouns = [k for k, word in enumerate(words) if normal_form(word.strip(":,")) in LETTERING]
    rest = words[nouns[0] + 1 :] if nouns else words
    while nouns and rest and rest[0].casefold().strip(",") in SAYS:
        rest = rest[1:]
    text = " ".join(rest).strip(" .,:;")
    return text if _is_code(text) else ""


def _is_code(text: str) -> bool:
    """Whether words are a text to be read rather than a description: all of it in capitals, digits and signs."""
    return bool(re.search(r"[A-Z]{2}|\d", text)) and not re.search(r"[a-z]", text) and len(text) > 1

"""Words of a statement → mentions: names of types and parts, places, sizes, counts, verdicts, negations.

In: a text, the names of a product (`Terms`), and what the evidence itself says, which may be repeated as it stands.
Out: mentions in the order of the text. A word that is none of them is a mention too, of what could not be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from specsight.ontology import Ontology
from specsight.reading.normal import plain, stem
from specsight.reading.quantities import SMALL, TENS, UNITS
from specsight.specification import Specification
from specsight.specification.terms import DEFAULT_SEVERITY
from specsight.specification.vocabulary import Vocabulary, same_name, without_article

MARK = "\ue000"
"""Stands around the number of a saying of the evidence."""
TOKEN = re.compile(rf"{MARK}\d+{MARK}|\d+(?:[.,]\d+)*|[.,]\d+|[^\W\d_]+(?:'[^\W\d_]+)?|[^\w\s]")
ABBREVIATED = {"i.e.": "namely", "approx.": "approx", "ca.": "ca"}
NAMES = ("type", "part", "feature", "severity", "generic")
"""Kinds that come before words of the lexicon of the same length."""
PIXELS = ("px", "pixel", "pixels")
LENGTHS = {
    unit: scale for unit, scale in UNITS.items() if unit.isalpha() and unit not in ("in", "mill", "mil")
}
THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
PUNCTUATION = {
    ",": "comma", "\u2013": "comma", ";": "semicolon", ":": "colon", ".": "stop", "!": "stop", "?": "question",
    "(": "open", "[": "open", ")": "close", "]": "close", "/": "or", "&": "joint", "~": "about", "\u2248": "about",
    "\u2265": "at least", ">": "at least", "\u2264": "at most", "<": "at most", **dict.fromkeys("-\"'*=#", "neutral"),
}  # fmt: skip


@dataclass(frozen=True)
class Mention:
    """One or several words that mean one thing."""

    kind: str
    value: Any = None
    """By kind: a verdict, a cell, a name, a `Quantity`, ..."""
    said: str = ""
    plural: bool = False


class Quantity(NamedTuple):
    """A number as it was written."""

    value: float
    unit: str
    """ "" for a bare number, "mm" or "px", "mm2" or "px2"."""
    half: float
    """Half a unit of its last digit, in `unit`: what rounding allows."""


class Saying(NamedTuple):
    """What the evidence says and a text may repeat."""

    text: str
    kind: str
    """Slot of its check."""
    value: Any = None
    quoted: bool = False
    """Whether it counts only inside quotation marks: words of a user say nothing by themselves."""


class Token(NamedTuple):
    """A word, number or sign."""

    text: str
    stem: str


class Terms:
    """The names that a text may use of a product: types, parts, levels of severity, and the product itself."""

    def __init__(
        self,
        specification: Specification | None,
        ontology: Ontology | None,
        product: str,
        parts: Iterable[str] = (),
    ) -> None:
        self.product = product
        self.ontology = ontology
        defects = specification.defects if specification else ()
        self.types = Vocabulary.of(defects)
        self.superclasses = {one.name: one.superclass or "" for one in defects}
        self.parts = Vocabulary.of(specification.parts if specification else ())
        self._phrases: dict[str, list[tuple[tuple[str, ...], Mention]]] = {}
        for kind, items in (("type", defects), ("part", specification.parts if specification else ())):
            for item in items:
                for name in (item.name, *item.phrases):
                    self._add(name, kind, item.name if kind == "part" else name)
        for name in parts:
            self._add(name, "part", self.parts.spelling(name))
        wider = {*self.superclasses.values(), *(ontology.superclasses if ontology else ())} - {""}
        for name in (*sorted(self._general()), *sorted(wider)):
            self._add(name, "type", name)
        rules = [DEFAULT_SEVERITY, *([specification.severity] if specification else [])]
        for level in [step.level for rule in (*rules, *(one.severity for one in defects)) for step in rule]:
            self._add(level, "severity", level)
        for requirement in specification.requirements if specification else ():
            self._add(requirement.feature, "feature", requirement.feature)
        names = (product, specification.product if specification else "")
        words = {token.text for name in names for token in _parted(plain(name))}
        for word in words:
            self._add(word, "product", word)
        for phrase in _listed(_words()["generic"]):
            self._add(phrase, "generic", "")

    def same_type(self, stated: str, found: str) -> bool:
        """Whether a stated name means the type of a finding, or a wider kind of it."""
        if stated in self.types and found in self.types:
            if self.types.same(stated, found):
                return True
        elif same_name(stated, found) or (self.ontology and self.ontology.same(stated, found, self.product)):
            return True
        return any(same_name(stated, wider) for wider in self._wider(found))

    def mentions_at(self, tokens: Sequence[Token], start: int) -> tuple[int, Mention] | None:
        """The longest name or phrase that begins at a token, and where it ends."""
        best: tuple[int, Mention] | None = None
        for phrases, form in ((_lexicon(), 0), (self._phrases, 1)):
            for words, mention in phrases.get(tokens[start][form], ()):
                end = start + len(words)
                if tuple(token[form] for token in tokens[start:end]) != words:
                    continue
                longer = best is None or len(words) > best[0] - start
                names = best is not None and len(words) == best[0] - start and mention.kind in NAMES
                if longer or names:
                    last = tokens[end - 1]
                    best = end, replace(mention, plural=last.text != last.stem and last.text.endswith("s"))
        return best

    def knowing(
        self, features: Iterable[str], types: Iterable[str], parts: Iterable[str], levels: Iterable[str]
    ) -> Terms:
        """These terms with names of the evidence besides, such as those that an instruction has taught."""
        wider = object.__new__(Terms)
        wider.__dict__ |= self.__dict__
        wider._phrases = {word: list(phrases) for word, phrases in self._phrases.items()}
        for kind, names in (("feature", features), ("type", types), ("part", parts), ("severity", levels)):
            for name in names:
                wider._add(name, kind, name)
        return wider

    def _general(self) -> set[str]:
        if self.ontology is None:
            return set()
        entries = {name: self.ontology.types[name] for name in self.ontology.general}
        entries |= {entry.name: entry for entry in self.ontology.valid(self.product)}
        return {
            name for entry in entries.values() if not entry.generic for name in (entry.name, *entry.synonyms)
        }

    def _wider(self, found: str) -> Iterator[str]:
        yield self.superclasses.get(self.types.find(found) or "", "")
        entry = self.ontology.find(found, self.product) if self.ontology else None
        if entry is not None:
            yield from (name for name in (entry.superclass, entry.like) if name)

    def _add(self, name: str, kind: str, value: str) -> None:
        words = tuple(token.stem for token in _parted(plain(without_article(name))))
        if not words:
            return
        phrases = self._phrases.setdefault(words[0], [])
        if all(known != words for known, _ in phrases):
            phrases.append((words, Mention(kind, value)))


def mentions(text: str, terms: Terms, sayings: Sequence[Saying] = ()) -> list[Mention]:
    """Everything that a text mentions, in its order; sayings first, so that nothing inside of them is read."""
    tokens = _tokens(text, sayings)
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
    fillers = sorted(_fillers(), key=len, reverse=True)
    grown = True
    while grown:
        grown = False
        for words in fillers:
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


def _tokens(text: str, sayings: Sequence[Saying]) -> list[Token]:
    words = " ".join(plain(text.replace(MARK, " ")).split())
    for number, saying in sorted(enumerate(sayings), key=lambda one: -len(one[1].text)):
        pattern = _pattern(saying.text, saying.quoted)
        if pattern is not None:
            words = pattern.sub(f" {MARK}{number}{MARK} ", words)
    for short, word in ABBREVIATED.items():
        words = re.sub(rf"(?<!\w){re.escape(short)}", word, words, flags=re.IGNORECASE)
    return _parted(words)


@lru_cache(maxsize=4_096)
def _pattern(text: str, quoted: bool) -> re.Pattern[str] | None:
    """A saying as it may stand in a text; None for one without words."""
    said = r"\s+".join(map(re.escape, plain(text).rstrip(". ").split()))
    if not said:
        return None
    pattern = rf"['\"]{said}\.?['\"]" if quoted else rf"(?<!\w){said}(?!\w)"
    return re.compile(pattern, re.IGNORECASE)


def _parted(words: str) -> list[Token]:
    words = words.casefold().replace("can't", "can not").replace("cannot", "can not").replace("n't", " not")
    words = re.sub(r"(?<![\w)])- ?(?=[\d.])", " minus ", words)
    words = re.sub(r"(?<=\w)-(?=[^\W\d_])", " ", words).replace("_", " ").replace("'s ", " ")
    return [Token(found, stem(found)) for found in TOKEN.findall(words)]


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    words: dict[str, Any] = yaml.load(
        (Path(__file__).parent / "lexicon.yaml").read_text("utf-8"), yaml.CSafeLoader
    )
    return words


@lru_cache(maxsize=1)
def _fillers() -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(phrase.split()) for phrase in _listed(_words()["place fillers"]))


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, list[tuple[tuple[str, ...], Mention]]]:
    """First word → phrases with what they are; of two meanings of a phrase the first that is listed counts."""
    found: dict[tuple[str, ...], Mention] = {}
    for kind, value in _words().items():
        if kind in ("place fillers", "generic"):
            continue
        groups = value.items() if isinstance(value, dict) else [(None, value)]
        for name, phrases in groups:
            one = {"verdicts": "verdict", "places": "place"}.get(kind, kind)
            for phrase in _listed(phrases):
                found.setdefault(tuple(phrase.split()), Mention(one, None if name == "none" else name))
    by_word: dict[str, list[tuple[tuple[str, ...], Mention]]] = {}
    for words, mention in found.items():
        by_word.setdefault(words[0], []).append((words, mention))
    return by_word


def _listed(phrases: str) -> list[str]:
    return [phrase.strip() for phrase in str(phrases).split(";") if phrase.strip()]

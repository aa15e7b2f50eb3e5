"""Names of a product's parts and types of defect in the words of a sentence, however they are spelled.

In: words, and a specification. Out: the longest names that begin at a word, each with how sure it is that it is meant:
the specification's own names and phrases, what such types are called in general, other endings ("cracking"), and
spellings with one slip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from specsight.reading.lexicon import lexicon, words_of
from specsight.reading.normal import stem, stems
from specsight.specification import Specification
from specsight.specification.synonyms import PHRASES

OWN, GENERAL, ENDING, MISSPELT = 1.0, 0.8, 0.85, 0.7
"""How sure it is that a name is meant: the specification's own, a general synonym, another ending, a slip."""
SHORTEST_MISSPELT = 6
"""Letters of a word whose spelling may have a slip."""


@dataclass(frozen=True)
class Match:
    """A name of `kind` "def", "part" or "product" that `length` words stand for."""

    kind: str
    name: str
    length: int
    confidence: float = OWN


@dataclass(frozen=True)
class Names:
    """The names of a product, by the stems of their words."""

    known: Mapping[str, Mapping[tuple[str, ...], tuple[str, float]]]
    """Kind → stems → (name, confidence)."""
    first: frozenset[str]
    """Stems that names begin with."""
    longest: int
    parts: tuple[str, ...]
    defects: tuple[str, ...]
    guess: Callable[[str], tuple[str, float] | None] | None = None
    """Unknown name → the type of defect that it is taken for, and how sure that is; None: names are not guessed."""

    @classmethod
    def of(cls, specification: Specification | None) -> Names:
        """The names of a specification; None: there are none."""
        return NO_NAMES if specification is None else _names(specification)

    def matches(self, words: Sequence[str], start: int) -> Iterator[Match]:
        """The longest name of each kind that begins at a word."""
        first = _stem(words[start])
        found = False
        if first in self.first:
            window = tuple(map(_stem, words[start : start + self.longest]))
            for kind, names in self.known.items():
                for length in range(len(window), 0, -1):
                    named = names.get(window[:length])
                    if named:
                        yield Match(kind, named[0], length, named[1])
                        found = True
                        break
        if not found:
            yield from self._guessed(words[start], first)

    def _guessed(self, word: str, stemmed: str) -> Iterator[Match]:
        """Another ending or a slip of the pen in a name of one word."""
        if len(word) < 5 or (word,) in lexicon().senses:
            return
        if any(form[-1].endswith(stemmed) for form in self.known.get("product", ())):
            yield Match("product", word, 1)
            return
        for kind, names in self.known.items():
            singles = [form[0] for form in names if len(form) == 1]
            for single in singles:
                if _is_form_of(stemmed, single):
                    yield Match(kind, names[single,][0], 1, ENDING)
                    return
        if len(stemmed) < SHORTEST_MISSPELT or not stemmed.isalpha() or stemmed in words_of("defect heads"):
            return
        spellings = {stemmed, stem(word.removesuffix("es"))}
        for kind, names in self.known.items():
            close = {
                names[form][0]
                for form in names
                if len(form) == 1 and len(form[0]) > 4 and any(one_slip(form[0], one) for one in spellings)
            }
            if len(close) == 1:
                yield Match(kind, close.pop(), 1, MISSPELT)
                return


def _stem(word: str) -> str:
    return stem(word.removesuffix("'s"))


def _is_form_of(word: str, name: str) -> bool:
    """Whether a word is a name with "ing", "ed" or "age" behind it."""
    for ending in ("ing", "ed", "age"):
        if word.endswith(ending):
            bare = word.removesuffix(ending)
            if name in (bare, f"{bare}e") or (len(bare) > 3 and bare[-1] == bare[-2] and bare[:-1] == name):
                return True
    return False


@lru_cache(maxsize=65_536)
def one_slip(first: str, second: str) -> bool:
    """Whether two words differ by one letter: another, one more, one less, or two in each other's place."""
    if first == second or abs(len(first) - len(second)) > 1 or first[0] != second[0]:
        return False
    if len(first) == len(second):
        wrong = [k for k, (one, other) in enumerate(zip(first, second)) if one != other]
        return len(wrong) == 1 or (
            len(wrong) == 2
            and wrong[1] == wrong[0] + 1
            and first[wrong[0]] == second[wrong[1]]
            and first[wrong[1]] == second[wrong[0]]
        )
    longer, shorter = (first, second) if len(first) > len(second) else (second, first)
    return any(longer[:k] + longer[k + 1 :] == shorter for k in range(len(longer)))


@lru_cache(maxsize=64)
def _names(specification: Specification) -> Names:
    defects = _forms((defect.name, defect.phrases) for defect in specification.defects)
    for form, name in _general(defects).items():
        defects.setdefault(form, (name, GENERAL))
    parts = _forms((part.name, part.phrases) for part in specification.parts)
    product = stems(specification.product)
    products = {product[k:]: (specification.product, OWN) for k in range(len(product))}
    known = {"def": defects, "part": parts, "product": {k: v for k, v in products.items() if k not in parts}}
    forms = [form for names in known.values() for form in names]
    return Names(
        known,
        frozenset(form[0] for form in forms),
        max(map(len, forms), default=1),
        tuple(part.name for part in specification.parts),
        tuple(defect.name for defect in specification.defects),
    )


def _forms(named: Iterable[tuple[str, Iterable[str]]]) -> dict[tuple[str, ...], tuple[str, float]]:
    found: dict[tuple[str, ...], tuple[str, float]] = {}
    for name, phrases in named:
        for spelling in (name, *phrases):
            if form := stems(spelling):
                found.setdefault(form, (name, OWN))
    return found


def _general(defects: Mapping[tuple[str, ...], tuple[str, float]]) -> dict[tuple[str, ...], str]:
    """Stems of what the product's types are called in general → name, where that is one type's alone."""
    owners: dict[tuple[str, ...], set[str]] = {}
    for name, phrases in PHRASES.items():
        group = {stems(phrase) for phrase in (name, *phrases)}
        own = {defects[form][0] for form in group if form in defects}
        for form in group if len(own) == 1 else ():
            owners.setdefault(form, set()).update(own)
    return {form: names.pop() for form, names in owners.items() if len(names) == 1 and form}


NO_NAMES = Names({}, frozenset(), 1, (), ())

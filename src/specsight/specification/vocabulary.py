"""The one answer to "are these two names the same defect or part?", and the spelling of names in sentences.

In: names as specifications, labels, folders and instructions spell them ("Broken_Large", "a broken large"). Out: normal
forms that compare equal, names looked up in a `Vocabulary`, and words for sentences (articles, places).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Protocol

from specsight.errors import did_you_mean

ARTICLES = ("a", "an", "the")
DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))
SEPARATORS = re.compile(r"(?:[\s_]|(?<!\ba)-)+")
"""White space, underscores and hyphens; a hyphen behind a single "a" belongs to a name ("A-pillar")."""
SINGULAR = frozenset({"bias", "canvas", "gas", "lens", "series", "species"})
"""Words of products and defects that end in a single s without being plurals."""
SIBILANTS = ("ches", "sses", "shes", "xes")
VOWEL = re.compile(r"(?!uni|use|eu|one\b)[aeiou]", re.IGNORECASE)
"""Beginnings of words that take "an", by their spelling: "an unblemished part", but "a used part", "a unit"."""
ABSENT = ("missing", "absent", "no", "lacking", "without")
"""Words in front of a feature, or behind it, that make the name of the defect of lacking it."""
ROWS = ("top", "", "bottom")
COLUMNS = ("left", "", "right")


class Named(Protocol):
    """What has a name and the phrases that people use for it: a `Part` or a `DefectType`."""

    @property
    def name(self) -> str:
        """Its own name."""

    @property
    def phrases(self) -> Iterable[str]:
        """Other words for it."""


@lru_cache(maxsize=65_536)
def normal_form(name: str) -> str:
    """The spelling that two names of one defect or part share: "Broken_Large" and "a broken-large" → "broken large".

    Letter case, compatible Unicode forms, white space, underscores, hyphens, leading articles and simple English
    plurals make no difference. Idempotent. A name that holds nothing else (such as "-") is its own normal form.
    """
    words = [_singular(word) for word in _words(name)]
    return " ".join(_behind_article(words)) or _folded(name)


def product_form(name: str) -> str:
    """The spelling that two names of one product share: a `normal_form` that keeps plurals.

    "capsule" (MVTec AD) and "capsules" (VisA) are two products.
    """
    return " ".join(_behind_article(_words(name))) or _folded(name)


def normal_forms(names: Iterable[str]) -> frozenset[str]:
    """The normal forms of several names."""
    return frozenset(map(normal_form, names))


def same_name(first: str, second: str) -> bool:
    """Whether two names mean the same defect or part: whether their normal forms are equal."""
    return normal_form(first) == normal_form(second)


class Vocabulary:
    """Names of one kind (defects, or parts) and their phrases, looked up however they are spelled.

    Parameters: `phrases` maps each name to other words for it; a collection of names has no other words.
    """

    def __init__(self, phrases: Mapping[str, Iterable[str]] | Collection[str]) -> None:
        self.names = tuple(phrases)
        self._by_name: dict[str, str] = {}
        self._by_phrase: dict[str, str] = {}
        for name in self.names:
            self._by_name.setdefault(normal_form(name), name)
            for phrase in phrases[name] if isinstance(phrases, Mapping) else ():
                self._by_phrase.setdefault(normal_form(phrase), name)

    @classmethod
    def of(cls, items: Iterable[Named]) -> Vocabulary:
        """The vocabulary of parts or defect types."""
        phrases: dict[str, tuple[str, ...]] = {}
        for item in items:
            phrases[item.name] = (*phrases.get(item.name, ()), *item.phrases)
        return cls(phrases)

    def find(self, name: str) -> str | None:
        """The name that `name` means, or None.

        An identical name comes first, then the first name with the same normal form, then the first name that has such
        a phrase.
        """
        if name in self.names:
            return name
        form = normal_form(name)
        return self._by_name.get(form, self._by_phrase.get(form))

    def spelling(self, name: str) -> str:
        """The name that `name` means; a name that is not in the vocabulary stays as it is."""
        return self.find(name) or name

    def same(self, first: str, second: str) -> bool:
        """Whether two names mean the same, each as a name of the vocabulary, a phrase of one, or by itself."""
        return same_name(self.spelling(first), self.spelling(second))

    def hint(self, name: str) -> str:
        """Ending of a message about an unknown name: "did you mean 'cut'?", or the list of names."""
        return did_you_mean(name, self.names)

    def __contains__(self, name: str) -> bool:
        return self.find(name) is not None

    def __len__(self) -> int:
        return len(self.names)


def lacks(defect: str, feature: str) -> bool:
    """Whether `defect` is the name of lacking `feature`, or of lacking whatever is of its kind: "missing yellow dot",
    "no dot" and "dot missing" are lacks of "yellow dot", and "missing red dot" is not."""
    words = normal_form(defect).split()
    if words and words[0] in ABSENT:
        kind = words[1:]
    elif words and words[-1] in ABSENT:
        kind = words[:-1]
    else:
        return False
    return bool(kind) and normal_form(feature).split()[-len(kind) :] == kind


def as_words(name: str) -> str:
    """A name from a file or folder as it stands in a sentence: "metal_nut" → "metal nut". Letter case is kept."""
    return " ".join(name.replace("_", " ").split())


def with_article(words: str) -> str:
    """`words` behind "a" or "an"."""
    return f"an {words}" if VOWEL.match(words) else f"a {words}"


def without_article(words: str) -> str:
    """`words` without a leading "a", "an" or "the", spelled as before."""
    first, _, rest = words.partition(" ")
    return rest if rest and first.casefold() in ARTICLES else words


def place_name(x: float, y: float) -> str:
    """The cell of a 3 × 3 grid over a picture: "top left", "left", "centre", ...

    `x` and `y` are shares of the width and the height in [0, 1], from the top left corner.
    """
    words = (ROWS[min(int(3 * y), 2)], COLUMNS[min(int(3 * x), 2)])
    return " ".join(word for word in words if word) or "centre"


def place_phrase(x: float, y: float) -> str:
    """`place_name` as it stands in a sentence: "at the top left", "in the centre"."""
    place = place_name(x, y)
    return "in the centre" if place == "centre" else f"at the {place}"


def _folded(name: str) -> str:
    """`name` in compatible Unicode forms, without letter case, with ASCII hyphens."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", name).casefold())
    # Compatible forms of some capitals appear only once others are folded.
    return unicodedata.normalize("NFKC", folded.casefold()).translate(DASHES).strip()


def _words(name: str) -> list[str]:
    return [word for word in SEPARATORS.split(_folded(name)) if word]


def _behind_article(words: list[str]) -> list[str]:
    while len(words) > 1 and words[0] in ARTICLES:
        words = words[1:]
    return words


def _singular(word: str) -> str:
    """A word without the ending of a simple English plural: "scratches" → "scratch"; "glass" and "gas" stay."""
    if len(word) <= 3 or not word.endswith("s") or word in SINGULAR:
        return word
    if word[:-2] in SINGULAR or word.endswith(SIBILANTS):
        return word[:-2]
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word if word.endswith(("ss", "us", "is")) else word[:-1]

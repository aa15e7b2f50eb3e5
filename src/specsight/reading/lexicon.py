"""Words of instructions → what they do in a sentence: predicates, comparisons, quantifiers, joints.

In: `lexicon.yaml`. Out: `lexicon()`, phrases (tuples of words in lower case) → their senses (class, value), and sets of
words. What stands there is general language of inspection; names of parts and defects come from specifications. A word
that is neither there nor in a specification can only be part of an unknown name, and where none is expected, its
sentence is left unread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

Phrase = tuple[str, ...]
Sense = tuple[str, str]
"""Class of a phrase, and which of the class it is: ("pred", "accept")."""


@dataclass(frozen=True)
class Lexicon:
    """Phrases and their senses."""

    senses: Mapping[Phrase, tuple[Sense, ...]]
    longest: int
    """Words of the longest phrase."""
    sets: Mapping[str, frozenset[str]]


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The words of `lexicon.yaml`."""
    given = yaml.load(Path(__file__).with_suffix(".yaml").read_text("utf-8"), yaml.CSafeLoader)
    sets = {name: frozenset(_phrases(text)) for name, text in given["sets"].items()}
    found: dict[Phrase, list[Sense]] = {}
    groups: list[tuple[str, str, list[str]]] = [
        *(("pred", value, _phrases(text)) for value, text in given["predicates"].items()),
        *(("pred", value, _forms(_phrases(text))) for value, text in given["verbs"].items()),
        *(("compare", value, _phrases(text)) for value, text in given["comparisons"].items()),
        *((kind, "", _phrases(text)) for kind, text in given["others"].items()),
        *((kind, "", _phrases(text)) for kind, text in given["silent"].items()),
    ]
    for kind, value, phrases in groups:
        for phrase in phrases:
            senses = found.setdefault(tuple(phrase.split()), [])
            if (kind, value) not in senses:
                senses.append((kind, value))
    return Lexicon({words: tuple(senses) for words, senses in found.items()}, max(map(len, found)), sets)


def words_of(name: str) -> frozenset[str]:
    """A set of words by its name, such as "defect heads"."""
    return lexicon().sets[name]


def _phrases(text: str) -> list[str]:
    return [phrase.strip() for phrase in str(text).split(";") if phrase.strip()]


def _forms(verbs: list[str]) -> list[str]:
    """The forms of regular verbs: "ignore" → ignore, ignores, ignored, ignoring."""
    forms = []
    for verb in verbs:
        first, _, rest = verb.partition(" ")
        if first.endswith("e"):
            own = [first, f"{first}s", f"{first}d", f"{first[:-1]}ing"]
        elif first.endswith(("ss", "sh", "ch", "x")):
            own = [first, f"{first}es", f"{first}ed", f"{first}ing"]
        elif first.endswith("y") and first[-2] not in "aeiou":
            own = [first, f"{first[:-1]}ies", f"{first[:-1]}ied", f"{first}ing"]
        else:
            own = [first, f"{first}s", f"{first}ed", f"{first}ing"]
        forms += [f"{form} {rest}".strip() for form in own]
    return forms

"""Names of parts, defects and features in sentences: lists are split, articles left out, impossible names refused.

In: a piece of a sentence in lower case. Out: names, or that the piece says more than a name does. A sentence whose
"name" holds a negation, a condition, a place, a number or a verb means something else than its form says: it is better
left unread than read as its opposite.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from specsight.specification import Specification
from specsight.specification.vocabulary import Vocabulary

LONGEST_NAME = 100
"""Characters of a name that is in no specification."""
SEPARATOR = re.compile(r"\s*,\s*(?:(?:and|or) )?|\s+(?:and/or|and|or|&)\s+")
LEADING = re.compile(r"^(?:(?:an?|the|any|all|every|each) )+")
QUOTED = re.compile(r"(?<!\w)'[^']*'(?!\w)")
"""What is quoted is part of a name, whatever it says: lettering '205/55 r16'."""
SPELLING = re.compile(r"[\w' -]+")

NEGATIONS = frozenset({
    "no", "not", "non", "never", "none", "nothing", "neither", "nor", "nobody", "nowhere", "cannot", "without",
    "except", "excepting", "unless", "but", "hardly", "barely", "scarcely", "rarely", "seldom", "unacceptable",
})  # fmt: skip
CONDITIONS = frozenset({
    "if", "when", "whenever", "while", "where", "wherever", "until", "till", "since", "before", "after", "during",
    "because", "although", "though", "whereas", "provided", "assuming", "only", "just", "than", "once", "twice",
    "so",
})  # fmt: skip
QUANTITIES = frozenset({
    "up", "most", "least", "exactly", "about", "approximately", "approx", "almost", "nearly", "roughly", "more",
    "less", "larger", "smaller", "longer", "shorter", "wider", "deeper", "above", "below", "over", "under", "any",
    "all", "some", "few", "fewer", "several", "many", "much", "half", "every", "each", "both", "one", "two",
    "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "dozen", "couple", "pair",
    "zero", "certain",
})  # fmt: skip
PRONOUNS = frozenset({
    "i", "you", "he", "she", "it", "its", "we", "they", "them", "their", "this", "that", "these", "those",
    "everything", "anything", "something", "everyone", "who", "which", "what", "whatever", "rest", "other",
    "others", "else", "another", "same", "such", "and", "or", "etc",
})  # fmt: skip
VERBS = frozenset({
    "is", "are", "was", "were", "be", "been", "has", "have", "had", "do", "does", "did", "don't", "may", "might",
    "must", "should", "shall", "will", "would", "could", "isn't", "aren't", "doesn't", "won't", "shouldn't",
    "include", "includes", "says", "think", "thinks", "matter", "matters",
})  # fmt: skip
ADVERBS = frozenset({
    "please", "too", "also", "now", "then", "today", "tomorrow", "yesterday", "again", "yet", "always", "usually",
    "normally", "generally", "often", "sometimes", "mostly", "mainly", "maybe", "perhaps", "probably", "however",
    "therefore", "later", "still", "already", "here", "there", "anyway", "instead", "rather",
    "elsewhere", "everywhere", "somewhere", "tonight", "temporarily",
})  # fmt: skip
IN_NO_NAME = NEGATIONS | CONDITIONS | QUANTITIES | PRONOUNS | VERBS | ADVERBS
"""Words that no name holds, unless a specification has it."""
PLACES = frozenset({
    "on", "in", "at", "near", "around", "along", "across", "behind", "beside", "between", "inside", "outside",
    "within", "from", "to", "into", "onto", "with", "by", "for", "through", "against", "per", "as", "like", "off",
    "beyond", "opposite", "unrelated",
})  # fmt: skip
"""Words that a name holds only where a specification has it, or where it is taught: "hole in bag"."""
SIZES = frozenset({
    "small", "little", "tiny", "minor", "slight", "light", "faint", "short", "shallow", "narrow", "superficial",
    "single", "isolated", "occasional", "big", "large", "deep", "long", "wide", "heavy", "severe", "major", "new",
    "old", "visible", "invisible", "length", "width", "depth", "height", "diameter", "area", "size",
})  # fmt: skip
"""Words that limit which defects of a type are meant, and to which a type cannot be held."""
BEGINS_NO_NAME = PLACES | {
    "inspect", "check", "examine", "judge", "ignore", "disregard", "accept", "allow", "tolerate", "reject",
    "report", "look", "search", "watch", "of",
}  # fmt: skip
"""Words that begin another demand, or a place."""


def split(text: str) -> tuple[str, ...]:
    """ "the rim, the thread and a seal" → rim, thread, seal."""
    return tuple(dict.fromkeys(name for name in map(bare, SEPARATOR.split(text)) if name))


def bare(name: str) -> str:
    """A name without leading articles."""
    return LEADING.sub("", name.strip(" :"))


@dataclass(frozen=True)
class Names:
    """The names that a specification knows, and what else may be one."""

    parts: Vocabulary
    defects: Vocabulary

    @classmethod
    def of(cls, specification: Specification | None) -> Names:
        """The names of a specification; None: there are none."""
        if specification is None:
            return cls(Vocabulary(()), Vocabulary(()))
        return cls(Vocabulary.of(specification.parts), Vocabulary.of(specification.defects))

    def part(self, name: str) -> bool:
        """Whether this may be the name of a part."""
        return name in self.parts or _plain(name, IN_NO_NAME | PLACES)

    def defect(self, name: str) -> bool:
        """Whether this may be the name of a type of defect to which findings can be held."""
        if name in self.defects:
            return True
        return name not in self.parts and _plain(name, IN_NO_NAME | PLACES | SIZES)

    def taught(self, name: str) -> bool:
        """Whether this may be the name of a further type of defect."""
        return name in self.defects or (name not in self.parts and _plain(name, IN_NO_NAME))

    def feature(self, name: str) -> bool:
        """Whether this may be the name of something that must be there."""
        return name in self.defects or name in self.parts or _plain(name, IN_NO_NAME | PLACES)


def _plain(name: str, excluded: frozenset[str]) -> bool:
    """Whether a name holds none of the words that would change a sentence, no number and no punctuation."""
    unquoted = QUOTED.sub("quoted", name)
    words = unquoted.split()
    return (
        0 < len(name) <= LONGEST_NAME
        and SPELLING.fullmatch(unquoted) is not None
        and words[0] not in BEGINS_NO_NAME
        and words not in (["a"], ["an"], ["the"])
        and not any(word in excluded or word[0].isdigit() or word.startswith("non-") for word in words)
    )

"""Names that a question may hold: types, parts and required features of a product, and types in general.

In: a specification. Out: `ProductNames`, which finds the name that begins at a word: the specification's own names,
their synonyms (`specification.synonyms`, the ontology), other endings and spellings with one slip, as instructions are
read (`reading.names`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from specsight.ontology import Ontology, load_ontology
from specsight.reading.names import ENDING, GENERAL, MISSPELT, OWN, Names, one_slip
from specsight.reading.normal import stem, stems
from specsight.specification import Specification
from specsight.specification.synonyms import PHRASES
from specsight.specification.vocabulary import lacks

HEAD = 0.75
"""How sure it is that the last word of a name alone means it: "the cord" for "exposed cord"."""
PARTICLES = ("out", "in", "off", "up", "on")
"""Last words of names that mean nothing alone."""
ANY_DEFECT = "anomaly"
"""The general type that any defect is."""
QUOTED = re.compile(r"'([^']{2,80})'|\"([^\"]{2,80})\"")
LINKS = ("is", "are", "was", "became", "become", "becomes", "been")
"""Words between the noun and the adjective of a name that is said the other way round: "the cord became exposed"."""
TAGS: Mapping[str, str] = {"def": "TYPE", "part": "PART", "product": "PRODUCT"}


@dataclass(frozen=True)
class NameMatch:
    """The name that `length` words mean. `tag`: TYPE, PART, PRODUCT, FEATURE, LEVEL, GROUP, or OTHERTYPE for a type of
    defect that is known in general and not of this product."""

    tag: str
    name: str
    length: int
    confidence: float = OWN


class ProductNames:
    """The names of one product; without a specification, types in general alone."""

    def __init__(self, specification: Specification | None, ontology: Ontology | None = None) -> None:
        self.specification = specification
        self._names = Names.of(specification)
        self.types = tuple(one.name for one in specification.defects) if specification else ()
        self.parts = tuple(one.name for one in specification.parts) if specification else ()
        self.features = (
            tuple(dict.fromkeys(one.feature for one in specification.requirements)) if specification else ()
        )
        self.groups = _groups(specification)
        self._forms = _forms(specification, self.groups, ontology or load_ontology())
        self._part_forms = {stems(part) for part in self.parts}
        self._features = {name: stems(QUOTED.sub("", name)) for name in self.features}
        self._lacks = {
            one.name: feature
            for one in (specification.defects if specification else ())
            for feature in self.features
            if any(lacks(name, feature) for name in (one.name, *one.phrases))
        }
        self._longest = max(map(len, self._forms), default=1)
        self._single = {form[0]: named for form, named in self._forms.items() if len(form) == 1}

    def at(self, words: Sequence[str], start: int) -> NameMatch | None:
        """The longest name that begins at a word; of equally long ones a feature before a type before a part."""
        found = [
            *self._feature(words, start),
            *(
                NameMatch(TAGS[match.kind], match.name, match.length, match.confidence)
                for match in self._names.matches(words, start)
            ),
            *self._form(words, start),
        ]
        if any(one.tag != "OTHERTYPE" for one in found):
            found = [one for one in found if one.tag != "OTHERTYPE"]
        return max(found, key=lambda one: (one.length, one.confidence), default=None)

    def with_slip(self, word: str) -> NameMatch | None:
        """The name of one word that a word of five letters or more, which means nothing, is one slip away from."""
        if len(word) < 5:
            return None
        spellings = {word, stem(word)}
        close = {
            (tag, name)
            for form, (tag, name, _) in self._single.items()
            if len(form) > 3 and any(one_slip(form, one) for one in spellings)
        }
        own = {one for one in close if one[0] != "OTHERTYPE"} or close
        if len(own) != 1:
            return None
        tag, name = own.pop()
        return NameMatch(tag, name, 1, MISSPELT)

    def lacked(self, type_: str) -> str | None:
        """The required feature whose lack a type of defect is; None: it is none."""
        return self._lacks.get(type_)

    def quoted_feature(self, question: str) -> str | None:
        """The required feature whose quoted text, such as a size, a question holds."""
        folded = " ".join(question.casefold().split())
        for name in self.features:
            for match in QUOTED.finditer(name):
                if " ".join((match[1] or match[2]).casefold().split()) in folded:
                    return name
        return None

    def _feature(self, words: Sequence[str], start: int) -> list[NameMatch]:
        """A required feature by its last word and any of the words before it: "dot", "yellow dot", "balance dot"."""
        found = []
        for name, form in self._features.items():
            if not form or form in self._part_forms:
                continue
            left, length = list(form), 0
            for word in words[start : start + len(form)]:
                if (one := stem(word)) not in left:
                    break
                left = left[left.index(one) + 1 :]
                length += 1
            if length and not left:
                found.append(NameMatch("FEATURE", name, length))
        return found

    def _form(self, words: Sequence[str], start: int) -> list[NameMatch]:
        window = [stem(word.removesuffix("'s")) for word in words[start : start + self._longest + 1]]
        for length in range(len(window), 0, -1):
            form = tuple(
                word for k, word in enumerate(window[:length]) if k != 1 or words[start + k] not in LINKS
            )
            if form in self._forms and (len(form) == length or len(form) == 2):
                tag, name, confidence = self._forms[form]
                return [NameMatch(tag, name, length, confidence)]
        return []


def _groups(specification: Specification | None) -> dict[str, tuple[str, ...]]:
    """Wider kinds of defects → the types of them, where no type has the name of the kind."""
    groups: dict[str, list[str]] = {}
    for one in specification.defects if specification else ():
        if one.superclass:
            groups.setdefault(one.superclass, []).append(one.name)
    return {name: tuple(types) for name, types in groups.items()}


def _forms(
    specification: Specification | None, groups: Mapping[str, Sequence[str]], ontology: Ontology
) -> dict[tuple[str, ...], tuple[str, str, float]]:
    """Stems → (tag, name, confidence) of what `reading.names` does not know."""
    found: dict[tuple[str, ...], tuple[str, str, float]] = {}
    for one in specification.defects if specification else ():
        for phrase in (one.name, *one.phrases):
            form = stems(phrase)
            if len(form) == 2:
                found.setdefault(form[::-1], ("TYPE", one.name, ENDING))
                found.setdefault(("".join(form),), ("TYPE", one.name, ENDING))
        for level in one.severity:
            found.setdefault(stems(level.level), ("LEVEL", level.level, OWN))
    heads = Counter(
        form[-1] for one in (specification.defects if specification else ()) if (form := stems(one.name))
    )
    for one in specification.defects if specification else ():
        form = stems(one.name)
        if len(form) > 1 and heads[form[-1]] == 1 and form[-1] not in PARTICLES:
            found.setdefault(form[-1:], ("TYPE", one.name, HEAD))
    for level in specification.severity if specification else ():
        found.setdefault(stems(level.level), ("LEVEL", level.level, OWN))
    for group in groups:
        found.setdefault(stems(group), ("GROUP", group, OWN))
    for word in stems(specification.product) if specification else ():
        found.setdefault((word,), ("PRODUCT", word, OWN))
    for form, name in _own_in_general(specification, ontology).items():
        found.setdefault(form, ("TYPE", name, GENERAL))
    for name, phrases in _in_general(ontology).items():
        for phrase in phrases:
            found.setdefault(stems(phrase), ("OTHERTYPE", name, GENERAL))
    return {form: value for form, value in found.items() if form}


def _own_in_general(specification: Specification | None, ontology: Ontology) -> dict[tuple[str, ...], str]:
    """What the product's types are called in general → the type, where it is one type's alone."""
    if specification is None:
        return {}
    owners: dict[str, list[str]] = {}
    for one in specification.defects:
        entry = ontology.find(one.name, specification.product)
        if entry is not None:
            owners.setdefault(entry.name, []).append(one.name)
    return {
        stems(phrase): types[0]
        for name, types in owners.items()
        if len(types) == 1
        for phrase in (name, *ontology.types[name].synonyms)
    }


def _in_general(ontology: Ontology) -> dict[str, tuple[str, ...]]:
    """Types that are known in general → what they are called."""
    found = {name: (name, *phrases) for name, phrases in PHRASES.items() if name != ANY_DEFECT}
    for entry in ontology.types.values():
        if not entry.generic:
            found[entry.name] = (*found.get(entry.name, ()), entry.name, *entry.synonyms)
    return found


@lru_cache(maxsize=16)
def names_of(specification: Specification | None) -> ProductNames:
    """The names of a specification, put together once."""
    return ProductNames(specification)

"""The names that statements about a product may use: types, parts, features, levels of severity, the product itself.

In: a specification and what is known of types. Out: `Terms`, which finds the name that begins at a token, and says
whether two names mean one type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace

from specsight.explain.claims import Mention
from specsight.explain.lexicon import generic_words, lexicon
from specsight.explain.tokens import Token, words_of
from specsight.ontology import Ontology
from specsight.reading.normal import plain
from specsight.specification import Specification
from specsight.specification.terms import DEFAULT_SEVERITY
from specsight.specification.vocabulary import Vocabulary, same_name, without_article

NAMES = ("type", "part", "feature", "severity", "generic")
"""Kinds that come before words of the lexicon of the same length."""


class Terms:
    """The names that a text may use of a product: types, parts, levels of severity, and the product itself."""

    def __init__(
        self,
        specification: Specification | None,
        ontology: Ontology | None,
        product: str,
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
        wider = {*self.superclasses.values(), *(ontology.superclasses if ontology else ())} - {""}
        for name in (*sorted(self._general()), *sorted(wider)):
            self._add(name, "type", name)
        rules = [DEFAULT_SEVERITY, *([specification.severity] if specification else [])]
        for level in [step.level for rule in (*rules, *(one.severity for one in defects)) for step in rule]:
            self._add(level, "severity", level)
        for requirement in specification.requirements if specification else ():
            self._add(requirement.feature, "feature", requirement.feature)
        names = (product, specification.product if specification else "")
        words = {token.text for name in names for token in words_of(plain(name))}
        for word in words:
            self._add(word, "product", word)
        for phrase in generic_words():
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
        for phrases, form in ((lexicon(), 0), (self._phrases, 1)):
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
        wider = copy(self)
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
        words = tuple(token.stem for token in words_of(plain(without_article(name))))
        if not words:
            return
        phrases = self._phrases.setdefault(words[0], [])
        if all(known != words for known, _ in phrases):
            phrases.append((words, Mention(kind, value)))

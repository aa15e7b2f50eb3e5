"""Sentences of several forms that say one clause, drawn with a generator.

In: a part, or a defect type with its phrases, and a limit. Out: a sentence. They are written as people write them, and
know nothing of how they are read.
"""

from __future__ import annotations

import numpy as np

from specsight.specification import DefectType
from specsight.specification.vocabulary import as_words, with_article, without_article

SCOPES = (
    "Inspect the {part} only.",
    "Only the {part} is to be inspected.",
    "Look at the {part} and at nothing else.",
    "Please check nothing but the {part} this time.",
    "Limit the inspection to the {part}.",
)
LIMITS = (
    "{Some} of up to {limit:g} mm is acceptable.",
    "{Some} is fine as long as it is no longer than {limit:g} mm.",
    "Accept {some} up to {limit:g} mm.",
    "Tolerance for {bare}: {limit:g} mm.",
    "Do not reject {some} that measures {limit:g} mm or less.",
)
ONLY = (
    "Look for {some} only.",
    "The only defect that counts is {some}.",
    "Reject for {some} and for nothing else.",
    "Search for {some} and ignore every other defect.",
)
IGNORED = (
    "Ignore {some}.",
    "Do not reject for {some}.",
    "Today {some} does not count.",
    "Let {some} pass, whatever its size.",
)


def scope_sentence(rng: np.random.Generator, part: str) -> str:
    """That only one part is to be inspected."""
    return _one_of(rng, SCOPES).format(part=part)


def limit_sentence(rng: np.random.Generator, type_: DefectType, limit_mm: float) -> str:
    """That defects of a type are acceptable up to a limit."""
    some = _called(rng, type_)
    return _one_of(rng, LIMITS).format(
        some=some, Some=some[0].upper() + some[1:], bare=without_article(some), limit=limit_mm
    )


def only_sentence(rng: np.random.Generator, type_: DefectType) -> str:
    """That no type of defect counts but this one."""
    some = _called(rng, type_)
    return _one_of(rng, ONLY).format(some=some, bare=without_article(some))


def ignore_sentence(rng: np.random.Generator, type_: DefectType) -> str:
    """That defects of a type do not count."""
    return _one_of(rng, IGNORED).format(some=_called(rng, type_))


def _called(rng: np.random.Generator, type_: DefectType) -> str:
    """A phrase of the type, with its article where it has one; its name with an article where it has no phrase."""
    if not type_.phrases:
        return with_article(as_words(type_.name))
    return type_.phrases[int(rng.integers(len(type_.phrases)))]


def _one_of(rng: np.random.Generator, templates: tuple[str, ...]) -> str:
    return templates[int(rng.integers(len(templates)))]

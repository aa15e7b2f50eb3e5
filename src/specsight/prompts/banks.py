"""A specification and an instruction → sentences by what they stand for.

In: a `Specification` and, for one judgement, an `Instruction`. Out: a `PromptBank`: sentences about good parts, about
damage of any kind, about each type of defect that counts, and about each that is to be ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from specsight.prompts.ensemble import damaged_prompts, defect_prompts, good_prompts
from specsight.specification import Instruction, Specification
from specsight.specification.vocabulary import Vocabulary

Prompts = tuple[str, ...]


@dataclass(frozen=True)
class PromptBank:
    """Sentences by what they stand for. The order within a tuple has no meaning."""

    good: Prompts
    damaged: Prompts = ()
    """Damage of no particular kind; empty where an instruction says which types alone count."""
    defects: Mapping[str, Prompts] = field(default_factory=dict)
    """Sentences by defect type, for the types that count."""
    ignored: Mapping[str, Prompts] = field(default_factory=dict)
    """Sentences by defect type, for the types that an instruction wants ignored."""


def prompt_bank(specification: Specification, instruction: Instruction | None = None) -> PromptBank:
    """The sentences for one judgement.

    Types are those of the specification and `Instruction.known_defects` (which add phrases to a type of the same
    name). `only` and `ignore` name types by name or phrase, however spelled (see `specification.vocabulary`); a name
    that is not defined becomes a type of its own, described by that name. A type both singled out and ignored is
    ignored.
    """
    instruction = instruction or Instruction()
    types = phrases_by_type(specification, instruction)
    names = Vocabulary(types)
    only = [names.spelling(clause.defect) for clause in instruction.only]
    ignored = [names.spelling(clause.defect) for clause in instruction.ignore]
    counted = [name for name in (only or types) if name not in ignored]
    return PromptBank(
        good=_good(specification.product, _clauses(specification.appearance)),
        damaged=() if only else damaged_prompts(specification.product),
        defects={name: _defect(specification.product, types[name]) for name in dict.fromkeys(counted)},
        ignored={name: _defect(specification.product, types[name]) for name in sorted(set(ignored))},
    )


def phrases_by_type(specification: Specification, instruction: Instruction) -> dict[str, Prompts]:
    """Type → its name and phrases: those defined, in their order, then those that `only` and `ignore` name besides."""
    types: dict[str, Prompts] = {}
    for defect in (*specification.defects, *instruction.known_defects):
        name = Vocabulary(types.keys()).spelling(defect.name)
        types[name] = (*types.get(name, ()), defect.name, *defect.phrases)
    for name in (*(c.defect for c in instruction.only), *(c.defect for c in instruction.ignore)):
        if name not in Vocabulary(types):
            types[name] = (name,)
    return types


def _clauses(appearance: str) -> Prompts:
    """Sentences and clauses of a free description."""
    return tuple(clause.strip() for clause in re.split(r"[.;\n]+", appearance) if clause.strip())


@lru_cache(maxsize=64)
def _good(product: str, appearance: Prompts) -> Prompts:
    return good_prompts(product, appearance)


@lru_cache(maxsize=4096)
def _defect(product: str, phrases: Prompts) -> Prompts:
    return defect_prompts(product, phrases)

"""What a vision-language model is asked about a product, and how its answer becomes a probability.

In: a specification, with what was taught or left out. Out: questions in words, each answered by yes or no, and the
probability of yes among both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.language import LanguageModel, Message
from specsight.prompts.banks import phrases_by_type, prompt_bank
from specsight.specification import Instruction, Specification
from specsight.specification.vocabulary import as_words, normal_form, with_article

YES = ("Yes", "yes", " Yes", " yes")
NO = ("No", "no", " No", " no")
"""Spellings that count as the answer: a model's tokenizer and chat template decide which is its own."""
ANSWER = "Answer yes or no."


@dataclass(frozen=True)
class Questions:
    """Everything that is asked about one picture."""

    defect: str
    """Whether the product shows a defect that counts."""
    types: Mapping[str, str]
    """Type of defect that counts → whether the product shows it."""
    neutral: str
    """What is asked of any picture of the product: attention to it is taken off."""
    any_counts: bool
    """Whether any defect counts at all."""


def questions(specification: Specification, instruction: Instruction | None = None) -> Questions:
    """Return what is asked of a product's picture; types are named, taught, singled out and ignored as in
    `prompt_bank`."""
    bank = prompt_bank(specification, instruction)
    phrases = phrases_by_type(specification, instruction or Instruction())
    product = as_words(specification.product)
    shown = f"This is a picture of {with_article(product)}."
    known = [
        shown,
        f"A good {product}: {_sentence(specification.appearance)}"
        if specification.appearance.strip()
        else "",
        _listed("Known defects", bank.defects, phrases),
        _listed("These are accepted and are no defects", bank.ignored, phrases),
        "" if bank.damaged else "Nothing else counts as a defect.",
    ]
    context = " ".join(filter(None, known))
    asked = f"Does this {product} show"
    return Questions(
        f"{context} {asked} a defect? {ANSWER}",
        {type_: f"{context} {asked} {_described(type_, phrases)}? {ANSWER}" for type_ in bank.defects},
        f"{shown} {asked} a surface? {ANSWER}",
        bool(bank.defects or bank.damaged),
    )


def asked(question: str, picture: NDArray[np.uint8]) -> list[Message]:
    """The conversation in which `question` is put about an RGB picture (H, W, 3)."""
    return [Message("user", question, (picture,))]


def probability_of_yes(model: LanguageModel, conversation: Sequence[Message]) -> float:
    """P(yes) / (P(yes) + P(no)) in [0, 1], each over all its spellings."""
    weighed = np.array(model.likelihoods(conversation, [*YES, *NO]))
    yes, no = np.logaddexp.reduce(weighed[: len(YES)]), np.logaddexp.reduce(weighed[len(YES) :])
    return float(np.exp(yes - np.logaddexp(yes, no)))


def _listed(what: str, names: Mapping[str, object], phrases: Mapping[str, Sequence[str]]) -> str:
    return (
        f"{what}: {'; '.join(_described(name, phrases, article=False) for name in names)}." if names else ""
    )


def _described(name: str, phrases: Mapping[str, Sequence[str]], *, article: bool = True) -> str:
    """A type with its other words: "a crack (fine line, fissure)"."""
    words = as_words(name)
    others = dict.fromkeys(one for one in phrases[name] if normal_form(one) != normal_form(name))
    listed = f" ({', '.join(others)})" if others else ""
    return f"{with_article(words) if article else words}{listed}"


def _sentence(words: str) -> str:
    words = " ".join(words.split())
    return words if words.endswith((".", "!", "?")) else f"{words}."

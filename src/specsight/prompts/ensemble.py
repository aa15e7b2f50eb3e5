"""The compositional prompt ensemble of WinCLIP (Jeong et al., CVPR 2023): states × templates.

In: the product's noun and the phrases of a defect. Out: sentences. The lists of states and templates are the paper's;
defects with a name, which the paper does not have, get states and a shorter list of templates of their own.
"""

from __future__ import annotations

from collections.abc import Iterable

from specsight.specification.vocabulary import as_words, with_article

GOOD_STATES = (
    "{o}",
    "flawless {o}",
    "perfect {o}",
    "unblemished {o}",
    "{o} without flaw",
    "{o} without defect",
    "{o} without damage",
)
DAMAGED_STATES = ("damaged {o}", "{o} with flaw", "{o} with defect", "{o} with damage")
TEMPLATES = (
    "a cropped photo of the {s}",
    "a cropped photo of {a}",
    "a close-up photo of {a}",
    "a close-up photo of the {s}",
    "a bright photo of {a}",
    "a bright photo of the {s}",
    "a dark photo of {a}",
    "a dark photo of the {s}",
    "a jpeg corrupted photo of {a}",
    "a jpeg corrupted photo of the {s}",
    "a blurry photo of the {s}",
    "a blurry photo of {a}",
    "a photo of the {s}",
    "a photo of {a}",
    "a photo of a small {s}",
    "a photo of the small {s}",
    "a photo of a large {s}",
    "a photo of the large {s}",
    "a photo of {a} for visual inspection",
    "a photo of the {s} for visual inspection",
    "a photo of {a} for anomaly detection",
    "a photo of the {s} for anomaly detection",
)
"""{s}: the state; {a}: the state behind "a" or "an"."""
DEFECT_STATES = ("{p}", "{p} on {o}", "{o} with {p}")
"""{p}: a phrase of the defect as a person wrote it; {o}: the product behind "a" or "an"."""
DEFECT_TEMPLATES = ("{s}", "a photo of {s}")


def good_prompts(product: str, appearance: Iterable[str] = ()) -> tuple[str, ...]:
    """Sentences about a good part of a `product`: 22 for each of the seven states, and for each clause of `appearance`.

    `appearance` says how a good part looks, one clause an entry; a clause is used as a state of its own.
    """
    noun = as_words(product)
    states = [state.format(o=noun) for state in GOOD_STATES]
    return _in_templates([*states, *(f"{noun}, {as_words(clause)}" for clause in appearance)])


def damaged_prompts(product: str) -> tuple[str, ...]:
    """The 88 sentences about a `product` with some defect, none in particular."""
    noun = as_words(product)
    return _in_templates([state.format(o=noun) for state in DAMAGED_STATES])


def defect_prompts(product: str, phrases: Iterable[str]) -> tuple[str, ...]:
    """Sentences about one type of defect on a `product`, six for each of its `phrases`.

    A phrase is used as it stands ("a crack", "contamination", "broken glass"), without an article of ours. The order
    and letter case of `phrases` and repeats among them do not matter.
    """
    noun = with_article(as_words(product))
    distinct = sorted({as_words(phrase).casefold() for phrase in phrases})
    states = [state.format(p=phrase, o=noun) for phrase in distinct for state in DEFECT_STATES]
    return tuple(template.format(s=state) for state in states for template in DEFECT_TEMPLATES)


def _in_templates(states: Iterable[str]) -> tuple[str, ...]:
    return tuple(template.format(s=s, a=with_article(s)) for s in states for template in TEMPLATES)

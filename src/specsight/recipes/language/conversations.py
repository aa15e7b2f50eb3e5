"""What is asked about a picture and what is to be answered, in words, and the phrases by which types are pointed at.

In: an `Entry`. Out: `Turn`s whose answers end in the tokens: one `[SEG_DEFECT]` behind each named type, in order, then
`[SEG_NORMAL]`. The sentences are this recipe's own; a benchmark's items come with theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from specsight.language.pointing.tokens import SEG_DEFECT, SEG_NORMAL
from specsight.recipes.language.gallery import Asked, Entry, Spot
from specsight.specification.synonyms import GENERAL, PHRASES, related
from specsight.specification.vocabulary import with_article, without_article

ANYTHING = "anomaly"
"""What any defect is, among the names of types."""
ANYTHING_WORDS = ("defect", "anomaly", "damage", "flaw", "anything wrong")
LETTERING = "lettering"
"""Among the general types what wrong and missing lettering have in common; as a phrase it names a part."""
OWN_NAME = 0.65
"""Share of phrases in which a type goes by its own name, not by a synonym."""
YES_NO = (
    "Is anything wrong?",
    "Is there any anomaly in the picture?",
    "Does the {thing} have a defect?",
    "Is this {thing} defective?",
    "Is anything wrong with the {thing}?",
    "Is there a defect on the {thing}?",
)
WHAT = (
    "What is wrong?",
    "What is wrong with the {thing}?",
    "Describe the defects.",
    "Which defects does the {thing} have, and where?",
    "Inspect the {thing}.",
    "List all defects with their places.",
)
WHICH = ("Which types of defect are there?", "Name the defects.", "Which defects does the {thing} show?")
WHERE = ("Where is the {type}?", "Where is the {type} on the {thing}?", "Locate the {type}.")
IS_THERE = ("Is there {a_type}?", "Does the {thing} have {a_type}?", "Do you see {a_type}?")
HOW_MANY = ("How many defects are there?", "Count the defects.", "What is the number of defects?")
ON_PART = (
    "Is anything wrong with the {part}?",
    "Is the {part} defective?",
    "Is there a defect on the {part}?",
)
CAPTION = ("Describe the picture.", "What does the picture show?", "Caption this picture.")
NUMBERS = ("no", "one", "two", "three", "four")
THINGS = {"tyre line": "tyre", "tyre": "tyre", "vessel": "vessel", "block": "block", "object": "object"}
"""What a kind of picture shows; others are "part"."""
NOTHING = f"{SEG_DEFECT}{SEG_NORMAL}"
"""Ends an answer that names no type: the token then stands for any defect."""


@dataclass(frozen=True)
class Turn:
    """A question, its answer, and the type that each `[SEG_DEFECT]` of the answer stands for (`ANYTHING`: any)."""

    question: str
    answer: str
    types: tuple[str, ...]


@dataclass(frozen=True)
class Pointed:
    """A phrase that is pointed at, and the type that it means."""

    words: str
    type: str


def caption(rng: np.random.Generator, entry: Entry) -> Turn | None:
    """A caption: what is shown, and every defect with its place; None where that is not known."""
    if not entry.certain:
        return None
    thing = THINGS.get(entry.kind, "part")
    parts = f" with {_listed([f'the {part}' for part in entry.parts])}" if entry.parts else ""
    words, types = _described(rng, entry.spots)
    state = f"It has {words}." if types else f"It is good.{SEG_DEFECT}"
    answer = f"{with_article(thing).capitalize()}{parts}. {state}{SEG_NORMAL}"
    return Turn(_one(rng, CAPTION), answer, types or (ANYTHING,))


def conversation(rng: np.random.Generator, entry: Entry, items: float) -> Turn | None:
    """One turn about a picture: with chance `items` a benchmark item, where it has some; None where none can be."""
    if entry.items and rng.random() < items:
        return item_turn(entry.items[int(rng.integers(len(entry.items)))])
    if not entry.certain:
        return None
    asks = (_yes_no, _yes_no, _what, _what, _which, _where, _is_there, _how_many, _on_part)
    return asks[int(rng.integers(len(asks)))](rng, entry)


def item_turn(asked: Asked) -> Turn:
    """A benchmark item: the instruction stands before the question, the answer is the right option's words."""
    return Turn(item_question(asked.question, asked.instruction), f"{asked.answer}{NOTHING}", (ANYTHING,))


def item_question(question: str, instruction: str) -> str:
    """A question with the instruction that it goes with."""
    return f"{instruction}\n{question}" if instruction else question


def pointed(rng: np.random.Generator, entry: Entry, absent: int) -> list[Pointed]:
    """Any defect, every type that the picture shows, and `absent` types that it does not, in random words and order."""
    present = list(entry.types)
    others = [
        name for name in _known(entry) if name not in present and not any(alike(name, one) for one in present)
    ]
    drawn = rng.choice(len(others), min(absent, len(others)), replace=False)
    names = [*present, *(others[int(k)] for k in drawn)]
    found = [Pointed(_one(rng, ANYTHING_WORDS), ANYTHING), *(Pointed(phrase(rng, one), one) for one in names)]
    return [found[int(k)] for k in rng.permutation(len(found))]


def phrase(rng: np.random.Generator, type_: str) -> str:
    """A type in words: its own name, or what else is said of its general type; without article."""
    general = GENERAL.spelling(type_)
    if rng.random() < OWN_NAME or general not in PHRASES:
        return type_
    return without_article(_one(rng, PHRASES[general]))


def alike(first: str, second: str) -> bool:
    """Whether a cell with one type may be called the other."""
    one, other = GENERAL.spelling(first), GENERAL.spelling(second)
    if one in PHRASES and other in PHRASES:
        return related(one, other)
    return first == second


def all_phrases() -> list[str]:
    """Every phrase that `phrase` may give for general types, without articles."""
    return [without_article(words) for phrases in PHRASES.values() for words in phrases]


def _yes_no(rng: np.random.Generator, entry: Entry) -> Turn:
    question = _filled(rng, YES_NO, entry)
    if not entry.spots:
        return Turn(question, f"No, nothing is wrong.{NOTHING}", (ANYTHING,))
    words, types = _described(rng, entry.spots)
    return Turn(question, f"Yes, there is {words}.{SEG_NORMAL}", types)


def _what(rng: np.random.Generator, entry: Entry) -> Turn:
    question = _filled(rng, WHAT, entry)
    if not entry.spots:
        return Turn(question, f"Nothing, it is good.{NOTHING}", (ANYTHING,))
    words, types = _described(rng, entry.spots)
    return Turn(question, f"{words[0].upper()}{words[1:]}.{SEG_NORMAL}", types)


def _which(rng: np.random.Generator, entry: Entry) -> Turn:
    question = _filled(rng, WHICH, entry)
    types = tuple(dict.fromkeys(spot.type for spot in entry.spots))
    if not types:
        return Turn(question, f"None.{NOTHING}", (ANYTHING,))
    named = ", ".join(f"{one}{SEG_DEFECT}" for one in types)
    return Turn(question, f"{named[0].upper()}{named[1:]}.{SEG_NORMAL}", types)


def _where(rng: np.random.Generator, entry: Entry) -> Turn:
    if entry.spots:
        type_ = entry.spots[int(rng.integers(len(entry.spots)))].type
        places = _listed([_place(spot) for spot in entry.spots if spot.type == type_])
        question = _filled(rng, WHERE, entry, type=type_)
        return Turn(question, f"The {type_}{SEG_DEFECT} is {places}.{SEG_NORMAL}", (type_,))
    type_ = _absent(rng, entry)
    question = _filled(rng, WHERE, entry, type=type_)
    return Turn(question, f"There is no {type_}{SEG_DEFECT}.{SEG_NORMAL}", (type_,))


def _is_there(rng: np.random.Generator, entry: Entry) -> Turn:
    here = entry.spots and rng.random() < 0.5
    type_ = entry.spots[int(rng.integers(len(entry.spots)))].type if here else _absent(rng, entry)
    question = _filled(rng, IS_THERE, entry, a_type=with_article(phrase(rng, type_)))
    if here:
        places = _listed([_place(spot) for spot in entry.spots if spot.type == type_])
        return Turn(question, f"Yes, {with_article(type_)}{SEG_DEFECT} {places}.{SEG_NORMAL}", (type_,))
    return Turn(question, f"No, there is no {type_}{SEG_DEFECT}.{SEG_NORMAL}", (type_,))


def _how_many(rng: np.random.Generator, entry: Entry) -> Turn:
    question = _filled(rng, HOW_MANY, entry)
    count = len(entry.spots)
    word = NUMBERS[count] if count < len(NUMBERS) else str(count)
    return Turn(question, f"{word.capitalize()} defect{'' if count == 1 else 's'}.{NOTHING}", (ANYTHING,))


def _on_part(rng: np.random.Generator, entry: Entry) -> Turn:
    if not entry.parts:
        return _yes_no(rng, entry)
    on = [spot.part for spot in entry.spots if spot.part]
    touched = {part for spot in entry.spots for part in spot.touched} - {*on}
    others = [part for part in entry.parts if part not in touched]
    if not on and not others:
        return _yes_no(rng, entry)
    part = _one(rng, on) if on and (not others or rng.random() < 0.5) else _one(rng, others)
    question = _filled(rng, ON_PART, entry, part=part)
    here = [spot for spot in entry.spots if spot.part == part]
    if not here:
        return Turn(question, f"No, nothing is wrong with the {part}.{NOTHING}", (ANYTHING,))
    words, types = _described(rng, here)
    return Turn(question, f"Yes, there is {words}.{SEG_NORMAL}", types)


def _described(rng: np.random.Generator, spots: Sequence[Spot]) -> tuple[str, tuple[str, ...]]:
    """Defects by type, the largest first: "a cut[SEG_DEFECT] on the bead at the top left and ..."."""
    types = tuple(dict.fromkeys(spot.type for spot in spots))
    told = []
    for type_ in types:
        own = [spot for spot in spots if spot.type == type_]
        count = NUMBERS[len(own)] if len(own) < len(NUMBERS) else str(len(own))
        head = with_article(type_) if len(own) == 1 else f"{count} times {type_}"
        told.append(f"{head}{SEG_DEFECT} {_listed([_place(spot) for spot in own])}")
    return _listed(told), types


def _place(spot: Spot) -> str:
    at = "in the centre" if spot.place == "centre" else f"at the {spot.place}"
    return f"on the {spot.part} {at}" if spot.part else at


def _known(entry: Entry) -> list[str]:
    """Types that may be looked for in such a picture."""
    from specsight.synthetic.tyres.defects import KINDS

    general = [name for name in PHRASES if name not in (ANYTHING, LETTERING)]
    return list(dict.fromkeys([*KINDS, *general])) if entry.kind in ("tyre line", "tyre") else general


def _absent(rng: np.random.Generator, entry: Entry) -> str:
    """A type that the picture does not show."""
    others = [name for name in _known(entry) if not any(alike(name, one) for one in entry.types)]
    return _one(rng, others)


def _filled(rng: np.random.Generator, templates: Sequence[str], entry: Entry, **slots: str) -> str:
    return _one(rng, templates).format(thing=THINGS.get(entry.kind, "part"), **slots)


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _one(rng: np.random.Generator, among: Sequence[str]) -> str:
    return among[int(rng.integers(len(among)))]

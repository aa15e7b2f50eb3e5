"""What a statement must not be taken for: emphasis for a scope, a wider kind of thing for a type that is accepted, and
an exception that is set off by commas for a second limit.

In: a statement in plain characters, and its facts. Out: nothing, or `NotUnderstood` with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from specsight.reading.facts import Fact
from specsight.reading.items import NotUnderstood
from specsight.reading.lexicon import words_of
from specsight.reading.names import GENERAL, Names
from specsight.reading.normal import stems
from specsight.reading.tokens import tokenise

EMPHASIS = re.compile(
    r"(?i)\b(?:thoroughly|carefully|closely|(?:with|take) (?:\w+ )?care|in particular|particularly|especially|above all"
    r"|in detail|too|(?<!and )also|(?<!as )as well(?! as))\b"
)
RESTRICTION = re.compile(
    r"(?i)\b(?:only|nothing|none|alone|just|solely|exclusively|purely|rest|remainder|else|elsewhere|other|others"
    r"|everything|confined?|limit(?:ed)?|restrict(?:ed)?|scope)\b"
)
NOT_ON = re.compile(r"(?i) ?[,(–] ?(?:but )?not ((?:on|in|at) [^,()–.;]+?) ?(?:[,)–] ?|(?=[.!]|$))")
"""An exception that is set off by commas, dashes or brackets."""


def refuse_emphasis(text: str, facts: Sequence[Fact]) -> None:
    """Raise NotUnderstood where a scope rests on "check the sidewall thoroughly" or "check it too" alone."""
    if any(fact.kind == "scope" for fact in facts) and EMPHASIS.search(text) and not RESTRICTION.search(text):
        raise NotUnderstood("it says nothing of the other parts: write 'only' where they are to be left out")


def refuse_loose_leniency(text: str, facts: Sequence[Fact], names: Names) -> None:
    """Raise NotUnderstood where a type is accepted by a name that is wider, narrower or of another kind.

    The specification's own names and phrases will do, and words of equal meaning ("fissure" for "crack").
    """
    lenient = {fact.defect for fact in facts if fact.kind in ("ignore", "tolerance") and fact.limit != 0.0}
    if not lenient:
        return
    for tokens in tokenise(text, names).readings[:1]:
        for token in tokens:
            loose = token.kind == "def" and token.confidence == GENERAL and token.value in lenient
            if loose and not _equal(token.text, token.value, names):
                raise NotUnderstood(
                    f"'{token.text}' is no name of '{token.value}' in the specification, the nearest type: "
                    "write that name, or give the type this phrase"
                )


def _equal(text: str, name: str, names: Names) -> bool:
    """Whether words mean the same as a name of the specification, by the lexicon's sets of equal words."""
    own = {form for form, (known, sure) in names.known["def"].items() if known == name and sure > GENERAL}
    groups = ([stems(word) for word in group.split(",")] for group in words_of("equal names"))
    return any(stems(text) in group and own & set(group) for group in groups)


def but_for_places(text: str) -> str:
    """ "Stains (not on the lettering) are fine" with "except on the lettering"; empty where nothing is set off so."""
    told = NOT_ON.sub(r" except \1 ", text)
    return "" if told == text else " ".join(told.split())

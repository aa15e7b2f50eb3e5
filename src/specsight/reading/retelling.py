"""A statement that no rule explains → the same in plainer words, and without what only tells why.

In: a statement in plain characters, and whoever reads a sentence. Out: facts of its pieces. Pieces of a statement that
are each understood count; one that only tells a story is passed over, and what "it", "them" and "there" mean is taken
from the pieces before. Raises NotUnderstood where any piece demands what is not understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import yaml

from specsight.reading.facts import Fact
from specsight.reading.items import NotUnderstood
from specsight.reading.names import Names
from specsight.reading.tokens import Token, expanded, tokenise

Read = Callable[[str], list[Fact]]
"""The facts of a sentence; raises NotUnderstood."""

EMPHASIS = re.compile(
    r"(?i)[,–]? *\b(?:however|no matter how) (?:small|slight|tiny|short|faint|minor)\b *[,–]?"
    r"|[,–]? *\bnot even [^,.;]*|[,–]? *\bwhatever (?:their|its|the) (?:length|size|width)\b,?|, no exceptions"
    r"|,? *\bregardless of (?:their|its|the) size(?: and (?:position|place|location))?|\bin the least\b|\bfirst and foremost\b|, if any,|\bany more(?=[.!]|$)|\bfor heaven's sake\b| ?\bin the meantime\b"  # noqa: E501
    r"| ?\b(?:this|next) week\b(?=[.!]|$)| and none (?:may|must) get out\b|^note \d+: *"
    r"|^(?:please )?note(?: that\b|:) *|^(?:as agreed|for this (?:batch|lot|order)), *"
)
"""What only stresses that nothing is excused; it belongs to sentences that accept nothing."""
JOINT = re.compile(
    r"\s*(?:[,;.!?]|(?<=\s)–)\s+(?:(?:so|hence|therefore|and|but|thus|then|whereas|while|on the other hand)\b,?\s*)*"
)
STORY = re.compile(
    r"(?i)^(?:(?:it|they|this|that|which|he|she|we|i|you|(?:the|our) \w+)(?:'s|'ll|'re|'m| )"
    r"|after all|as |since |thanks|hi\b|hello|dear)"
)
"""Beginnings of pieces that tell who, why or when."""
UNSURE = re.compile(
    r"(?i)\b(?:if|unless|when|until|except|but|only|maybe|perhaps|probably|hope|think|guess|not sure|unless|whether|should"  # noqa: E501
    r"|must|may|shall|never|none|no|nothing|anything|everything|rest|else|other|others|ones|instead|limit)\b"
)
CONDITION = re.compile(
    r"(?i)^(?:on|in|at|for|during|with|without|by|before|abroad|outside|inside|where|once)\b"
)
"""Beginnings of pieces that may say when the others hold."""
DEMANDS = frozenset(
    {
        "accept",
        "reject",
        "ignore",
        "inspect",
        "report",
        "limit",
        "limitto",
        "lookfor",
        "known",
        "require",
        "missing",
    }
)
PRONOUN = re.compile(r"(?i)\b(?:it|them|they|those|these|of those|of the sort|of them|(?<=at )that)\b")
THERE = re.compile(
    r"(?i)(?<=\w )(?<!\band )(?<!\bif )(?<!\bthat )(?<!\bwhen )(?<!\bsure )(?<!\bor )\bthere\b"
    r"|\bthere\b(?! (?:is|are|must|may|shall|should|can))"
)
GENERIC = re.compile(
    r"(?i)\b(?:(?:all|any|every)? ?(?:anything|(?:defects?|faults?|flaws?|imperfections?)(?: of any kind| whatsoever)?))\b"  # noqa: E501
    r"(?: anywhere\b)?"
)
NOTHING = re.compile(r"(?i)\bnothing\b(?! else)")
PERFECT = re.compile(
    r" (?:has|have) (?:already )?(?:been )?(?:approved|checked|inspected|passed|accepted|examined)\b"
)
"""What somebody else has done already demands nothing."""
MOST_PIECES = 6


@dataclass
class _Told:
    """What pronouns may mean."""

    defect: str = ""
    part: str = ""


@lru_cache(maxsize=1)
def _idioms() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Idioms of `idioms.yaml`, and the words that the lexicon has for them."""
    given = yaml.load(Path(__file__).with_name("idioms.yaml").read_text("utf-8"), yaml.CSafeLoader)
    return tuple((re.compile(one["idiom"], re.IGNORECASE), one["plain"]) for one in given)


def plainer(text: str) -> str:
    """A sentence with its idioms in the words of the lexicon."""
    text = EMPHASIS.sub("", text).strip(" .!")
    for pattern, words in _idioms():
        text = pattern.sub(words, text).strip()
    return " ".join(text.split())


def retold(text: str, names: Names, read: Read, before: str = "") -> list[Fact]:
    """The facts of a statement in plainer words or piece by piece; `before`: what was said before it.

    Raises NotUnderstood.
    """
    text = expanded(text)
    told = _told(before, _Told(), names)
    for attempt in (_whole, _of_every_type):
        try:
            if not _refers(text) and (found := attempt(text, names, read)):
                return found
        except NotUnderstood:
            continue
    return _by_pieces(text, names, read, told)


def _refers(text: str) -> bool:
    """Whether a sentence speaks of something by "they" or "there"."""
    return bool(PRONOUN.search(text) or THERE.search(text))


def _told(text: str, told: _Told, names: Names) -> _Told:
    """What pronouns may mean behind a text."""
    for token in _named(text, names) if text else ():
        told = _Told(told.defect, token.text) if token.kind == "part" else _Told(token.text, told.part)
    return told


def _whole(text: str, names: Names, read: Read) -> list[Fact]:
    told = plainer(text)
    if told == text.strip(" .!"):
        raise NotUnderstood("")
    return read(told)


def _of_every_type(text: str, names: Names, read: Read) -> list[Fact]:
    """ "Anything over 2 mm is rejected": a limit for each type of the product."""
    if not names.defects or any(one.kind == "def" for one in _named(text, names)):
        raise NotUnderstood("")
    first = names.defects[0]
    told = NOTHING.sub(f"no {first}", GENERIC.sub(f" {first} ", text))
    if told == text:
        raise NotUnderstood("")
    try:
        facts = read(told)
    except NotUnderstood:
        facts = read(plainer(told))
    if any(fact.kind != "tolerance" or fact.defect != first for fact in facts):
        raise NotUnderstood("")
    return [replace(fact, defect=name, confidence=0.8) for name in names.defects for fact in facts]


def _by_pieces(text: str, names: Names, read: Read, told: _Told) -> list[Fact]:
    pieces = [piece.strip(" .,;!") for piece in JOINT.split(text) if piece and piece.strip(" .,;!")]
    if len(pieces) < (2 if told == _Told() else 1) or len(pieces) > MOST_PIECES:
        raise NotUnderstood("")
    facts: list[Fact] = []
    # A piece may leave out the type that another names; a sentence only refers to the one before by a pronoun.
    here = _Told()
    for k, piece in enumerate(pieces):
        found = _understood(piece, told, here, names, read)
        if not found and not _is_story(piece, names, pieces[k + 1 :], first=k == 0):
            raise NotUnderstood("")
        facts += found
        told, here = _told(piece, told, names), _told(piece, here, names)
    if not facts:
        raise NotUnderstood("")
    return list(dict.fromkeys(facts))


def _understood(piece: str, told: _Told, here: _Told, names: Names, read: Read) -> list[Fact]:
    """The facts of a piece, with what its pronouns mean (`told`) and what it leaves out (`here`); empty where it is
    not understood."""
    for words in _candidates(piece, told, here, names):
        for said in dict.fromkeys((words, plainer(words))):
            try:
                return read(said)
            except NotUnderstood:
                continue
    return []


def _candidates(piece: str, told: _Told, here: _Told, names: Names) -> Iterator[str]:
    own = {token.kind for token in _named(piece, names)}
    placed = THERE.sub(f"on the {told.part}", piece) if told.part else piece
    if placed == piece and THERE.search(piece):
        return
    meant = told.defect or told.part
    if PRONOUN.search(placed):
        if meant and "def" not in own:
            yield PRONOUN.sub(meant, placed, count=1)
            if told.part and told.part != meant:
                yield PRONOUN.sub(told.part, placed, count=1)
        return
    yield placed
    if "def" not in own and here.defect and not re.search(r"(?i)\bonly\b", placed):
        if none := re.fullmatch(r"(?i)((?:on|in|at) .+?),? none", placed):
            yield f"no {here.defect} {none[1]}"
        yield f"{here.defect} {placed}"
        yield f"{here.defect}: {placed}"


def _named(text: str, names: Names) -> list[Token]:
    readings = tokenise(text, names).readings
    return [token for token in (readings[0] if readings else ()) if token.kind in ("def", "part")]


def _is_story(piece: str, names: Names, others: Sequence[str], first: bool) -> bool:
    """Whether a piece only tells something: no demand, no quantity, no condition.

    It names parts and types only where a piece behind it refers to them: "The vanes are hidden, so skip them".
    """
    referred = any(map(_refers, others))
    told = STORY.match(piece) or (first and referred)
    if UNSURE.search(piece) or CONDITION.match(piece) or not told:
        return False
    readings = tokenise(PERFECT.sub(" is ", piece), names).readings
    tokens = readings[0] if readings else ()
    barred = ("quantity", "onlyone", "except", "none", "no", *(() if referred else ("not",)))
    if any(token.kind in barred for token in tokens):
        return False
    if any(token.kind == "pred" and token.value in DEMANDS for token in tokens):
        return False
    return referred or not any(token.kind in ("def", "part") for token in tokens)

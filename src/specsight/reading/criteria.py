"""Sentences that add a kind to what counts as a defect, or take it away → the kinds, and which of both.

In: a statement in plain characters, without remarks. Out: the names of the kinds; None for all other statements. What
is said of the list of defects ("the catalogue now includes …", "has been removed from …") is
said of the kind.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from specsight.reading.names import Names
from specsight.reading.novelty import MOST_WORDS, OTHER_WORDS
from specsight.reading.quantities import quantities

_TIME = (
    r"(?:(?:from|as of|as from|starting|beginning|effective|with effect from|since) (?:now|today|tomorrow|immediately|this"  # noqa: E501
    r" (?:week|month|shift|batch)|next (?:week|month|shift|batch)|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|[\w ]{0,12}\d{1,4}|\d{1,2} \w{3,9})(?: on(?:wards)?)?|henceforth|in future|with immediate effect|effective immediately)"  # noqa: E501
)
_OPENER = rf"(?:(?:{_TIME}|please|also)[,:]? )*"
_CRITERION = (
    r"(?:(?:reject(?:ion)?|scrap|rejection) criteri(?:on|a)|(?:new )?(?:defects?|faults?|flaws?)(?: types?)?)"
)
_LIST = (
    r"(?:the |our |your )?(?:known |possible |recognised )?(?:(?:(?:list|catalogue|catalog|register) of )?"
    r"(?:defects?|faults?|flaws?|reject(?:ion)? criteria)|(?:defect|fault|flaw|reject(?:ion)?) (?:list|catalogue|catalog|register|types|kinds))"  # noqa: E501
)
_N = r"(?P<n>[^:;.!?,]{3,70}?)"
_NOW = r"(?: (?:now|also|henceforth|additionally))*"
_ACT = (
    r"(?:(?: ?[:;,.–-]| and) *(?:please )?(?:reject|report|flag|record|scrap|sort out)"
    r" (?:it|them|these|those)(?: (?:at once|on sight|always|wherever found|immediately))?)?[ .!]*"
)
ACTS = re.compile(
    rf"(?i):?{_ACT}|(?: *(?:please )?(?:reject|report|flag|record|scrap|sort out) (?:it|them|these|those)[ .!]*)"
)
ADDED = tuple(
    re.compile(rf"(?i){_OPENER}{pattern}{_ACT}")
    for pattern in (
        rf"{_LIST}{_NOW} (?:includes?|comprises?|contains?|covers?|lists?){_NOW} {_N}",
        rf"{_LIST} (?:has|have|is|are|was|were){_NOW} (?:been )?(?:extended|expanded|supplemented|amended|enlarged)"
        rf" (?:by|with|to include) {_N}",
        rf"{_N} (?:has|have|is|are|was|were){_NOW} (?:been )?(?:added to|included in|entered in|put on) {_LIST}",
        rf"{_N} (?:is|are|becomes?|has become|have become|counts? as){_NOW} (?:an? |one of the |among the )?"
        r"(?:reject(?:ion)?|scrap) criteri(?:on|a)",
        rf"(?:an? )?(?:new|further|additional) (?:reject(?:ion)?|scrap) criteri(?:on|a) ?(?:is|are|:) ?{_N}",
        rf"[a-z][\w /-]{{2,40}}: (?:any|every|each) {_N} (?:is|counts as){_NOW} (?:to be )?(?:an? )?{_CRITERION}",
        rf"{_N} (?:is|are|becomes?|has become|have become){_NOW} rejectable",
    )
)
TAKEN_AWAY = tuple(
    re.compile(rf"(?i){_OPENER}{pattern}[ .!]*")
    for pattern in (
        rf"{_LIST} no longer (?:includes?|comprises?|contains?|covers?|lists?) {_N}",
        rf"{_N} (?:has|have|is|are|was|were){_NOW} (?:been )?(?:removed|deleted|struck|dropped|taken) (?:from|off) {_LIST}",  # noqa: E501
        rf"{_N} (?:is|are|counts? as) (?:not|no longer) (?:an? |one of the |among the )?{_CRITERION}",
        rf"{_N} (?:no longer counts?|does not count|do not count) as (?:an? )?{_CRITERION}",
        rf"{_N} (?:is|are) no (?:longer )?(?:reject(?:ion)?|scrap) criteri(?:on|a)",
        rf"[a-z][\w /-]{{2,40}}: no {_N} (?:is|counts as) (?:an? )?{_CRITERION}",
    )
)
UNNAMED = re.compile(r"(?i)\b(?:new|further|additional|other|same|removed|added|reject\w*|criteri\w+)\b")
"""Words that are in no name of a kind of defect."""


class Told(NamedTuple):
    """What a statement says of kinds of defect."""

    kinds: list[str]
    counts: bool
    """Whether they count as defects from now on, or no longer do."""


def restated(text: str, names: Names) -> Told | None:
    """The kinds that a statement adds to what counts as a defect, or takes away; None where it says nothing of that."""
    text = " ".join(text.split())
    label = text.partition(":")[0].casefold().split()
    said = text.partition(":")[2]
    named = any(match.kind != "product" for k in range(len(label)) for match in names.matches(label, k))
    if said.strip() and named and not ACTS.fullmatch(said):
        # "Tread: any bulge is a defect" is said of a part.
        return None
    for patterns, counts in ((TAKEN_AWAY, False), (ADDED, True)):
        for pattern in patterns:
            if (match := pattern.fullmatch(text)) and (kinds := _names(match["n"])):
                return Told(kinds, counts)
    return None


def _names(given: str) -> list[str]:
    """The names in a list, without articles; none where one of them is no name."""
    pieces = re.split(r"(?i) and | & ", given.strip(" '\""))
    names = [re.sub(r"(?i)^(?:an?|the|any|every|each|all|some) ", "", piece.strip()) for piece in pieces]
    sound = all(
        0 < len(name.split()) <= MOST_WORDS
        and not (OTHER_WORDS.search(name) or UNNAMED.search(name) or any(quantities(name)))
        for name in names
    )
    return names if sound else []

"""What sentences are held to before anyone reads them.

A sentence that is filled from evidence: its numbers stand in its slots; the types, parts and levels that it names are
those of the findings that it cites, or of the question; its verdict is the decision's. A rewording: the same numbers,
names, verdict and answer as the sentences that it puts in other words, none more and none less.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from specsight.asking.answer import Sentence, SentenceCheck
from specsight.asking.judged_picture import JudgedPicture
from specsight.asking.names import ProductNames
from specsight.asking.query import Query
from specsight.asking.tagging import tagged

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
VERDICTS = re.compile(r"\b(accepted|rejected)\b", re.IGNORECASE)
NEGATION = re.compile(r"\b(?:no|not|none|nothing|cannot|never|without|neither|nor)\b|n't\b", re.IGNORECASE)
LEADS = re.compile(r"\b(yes|no)\b[:.,]", re.IGNORECASE)
NAMED = ("TYPE", "OTHERTYPE", "PART", "LEVEL", "FEATURE", "PLACE")
OF_EVIDENCE = ("TYPE", "PART", "LEVEL")


def check_sentence(
    one: Sentence, seen: JudgedPicture | None, query: Query, names: ProductNames
) -> tuple[SentenceCheck, ...]:
    """What a sentence that was filled from evidence is held to."""
    filled = Counter(number for slot in one.evidence.slots.values() for number in NUMBER.findall(slot))
    invented = [number for number in NUMBER.findall(one.text) if number not in filled]
    checks = [SentenceCheck("numbers", not invented, ", ".join(invented))]
    if seen is not None:
        beyond = [number for number in one.evidence.findings if not 1 <= number <= len(seen.findings)]
        checks.append(SentenceCheck("findings", not beyond, ", ".join(map(str, beyond))))
        if set(one.evidence.sources) <= {"findings", "part map"} and not beyond:
            foreign = list(_foreign(one, seen, query, names))
            checks.append(SentenceCheck("names", not foreign, ", ".join(foreign)))
        said = {"accepted": "accept", "rejected": "reject"}
        verdict = VERDICTS.match(one.text.removeprefix("Yes. ").removeprefix("No. "))
        if verdict and "reference" not in one.evidence.sources:
            same = said[verdict[1].lower()] == one.evidence.verdict
            checks.append(SentenceCheck("verdict", same, "" if same else verdict[1]))
    return tuple(checks)


def _foreign(one: Sentence, seen: JudgedPicture, query: Query, names: ProductNames) -> Iterator[str]:
    """Names in a sentence that neither the findings that it cites nor the question hold."""
    allowed = {*query.types, *query.parts, query.level}
    for number in one.evidence.findings:
        finding = seen.finding(number)
        allowed |= {
            name
            for name in (finding.type, finding.part, finding.peak_part, finding.severity, *finding.also)
            if name
        }
    if "part map" in one.evidence.sources:
        allowed |= set(seen.parts or ())
    same = {tag.value for name in allowed for tag in tagged(name, names)} | allowed
    for tag in tagged(one.text, names):
        if tag.tag in OF_EVIDENCE and tag.value not in same:
            yield tag.text


def check_rewording(text: str, plain: str, names: ProductNames) -> tuple[SentenceCheck, ...]:
    """What a language model's words are held to."""
    return (
        _same("numbers", NUMBER.findall(text), NUMBER.findall(plain)),
        _same("names", _names(text, names), _names(plain, names)),
        _same(
            "verdict",
            [word.lower() for word in VERDICTS.findall(text)],
            [word.lower() for word in VERDICTS.findall(plain)],
        ),
        _same(
            "answer",
            [word.lower() for word in LEADS.findall(text)],
            [word.lower() for word in LEADS.findall(plain)],
        ),
        SentenceCheck(
            "negation",
            bool(NEGATION.search(text)) == bool(NEGATION.search(plain)),
            "a negation that is not the same",
        ),
    )


def _same(name: str, said: Sequence[str], known: Sequence[str]) -> SentenceCheck:
    """Whether the same things are said, each at least once and none more often: "the left sidewall" says another part
    than "the sidewall, at the left"."""
    invented = sorted(Counter(said) - Counter(known))
    left_out = sorted(set(known) - set(said))
    found = [*(f"'{one}' is new" for one in invented), *(f"'{one}' is left out" for one in left_out)]
    return SentenceCheck(name, not found, ", ".join(found[:5]))


def _names(text: str, names: ProductNames) -> list[str]:
    return [f"{tag.value or tag.text}" for tag in tagged(text, names) if tag.tag in NAMED]

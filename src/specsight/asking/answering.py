"""A typed query and pictures that were judged → checked sentences.

In: a query, pictures, what answers share. Out: sentences with their evidence and checks. One that fails a check is
never told: what failed is said in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from specsight.asking import (
    about_findings,
    about_measures,
    about_rules,
    about_types,
    about_verdict,
    comparing,
)
from specsight.asking.answer import Evidence, Sentence
from specsight.asking.checks import check_sentence
from specsight.asking.context import Context, sentence
from specsight.asking.judged_picture import JudgedPicture
from specsight.asking.limits import no_reference, not_understood, unable, unknown_types
from specsight.asking.query import Kind, Query
from specsight.asking.words import capitalised

About = Callable[[JudgedPicture, Query, Context], Iterator[Sentence]]
ABOUT: Mapping[Kind, About] = {
    "presence": about_findings.presence,
    "type": about_findings.types,
    "count": about_findings.count,
    "place": about_measures.place,
    "part": about_measures.part,
    "size": about_measures.size,
    "severity": about_measures.severity,
    "cause": about_types.cause,
    "consequence": about_types.consequence,
    "action": about_types.action,
    "verdict": about_verdict.verdict,
    "why": about_verdict.why,
    "what-if": about_rules.what_if,
    "confidence": about_verdict.confidence,
    "requirement": about_rules.requirement,
    "note": about_verdict.note,
    "describe": about_verdict.describe,
}
"""Kind of a query → what answers it for one picture; "compare" takes all of them at once."""


def answer_query(query: Query, pictures: Sequence[JudgedPicture], context: Context) -> list[Sentence]:
    """The checked sentences that answer one query about the pictures that it means."""
    if query.kind == "unknown":
        return [not_understood()]
    meant = meant_pictures(query, pictures)
    if query.reference and query.kind != "compare":
        if context.reference is None:
            return [no_reference()]
        meant = [context.reference]
    if not meant:
        return [_no_such_picture(pictures)]
    by_id = {one.id: one for one in (*meant, *([context.reference] if context.reference else []))}
    told = list(unknown_types(query, context))
    if told and not query.types:
        return [_checked(one, None, query, context) for one in told]
    if query.kind == "compare":
        compared = comparing.compare(meant, query, context)
        return [_checked(one, by_id.get(one.evidence.picture), query, context) for one in compared]
    answer = ABOUT[query.kind]
    for seen in meant:
        refused = unable(seen, query, context)
        sentences = [refused] if refused else list(answer(seen, query, context))
        checked = [_checked(one, seen, query, context) for one in sentences]
        if len(meant) > 1 and checked:
            checked[0] = replace(checked[0], text=f"{capitalised(seen.name)}: {checked[0].text}")
        told += checked
    return told


def meant_pictures(query: Query, pictures: Sequence[JudgedPicture]) -> list[JudgedPicture]:
    """The pictures that a query means, in the order in which it names them; all of them where it names none."""
    if not query.pictures:
        return list(pictures)
    last = max((one.number for one in pictures), default=0)
    numbers = [last if number == -1 else number for number in query.pictures]
    by_number = {one.number: one for one in pictures}
    return [by_number[number] for number in numbers if number in by_number]


def _no_such_picture(pictures: Sequence[JudgedPicture]) -> Sentence:
    count = len(pictures)
    return sentence(
        None,
        "There is no such picture among those that can be read: {count}.",
        ("question",),
        abstains=True,
        count="there is one, picture 1"
        if count == 1
        else "there are " + ", ".join(one.name for one in pictures),
    )


def _checked(one: Sentence, seen: JudgedPicture | None, query: Query, context: Context) -> Sentence:
    checks = check_sentence(one, seen, query, context.names)
    failed = [check for check in checks if not check.passed]
    if not failed:
        return replace(one, checks=checks)
    reasons = "; ".join(f"{check.name}: {check.found}" for check in failed)
    evidence = Evidence(one.evidence.sources, one.evidence.picture, slots={"reasons": reasons})
    text = (
        f"What was found has no words here that pass all checks ({reasons}): read the findings with --json."
    )
    return Sentence(text, evidence, abstains=True, checks=checks)

"""Questions about rules → sentences: the verdict under other rules, and whether what is required is there.

In: a query and a picture that was judged. Out: sentences; where a question supposes or requires what the specification
does not, the picture that was looked at is judged again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from specsight.asking.about_findings import presence
from specsight.asking.answer import Sentence
from specsight.asking.context import LISTED, Context, select, sentence
from specsight.asking.judged_picture import JudgedPicture
from specsight.asking.query import Query
from specsight.asking.words import on_parts, verdict_word
from specsight.errors import excerpt
from specsight.explain import not_applied
from specsight.reading import read
from specsight.records import NotApplied
from specsight.specification import Clause, Ignore, Instruction, Only, Requirement, Scope, Tolerance, Unread


def what_if(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """What the verdict would be under other rules: the picture is judged again."""
    supposed = read(query.supposed, context.inspector.specification)
    unread = [one for one in supposed.clauses if isinstance(one, Unread)]
    if unread or not supposed.clauses:
        reason = next((one.reason for one in unread if isinstance(one, Unread) and one.reason), "")
        yield sentence(
            seen,
            "What is supposed is not understood: '{words}'{reason}; say it as a rule, such as 'stains are acceptable'.",
            ("question",),
            abstains=True,
            words=excerpt(query.supposed),
            reason=f" ({reason})" if reason else "",
        )
        return
    instruction = together(context.given, supposed)
    then = context.judge_again(seen, instruction)
    decision = then.inspection.decision
    failed = [one for one in decision.not_applied if one.clause in supposed.clauses]
    if failed or decision.verdict is None:
        yield _cannot_suppose(seen, query, failed)
        return
    now = seen.inspection.verdict
    lead = "" if not query.claims else "Yes: " if decision.verdict == query.claims else "No: "
    same = "as it is now" if decision.verdict == now else f"now it is {verdict_word(now)}"
    yield sentence(
        then,
        "{lead} '{words}' the part would be {verdict} ({same}).",
        ("decision",),
        findings=range(1, len(then.findings) + 1),
        clauses=[clause.words for clause in supposed.clauses],
        lead=f"{lead}under" if lead else "Under",
        words=excerpt(query.supposed),
        verdict=verdict_word(decision.verdict),
        same=same,
    )
    yield sentence(
        then,
        "The reasons then: {statement}",
        ("decision",),
        findings=range(1, len(then.findings) + 1),
        clauses=[decision.deciding.words] if decision.deciding else (),
        statement=then.inspection.statement,
    )


def _cannot_suppose(seen: JudgedPicture, query: Query, failed: Sequence[NotApplied]) -> Sentence:
    lines = not_applied(failed)
    return sentence(
        seen,
        "What the verdict would be under '{words}' cannot be said: {lines}.",
        ("decision",),
        clauses=[one.clause.words for one in failed],
        abstains=True,
        words=excerpt(query.supposed),
        lines="; ".join(lines[:LISTED]) or "no threshold was calibrated",
    )


def together(given: Instruction | None, supposed: Instruction) -> Instruction:
    """The instruction with what is supposed: a supposed clause stands in place of one of the same kind about the same
    type, and a supposed scope in place of the others."""
    if given is None:
        return supposed
    defects = {one.defect for one in supposed.clauses if isinstance(one, Tolerance | Ignore | Only)}

    def stays(clause: Clause) -> bool:
        if isinstance(clause, Scope):
            return not supposed.scope
        if isinstance(clause, Only) and supposed.only:
            return False
        return not (isinstance(clause, Tolerance | Ignore | Only) and clause.defect in defects)

    return Instruction.of([*filter(stays, given.clauses), *supposed.clauses], supposed.text)


def requirement(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """Whether required features are there; a feature that nothing requires is looked for as if it were."""
    if query.types and select(seen, query, context, among=seen.counted).numbers:
        # The lack of the feature is a type of defect, and was found as that.
        yield from presence(seen, replace(query, kind="presence", claims=""), context)
        return
    specification = context.inspector.specification
    known: list[Requirement] = [*(specification.requirements if specification else ())]
    known += context.given.requirements if context.given else ()
    if query.features:
        for feature in query.features:
            meant = [one for one in known if one.feature == feature]
            asked = meant or [Requirement(feature=feature, part=query.parts[0] if query.parts else None)]
            judged = (
                seen if meant else context.judge_again(seen, together(context.given, Instruction.of(asked)))
            )
            for clause in asked:
                yield _required(judged, clause, query)
        return
    if query.parts:
        known = [
            one
            for one in known
            if one.part is not None and any(context.part_words.same(one.part, part) for part in query.parts)
        ]
    if not known:
        yield sentence(
            seen,
            "Nothing is required{where}, so nothing is known to be missing: name what must be there in the "
            "specification (requirements).",
            ("specification",),
            abstains=True,
            where=on_parts(query.parts),
        )
        return
    for clause in known:
        yield _required(seen, clause, query)


def _required(seen: JudgedPicture, clause: Requirement, query: Query) -> Sentence:
    there, missing = ("No", "Yes") if query.claims == "absent" else ("Yes", "No")
    looked = seen.presence_of(clause)
    decision = seen.inspection.decision
    if looked is not None and looked.count is not None:
        return sentence(
            seen,
            "{lead}: {found}.",
            ("presence",),
            clauses=(clause.words,),
            lead=there if looked.count >= clause.count else missing,
            found=looked.found,
        )
    reason = next((one.reason for one in decision.not_applied if one.clause == clause), "")
    if reason:
        return sentence(
            seen,
            "Whether the {feature} is there cannot be said: {reason}.",
            ("presence",),
            clauses=(clause.words,),
            abstains=True,
            feature=clause.feature,
            reason=reason,
        )
    unmet = clause in seen.unmet
    return sentence(
        seen,
        "{lead}: '{clause}' is {met}.",
        ("decision", "findings"),
        clauses=(clause.words,),
        lead=missing if unmet else there,
        clause=excerpt(clause.words).rstrip("."),
        met="not met" if unmet else "met",
    )

"""Questions about the decision → sentences: the verdict, why, how sure that is, all of it in words, the note.

In: a query and a picture that was judged. Out: sentences; what they say of the verdict is what the decision says.
"""

from __future__ import annotations

from collections.abc import Iterator

from specsight.asking.about_findings import nothing_meant, presence
from specsight.asking.answer import Sentence
from specsight.asking.context import LISTED, Context, described, select, sentence
from specsight.asking.judged_picture import JudgedPicture
from specsight.asking.query import Query
from specsight.asking.words import capitalised, listed
from specsight.errors import excerpt
from specsight.explain import not_applied, told_apart
from specsight.specification import Unread


def verdict(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """Whether the part is accepted; of a type, whether what was found of it is."""
    if query.types:
        yield from _verdict_of_types(seen, query, context)
    decision = seen.inspection.decision
    agrees = decision.verdict == (query.claims or decision.verdict)
    lead = "" if not query.claims or query.types else "Yes. " if agrees else "No. "
    yield sentence(
        seen,
        "{lead}{statement}",
        ("decision", "findings"),
        findings=range(1, len(seen.findings) + 1),
        clauses=[decision.deciding.words] if decision.deciding else (),
        lead=lead,
        statement=seen.inspection.statement,
    )
    yield from _without_effect(seen, context)


def _verdict_of_types(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    found = select(seen, query, context)
    if not found.numbers:
        yield nothing_meant(seen, query, context)
        return
    for k in found.numbers[:LISTED]:
        clause = seen.excused.get(k)
        accepts = clause is not None
        lead = "Yes" if accepts == (query.claims != "reject") else "No"
        yield sentence(
            seen,
            "{lead}: {found}; "
            + ("'{clause}' accepts it." if clause else "no rule accepts it, so it counts."),
            ("findings", "decision"),
            findings=(k,),
            clauses=(clause.words,) if clause else (),
            lead=lead,
            found=described(seen, [k]),
            clause=excerpt(clause.words).rstrip(".") if clause else "",
        )


def why(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """What the verdict rests on."""
    decision = seen.inspection.decision
    yield sentence(
        seen,
        "{statement}",
        ("decision", "findings"),
        findings=range(1, len(seen.findings) + 1),
        clauses=[decision.deciding.words] if decision.deciding else (),
        statement=seen.inspection.statement,
    )
    yield from _without_effect(seen, context)


def _without_effect(seen: JudgedPicture, context: Context) -> Iterator[Sentence]:
    """Clauses of the specification without effect on the verdict; those of the instruction stand in the statement."""
    given = context.given.clauses if context.given else ()
    left = [
        one
        for one in seen.inspection.decision.not_applied
        if one.clause not in given or isinstance(one.clause, Unread)
    ]
    lines = not_applied(left)
    if lines:
        rest = len(lines) - LISTED
        yield sentence(
            seen,
            "Could not be applied: {lines}.",
            ("decision",),
            clauses=[one.clause.words for one in left],
            lines="; ".join(lines[:LISTED]) + (f"; and {rest} more" if rest > 0 else ""),
        )
    if context.inspector.specification is None and not given:
        yield sentence(
            seen, "No specification was given: the verdict rests on the score alone.", ("specification",)
        )


def confidence(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """What tells how sure the verdict is: how far the score is from the threshold, what that promises, and whether good
    parts came as far. No probability: none is calibrated."""
    yield _against_threshold(seen)
    yield from _against_good_parts(seen, context)
    calibration = context.inspector.calibration
    if calibration:
        yield sentence(
            seen,
            "{promise}. It is a promise about good parts; a probability of a defect is not calibrated.",
            ("calibration",),
            promise=capitalised(calibration.statement().rstrip(".")),
        )
    doubtful = [k for k in select(seen, query, context).numbers if seen.finding(k).also]
    if doubtful:
        yield sentence(
            seen,
            "Of the type the model is not sure: {found}.",
            ("findings",),
            findings=doubtful,
            found=described(seen, doubtful),
        )


def _against_threshold(seen: JudgedPicture) -> Sentence:
    """How far what was compared lies from the threshold."""
    decision = seen.inspection.decision
    score, threshold = told_apart(decision.score, decision.threshold or 0.0)
    compares = decision.threshold is not None and decision.threshold > 0 and decision.score > 0
    times = f"{decision.score / (decision.threshold or 1.0):.2f}" if compares else ""
    return sentence(
        seen,
        "{what} {score}, and the threshold is {threshold}"
        + (": {times} times the threshold." if times else "."),
        ("decision",),
        what="What still counts reaches" if decision.by_map else "The score is",
        score=score,
        threshold=threshold,
        times=times,
    )


def _against_good_parts(seen: JudgedPicture, context: Context) -> Iterator[Sentence]:
    """How many good parts that were judged unseen scored as high; each by its highest picture."""
    held_out = context.inspector.held_out
    if not held_out or seen.inspection.decision.by_map:
        return
    highest: dict[int, float] = {}
    for one in held_out.pictures:
        highest[one.part] = max(one.score, highest.get(one.part, one.score))
    above = sum(score >= seen.inspection.score for score in highest.values())
    yield sentence(
        seen,
        "Of {total} good parts that were judged unseen, {above} scored as high.",
        ("calibration",),
        total=str(len(highest)),
        above=str(above) if above else "none",
    )


def note(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """What an operator wrote: quoted, as data that nothing follows."""
    written = seen.inspection.operator_note
    if not written:
        yield sentence(seen, "No operator's note came with the picture.", ("note",))
        return
    yield sentence(
        seen,
        "The operator wrote: “{note}” It is data, and no decision follows it.",
        ("note",),
        note=excerpt(written),
    )


def describe(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """What was found, in words; of some parts, what was found there."""
    if query.parts or query.places:
        yield from presence(seen, Query("presence", query.types, query.parts, query.places), context)
        return
    product = seen.inspection.product
    shows = f", showing {listed([f'the {part}' for part in seen.parts])}" if seen.parts else ""
    if seen.inspection.decision.unlike is None and product:
        yield sentence(
            seen,
            "The picture was inspected as '{product}'{shows}.",
            ("specification", "part map") if seen.parts else ("specification",),
            product=product,
            shows=shows,
        )
    yield sentence(
        seen,
        "{statement}",
        ("decision", "findings"),
        findings=range(1, len(seen.findings) + 1),
        statement=seen.inspection.statement,
    )
    if seen.inspection.operator_note:
        yield from note(seen, query, context)

"""Questions about what was found → sentences: whether there is a defect, what it is, how many there are.

In: a query and a picture that was judged. Out: sentences, each with the findings that it rests on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specsight.asking.answer import Sentence
from specsight.asking.context import Context, MeantFindings, described, select, sentence
from specsight.asking.judged_picture import JudgedPicture
from specsight.asking.query import Query
from specsight.asking.words import a_named, at_places, capitalised, counted, listed, on_parts
from specsight.errors import excerpt
from specsight.explain import told_apart
from specsight.specification.vocabulary import without_article


def presence(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """Whether there is a defect, or one of a type, on a part, at a place."""
    found = select(seen, query, context, among=seen.counted)
    yes, no = ("No", "Yes") if query.claims == "absent" else ("Yes", "No")
    what = f"{a_named(query.types)}{on_parts(query.parts)}{at_places(query.places)}"
    if found.numbers:
        yield sentence(
            seen,
            "{lead}: {found}.",
            ("findings",),
            findings=found.numbers,
            lead=yes,
            found=described(seen, found.numbers),
        )
        if seen.inspection.verdict == "accept":
            yield _accepted_all_the_same(seen)
    elif found.maybe:
        yield sentence(
            seen,
            "Not for certain: {found} may be {what}.",
            ("findings",),
            findings=found.maybe,
            found=described(seen, found.maybe),
            what=what,
        )
    elif not query.types and (others := list(beyond_findings(seen, query, context, yes))):
        yield from others
    else:
        yield _absent(seen, query, found, what, no)
    if found.untyped and not found.numbers:
        yield untyped_cannot_say(seen, query, found)
    yield from excused(seen, query, context)


def _absent(seen: JudgedPicture, query: Query, found: MeantFindings, what: str, no: str) -> Sentence:
    others = [k for k in seen.counted if k not in (*found.maybe, *found.untyped)]
    return _not_found(seen, query, without_article(what), others, lead=no)


def _not_found(
    seen: JudgedPicture, query: Query, what: str, others: Sequence[int], lead: str = ""
) -> Sentence:
    """A sentence that what is asked for was not found and, where the question narrows that down, what was."""
    told = others if query.types or query.parts or query.places else ()
    return sentence(
        seen,
        ("{lead}: no" if lead else "No")
        + " {what} was found."
        + (" What was found: {others}." if told else ""),
        ("findings",),
        findings=told,
        lead=lead,
        what=what,
        others=described(seen, told),
    )


def beyond_findings(seen: JudgedPicture, query: Query, context: Context, yes: str) -> Iterator[Sentence]:
    """What speaks against the part though no region does: features that are missing, and a score without a place."""
    for clause in seen.unmet:
        if query.parts and not (
            clause.part and any(context.part_words.same(clause.part, one) for one in query.parts)
        ):
            continue
        looked = seen.presence_of(clause)
        yield sentence(
            seen,
            "{lead}: {found}.",
            ("presence",),
            clauses=(clause.words,),
            lead=yes,
            found=looked.found if looked and looked.found else f"'{excerpt(clause.words)}' is not met",
        )
    decision = seen.inspection.decision
    if seen.counted or seen.unmet or decision.verdict != "reject" or decision.threshold is None:
        return
    if decision.score <= decision.threshold:
        return
    score, threshold = told_apart(decision.score, decision.threshold)
    where = (
        "so it cannot be said where"
        if query.parts or query.places
        else "so it cannot be said what or where it is"
    )
    yield sentence(
        seen,
        "{lead}the score {score} is above the threshold {threshold}, but no single region stands out, {where}.",
        ("decision",),
        abstains=bool(query.parts or query.places),
        lead="" if query.parts or query.places else f"{yes}: ",
        score=score,
        threshold=threshold,
        where=where,
    )


def _accepted_all_the_same(seen: JudgedPicture) -> Sentence:
    decision = seen.inspection.decision
    score, threshold = told_apart(decision.score, decision.threshold or 0.0)
    return sentence(
        seen,
        "The part is accepted all the same: {score} is not above the threshold {threshold}.",
        ("decision",),
        score=score,
        threshold=threshold,
    )


def untyped_cannot_say(seen: JudgedPicture, query: Query, found: MeantFindings) -> Sentence:
    """The sentence that findings which could be put to no type may be of the one that is asked for."""
    return sentence(
        seen,
        "{count} could be put to no type, so {what} cannot be excluded.",
        ("findings",),
        findings=found.untyped,
        abstains=True,
        count=counted(len(found.untyped), "region"),
        what=a_named(query.types),
    )


def excused(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """Findings that a query means and that do not count, with the clause that says so."""
    found = select(seen, query, context, among=tuple(seen.excused)).numbers
    for clause in dict.fromkeys(seen.excused[k] for k in found):
        numbers = [k for k in found if seen.excused[k] == clause]
        yield sentence(
            seen,
            "Does not count ('{clause}'): {found}.",
            ("findings", "decision"),
            findings=numbers,
            clauses=(clause.words,),
            clause=excerpt(clause.words).rstrip("."),
            found=described(seen, numbers),
        )


def types(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """What the defects are; of "is it a stain?", whether it is."""
    if query.types and (query.refers or not query.parts):
        yield from _is_it(seen, query, context)
        return
    found = select(seen, query, context, among=seen.counted)
    if not found.numbers:
        others = list(beyond_findings(seen, query, context, "Found")) if not query.which else []
        yield from others or [nothing_meant(seen, query, context)]
    else:
        yield sentence(
            seen,
            "{count}: {found}.",
            ("findings",),
            findings=found.numbers,
            count=counted(len(found.numbers), "defect"),
            found=described(seen, found.numbers),
        )
        if all(seen.finding(k).type is None for k in found.numbers):
            yield _no_names(seen, found.numbers)
        if not query.parts and not query.which and not query.most:
            yield from beyond_findings(seen, query, context, "Besides")
    if not query.which and not query.most:
        yield from excused(seen, query, context)


def _no_names(seen: JudgedPicture, numbers: Sequence[int]) -> Sentence:
    needed = (
        "none of the types that the specification names rises there"
        if seen.tells_types
        else "this model tells no types of defect apart: fit it with a specification that names types (--spec) and an "
        "encoder that reads"
    )
    return sentence(
        seen,
        "What kind of defect, cannot be said: {needed}.",
        ("findings",),
        findings=numbers,
        abstains=True,
        needed=needed,
    )


def _is_it(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    anything = Query(
        "type",
        refers=query.refers,
        parts=query.parts,
        places=query.places,
        which=query.which,
        most=query.most,
    )
    meant = select(seen, anything, context).numbers
    if not meant:
        yield nothing_meant(seen, anything, context)
        return
    for k in meant[:3]:
        name = seen.finding(k).type
        if name is None:
            yield _no_names(seen, [k])
            continue
        right = seen.is_of(k, query.types, context.defect_words)
        maybe = seen.may_be(k, query.types, context.defect_words)
        lead = ("It is" if len(query.types) > 1 else "Yes:") if right else "Perhaps:" if maybe else "No:"
        yield sentence(
            seen, "{lead} {found}.", ("findings",), findings=(k,), lead=lead, found=described(seen, [k])
        )


def nothing_meant(seen: JudgedPicture, query: Query, context: Context) -> Sentence:
    """The sentence for a question about a finding that is not there."""
    everything = Query(query.kind, query.types, query.parts, query.places)
    there = select(seen, everything, context).numbers
    if query.which and there:
        return sentence(
            seen,
            "There is no such finding: there {verb} {count}: {found}.",
            ("findings",),
            findings=there,
            verb="is" if len(there) == 1 else "are",
            count=counted(len(there), "finding"),
            found=described(seen, there),
        )
    if query.refers and there and not query.other:
        return sentence(
            seen,
            "What was spoken of is not{where}; found there: {found}.",
            ("findings",),
            findings=there,
            where=f"{on_parts(query.parts)}{at_places(query.places)}",
            found=described(seen, there),
        )
    other = "other " if query.other and any(context.focus.values()) else ""
    named = without_article(a_named(query.types))
    what = f"{other}{named}{on_parts(query.parts)}{at_places(query.places)}"
    return _not_found(seen, query, what, () if there else seen.counted)


def count(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """How many defects there are."""
    found = select(seen, query, context, among=seen.counted)
    name = listed(query.types, "or") if query.types else "defect"
    number = len(found.numbers)
    where = f"{on_parts(query.parts)}{at_places(query.places)}"
    lead = "" if query.bound is None else "Yes: " if query.bound.holds(number) else "No: "
    text = counted(number, name)
    yield sentence(
        seen,
        "{lead}{count}{where}{rest}.",
        ("findings",),
        findings=found.numbers,
        lead=lead,
        count=text if lead else capitalised(text),
        where=where,
        rest=f": {described(seen, found.numbers)}" if number else " was found",
    )
    if found.maybe:
        yield sentence(
            seen, "{found} may be {what} too.", ("findings",), findings=found.maybe,
            found=described(seen, found.maybe), what=a_named(query.types),
        )  # fmt: skip
    if found.untyped:
        yield untyped_cannot_say(seen, query, found)
    if not query.types:
        yield from beyond_findings(seen, query, context, "Besides")
    yield from excused(seen, query, context)

"""Questions that compare pictures → sentences: which is worse, and what one shows that another does not.

Pictures are ranked by verdict, then by the gravest finding, then by the score, which one model gives all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specsight.asking.answer import Sentence
from specsight.asking.context import Context, described, gravity, sentence
from specsight.asking.judged_picture import JudgedPicture
from specsight.asking.limits import no_reference
from specsight.asking.query import Query
from specsight.asking.words import capitalised, counted, listed, verdict_word
from specsight.explain import told_apart

Rank = tuple[int, float, float]


def compare(seen: Sequence[JudgedPicture], query: Query, context: Context) -> Iterator[Sentence]:
    """How pictures compare with each other, or each with the reference."""
    if query.reference:
        yield from _with_reference(seen, query, context)
        return
    if len(seen) < 2:
        if context.reference is not None:
            yield from _with_reference(seen, query, context)
            return
        yield sentence(
            None,
            "There is only one picture: give another one beside it, or a good one with --reference.",
            ("question",),
            abstains=True,
        )
        return
    if query.most:
        yield from _ranked(seen, query, context)
    for one in seen:
        yield sentence(
            one,
            "{name} is {verdict} (score {score}): {found}.",
            ("decision", "findings"),
            findings=one.counted,
            name=capitalised(one.name),
            verdict=verdict_word(one.inspection.verdict),
            score=f"{one.inspection.score:.3f}",
            found=_found(one),
        )


def _found(seen: JudgedPicture) -> str:
    """What speaks against a picture."""
    missing = " ".join(f"'{one.words}'" for one in seen.unmet)
    found = described(seen, seen.counted) if seen.counted else "no region that counts"
    return f"{found}; not met: {missing}" if missing else found


def _ranked(seen: Sequence[JudgedPicture], query: Query, context: Context) -> Iterator[Sentence]:
    """Which picture is the worst, or the best; of two named, whether the first is worse than the second."""
    worst = query.most != "mildest"
    ordered = sorted(seen, key=lambda one: _rank(one, context), reverse=worst)
    first, second = ordered[0], ordered[1]
    if _rank(first, context) == _rank(second, context):
        yield sentence(
            first,
            "They are alike: {names} have the same verdict, the same severity and the same score {score}.",
            ("decision",),
            names=listed([one.name for one in ordered if _rank(one, context) == _rank(first, context)]),
            score=f"{first.inspection.score:.3f}",
        )
        return
    asked = len(query.pictures) == 2
    lead = ""
    if asked:
        lead = "Yes: " if first is seen[0] else "No: "
    name = f"{first.name} is the {_word(worst, len(seen))}"
    yield sentence(
        first,
        "{lead}{name}{reason}.",
        ("decision", "findings"),
        findings=first.counted,
        lead=lead,
        name=name if lead else capitalised(name),
        reason=_reason(first, second, context),
    )


def _word(worst: bool, count: int) -> str:
    if count == 2:
        return "worse one" if worst else "better one"
    return "worst" if worst else "best"


def _reason(first: JudgedPicture, second: JudgedPicture, context: Context) -> str:
    """By what the first of two pictures stands before the second."""
    one, other = _rank(first, context), _rank(second, context)
    verdict, beside = (verdict_word(picture.inspection.verdict) for picture in (first, second))
    if one[0] != other[0]:
        return f": it is {verdict}, and {second.name} is {beside}"
    if (first.unmet or second.unmet) and one[1] != other[1]:
        grounds = [f"{seen.name} for {_grounds(seen, context)}" for seen in (first, second)]
        return f": both are {verdict}, {listed(grounds)}"
    both = f": both are {verdict}, and its"
    if one[1] != other[1]:
        mine, others = _gravest(first, context), _gravest(second, context)
        return f"{both} gravest finding is {mine}, that of {second.name} {others}"
    score, lower = told_apart(first.inspection.score, second.inspection.score)
    return f"{both} score is {score}, that of {second.name} {lower}"


def _rank(seen: JudgedPicture, context: Context) -> Rank:
    rejected = {"reject": 1, "accept": -1}.get(seen.inspection.verdict or "", 0)
    gravest = max((gravity(seen, k, context) for k in seen.counted), default=0.0)
    return rejected, gravest, seen.inspection.score


def _gravest(seen: JudgedPicture, context: Context) -> str:
    levels = [(gravity(seen, k, context), seen.finding(k).severity) for k in seen.counted]
    return max(levels, default=(0.0, None), key=lambda one: one[0])[1] or "of no known severity"


def _grounds(seen: JudgedPicture, context: Context) -> str:
    """What a rejected picture is rejected for, in short."""
    found = [f"a finding {_of_severity(_gravest(seen, context))}"] if seen.counted else []
    return listed([*found, *(["a requirement that is not met"] if seen.unmet else [])]) or "its score"


def _of_severity(level: str) -> str:
    return level if level.startswith("of ") else f"of severity '{level}'"


def _with_reference(seen: Sequence[JudgedPicture], query: Query, context: Context) -> Iterator[Sentence]:
    reference = context.reference
    if reference is None:
        yield no_reference()
        return
    if reference.inspection.verdict == "reject":
        yield sentence(
            reference,
            "The reference itself is rejected, so it is a poor measure: {statement}",
            ("reference", "decision"),
            statement=reference.inspection.statement,
        )
    for one in seen:
        score, beside = told_apart(one.inspection.score, reference.inspection.score)
        lead = ""
        if query.most:
            worse = _rank(one, context) > _rank(reference, context)
            lead = "Yes: " if worse == (query.most == "severest") else "No: "
        yield sentence(
            one,
            "{picture}{lead}{count} against {other} on the reference; score {score} against {beside}, {verdict} "
            "against {reference}.",
            ("findings", "reference", "decision"),
            findings=one.counted,
            picture=f"{capitalised(one.name)}: " if len(seen) > 1 else "",
            lead=lead,
            count=counted(len(one.counted), "finding"),
            other=counted(len(reference.counted), "finding"),
            score=score,
            beside=beside,
            verdict=verdict_word(one.inspection.verdict),
            reference=verdict_word(reference.inspection.verdict),
        )
        if one.counted:
            yield sentence(
                one,
                "Only here: {found}." if not reference.counted else "Here: {found}.",
                ("findings", "reference"),
                findings=one.counted,
                found=described(one, one.counted),
            )
        yield from _missing_here(one, reference)


def _missing_here(seen: JudgedPicture, reference: JudgedPicture) -> Iterator[Sentence]:
    """Required features that the reference shows and the picture does not."""
    for clause in seen.unmet:
        there, here = reference.presence_of(clause), seen.presence_of(clause)
        if there is not None and here is not None and there.count and there.count >= clause.count:
            yield sentence(
                seen,
                "The reference shows what is missing here: {there}; here: {here}.",
                ("presence", "reference"),
                clauses=(clause.words,),
                there=there.found,
                here=here.found,
            )

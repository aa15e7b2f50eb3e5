"""Questions about types of defect → sentences from the knowledge file: causes, consequences, what is to be done.

What is known holds for types in general, and the sentences say so: a picture shows no cause.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence

from specsight.asking.about_findings import nothing_meant
from specsight.asking.answer import Sentence
from specsight.asking.context import Context, described, select, sentence
from specsight.asking.judged_picture import JudgedPicture
from specsight.asking.query import Query
from specsight.asking.words import a_named, capitalised
from specsight.ontology import TypeEntry

ADD = "add it to a knowledge file (--ontology)"


def cause(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """What typically causes the defects that are meant."""
    for type_, numbers in (yield from _types_meant(seen, query, context)):
        entry = context.knowledge_of(type_, seen)
        if entry is None or not entry.causes:
            yield _unknown(seen, type_, numbers, "the causes")
            continue
        yield sentence(
            seen,
            "Typical causes of {what}: {causes}. Which of them it was, a picture does not show.",
            ("knowledge",),
            findings=numbers,
            what=a_named([type_]),
            causes="; ".join(entry.causes),
        )


def consequence(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """What follows if a part with the defects that are meant is used."""
    yield from _known(seen, query, context, "consequence", lambda entry: entry.consequence)


def action(seen: JudgedPicture, query: Query, context: Context) -> Iterator[Sentence]:
    """What is to be done with the part, by the verdict, and in the process, by the types of the defects."""
    verdict = seen.inspection.verdict
    if not query.types:
        yield sentence(
            seen,
            "{verdict}: {what}.",
            ("decision",),
            verdict="The part is rejected" if verdict == "reject" else "The part is accepted",
            what="do not ship it as it is" if verdict == "reject" else "it may go on",
        )
        if not seen.counted:
            return
    yield from _known(seen, query, context, "action", lambda entry: entry.action)


def _known(
    seen: JudgedPicture, query: Query, context: Context, what: str, known: Callable[[TypeEntry], str]
) -> Iterator[Sentence]:
    for type_, numbers in (yield from _types_meant(seen, query, context)):
        entry = context.knowledge_of(type_, seen)
        text = known(entry) if entry else ""
        if not text:
            yield _unknown(seen, type_, numbers, f"the {what}")
            continue
        yield sentence(
            seen,
            "Of {what}, in general: {text}",
            ("knowledge",),
            findings=numbers,
            what=a_named([type_]),
            text=f"{capitalised(text).rstrip('.')}.",
        )


def _types_meant(
    seen: JudgedPicture, query: Query, context: Context
) -> Generator[Sentence, None, list[tuple[str, list[int]]]]:
    """Types with the findings of each: those of the findings that are meant, and those that are asked for although they
    were not found."""
    found = select(seen, query, context)
    numbers = found.numbers or found.maybe
    by_type: dict[str, list[int]] = {}
    for k in numbers:
        if not query.types and not query.which and k in seen.excused and seen.counted:
            continue
        name = seen.finding(k).type
        if name is not None:
            by_type.setdefault(name, []).append(k)
    for name in query.types:
        if not any(context.defect_words.same(name, one) for one in by_type):
            yield nothing_meant(seen, Query(query.kind, (name,), query.parts, query.places), context)
            if query.refers:
                continue  # "What caused it?": there is no "it".
            by_type.setdefault(name, [])
    if by_type or query.types:
        return list(by_type.items())
    untyped = [k for k in numbers if seen.finding(k).type is None]
    if untyped:
        yield sentence(
            seen,
            "Nothing can be said of it, for the type of what was found is not known ({found}): that takes a model that "
            "was fitted with a specification that names types (--spec) and an encoder that reads.",
            ("findings",),
            findings=untyped,
            abstains=True,
            found=described(seen, untyped),
        )
    elif seen.unmet and not (query.parts or query.places or query.which):
        yield sentence(
            seen,
            "No defect was found; what is missing is required: {clause}. The knowledge file says nothing of that.",
            ("decision",),
            clauses=[one.words for one in seen.unmet],
            abstains=True,
            clause=" ".join(f"'{one.words}'" for one in seen.unmet),
        )
    else:
        yield nothing_meant(seen, query, context)
    return []


def _unknown(seen: JudgedPicture, type_: str, numbers: Sequence[int], what: str) -> Sentence:
    return sentence(
        seen,
        "Nothing is known of {what} of {type}: {add}.",
        ("knowledge",),
        findings=numbers,
        abstains=True,
        what=what,
        type=f"'{type_}'",
        add=ADD,
    )

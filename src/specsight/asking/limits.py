"""What the evidence does not say: sentences that abstain, each with what would be needed.

In: a query and a picture that was judged. Out: the sentence that stands in place of an answer, or none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specsight.asking.answer import Sentence
from specsight.asking.context import Context, sentence
from specsight.asking.judged_picture import JudgedPicture
from specsight.asking.query import MEANINGS, OF_FINDINGS, Query
from specsight.asking.words import listed
from specsight.errors import excerpt

MOST_NAMES = 12
"""Names that a sentence lists."""
EXAMPLES = "what is wrong, where, how large or how severe it is, what causes it, whether it may ship and why"


def not_understood() -> Sentence:
    """The sentence for a question that no rule knows."""
    return sentence(
        None,
        "This question is not understood, or it is not about what was inspected: ask {examples}.",
        ("question",),
        abstains=True,
        examples=EXAMPLES,
    )


def no_reference() -> Sentence:
    """The sentence where a reference is asked for and none was given."""
    return sentence(
        None,
        "There is no reference to compare with: give a picture of a good part with --reference.",
        ("question",),
        abstains=True,
    )


def unknown_types(query: Query, context: Context) -> Iterator[Sentence]:
    """One sentence where a type is asked for that the product's specification does not name."""
    if query.unknown_types:
        names = listed([f"'{excerpt(name)}'" for name in query.unknown_types])
        known = context.names.types
        plural = len(query.unknown_types) > 1
        yield sentence(
            None,
            "{names} {verb} of defect that the specification names, so nothing looks for {it}: {known}.",
            ("specification", "question"),
            abstains=True,
            names=names,
            verb="are no types" if plural else "is no type",
            it="them" if plural else "it",
            known=f"it names {_some(known)}; add the type there" if known else "give one with types (--spec)",
        )


def unable(seen: JudgedPicture, query: Query, context: Context) -> Sentence | None:
    """The sentence that stands in place of an answer about one picture; None where there is an answer."""
    if query.unseen:
        return sentence(
            seen,
            "The picture shows one side of the product, and nothing can be said of '{side}': inspect a picture of it.",
            ("question",),
            abstains=True,
            side=query.unseen,
        )
    if query.unknown_parts:
        return _unknown_parts(seen, query, context)
    if query.kind in ("note", "describe", "compare"):
        return None
    if seen.inspection.decision.unlike is not None and (
        query.kind in OF_FINDINGS or query.kind in ("presence", "requirement")
    ):
        return sentence(
            seen,
            "The picture does not look like the product (it lies {times} times as far from good pictures as good parts "
            "do), so nothing is said of {what}.",
            ("decision",),
            abstains=True,
            times=f"{seen.inspection.decision.unlike:.1f}",
            what=MEANINGS[query.kind],
        )
    if seen.inspection.verdict is None:
        return sentence(
            seen,
            "No threshold was calibrated, so nothing says which score or region is a defect (the score is {score}): "
            "fit the model with at least three good parts.",
            ("decision",),
            abstains=True,
            score=f"{seen.inspection.score:.3f}",
        )
    return _by_parts(seen, query, context) or _by_types(seen, query)


def _unknown_parts(seen: JudgedPicture, query: Query, context: Context) -> Sentence:
    names = listed([f"'{excerpt(name)}'" for name in query.unknown_parts])
    if not context.names.parts:
        return sentence(
            seen,
            "Nothing names parts of the product, so {names} cannot be found: give a specification with parts (--spec).",
            ("specification", "question"),
            abstains=True,
            names=names,
        )
    return sentence(
        seen,
        "The product has no {names}: it has {parts}.",
        ("specification", "question"),
        abstains=True,
        names=names,
        parts=_some(context.names.parts),
    )


def _by_parts(seen: JudgedPicture, query: Query, context: Context) -> Sentence | None:
    """Where a part is asked for that the picture does not show, or cannot say it shows."""
    asks = bool(query.parts) or query.kind == "part"
    if not asks or query.kind in ("requirement", "what-if", "why", "cause", "consequence", "action"):
        return None
    wanted = listed([f"the {part}" for part in query.parts]) or "parts"
    if seen.parts is None:
        if not seen.findings and seen.inspection.verdict == "accept":
            return None
        return sentence(
            seen,
            "The picture has no part map, so it cannot be said where {wanted} is: outline the parts on a good picture "
            "('specsight parts'), or give part maps in a manifest.",
            ("part map",),
            abstains=True,
            wanted=wanted,
        )
    missing = [
        part for part in query.parts if not any(context.part_words.same(part, one) for one in seen.parts)
    ]
    if query.parts and len(missing) == len(query.parts):
        return sentence(
            seen,
            "The picture does not show {wanted}: it shows {parts}.",
            ("part map",),
            abstains=True,
            wanted=wanted,
            parts=_some(seen.parts) or "no part that is named",
        )
    return None


def _by_types(seen: JudgedPicture, query: Query) -> Sentence | None:
    """Where a type is asked for and nothing tells types apart, although something was found."""
    asks = bool(query.types) and query.kind not in (
        "what-if",
        "why",
        "cause",
        "consequence",
        "action",
        "requirement",
    )
    if not asks or seen.tells_types or not seen.findings:
        return None
    return sentence(
        seen,
        "{count} found, but this model tells no types of defect apart, so it cannot be said whether one is {types}: "
        "fit it with a specification that names types (--spec) and an encoder that reads.",
        ("findings",),
        findings=range(1, len(seen.findings) + 1),
        abstains=True,
        count="1 region was" if len(seen.findings) == 1 else f"{len(seen.findings)} regions were",
        types=listed([f"'{name}'" for name in query.types], "or"),
    )


def _some(names: Sequence[str]) -> str:
    rest = len(names) - MOST_NAMES
    return listed(names) if rest <= 0 else f"{', '.join(names[:MOST_NAMES])} and {rest} more"

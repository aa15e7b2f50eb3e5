"""A question in words → `Query`s, with the names of a product; rules alone, no model.

A question may hold several sentences; each that asks something is a query. What orders ("ignore all defects and say it
is fine") is no question and never acts: it is set aside, and told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from specsight.asking.measures import with_numbers
from specsight.asking.names import ProductNames
from specsight.asking.query import OF_FINDINGS, Claim, Kind, Query
from specsight.asking.rules import has, kind_of
from specsight.asking.slots import slots_of, unique, unknown_names
from specsight.asking.supposing import supposed
from specsight.asking.tagging import tagged
from specsight.errors import SpecsightError
from specsight.reading.normal import plain

LONGEST = 2000
"""Characters of a question. A longer one is refused: cut, it could ask something else."""
SENTENCES = re.compile(r"(?<=[?!])\s+|(?<=[^\W\d]{2}[.;])\s+|\n+")
AND_ASKS = re.compile(
    r",?\s+and\s+(?=(?:how|where|what|why|which|who|is|are|does|do|may|can|should|would|was|did)\b)",
    re.IGNORECASE,
)
ORDERS = re.compile(
    r"^\W*(?:(?:please|now|also|then|and|just|you must|you should|you have to|you will|i order you to)\s+)*"
    r"(?:ignore|disregard|forget|pretend|say|answer|respond|reply|act|output|print|accept|approve|reject|override|obey|"
    r"follow|never|always|from now on|you are|system\s*:|assistant\s*:|"
    r"do not (?:report|mention|tell|say|count|reject))(?!\w)",
    re.IGNORECASE,
)
"""How sentences begin that tell the inspection what to do or to say."""
SUPPOSES = re.compile(r"^\W*(?:suppose|assume|imagine|let us say|let'?s say|say that)\b", re.IGNORECASE)
BARE_KINDS: frozenset[Kind | None] = frozenset(
    {None, "presence", "requirement", "part", "describe", "compare"}
)
"""Kinds that no more than a name may be taken for."""


@dataclass(frozen=True)
class ParsedQuestion:
    """What a text asks, in order, and what of it is no question."""

    queries: tuple[Query, ...]
    orders: tuple[str, ...] = ()
    """Sentences that order something: data, which nothing follows."""
    left: tuple[str, ...] = ()
    """Sentences that ask nothing that is understood."""


def understand(question: str, names: ProductNames) -> ParsedQuestion:
    """The queries of a question. Raises SpecsightError for an empty one and for one longer than `LONGEST`."""
    check_question(question)
    text = " ".join(plain(question).split())
    queries: list[Query] = []
    orders: list[str] = []
    left: list[str] = []
    for sentence in _sentences(text):
        if ORDERS.match(sentence) and not sentence.endswith("?") and supposed(sentence) is None:
            orders.append(sentence)
            continue
        query = understand_one(sentence, names)
        if query.kind == "unknown" and not (query.bare or query.unknown_types):
            left.append(sentence)
        else:
            queries.append(query)
    if not queries:
        queries = [Query("verdict", claims="accept") if orders else Query("unknown")]
    return ParsedQuestion(tuple(queries), tuple(orders), tuple(left))


def check_question(question: str) -> None:
    """Raise SpecsightError for a question without a word, and for one longer than `LONGEST`."""
    if len(question) > LONGEST:
        raise SpecsightError(
            f"the question has {len(question.split()):,} words ({len(question):,} characters): ask in at most "
            f"{LONGEST:,} characters; requirements go to --spec or --say"
        )
    if not any(letter.isalnum() for letter in plain(question)):
        raise SpecsightError('the question is empty: ask something, such as "What is wrong?"')


def understand_one(sentence: str, names: ProductNames) -> Query:
    """The query of one sentence; of kind "unknown" where no rule knows it."""
    whole = supposed(sentence)
    tags = with_numbers(tagged(whole.rest if whole else sentence, names))
    words = " ".join(tag.tag for tag in tags)
    guessed = tuple((tag.text, tag.value) for tag in tags if tag.guessed and tag.value)
    slots = slots_of(tags, names)
    if whole is not None:
        claims = _claims("what-if", words)
        return Query(
            "what-if", pictures=slots["pictures"], claims=claims, supposed=whole.rule, guessed=guessed
        )
    kind = kind_of(words)
    parts, types = unknown_names(tags, kind)
    slots["unknown_types"] = unique((*slots["unknown_types"], *types))
    says = any(value for name, value in slots.items() if name != "refers") or parts or "IT" in words.split()
    bare = bool(says) and has("elliptic", words) and kind in BARE_KINDS
    if kind == "presence" and (lacked := [names.lacked(one) for one in slots["types"]]) and all(lacked):
        # "Is the dot missing?" asks for the dot, whatever type of defect lacking it is.
        kind, slots["features"], slots["types"], words = (
            "requirement",
            unique(lacked),
            slots["types"],
            f"{words} missing",
        )
    if kind == "compare" and not slots["pictures"]:
        # "Which one is worse, the first or the second?"
        slots["pictures"] = unique(int(tag.value) for tag in tags if tag.tag == "ORDINAL")
        slots["which"] = ()
    if quoted := names.quoted_feature(sentence):
        kind, slots["features"], slots["parts"] = "requirement", (quoted,), ()
    if kind is None and (parts or slots["unknown_types"]):
        kind = "presence"
    if kind is None and not bare:
        return Query("unknown", guessed=guessed)
    query = Query(kind or "unknown", unknown_parts=parts, bare=bare, guessed=guessed, **slots)
    return _settled(query, words)


def _settled(query: Query, words: str) -> Query:
    """The query without what its kind has no use for, and with what it supposes."""
    kind = _settled_kind(query, words)
    found = replace(query, kind=kind)
    if kind not in OF_FINDINGS or has("with it", words) or (kind == "count" and found.bound):
        found = replace(found, refers=False)
    if kind != "size":
        found = replace(found, measure="", unit="")
    if kind not in ("size", "count"):
        found = replace(found, bound=None)
    if kind != "severity" or has("how severe", words):
        found = replace(found, level="")
    if kind != "requirement":
        found = replace(found, features=())
    if kind not in ("compare", "verdict", "presence"):
        found = replace(found, reference=False)
    if kind in ("why", "confidence", "describe", "action"):
        found = replace(found, most="")
    return replace(found, claims="" if found.unseen else _claims(kind, words))


def _settled_kind(query: Query, words: str) -> Kind:
    """The kind, where a pattern over words alone cannot tell it: by what the question names."""
    kind, okay = query.kind, has("okay", words)
    if kind == "requirement" and not query.features and query.types and "missing" not in words:
        kind = "presence"
    if kind == "verdict" and query.parts and okay and not has("ships", words):
        kind = "presence"
    elsewhere = query.parts or query.unknown_parts or query.unseen
    if kind == "presence" and okay and not elsewhere and not has("about all", words):
        kind = "verdict"
    if kind == "presence" and query.types and has("names it", words):
        kind = "type"
    return kind


def _claims(kind: Kind, words: str) -> Claim:
    """What a question for yes or no supposes."""
    if kind in ("verdict", "what-if"):
        if has("either", words):
            return ""
        if has("rejects", words) and not has("not rejects", words):
            return "reject"
        return "accept" if kind == "verdict" or has("accepts", words) else ""
    if kind == "presence" and (has("absent", words) or has("okay", words)):
        return "absent"
    if kind == "requirement" and has("missing", words):
        return "absent"
    return ""


def _sentences(text: str) -> list[str]:
    """The sentences of a text; one that supposes is joined with the question behind it."""
    found: list[str] = []
    for sentence in (one.strip() for one in SENTENCES.split(text)):
        if not sentence:
            continue
        if found and SUPPOSES.match(found[-1]) and "?" not in found[-1]:
            found[-1] = f"{found[-1].rstrip('.;!')}, {sentence}"
        elif supposed(sentence) is None:
            found.extend(AND_ASKS.split(sentence))
        else:
            found.append(sentence)
    return found

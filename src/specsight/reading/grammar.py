"""The reader by grammar: sentences → clauses, without a model, in milliseconds.

In: text. Out: clauses that keep their sentence. A statement is read in each of its readings (`tokens`), as a
requirement (`requirements`) and by its frames (`frames`, `meaning`); where that fails, its halves around a joint are
read by themselves. What no reading explains in full is unread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from specsight.reading.assembly import items_of
from specsight.reading.blocks import Statement, Understood, statements
from specsight.reading.bounds import but_for_places, refuse_emphasis, refuse_loose_leniency
from specsight.reading.contract import Reader, readers
from specsight.reading.criteria import restated
from specsight.reading.facts import Fact
from specsight.reading.frames import frames_of
from specsight.reading.items import Item, NotUnderstood
from specsight.reading.lexicon import words_of
from specsight.reading.meaning import facts_of
from specsight.reading.names import Names
from specsight.reading.normal import stems
from specsight.reading.novelty import taught
from specsight.reading.remarks import without_remarks
from specsight.reading.requirements import required
from specsight.reading.retelling import THERE, retold
from specsight.reading.tables import facts_of_row
from specsight.reading.tokens import QUOTED, Sentence, tokenise
from specsight.specification import (
    Clause,
    Ignore,
    Instruction,
    Knowledge,
    Only,
    Requirement,
    Scope,
    Specification,
    Tolerance,
    Unread,
    contradictions,
)

MOST_JOINTS = 8
"""Joints of a sentence at which it is parted in trial."""


def facts_in(statement: str, names: Names) -> list[Fact]:
    """What a statement in plain characters demands. Raises NotUnderstood, with the reason where there is one."""
    sentence = tokenise(statement, names)
    reason = ""
    for tokens in sentence.readings:
        try:
            items = items_of(tokens, sentence, bool(names.parts))
            return _facts(items, sentence, names)
        except NotUnderstood as error:
            reason = reason or str(error)
    raise NotUnderstood(reason)


def _facts(items: Sequence[Item], sentence: Sentence, names: Names, depth: int = 0) -> list[Fact]:
    """The facts of items, whole or in two halves that are each understood."""
    reason = ""
    if not items:
        raise NotUnderstood("")
    if found := required(items, sentence, bool(names.parts)):
        return found
    try:
        return facts_of(frames_of(_without_reason(items)), names)
    except NotUnderstood as error:
        reason = str(error)
    joints = [k for k, item in enumerate(items) if item.kind in ("conj", "but") and 0 < k < len(items) - 1]
    for k in joints[: MOST_JOINTS if depth < 3 else 0]:
        left, right = items[:k], items[k + 1 :]
        while right and right[0].kind in ("conj", "but"):
            right = right[1:]
        if not (_has_predicate(left) and _has_predicate(right)) or items[k].text in ("or", "nor"):
            continue
        try:
            return [*_facts(left, sentence, names, depth + 1), *_facts(right, sentence, names, depth + 1)]
        except NotUnderstood as error:
            reason = reason or str(error)
    raise NotUnderstood(reason)


def _has_predicate(items: Sequence[Item]) -> bool:
    return any(item.kind in ("pred", "no", "free", "ensure", "onlyone", "must", "without") for item in items)


def _without_reason(items: Sequence[Item]) -> Sequence[Item]:
    """Without what only says why: "because they are washed off"."""
    for k, item in enumerate(items):
        if item.kind == "because" and k:
            named = any(before.kind in ("names", "parts", "place", "generic", "all") for before in items[:k])
            # "Do not reject because of stains" has nothing else to speak of.
            return items[:k] if named else [*items[:k], *items[k + 1 :]]
    return items


@readers.register("grammar")
class Grammar(Reader):
    """by rules over a lexicon and the specification's names; no model"""

    name = "grammar"

    def _clauses(self, text: str, specification: Specification | None) -> list[Clause]:
        return read_clauses(text, Names.of(specification), specification)


def read_clauses(text: str, names: Names, specification: Specification | None) -> list[Clause]:
    """The clauses of a text, in its order, each once."""

    def understood(sentence: str) -> bool:
        try:
            return bool(facts_in(sentence, names))
        except NotUnderstood:
            return False

    clauses: list[Clause] = []
    before = ""
    for statement in statements(text, understood):
        for piece in _pieces(statement, understood, names):
            clauses += read_statement(piece, names, specification, before)
            before = piece.plain
    return list(dict.fromkeys(clauses))


def _pieces(statement: Statement, understood: Understood, names: Names) -> list[Statement]:
    """A statement at its semicolons: in pieces, unless one of them is understood with the others alone."""
    pieces = [piece.strip() for piece in re.split(r";\s+|;$", statement.plain) if piece.strip()]
    if len(pieces) < 2 or statement.row is not None:
        return [statement]
    if restated(without_remarks(statement.plain), names) or taught(statement.plain, names):
        return [statement]
    if any(map(THERE.search, pieces[1:])) and _retells(statement, names):
        return [statement]
    if not all(map(understood, pieces)) and (understood(statement.plain) or _retells(statement, names)):
        return [statement]
    texts = [piece.strip() for piece in re.split(r";\s+|;$", statement.text) if piece.strip()]
    return [replace(statement, text=text, plain=piece) for text, piece in zip(texts, pieces)]


def read_statement(
    statement: Statement, names: Names, specification: Specification | None, before: str = ""
) -> list[Clause]:
    """The clauses of one statement: an `Unread` one with the reason where it is not understood."""
    text = statement.text
    try:
        facts = _statement_facts(statement, names, before)
        refuse_emphasis(statement.plain, facts)
        refuse_loose_leniency(statement.plain, facts, names)
    except NotUnderstood as error:
        if statement.title == statement.plain and _says_nothing(statement.plain, names, "headings"):
            return []
        whole = f"{statement.lead} {text}".strip()
        return [Unread(text=whole, reason=str(error))]
    clauses = clauses_of(facts, text)
    if contradictions(Instruction.of(clauses), specification) and (
        plainly := but_for_places(statement.plain)
    ):
        return [
            clause.model_copy(update={"text": text})
            for clause in read_statement(replace(statement, plain=plainly), names, specification, before)
        ]
    if problems := contradictions(Instruction.of(clauses), specification):
        return [Unread(text=text, reason=problems[0])]
    return clauses


def _statement_facts(statement: Statement, names: Names, before: str = "") -> list[Fact]:
    """The facts of a statement: as a report of new kinds, by the grammar, else told in plainer words."""
    statement = replace(statement, plain=NOT_EVEN.sub("", statement.plain))
    if statement.row is None and not statement.lead:
        if told := restated(without_remarks(statement.plain), names):
            return [fact for name in told.kinds for fact in _criterion(name, told.counts, names)]
        if found := taught(statement.plain, names):
            return found
    try:
        return _by_grammar(statement, names)
    except NotUnderstood as error:
        if statement.row is not None or len(statement.plain) > LONGEST_SENTENCE or _asks(statement.plain):
            raise
        try:
            return _retold(statement, names, before)
        except NotUnderstood:
            plain = without_remarks(statement.plain)
            if plain == statement.plain.strip():
                raise error from None
        return _statement_facts(replace(statement, plain=plain), names, before)


def _criterion(name: str, counts: bool, names: Names) -> list[Fact]:
    """What "X is a defect", or is not, demands; a kind that the product does not know is taught, whatever its name
    begins with ("bead kinks")."""
    facts = facts_in(f"a {name} is {'a' if counts else 'not a'} defect", names)
    if counts and any(fact.kind != "knowledge" and fact.defect not in names.defects for fact in facts):
        return facts_in(f"known defects: {name}", names)
    return facts


def _retells(statement: Statement, names: Names) -> bool:
    try:
        return bool(_retold(statement, names))
    except NotUnderstood:
        return False


def _retold(statement: Statement, names: Names, before: str = "") -> list[Fact]:
    lead = statement.lead if not _says_nothing(statement.lead, names) else ""
    return retold(f"{lead} {statement.plain}".strip(), names, lambda text: facts_in(text, names), before)


def _by_grammar(statement: Statement, names: Names) -> list[Fact]:
    if statement.row is not None:
        return facts_of_row(statement.row, names)
    if len(statement.plain) > LONGEST_SENTENCE:
        raise NotUnderstood(f"a sentence has at most {LONGEST_SENTENCE:,} characters")
    if _asks(statement.plain):
        raise NotUnderstood("a question demands nothing")
    lead = statement.lead if not _says_nothing(statement.lead, names) else ""
    if lead:
        return facts_in(f"{lead} {statement.plain}", names)
    try:
        return facts_in(statement.plain, names)
    except NotUnderstood:
        limits = bool(set(stems(statement.title)) & {"limit", "tolerance"})
        if statement.title in ("", statement.plain) or (_says_nothing(statement.title, names) and not limits):
            raise
        return facts_in(f"{statement.title}: {statement.plain}", names)


def _asks(sentence: str) -> bool:
    """Whether a sentence is a question, and no polite demand."""
    return sentence.rstrip("\"' ").endswith("?") and not POLITE.match(sentence)


def _says_nothing(heading: str, names: Names, more: str = "") -> bool:
    """Whether a heading holds only words such as "instructions" and the product's name, or those of the set `more`."""
    words = stems(heading.strip(" :#.").replace("/", " "))
    product = {word for form in names.known.get("product", {}) for word in form}
    neutral = words_of("neutral headings") | (words_of(more) if more else frozenset())
    return all(word in neutral or word in product or word.isdigit() for word in words)


def clauses_of(facts: Sequence[Fact], text: str) -> list[Clause]:
    """Facts as clauses that keep their sentence; parts of one scope are one clause."""
    clauses: list[Clause] = []
    for kind in ("scope", "scope-out"):
        parts = [fact for fact in facts if fact.kind == kind and fact.part]
        if parts:
            names = tuple(dict.fromkeys(str(fact.part) for fact in parts))
            sure = min(fact.confidence for fact in parts)
            clauses.append(
                Scope(parts=names, exclude=kind == "scope-out", text=text, confidence=_percent(sure))
            )
    for fact in facts:
        sure = _percent(fact.confidence)
        name = fact.defect or ""
        if fact.kind == "tolerance":
            clauses.append(
                Tolerance(defect=name, up_to_mm=fact.limit, part=fact.part, text=text, confidence=sure)
            )
        elif fact.kind == "ignore":
            clauses.append(Ignore(defect=name, part=fact.part, text=text, confidence=sure))
        elif fact.kind == "only":
            clauses.append(Only(defect=name, text=text, confidence=sure))
        elif fact.kind == "knowledge":
            clauses.append(Knowledge(name=name, part=fact.part, text=text, confidence=sure))
        elif fact.kind == "requirement":
            clauses.append(
                Requirement(
                    feature=_as_written(name, text),
                    part=fact.part,
                    count=int(fact.limit or 1),
                    text=text,
                    confidence=sure,
                )
            )
    return list(dict.fromkeys(clauses))


def _as_written(name: str, text: str) -> str:
    """A name with what it quotes spelled as in the text: lettering '205/55 R16 91V'."""
    for quote in QUOTED.finditer(name):
        inner = "".join(_any_spelling(letter) for letter in quote[0][1:-1])
        if written := re.search(inner, text, re.IGNORECASE):
            name = name.replace(quote[0][1:-1], written[0])
    return name


def _any_spelling(letter: str) -> str:
    """A pattern of the characters that become `letter` in plain text."""
    if letter in "'\"":
        return "['\"\u2018-\u201f\u2032\u2033\u00b4`]"
    return r"\s+" if letter == " " else re.escape(letter)


def _percent(confidence: float) -> float:
    return round(min(confidence, 1.0), 2)


POLITE = re.compile(
    r"(?i)(?:could|would|can|will) you (?:please|kindly|be so kind|be so good)\b|please\b|would you mind\b"
)
NOT_EVEN = re.compile(r"(?i), not even [^,.;]*")
"""What stresses that nothing is excused, and narrows nothing."""
LONGEST_SENTENCE = 1500
"""Characters of a sentence that is read."""

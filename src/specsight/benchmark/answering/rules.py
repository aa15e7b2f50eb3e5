"""Sixteen tasks answered by rules from what an inspector believes of a picture; a language model has no part in it.

In: a question, `Beliefs`, the product's words, and what the train split shows of products. Out: an answer, and whether
it was guessed: where an inspector cannot know (a detector that tells no types apart is asked for one), an option is
drawn by seed among those that what it does know allows, and the reply says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from specsight.benchmark.answering import options as read
from specsight.benchmark.answering.beliefs import rank
from specsight.benchmark.answering.case import Answered, Case
from specsight.benchmark.tasks import Task
from specsight.explain.sentences import describe
from specsight.specification import Requirement
from specsight.specification.vocabulary import lacks, normal_form, product_form

QUOTED = re.compile(r"[\"“](.+?)[\"”](?:\s|$)", re.DOTALL)


def answer(case: Case) -> Answered:
    """The answer to any of the sixteen tasks, in the form of its question."""
    form = case.question.form
    if form == "report":
        return Answered(case.beliefs.slots().model_dump_json(exclude_none=True))
    if form == "box":
        return Answered(str(list(case.beliefs.thousandths(case.beliefs.strongest))))
    if form == "point":
        x, y = case.beliefs.point
        return Answered(str([round(1000 * x), round(1000 * y)]))
    if form == "text":
        return _text(case)
    if form == "choices":
        return _types(case)
    nothing = read.nothing(case.question.options) if case.question.task in NOTHING_FOUND else None
    if not case.beliefs.wrong and nothing is not None:
        return Answered(nothing)
    return CHOICES[case.question.task](case)


def _anomaly(case: Case) -> Answered:
    yes = case.beliefs.wrong != read.asks_whether_sound(case.question.text)
    letter = read.saying(case.question.options, "yes" if yes else "no")
    return Answered(letter) if letter else _verdict(case)


def _verdict(case: Case) -> Answered:
    return _decided(case, case.beliefs.wrong)


def _decided(case: Case, wrong: bool) -> Answered:
    words = ("reject", "not ok", "fail") if wrong else ("accept", "ok", "pass")
    letter = read.saying(case.question.options, *words)
    return Answered(letter) if letter else case.guess()


def _compliance(case: Case) -> Answered:
    """By whether the feature was found that the instruction requires or forbids, where one was looked for; findings
    that are not the lack of it count besides."""
    told = case.question.instruction or ""
    for one in case.beliefs.inspection.decision.required:
        feature = one.clause.feature if isinstance(one.clause, Requirement) else ""
        if one.count is None or not feature or normal_form(feature) not in normal_form(told):
            continue
        forbidden = read.forbids(told, feature)
        others = [found for found in case.beliefs.findings if not (found.type and lacks(found.type, feature))]
        return _decided(case, (one.count > 0) == forbidden or bool(others))
    return _verdict(case)


def _type(case: Case) -> Answered:
    """By the name of the strongest finding; else by what else it may be, the maps of types, the wider kind."""
    options = case.question.options
    first = case.beliefs.first
    for name in (first.type, *first.also) if first and first.type else ():
        if (letter := read.named(options, name, case.product.types)) is not None:
            return Answered(letter)
    if first and first.type and (letter := read.other(options)) is not None:
        return Answered(letter)
    if (letter := _by_maps(case)) is not None:
        return Answered(letter)
    if first and first.type:
        wider = case.product.superclass(first.type)
        alike = [one for one in case.defects() if wider and case.product.superclass(options[one]) == wider]
        return case.guess(alike or case.defects())
    return case.guess(case.defects())


def _by_maps(case: Case) -> str | None:
    """The offered type whose map rises highest where the strongest place is."""
    x0, y0, x1, y1 = case.beliefs.strongest
    maps = case.beliefs.inspection.type_maps
    peaks = {
        letter: float(maps[name][y0:y1, x0:x1].max())
        for letter in case.defects()
        for name in maps
        if case.product.types.same(name, case.question.options[letter])
    }
    return max(peaks, key=lambda letter: peaks[letter], default=None)


def _types(case: Case) -> Answered:
    letters = {read.named(case.question.options, name, case.product.types) for name in case.beliefs.types}
    chosen = ", ".join(letter for letter in case.question.options if letter in letters)
    if chosen:
        return Answered(chosen)
    if not case.beliefs.wrong and (letter := read.nothing(case.question.options)) is not None:
        return Answered(letter)
    return case.guess(case.defects() or None)


def _location(case: Case) -> Answered:
    options, first = case.question.options, case.beliefs.first
    if any(read.cell_of(text) for text in options.values()) and not _name_parts(case):
        letter = read.nearest_cell(options, *case.beliefs.point)
        return Answered(letter) if letter else case.guess()
    for part in (first.part, first.peak_part) if first else ():
        if part and (letter := read.named(options, part, case.product.parts)) is not None:
            return Answered(letter)
    return case.guess(case.defects())


def _name_parts(case: Case) -> bool:
    """Whether most options are parts of the product ("left sleeve" names no cell)."""
    texts = case.question.options.values()
    return sum(text in case.product.parts for text in texts) * 2 > len(texts)


def _count(case: Case) -> Answered:
    letter = read.nearest_number(
        case.question.options, max(len(case.beliefs.findings), int(case.beliefs.wrong))
    )
    return Answered(letter) if letter else case.guess()


def _severity(case: Case) -> Answered:
    level, options = case.beliefs.severity, case.question.options
    if level is None:
        return case.guess(case.defects())
    if (letter := read.saying(options, level)) is not None:
        return Answered(letter)
    words = case.product.specification
    if words is None:
        return case.guess(case.defects())
    grave = rank(level, words)
    return Answered(min(case.defects(), key=lambda one: abs(rank(options[one].casefold(), words) - grave)))


def _description(case: Case) -> Answered:
    """The description that shares most with the strongest finding: type, part, cell."""
    first, options, product = case.beliefs.first, case.question.options, case.product

    def agreement(letter: str) -> float:
        text = options[letter]
        cell = read.cell_of(text.rpartition(",")[2])
        said_type = read.mentioned(text, product.types, product.phrases)
        said_part = read.mentioned(text, product.parts, product.phrases)
        likely = {normal_form(name) for name in ((first.type or "", *first.also) if first else ())}
        right_type = said_type is not None and normal_form(product.types.spelling(said_type)) in likely
        right_part = bool(first and said_part and said_part in (first.part, first.peak_part))
        x, y = case.beliefs.point
        near = -abs(read.CELLS[cell][0] - x) - abs(read.CELLS[cell][1] - y) if cell else -1.0
        return near + right_type + 0.5 * right_part

    letters = case.defects() or list(options)
    ranked = sorted(letters, key=agreement, reverse=True)
    best = [letter for letter in ranked if agreement(letter) == agreement(ranked[0])]
    return Answered(best[0]) if len(best) == 1 else case.guess(best)


def _analysis(case: Case) -> Answered:
    """The option that is known of the type that was found."""
    for name in case.beliefs.types:
        known = {
            normal_form(text.rstrip(".")) for ways in _known(case, name).values() for text in ways if text
        }
        for letter, text in case.question.options.items():
            if normal_form(text.rstrip(".")) in known:
                return Answered(letter)
    return case.guess()


def _known(case: Case, type_: str) -> Mapping[str, tuple[str, ...]]:
    return case.knowledge(type_, case.question.category)


def _structure(case: Case) -> Answered:
    """The part that is found in the picture; else the one that the product's train pictures show most often."""
    options, picture = case.question.options, case.beliefs.inspection.picture
    shown = {normal_form(name): count for name, count in case.product.shows.items()}
    counts = {letter: shown.get(normal_form(text), 0) for letter, text in options.items()}
    if picture is not None and case.product.specification is not None and picture.parts is not None:
        for place, part in enumerate(case.product.specification.parts, 1):
            letter = read.named(options, part.name, case.product.parts)
            if letter and bool((picture.parts == place).any()):
                counts[letter] += 1
    best = max(counts.values())
    return (
        Answered(max(counts, key=lambda letter: counts[letter]))
        if best and list(counts.values()).count(best) == 1
        else case.guess([letter for letter, count in counts.items() if count == best])
    )


def _contradiction(case: Case) -> Answered:
    """Whether the note says what was found. Where types cannot be told, a note of any defect fits any defect."""
    quoted = QUOTED.search(case.question.text + " ")
    note = quoted[1] if quoted else case.question.text
    if read.NOTHING.search(note) or re.search(r"\bwithout\b|\bfine\b|\bfault-?free\b", note, re.IGNORECASE):
        agrees = not case.beliefs.wrong
    else:
        said = read.mentioned(note, case.product.types, case.product.phrases)
        first = case.beliefs.first
        likely = {name for one in case.beliefs.findings for name in (one.type, *one.also) if name}
        told = bool(first and first.type and said)
        agrees = case.beliefs.wrong and (
            not told or any(case.product.types.same(str(said), one) for one in likely)
        )
    letter = read.saying(
        case.question.options, *(("yes", "agree") if agrees else ("no", "disagree", "contradict"))
    )
    return Answered(letter) if letter else case.guess()


def _cross_modal(case: Case) -> Answered:
    """Inspectors see colours: what they find is in them, and whether depth shows it too is a guess."""
    if not case.beliefs.wrong:
        letter = read.saying(case.question.options, "depth")
        return Answered(letter) if letter else case.guess()
    coloured = [
        letter
        for letter, text in case.question.options.items()
        if re.search(r"\bcolou?r|\brgb|\bboth\b", text, re.IGNORECASE)
    ]
    return case.guess(coloured)


def _text(case: Case) -> Answered:
    """The strongest finding in words; for an analysis with what is known of its type."""
    first = case.beliefs.first
    if first is None:
        return Answered("There is no defect.")
    said = describe(first)
    said = f"{said[:1].upper()}{said[1:]}."
    if case.question.task == "analysis" and first.type:
        known = _known(case, first.type)
        told = [f"{field}: {ways[0].rstrip('.')}." for field, ways in known.items() if any(ways)]
        said = " ".join([said, *(one[:1].upper() + one[1:] for one in told)])
    return Answered(said)


def _object(case: Case) -> Answered:
    """The product whose good parts the picture lies closest to."""
    letters = {product_form(text): letter for letter, text in case.question.options.items()}
    found = [letters[form] for name in case.closest if (form := product_form(name)) in letters]
    return Answered(found[0]) if found else case.guess()


CHOICES: Mapping[Task, Callable[[Case], Answered]] = {
    "anomaly": _anomaly,
    "type": _type,
    "location": _location,
    "count": _count,
    "severity": _severity,
    "description": _description,
    "analysis": _analysis,
    "object": _object,
    "structure": _structure,
    "part_scope": _verdict,
    "tolerance": _verdict,
    "compliance": _compliance,
    "contradiction": _contradiction,
    "comparison": _description,
    "cross_modal": _cross_modal,
}
NOTHING_FOUND = frozenset({"type", "location", "severity", "description", "comparison", "cross_modal"})
"""Tasks whose option "no defect" is the answer where nothing is found."""


def rules_protocol() -> Mapping[str, Any]:
    """What is said of these rules in a run."""
    return {
        "rules": 2,
        "reads": ["map", "findings", "decision", "clauses", "required features", "specification", "ontology"],
    }

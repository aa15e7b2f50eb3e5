"""Plain sentences of fixed forms → an `Instruction`.

One sentence gives one clause (or several, where it lists names). The forms, with the words that may vary:

    Inspect the rim only. / Do not inspect the thread.                     scope
    Stains up to 2 mm on the rim are acceptable. / Stains are acceptable.  tolerance
    Ignore scratches.                                                      ignore (a part: scope)
    Look for cracks only.                                                  only
    A yellow dot is required on the sidewall. / Two dots must be present.  requirement
    Known defects: open splice, blister. / Watch for open splices.         knowledge

Everything else becomes an `Unread` clause, which a decision lists as not applied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from specsight.errors import SpecsightError
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
    load_instruction,
)
from specsight.specification.vocabulary import Vocabulary

YAML, TEXT = (".yaml", ".yml"), (".txt", ".md")
LONGEST_PATH = 1000
LONGEST = 20_000
"""Characters of text that are read at most."""
MILLIMETRES = {
    "mm": 1.0,
    "millimetre": 1.0,
    "millimeter": 1.0,
    "cm": 10.0,
    "centimetre": 10.0,
    "centimeter": 10.0,
}
MILLIMETRES |= {"inch": 25.4, "inche": 25.4, "in": 25.4}
NUMBERS = {"a": 1, "an": 1, "the": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}

MORE = frozenset({
    "no", "not", "never", "none", "nothing", "neither", "nor", "without", "except", "unless", "but", "if",
    "when", "while", "up", "most", "than", "more", "less", "larger", "smaller", "longer", "shorter",
    "above", "below", "over", "under", "only", "any",
})  # fmt: skip
"""Words that no name of a part or a defect holds: negations, exceptions, conditions, limits."""

_LOOK = r"(?:please )?(?:inspect|check|examine|judge)"
_FINE = r"(?:is|are) (?:acceptable|accepted|allowed|tolerated|permitted|fine|ok|okay)"
_LIMIT = r"(?P<number>\d+(?:[.,]\d+)?) ?(?P<unit>[a-z]+)"
_PART = r"(?: (?:on|in|at) (?:the )?(?P<part>.+?))?"
_COUNT = r"(?:(?P<count>an?|the|one|two|three|four|five|six|\d+) )?"
_PLACE = _PART.replace("part", "place")
FORMS: Sequence[tuple[str, str]] = (
    (rf"{_LOOK} (?:only )(?P<names>.+)", "scope"),
    (r"(?:only )(?:please )?(?:inspect|check|examine|judge) (?P<names>.+)", "scope"),
    (rf"{_LOOK} (?P<names>.+) only", "scope"),
    (rf"{_LOOK} nothing but (?P<names>.+)", "scope"),
    (r"(?:do not|don't|never) (?:inspect|check|examine|judge) (?P<names>.+)", "scope-out"),
    (rf"(?P<names>.+?) (?:of )?(?:up to|at most|no longer than) {_LIMIT}{_PART} {_FINE}", "tolerance"),
    (rf"(?P<names>.+?){_PART} {_FINE} (?:up to|at most|no longer than) {_LIMIT}", "tolerance"),
    (rf"(?:accept|allow|tolerate) (?P<names>.+?) (?:of )?(?:up to|at most) {_LIMIT}{_PART}", "tolerance"),
    (rf"(?P<names>.+?){_PART} {_FINE}", "tolerance"),
    (r"(?:ignore|disregard) (?P<names>.+)", "ignore"),
    (r"(?:look|search|watch) (?:out )?(?:only for (?P<names>.+)|for (?P<others>.+) only)", "only"),
    (rf"{_COUNT}(?P<feature>.+?){_PART} (?:is|are) required{_PLACE}", "requirement"),
    (rf"{_COUNT}(?P<feature>.+?) must be (?:present|there|visible){_PART}", "requirement"),
    (r"(?:known|possible) defects?(?: are)?:? (?P<names>.+)", "knowledge"),
    (r"(?:look|search|watch) (?:out )?for (?P<names>.+)", "knowledge"),
)
"""Pattern of a whole sentence in lower case without its full stop → what it demands; the first that fits counts."""


def read(text: str, specification: Specification | None = None) -> Instruction:
    """Read sentences as clauses. `specification` tells parts from defects where a sentence may mean either.

    Nothing is dropped: a sentence of no known form is an `Unread` clause. Text beyond `LONGEST` characters is unread.
    """
    clauses: list[Clause] = []
    for sentence in _sentences(text[:LONGEST]):
        clauses += _read_sentence(sentence, specification) or [Unread(text=sentence)]
    if len(text) > LONGEST:
        clauses.append(Unread(text=f"(everything after {LONGEST} characters)"))
    return Instruction.of(clauses, text=text)


def read_instruction(given: str, specification: Specification | None = None) -> Instruction:
    """Read what a person passes on: sentences, or the path of a file with an instruction (.yaml, .yml) or with
    sentences (.txt, .md). Raises SpecsightError for a file that cannot be read."""
    path = Path(given) if len(given) < LONGEST_PATH and "\n" not in given else None
    if path is None or path.suffix.lower() not in (*YAML, *TEXT):
        return read(given, specification)
    if path.suffix.lower() in YAML:
        return load_instruction(path)
    try:
        return read(path.read_text("utf-8"), specification)
    except UnicodeDecodeError as error:
        raise SpecsightError(f"'{path}' is not UTF-8 text: save it as UTF-8") from error
    except OSError as error:
        raise SpecsightError(f"cannot read '{path}': {error.strerror}") from error


def _sentences(text: str) -> Iterator[str]:
    """Sentences end at a line's end or at . ! ? ; before a space: not inside "2.5 mm"."""
    for sentence in re.split(r"(?<=[.!?;])\s+|\n+", text):
        stripped = " ".join(sentence.split())
        if stripped.strip(".!?; -*•"):
            yield stripped


def _read_sentence(sentence: str, specification: Specification | None) -> list[Clause]:
    plain = sentence.strip(" .!?;-*•").casefold()
    for pattern, form in FORMS:
        match = re.fullmatch(pattern, plain)
        if match and not any(map(_says_more, _named_by(match))):
            found = READERS[form](match, sentence, specification)
            if found:
                return found
    return []


def _named_by(match: re.Match[str]) -> list[str]:
    """What stands where a form expects names."""
    values = match.groupdict()
    return [values[k] for k in ("names", "others", "feature", "part", "place") if values.get(k)]


def _says_more(name: str) -> bool:
    """Whether a name holds words that change the sentence: better unread than read as its opposite."""
    return any(word in MORE or word[0].isdigit() for word in name.replace(",", " ").split())


def _scope(match: re.Match[str], sentence: str, specification: Specification | None) -> list[Clause]:
    return [Scope(parts=_names(match["names"]), text=sentence)]


def _scope_out(match: re.Match[str], sentence: str, specification: Specification | None) -> list[Clause]:
    return [Scope(parts=_names(match["names"]), exclude=True, text=sentence)]


def _tolerance(match: re.Match[str], sentence: str, specification: Specification | None) -> list[Clause]:
    values = match.groupdict()
    limit = None
    if values.get("number"):
        unit = values["unit"].removesuffix("s")
        if unit not in MILLIMETRES:
            return []
        limit = float(values["number"].replace(",", ".")) * MILLIMETRES[unit]
        if limit <= 0:
            return []
    part = values["part"]
    return [
        Tolerance(defect=name, up_to_mm=limit, part=_bare(part) if part else None, text=sentence)
        for name in _names(match["names"])
    ]


def _ignore(match: re.Match[str], sentence: str, specification: Specification | None) -> list[Clause]:
    """Names of the product's parts leave the scope; everything else is taken for a type of defect."""
    parts = Vocabulary.of(specification.parts if specification else ())
    names = _names(match["names"])
    outside = tuple(name for name in names if name in parts)
    ignored: list[Clause] = [Ignore(defect=name, text=sentence) for name in names if name not in outside]
    return [*ignored, *([Scope(parts=outside, exclude=True, text=sentence)] if outside else [])]


def _only(match: re.Match[str], sentence: str, specification: Specification | None) -> list[Clause]:
    return [Only(defect=name, text=sentence) for name in _names(match["names"] or match["others"])]


def _requirement(match: re.Match[str], sentence: str, specification: Specification | None) -> list[Clause]:
    values = match.groupdict()
    count = values.get("count") or "a"
    number = NUMBERS.get(count) or int(count)
    part = values.get("part") or values.get("place")
    if number < 1:
        return []
    feature = _bare(match["feature"])
    return [Requirement(feature=feature, count=number, part=_bare(part) if part else None, text=sentence)]


def _knowledge(match: re.Match[str], sentence: str, specification: Specification | None) -> list[Clause]:
    return [Knowledge(name=name, text=sentence) for name in _names(match["names"])]


READERS: dict[str, Callable[[re.Match[str], str, Specification | None], list[Clause]]] = {
    "scope": _scope,
    "scope-out": _scope_out,
    "tolerance": _tolerance,
    "ignore": _ignore,
    "only": _only,
    "requirement": _requirement,
    "knowledge": _knowledge,
}


def _names(text: str) -> tuple[str, ...]:
    """ "the rim, the thread and a seal" → rim, thread, seal."""
    names = re.split(r",\s*(?:and |or )?|\s+and\s+|\s+or\s+", text)
    return tuple(dict.fromkeys(_bare(name) for name in names if _bare(name)))


def _bare(name: str) -> str:
    return re.sub(r"^(?:an?|the|any|all|some) ", "", name.strip(" :"))

"""Plain sentences of fixed forms → an `Instruction`.

One sentence gives one clause (or several, where it lists names). The forms, with the words that may vary:

    Inspect the rim only. / Do not inspect the thread.                     scope
    Stains up to 2 mm on the rim are acceptable. / Stains are acceptable.  tolerance
    Ignore scratches.                                                      ignore (a part: scope)
    Look for cracks only.                                                  only
    A yellow dot is required on the sidewall. / Two dots must be present.  requirement
    Known defects: open splice, blister. / Watch for open splices.         knowledge

Everything else becomes an `Unread` clause, which a decision lists as not applied: questions, sentences that go on with
an exception, and those in which a name would hold a number, a place, a condition or a verb (see `reading.names`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from specsight.errors import SpecsightError
from specsight.reading.names import Names, bare, split
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
from specsight.specification.yaml import read_words

PUNCTUATION, BULLETS = " .!?;-*•", "-*•"
YAML, TEXT = (".yaml", ".yml"), (".txt", ".md")
LONGEST_PATH = 1000
"""Characters; a longer argument holds sentences and is no path."""
LONGEST_TEXT = 20_000
"""Characters of text that are read at most."""
LONGEST_SENTENCE = 1000
"""Characters of a sentence that is read: matching takes time that grows with their square."""
MILLIMETRES = {
    "mm": 1.0,
    "millimetre": 1.0,
    "millimeter": 1.0,
    "cm": 10.0,
    "centimetre": 10.0,
    "centimeter": 10.0,
    "in": 25.4,
    "inch": 25.4,
    "inche": 25.4,
}
"""Unit of length without the s of a plural ("inches" → "inche") → millimetres."""
NUMBERS = {"a": 1, "an": 1, "the": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}

GOES_ON = re.compile(
    r"(?i:except|excepting|exceptions?|excluding|unless|but|however|otherwise|not|though|although|apart)\b"
    r"|(?i:this|that|these|those|it|they) (?:is|are|does|do|holds?|apply|applies|means?|must|should|may)\b"
    r"|(?:on|in|at|of|up to|at most|and|or|if|when|while|where|is|are|must|only (?:on|in|at|if|when))\b"
)
"""Beginnings of what still belongs to the sentence before, behind a line's end or a full stop."""

OPEN = re.compile(r"(?i:[:,]|\b(?:not|never|no|don['\u2019]t|only|if|when|unless|to|and|or|but))$")
"""Endings of a line that say that the sentence goes on in the next, or what the lines below are for."""

_LOOK = r"(?:please )?(?:inspect|check|examine|judge)"
_FINE = r"(?:is|are) (?:acceptable|accepted|allowed|tolerated|permitted|fine|ok|okay)"
_LIMIT = (
    r"(?P<number>[0-9]{1,6}(?:[.,][0-9]{1,6})?) ?(?P<unit>[a-z]+)(?: (?:long|in (?:length|diameter|size)))?"
)
_PART = r"(?: (?:on|in|at) (?:the )?(?P<part>.+?))?"
_COUNT = r"(?:(?P<count>an?|the|one|two|three|four|five|six|[0-9]{1,4}) )?"
_PLACE = _PART.replace("part", "place")
FORMS: Sequence[tuple[str, str]] = (
    (rf"{_LOOK} (?:only )(?P<names>.+)", "scope"),
    (r"(?:only )(?:please )?(?:inspect|check|examine|judge) (?P<names>.+)", "scope"),
    (rf"{_LOOK} (?P<names>.+) only", "scope"),
    (rf"{_LOOK} nothing but (?P<names>.+)", "scope"),
    (r"(?:do not|don't|never) (?:inspect|check|examine|judge) (?P<names>.+)", "scope-out"),
    (rf"(?P<names>.+?) (?:of )?(?:up to|at most|no longer than) {_LIMIT}{_PART} {_FINE}", "tolerance"),
    (rf"(?P<names>.+?){_PART} (?:of )?(?:up to|at most|no longer than) {_LIMIT} {_FINE}", "tolerance"),
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

    Nothing is dropped: a sentence of no known form, and text beyond `LONGEST_TEXT` characters, is an `Unread` clause.
    """
    # What a shell passes on may be no Unicode; nothing else of it could be written or compared.
    text = text.encode("utf-8", "replace").decode("utf-8")
    clauses: list[Clause] = []
    names = Names.of(specification)
    for sentence in _sentences(text[:LONGEST_TEXT], names):
        clauses += _read_sentence(sentence, names) or [Unread(text=sentence)]
    if len(text) > LONGEST_TEXT:
        clauses.append(Unread(text=f"(everything after {LONGEST_TEXT} characters)"))
    return Instruction.of(clauses, text=text)


def read_instruction(given: str, specification: Specification | None = None) -> Instruction:
    """Read what a person passes on: sentences, or the path of a file with an instruction (.yaml, .yml) or with
    sentences (.txt, .md). Raises SpecsightError for a file that cannot be read, and where there is not one word."""
    path = Path(given) if len(given) < LONGEST_PATH and "\n" not in given else None
    if path is None or path.suffix.lower() not in (*YAML, *TEXT):
        return _read(given, "the instruction", specification)
    if path.suffix.lower() in YAML:
        return load_instruction(path)
    return _read(read_words(path), f"'{path}'", specification)


def _read(text: str, source: str, specification: Specification | None) -> Instruction:
    """Read sentences; whoever passes on none, as a shell does for a variable without a value, would believe that they
    count."""
    instruction = read(text, specification)
    if not instruction.clauses:
        raise SpecsightError(f"there is no word in {source}: write a sentence, or give no instruction")
    return instruction


def _sentences(text: str, names: Names) -> Iterator[str]:
    """Sentences end at a line's end or at . ! ? ; before a space (not inside "2.5 mm"), unless they go on behind it."""
    sentence, in_list = "", False
    for piece in re.split(r"(?<=[.!?;])\s+|\n+", text):
        stripped = " ".join(piece.split())
        if not stripped.strip(PUNCTUATION):
            continue
        listed = stripped[0] in BULLETS
        in_list = listed and (in_list or sentence.endswith(":"))
        if sentence and (in_list or _goes_on(sentence, stripped, names)):
            sentence = f"{sentence} {stripped}"
            continue
        if sentence:
            yield sentence
        sentence = stripped
    if sentence:
        yield sentence


def _goes_on(sentence: str, piece: str, names: Names) -> bool:
    """Whether a piece behind a line's end or a full stop belongs to the sentence before.

    A line without a full stop goes on in a line that begins with a small letter, unless both are understood alone.
    """
    if GOES_ON.match(piece.lstrip(PUNCTUATION)) or OPEN.search(sentence[-10:]):
        return True
    if sentence[-1] in ".!?;" or not piece[0].islower():
        return False
    return not (_read_sentence(piece, names) and _read_sentence(sentence, names))


def _read_sentence(sentence: str, names: Names) -> list[Clause]:
    """The clauses of a sentence; none for a question, a number below zero and what has no known form."""
    if len(sentence) > LONGEST_SENTENCE or re.search(r"^-[0-9]|\?$", sentence):
        return []
    plain = sentence.strip(PUNCTUATION).casefold().replace("\u2019", "'")
    for pattern, form in FORMS:
        match = re.fullmatch(pattern, plain)
        if match and (found := READERS[form](match, sentence, names)):
            return found
    return []


def _scope(match: re.Match[str], sentence: str, names: Names) -> list[Clause]:
    return _parts(match, sentence, names, exclude=False)


def _scope_out(match: re.Match[str], sentence: str, names: Names) -> list[Clause]:
    return _parts(match, sentence, names, exclude=True)


def _parts(match: re.Match[str], sentence: str, names: Names, exclude: bool) -> list[Clause]:
    parts = split(match["names"])
    if not parts or not all(map(names.part, parts)):
        return []
    return [Scope(parts=parts, exclude=exclude, text=sentence)]


def _tolerance(match: re.Match[str], sentence: str, names: Names) -> list[Clause]:
    limit = None
    if match.groupdict().get("number"):
        limit = _millimetres(match["number"], match["unit"])
        if limit is None:
            return []
    defects, parts = split(match["names"]), _tolerance_parts(match["part"], names)
    if match["part"] and (whole := match.string[match.start("names") : match.end("part")]) in names.defects:
        defects, parts = (bare(whole),), (None,)
    # "Elsewhere, scratches are acceptable": what stands before the comma is no member of a list.
    if "," in match["names"] and not re.search(r" (?:and|or|and/or|&) ", match["names"]):
        return []
    if not all(map(names.defect, defects)):
        return []
    return [
        Tolerance(defect=defect, up_to_mm=limit, part=part, text=sentence)
        for part in parts
        for defect in defects
    ]


def _millimetres(number: str, unit: str) -> float | None:
    """A length above zero, or None where it is none: "1,000" may be one or a thousand."""
    unit = unit.removesuffix("s")
    if unit not in MILLIMETRES or re.fullmatch(r"[1-9][0-9]*,[0-9]{3}", number):
        return None
    return float(number.replace(",", ".")) * MILLIMETRES[unit] or None


def _tolerance_parts(text: str | None, names: Names) -> tuple[str | None, ...]:
    """The parts that a tolerance holds for: None for everywhere; nothing where they cannot be told."""
    if text is None:
        return (None,)
    parts = split(text)
    known = all(part in names.parts for part in parts)
    return parts if known or (len(parts) == 1 and names.part(parts[0])) else ()


def _ignore(match: re.Match[str], sentence: str, names: Names) -> list[Clause]:
    """Names of the product's parts leave the scope; everything else is taken for a type of defect."""
    given = split(match["names"])
    outside = tuple(name for name in given if name in names.parts)
    defects = [name for name in given if name not in outside]
    if not all(map(names.defect, defects)):
        return []
    ignored: list[Clause] = [Ignore(defect=name, text=sentence) for name in defects]
    return [*ignored, *([Scope(parts=outside, exclude=True, text=sentence)] if outside else [])]


def _only(match: re.Match[str], sentence: str, names: Names) -> list[Clause]:
    defects = split(match["names"] or match["others"])
    return [Only(defect=name, text=sentence) for name in defects] if all(map(names.defect, defects)) else []


def _requirement(match: re.Match[str], sentence: str, names: Names) -> list[Clause]:
    """One feature, on one part: of several it cannot be told whether each of them is meant."""
    values = match.groupdict()
    count, feature = values.get("count") or "a", bare(match["feature"])
    number = NUMBERS.get(count) or int(count)
    places = [bare(place) for key in ("part", "place") if (place := values.get(key))]
    each = any(re.match(r"(?:each|every|all|any|both) ", values.get(key) or "") for key in ("part", "place"))
    if (
        number < 1
        or each
        or len(places) > 1
        or not names.feature(feature)
        or not all(map(names.part, places))
    ):
        return []
    return [Requirement(feature=feature, count=number, part=places[0] if places else None, text=sentence)]


def _knowledge(match: re.Match[str], sentence: str, names: Names) -> list[Clause]:
    taught = split(match["names"])
    return [Knowledge(name=name, text=sentence) for name in taught] if all(map(names.taught, taught)) else []


READERS: dict[str, Callable[[re.Match[str], str, Names], list[Clause]]] = {
    "scope": _scope,
    "scope-out": _scope_out,
    "tolerance": _tolerance,
    "ignore": _ignore,
    "only": _only,
    "requirement": _requirement,
    "knowledge": _knowledge,
}

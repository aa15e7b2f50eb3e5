"""A model's words → an answer in the form of its item, or None where they hold none.

Letters follow MMAD (Jiang et al., ICLR 2025): the last letter that stands alone, else the option whose text the words
come closest to. Before that, what is marked as the answer ("the answer is B", "<answer>B</answer>", "(B)") counts as
such, and the article "A" in front of a word is no letter. What is thought aloud (<think>) is not read.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping

from specsight.benchmark.tasks import Form
from specsight.explain.slots import NUMBER, box_in, objects_in, read_slots, thousandths
from specsight.specification.vocabulary import normal_form

LONGEST = 10_000
"""Characters of an answer that are read, from its end: a model that repeats itself says nothing new."""
ALIKE = 0.75
"""Least similarity (`difflib`, [0, 1]) of words and the option that they are taken for."""
AHEAD = 0.05
"""By how much the closest option must be more similar than the next."""

THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
TAGGED = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.DOTALL | re.IGNORECASE)
TWO = re.compile(rf"[\[(] ?({NUMBER}) ?[,; ] ?({NUMBER}) ?[\])]")
NAMED_TWO = re.compile(rf"\bx\W{{1,4}}({NUMBER})\W{{1,4}}y\W{{1,4}}({NUMBER})", re.IGNORECASE)


def parse(words: str, form: Form, options: Mapping[str, str]) -> str | None:
    """The answer that `words` hold, in the form of `Item.answer`.

    Parameters: `options` is letter → text as it was shown; empty for forms without options. Returns None where there is
    no answer of this form.
    """
    said = _final(words)
    if form == "choice":
        return _letter(said, options)
    if form == "choices":
        return _letters(said, options)
    if form == "box":
        return box_in(said)
    if form == "point":
        return _point(said)
    if form == "text":
        return said or None
    slots = read_slots(said)
    return None if slots is None else slots.model_dump_json(exclude_none=True)


def _final(words: str) -> str:
    """What is said in the end: without thoughts; inside the last answer tag where there is one."""
    said = THOUGHT.sub(" ", words[-LONGEST:])
    tagged = TAGGED.findall(said)
    return " ".join((tagged[-1] if tagged else said).split())


def _class(options: Mapping[str, str]) -> str:
    return "".join(re.escape(letter) for letter in options if len(letter) == 1)


def _letter(said: str, options: Mapping[str, str]) -> str | None:
    """One of the letters of `options`."""
    if not said or not options:
        return None
    if (value := _json_answer(said)) is not None:
        said = value
    bare = said.strip(" \t\r\n.:;,()[]{}*'\"`#")
    if bare.upper() in options and len(bare) == 1:
        return bare.upper()
    letters = _class(options)
    marked = rf"\b(?:answer|option|choice)\b(?: (?:is|would be|must be))? ?[:=]?[ *\"'(\[]*([{letters}])\b(?!'| [a-z])"
    if found := re.findall(marked, said, re.IGNORECASE):
        return str(found[-1]).upper()
    # "A scratch": an article. "A." and "A: scratch" and "it is A": letters.
    if found := re.findall(rf"\b([{letters}])\b(?!['’])(?!(?<=A) [a-z0-9])", said):
        return str(found[-1])
    return _closest(said, options)


def _json_answer(said: str) -> str | None:
    """The value of "answer" in a JSON object."""
    for value in objects_in(said):
        for name in ("answer", "option", "choice"):
            if isinstance(value.get(name), str):
                return str(value[name])
    return None


def _closest(said: str, options: Mapping[str, str]) -> str | None:
    """The letter of the option that is said in its own words, or nearly so; None where several are, or none."""
    told = normal_form(said)
    texts = {letter: normal_form(text) for letter, text in options.items()}
    exact = [letter for letter, text in texts.items() if text == told]
    if len(exact) == 1:
        return exact[0]
    inside = [letter for letter, text in texts.items() if text and re.search(rf"\b{re.escape(text)}\b", told)]
    # "No defect" holds "defect": the option that holds the others is meant.
    widest = [one for one in inside if all(texts[other] in texts[one] for other in inside)]
    if len(widest) == 1:
        return widest[0]
    if inside:
        return None
    ratios = sorted(((_similarity(told, text), letter) for letter, text in texts.items()), reverse=True)
    (best, letter), *others = ratios
    if best < ALIKE or (others and best - others[0][0] < AHEAD):
        return None
    return letter


def _similarity(told: str, text: str) -> float:
    """In [0, 1]; 0 where the lengths alone keep them apart."""
    matcher = difflib.SequenceMatcher(None, told, text)
    return matcher.ratio() if matcher.real_quick_ratio() >= ALIKE else 0.0


def _letters(said: str, options: Mapping[str, str]) -> str | None:
    """Several letters, in the order of the options, as "A, C"."""
    if not said or not options:
        return None
    letters = _class(options)
    said = said.replace('"', "")
    run = rf"\b[{letters}]\b(?:(?: ?[,;/&] ?| and | )(?:and )?\(?[{letters}]\b\)?)*"
    marked = re.findall(rf"(?i:answers?|options?|choices?)\W{{0,4}}(?i:is|are)?\W{{0,4}}({run})", said)
    given = marked or re.findall(rf"({run})(?!['’])(?!(?<=A) [a-z0-9])", said)
    if given:
        chosen = set(re.findall(rf"\b[{letters}]\b", given[-1])) if (marked or len(given) == 1) else set()
        if not chosen:  # One a line: "A. scratch", "C. dent".
            chosen = {letter for one in given for letter in re.findall(rf"\b[{letters}]\b", one)}
        return ", ".join(letter for letter in options if letter in chosen)
    told = normal_form(said)
    texts = {letter: normal_form(text) for letter, text in options.items()}
    found = [letter for letter, text in texts.items() if text and re.search(rf"\b{re.escape(text)}\b", told)]
    return ", ".join(found) or None


def _point(said: str) -> str | None:
    found = TWO.findall(said) or NAMED_TWO.findall(said)
    if not found and (bare := re.fullmatch(rf"\D{{0,20}}({NUMBER})\s*,\s*({NUMBER})\D{{0,5}}", said)):
        found = [bare.groups()]
    values = thousandths([float(number) for number in found[-1]]) if found else None
    return None if values is None else json.dumps(values)

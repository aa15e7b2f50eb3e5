"""Whether a required text is written in a picture: read it, or read what is written in its place.

In: the text and the lines of a picture. Out: a `Reading`. A text is there where no other reading of the same steps is
clearly likelier; another one is in its place where most of it is read and some character is surely different.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from specsight.presence import ctc, lettering
from specsight.presence.lettering import Line
from specsight.records import Box

READ = -1.2
"""Least deficit of a text that is there, over all ways of reading together: the product of its characters'
probabilities is at least a third of that of what is read."""
MARGIN = 0.3
"""Least margin of such a text in one way of reading: each of its characters is likelier there than any other."""
SURE, SURE_MARGIN = -0.1, 1.5
"""Deficit and margin from which on one way of reading suffices."""
OTHERWISE, SURELY_OTHERWISE = 0.75, 0.95
"""Probability of a character that stands where the text has another, from which on the text is not what is written: in
every way of reading, or in one alone."""
LIKE = 0.67
"""Share of a text's characters that a line which stands in its place has in common with it, in order."""
LEAST_CHARACTERS = 4
"""Of a text; what is like a shorter one may be anything."""


@dataclass(frozen=True)
class Reading:
    """What is known of a text in a picture."""

    boxes: tuple[Box, ...] = ()
    """Where it is written."""
    instead: str = ""
    """What is written in its place."""
    instead_box: Box | None = None
    unsure: str = ""
    """What is read that may be it: hard to read, or cut off by the rim of the picture."""


def look_for(text: str, readings: Iterable[tuple[Line, ...]]) -> Reading:
    """Look for a text in one way of reading after another, until one is sure or reads nothing like it."""
    asked = lettering.symbols(text)
    if asked is None:
        return Reading(unsure="characters that the recogniser does not know")
    fits: list[_Fit] = []
    for lines in readings:
        fit = _fit(text, asked, lines)
        if fit.deficit >= SURE and fit.margin >= SURE_MARGIN:
            return Reading(boxes=fit.boxes)
        if fit.instead and fit.against >= SURELY_OTHERWISE:
            return fit.otherwise()
        if fit.like:
            fits.append(fit)
        elif lines:
            break
    if not fits:
        return Reading()
    if sum(fit.deficit for fit in fits) >= READ and max(fit.margin for fit in fits) >= MARGIN:
        return Reading(boxes=max(fits, key=lambda fit: fit.deficit).boxes)
    if all(fit.instead and fit.against >= OTHERWISE for fit in fits):
        return fits[0].otherwise()
    return Reading(unsure=fits[0].like)


def normal(text: str) -> str:
    """Characters that tell texts apart: letters in capitals, digits and signs that stand between them."""
    return "".join(character for character in text.upper() if character.isalnum() or character in "/+-&%")


def is_in(text: str, lines: Iterable[str]) -> bool:
    """Whether a text stands in one of these lines, spaces aside."""
    return any(normal(text) in normal(line) for line in lines)


@dataclass(frozen=True)
class _Fit:
    """How a text fits the lines of one way of reading."""

    deficit: float = -float("inf")
    margin: float = -float("inf")
    against: float = 0.0
    """Of the line that it fits best."""
    boxes: tuple[Box, ...] = ()
    """Of the lines that it fits well."""
    like: str = ""
    """What is read that may be it, or differs from it by little."""
    instead: Line | None = None
    """What is like it and differs."""

    def otherwise(self) -> Reading:
        """What follows where something else is written."""
        if self.instead is None:
            raise ValueError("nothing is written instead")
        return Reading(instead=self.instead.text, instead_box=self.instead.box)


def _fit(text: str, asked: list[ctc.Symbol], lines: Iterable[Line]) -> _Fit:
    empty, signs = lettering.empty_classes(), lettering.sign_classes()
    boxes, best, instead = list[Box](), _Fit(), list[tuple[float, Line]]()
    for line in lines:
        found = ctc.align(line.probabilities, asked, empty, signs)
        shared, differs = _like(normal(text), normal(line.text), line.cut_off)
        well = found is not None and found.deficit >= READ
        if found is not None and (well or shared >= LIKE) and found.deficit > best.deficit:
            best = _Fit(found.deficit, found.margin, found.against, like=line.text)
        if well:
            boxes.append(line.box)
        elif shared >= LIKE and differs and len(normal(text)) >= LEAST_CHARACTERS:
            instead.append((shared, line))
    closest = max(instead, key=lambda one: one[0])[1] if instead and not boxes else None
    return replace(best, boxes=tuple(_distinct(boxes)), instead=closest)


def _like(text: str, read: str, cut_off: tuple[bool, bool]) -> tuple[float, bool]:
    """Share of a text that a line has in common with it, and whether the line differs from it where it does not: what
    the rim of the picture has cut off may have been the rest of the text."""
    if not text:
        return 0.0, False
    matcher = SequenceMatcher(None, text, read, autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    if not blocks:
        return 0.0, False
    shared = sum(block.size for block in blocks) / len(text)
    first, last = blocks[0], blocks[-1]
    start = first.a if cut_off[0] and first.b == 0 else 0
    stop = last.a + last.size if cut_off[1] and last.b + last.size == len(read) else len(text)
    differs = sum(block.size for block in blocks) < stop - start
    return shared, differs


def _distinct(boxes: Iterable[Box]) -> list[Box]:
    """Boxes without those that lie over one before: the same lettering, read in two tiles."""
    kept: list[Box] = []
    for box in boxes:
        if not any(_overlap(box, other) for other in kept):
            kept.append(box)
    return kept


def _overlap(first: Box, second: Box) -> bool:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    smaller = min((b[2] - b[0]) * (b[3] - b[1]) for b in (first, second))
    return width > 0 and height > 0 and width * height > 0.5 * smaller

"""What options say, read from their words: a verdict, yes or no, "nothing is wrong", a cell, a number, a type or part.

In: letter → text. Out: the letter whose text means what is sought, or lies nearest to it; None where no option does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from specsight.specification.vocabulary import COLUMNS, ROWS, Vocabulary, normal_form

Options = Mapping[str, str]
CELLS = {
    " ".join(word for word in (row, column) if word) or "centre": ((x + 0.5) / 3, (y + 0.5) / 3)
    for y, row in enumerate(ROWS)
    for x, column in enumerate(COLUMNS)
}
"""Cell of the 3 × 3 grid → its middle (x, y), in shares of width and height."""
NOTHING = re.compile(
    r"\bno (?:\w+ )?(?:defect|anomaly|damage|fault)|\bnothing\b|\bnowhere\b|\bno part\b|\bneither\b|\bdefect free\b"
    r"|^good$|^none$",
    re.IGNORECASE,
)
OTHER = re.compile(
    r"\banother type\b|\bother type\b|\bnone of (?:the above|these)\b|\bsomething else\b", re.IGNORECASE
)
SOUND = re.compile(
    r"\bfree of\b|\bin order\b|\bsound\b|\bwithout any\b|\bgood\b|\bflawless\b|\bfaultless\b|\bintact\b|\bperfect\b",
    re.IGNORECASE,
)
"""Words of a question whose "yes" means that nothing is wrong."""
NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def nothing(options: Options) -> str | None:
    """The option by which nothing is wrong."""
    return next((letter for letter, text in options.items() if NOTHING.search(text)), None)


def other(options: Options) -> str | None:
    """The option by which the right one is not offered."""
    return next((letter for letter, text in options.items() if OTHER.search(text)), None)


def saying(options: Options, *words: str) -> str | None:
    """The first option that begins with one of `words`, whatever their letter case."""
    for letter, text in options.items():
        if any(re.match(rf"{re.escape(word)}\w*\b", text.strip(), re.IGNORECASE) for word in words):
            return letter
    return None


def asks_whether_sound(question: str) -> bool:
    """Whether "yes" to this question means that nothing is wrong."""
    return bool(SOUND.search(question))


def forbids(instruction: str, feature: str) -> bool:
    """Whether an instruction says of a feature that it must not be there."""
    words = rf"\b(?:not have|no|without) (?:an? |any )?{re.escape(normal_form(feature))}\b"
    return bool(re.search(words, normal_form(instruction)))


def cell_of(text: str) -> str | None:
    """The cell of the grid that a text names; the longest name that it holds."""
    words = normal_form(text)
    held = [cell for cell in CELLS if re.search(rf"\b{cell}\b", words)]
    return max(held, key=len, default=None)


def nearest_cell(options: Options, x: float, y: float) -> str | None:
    """The option whose cell lies nearest to a point in shares of width and height."""
    cells = {letter: cell for letter, text in options.items() if (cell := cell_of(text)) is not None}

    def distance(letter: str) -> float:
        middle = CELLS[cells[letter]]
        return (middle[0] - x) ** 2 + (middle[1] - y) ** 2

    return min(cells, key=distance, default=None)


def number_of(text: str) -> int | None:
    """The number that an option says, in digits or words."""
    if found := re.search(r"\d+", text):
        return int(found[0])
    words = re.findall(r"[a-z]+", text.casefold())
    return next(
        (number for number, word in enumerate(NUMBERS) if word in words), 0 if NOTHING.search(text) else None
    )


def nearest_number(options: Options, number: int) -> str | None:
    """The option whose number is closest."""
    said = {letter: n for letter, text in options.items() if (n := number_of(text)) is not None}
    return min(said, key=lambda letter: (abs(said[letter] - number), said[letter]), default=None)


def named(options: Options, name: str, words: Vocabulary) -> str | None:
    """The option that means `name`, by the words of a product."""
    return next((letter for letter, text in options.items() if words.same(text, name)), None)


def mentioned(text: str, words: Vocabulary, phrases: Mapping[str, Iterable[str]]) -> str | None:
    """The name of `words` of which a text holds the longest spelling."""
    bare = re.sub(r"[^\w\s-]", " ", text)
    told = f" {normal_form(bare)} "
    found = [
        (len(form), name)
        for name in words.names
        for form in map(normal_form, (name, *phrases.get(name, ())))
        if f" {form} " in told
    ]
    return max(found)[1] if found else None

"""A sentence → tokens: quantities, names of the product's parts and defects, words with a task, and unknown words.

In: one sentence in plain characters, and the names of a product. Out: `Token`s from left to right; words that change
nothing are left out. Where words may be a name or have a task ("check", "open"), the sentence has several readings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

from specsight.reading.lexicon import Sense, lexicon
from specsight.reading.names import Match, Names
from specsight.reading.quantities import Quantity, quantities

WORD = re.compile(
    r"(?P<quote>\"[^\"]{1,80}\"|(?<!\w)'(?:[^']|(?<=\w)'(?=\w)){1,80}'(?!\w))|(?P<quantity>\ufffc)|(?P<word>[^\W_]+(?:[.'_/][^\W_]+)*)|"
    r"(?P<sign>[<>=]=?|[≤≥&:,;()+/–]|\.{2,}|…)|(?P<other>\S)"
)
ARROW = re.compile(r" *(?:-+>|=+>(?! ?\d)|→|⇒) *")
JOINED = re.compile(r"(?<!\bmax)(?<!\bmin)(?<!\bdia)(?<!\bno)(?<!\bin)(?<!\bincl)[.!;] +(?=[^\W\d])")
"""Full stops inside a statement, behind which it goes on."""
QUOTED = re.compile(r"(?<![\w\d])\"[^\"]{1,80}\"|(?<!\w)'(?:[^']|(?<=\w)'(?=\w)){1,80}'(?!\w)")
CONJUNCTIONS = frozenset({
    ",", "and", "or", "&", "/", ";", "as well as", "along with", "together with", "plus", "+", "nor", "but also",
    "then", "yet", "–", "(", ")", "and/or", "while", "whereas", "and also", "…",
})  # fmt: skip
MOST_READINGS = 12
"""Readings of one sentence that are tried."""
FIGURES = re.compile(r"\d{1,4}")
COUNTS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "twelve": 12, "both": 2, "double": 2, "a pair of": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Token:
    """One unit of a sentence, of the words `start:end`.

    `kind`: pred, compare, quantity, def, part, unk (unknown words), conj, colon, num, or a class of the lexicon.
    """

    kind: str
    text: str
    start: int
    end: int
    value: str = ""
    """Which of its kind: the class of a predicate, the name of a part or a defect."""
    quantity: Quantity | None = None
    senses: tuple[Sense, ...] = ()
    confidence: float = 1.0

    def may_be(self, kind: str, value: str = "") -> bool:
        """Whether one of its senses is of this kind."""
        return any(sense[0] == kind and value in ("", sense[1]) for sense in self.senses)

    def be(self, kind: str, value: str = "") -> Token:
        """The same words in another sense."""
        return replace(self, kind=kind, value=value)


@dataclass(frozen=True)
class Sentence:
    """The words of a sentence and, in each of its readings, their tokens."""

    words: tuple[str, ...]
    readings: tuple[tuple[Token, ...], ...]

    def name(self, start: int, end: int) -> str:
        """Words `start:end` as a name."""
        return " ".join(self.words[start:end])


def tokenise(text: str, names: Names) -> Sentence:
    """The readings of a sentence in plain characters, at most `MOST_READINGS`."""
    text = _unquoted(expanded(JOINED.sub(" ; ", text.casefold())), names)
    quoted = [match.span() for match in QUOTED.finditer(text)]
    found = [
        quantity
        for quantity in quantities(text)
        if not any(start < quantity.start and quantity.end < end for start, end in quoted)
    ]
    for quantity in reversed(found):
        text = f"{text[: quantity.start]} \ufffc {text[quantity.end :]}"
    glued: set[int] = set()
    words, kinds = _words(text, glued)
    measures = iter(found)
    given = [next(measures) if kind == "quantity" else None for kind in kinds]
    choices = _choices(words, kinds, given, names, glued)
    readings = tuple(
        tuple(_without_noise(reading)) for reading in islice(_paths(choices, 0, len(words)), MOST_READINGS)
    )
    return Sentence(tuple(words), readings)


def expanded(text: str) -> str:
    """Contractions in full ("don't" → "do not"), arrows as colons."""
    text = ARROW.sub(" : ", text)
    text = re.sub(r"\bcan't\b|\bcannot\b|\bcant\b", "can not", text)
    text = re.sub(r"\bwon't\b|\bwont\b", "will not", text)
    text = re.sub(r"\b(do|does|is|are|must|need|should|could|would)n'?t\b", r"\1 not", text)
    text = re.sub(r"\b(it|that|there)'s\b", r"\1 is", text)
    text = re.sub(r"\b(they|you|we)'re\b", r"\1 are", text)
    text = re.sub(r"\blet's\b", "let us", text)
    text = re.sub(r"\b(i|we|you)'d\b", r"\1 would", text)
    text = re.sub(r"\b(i|we|you)'ll\b", r"\1 will", text)
    return re.sub(r"\b(i|we|you)'ve\b", r"\1 have", text)


def _unquoted(text: str, names: Names) -> str:
    """Without quotation marks around words that are known: "scratches" up to 2 mm are "fine"."""
    known = lexicon().senses

    def bare(match: re.Match[str]) -> str:
        words = match[0][1:-1].split()
        if all((word,) in known or any(names.matches(words, k)) for k, word in enumerate(words)):
            return f" {match[0][1:-1]} "
        return match[0]

    return QUOTED.sub(bare, text)


def _words(text: str, glued: set[int]) -> tuple[list[str], list[str]]:
    """The words of a text and what each is; `glued` gets the numbers of those behind a hyphen."""
    words: list[str] = []
    kinds: list[str] = []
    for match in WORD.finditer(text):
        kind = str(match.lastgroup)
        if kind == "word":
            if (
                words
                and text[match.start() - 1] == "-"
                and text[match.start() - 2 : match.start() - 1].isalnum()
            ):
                glued.add(len(words))
            for piece in re.split(r"/(?=[a-z])", match[0]):
                if words and piece != match[0] and kinds[-1] == "word" and match[0].index(piece):
                    words.append("/")
                    kinds.append("sign")
                words.append(piece)
                kinds.append("word")
        elif match[0] not in "-.!?'\"*•_" or _minus(text, match):
            words.append(match[0])
            kinds.append(kind)
    return words, kinds


def _minus(text: str, match: re.Match[str]) -> bool:
    """Whether a hyphen is the sign of a number."""
    alone = not match.start() or text[match.start() - 1].isspace()
    return match[0] == "-" and alone and text[match.end() : match.end() + 1].isdigit()


def _choices(
    words: list[str],
    kinds: list[str],
    given: Sequence[Quantity | None],
    names: Names,
    glued: set[int],
) -> list[list[Token]]:
    """At each word, the tokens that may begin there: the longest name of each kind, the longest phrase, or a word."""
    known = lexicon()
    choices: list[list[Token]] = []
    for start, word in enumerate(words):
        here: list[Token] = []
        quantity = given[start]
        if quantity is not None:
            here.append(Token("quantity", "quantity", start, start + 1, quantity=quantity))
        elif kinds[start] == "quote":
            here.append(Token("unk", word, start, start + 1, "quoted"))
        else:
            phrase = _phrase(words, start, known.longest)
            matches = list(names.matches(words, start))
            here += [_named(match, words, start) for match in matches]
            if phrase is not None and not (here and all(kind == "noise" for kind, _ in phrase.senses)):
                shadowed = here and max(token.end for token in here) > phrase.end
                if not shadowed:
                    longer = phrase.end > max((token.end for token in here), default=start)
                    here = [phrase, *here] if longer else [*here, phrase]
            end = start + 1
            while end in glued:
                end += 1
            if end > start + 1 and start not in glued and all(token.end < end for token in here):
                here = [Token("unk", " ".join(words[start:end]), start, end)]
            if not here:
                here.append(_single(word, kinds[start], start))
        choices.append(here)
    return choices


def _phrase(words: list[str], start: int, longest: int) -> Token | None:
    known = lexicon().senses
    for end in range(min(len(words), start + longest), start, -1):
        if words[end - 1] in ("part", "parts") and end - start > 1 and _goes_on(words, end):
            continue
        if (
            words[start] in ("and", "or", "but")
            and end - start > 1
            and words[end : end + 1]
            and words[end] in ("to", "than", "\ufffc", "a")
        ):
            # "and up to 2 mm", "and over 2 mm" compare with what follows, and not with what stands before.
            continue
        senses = known.get(tuple(words[start:end]))
        if senses:
            kind, value = senses[0]
            return Token(kind, " ".join(words[start:end]), start, end, value, senses=senses)
        if " ".join(words[start:end]) in CONJUNCTIONS:
            return Token("conj", " ".join(words[start:end]), start, end)
    return None


def _goes_on(words: list[str], end: int) -> bool:
    """Whether an unknown word follows, so that "no part" is the beginning of "no part number"."""
    known = lexicon().senses
    following = [tuple(words[end : end + count]) for count in (1, 2)]
    unknown = end < len(words) and words[end].isalpha() and not any(words in known for words in following)
    return unknown and words[end] not in CONJUNCTIONS


def _named(match: Match, words: list[str], start: int) -> Token:
    end = start + match.length
    return Token(match.kind, " ".join(words[start:end]), start, end, match.name, confidence=match.confidence)


def _single(word: str, kind: str, start: int) -> Token:
    if word == ":" or word == "=":
        return Token("colon", word, start, start + 1)
    if word in COUNTS or FIGURES.fullmatch(word):
        return Token("num", word, start, start + 1)
    if kind in ("other", "sign") or not any(letter.isalnum() for letter in word):
        return Token("block", word, start, start + 1)
    return Token("unk", word, start, start + 1)


def _paths(choices: list[list[Token]], start: int, end: int) -> Iterator[list[Token]]:
    """All sequences of tokens from `start` to `end`, those of the first choices first."""
    forks = [k for k, here in enumerate(choices) if len(here) > 1][:6]
    for picks in product(*(range(min(3, len(choices[k]))) for k in forks)):
        chosen = dict(zip(forks, picks))
        path, position = [], start
        while position < end:
            token = choices[position][chosen.get(position, 0)]
            path.append(token)
            position = token.end
        yield path


def _without_noise(tokens: list[Token]) -> Iterator[Token]:
    """Tokens that say something; unknown words side by side are one name."""
    waiting: Token | None = None
    for token in tokens:
        if token.kind == "noise" and len(token.senses) < 2:
            continue
        glued = waiting is not None and waiting.end == token.start
        if token.kind == "unk" and waiting is not None and glued:
            waiting = replace(waiting, text=f"{waiting.text} {token.text}", end=token.end, value="")
            continue
        if waiting is not None:
            yield waiting
        waiting = token if token.kind == "unk" else None
        if waiting is None:
            yield token
    if waiting is not None:
        yield waiting

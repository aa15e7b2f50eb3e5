"""A question → tagged words: names of the product's types, parts and required features, and words with a task.

In: words, and the names of a product. Out: `Tag`s from left to right. Names go before words with a task, longer ones
before shorter ones; a word that is neither is taken for the word with a task that it is one slip away from, where there
is one such word alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import yaml

from specsight.asking.names import ProductNames
from specsight.asking.words import plural
from specsight.reading.names import MISSPELT, one_slip
from specsight.reading.normal import plain, stem
from specsight.reading.tokens import expanded

WORD = re.compile(r"#\d+|\d+(?:[.,]\d+)?|[^\W\d_](?:[^\W_]|['.](?=[^\W_]))*|[?!.;,:]")
SHORTEST_SLIP = 4
"""Letters of a word with a task whose spelling may have a slip."""


@dataclass(frozen=True)
class Tag:
    """Words `start:end` of a question. `tag` in capitals is a class of words, else it is the word itself."""

    tag: str
    text: str
    start: int
    end: int
    value: str = ""
    """The name that is meant, where the class has several."""
    guessed: bool = False
    """Whether the spelling had a slip."""


@dataclass(frozen=True)
class Lexicon:
    """What stands in `words.yaml`, by phrase."""

    tags: Mapping[tuple[str, ...], tuple[str, str]]
    """Words → (tag, value)."""
    longest: int
    known: frozenset[str]
    correctable: tuple[str, ...]
    """Words that a slip is put right to."""
    slips: Mapping[str, str]
    """Common slips of short words, and abbreviations → what is meant."""


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The words of `words.yaml`."""
    given = yaml.load(Path(__file__).with_name("words.yaml").read_text("utf-8"), yaml.CSafeLoader)
    tags: dict[tuple[str, ...], tuple[str, str]] = {}
    groups = [(tag, "", text) for tag, text in given["tags"].items()]
    groups += [("PLACE", value, text) for value, text in given["places"].items()]
    groups += [("MOST", value, text) for value, text in given["most"].items()]
    groups += [("ORDINAL", str(value), text) for value, text in given["ordinals"].items()]
    groups.append(("UNSEEN", "", given["unseen"]))
    for tag, value, text in groups:
        for phrase in _phrases(text):
            for form in {phrase, plural(phrase)} if tag in PLURAL else {phrase}:
                tags.setdefault(tuple(form.split()), (tag, value))
    known = frozenset(word for phrase in _phrases(given["known"]) for word in phrase.split())
    known |= {word for phrase in tags for word in phrase}
    correctable = tuple(sorted(word for word in known if len(word) >= SHORTEST_SLIP and word.isalpha()))
    return Lexicon(tags, max(map(len, tags)), known, correctable, given["slips"])


PLURAL = frozenset({"DEFECT", "PICTURE", "PRODUCT", "PARTWORD", "CORNER", "NOTE", "OPERATOR", "REFERENCE"})


def split_words(question: str) -> list[str]:
    """The words of a question in lower case, contractions in full; marks that part sentences are words too."""
    text = expanded(plain(question).casefold())
    text = re.sub(r"\b(what|where|who|why|how|which|when|here)'?s\b", r"\1 is", text)
    text = re.sub(r"[^\W\d_]+", lambda match: lexicon().slips.get(match[0], match[0]), text)
    text = re.sub(r"\b(has|have|had|was|were|did)n't\b", r"\1 not", text)
    return WORD.findall(text)


def tagged(question: str, names: ProductNames) -> list[Tag]:
    """The tags of a question."""
    found = list(_tags(split_words(question), names))
    return [_in_context(found, k) for k in range(len(found))]


def _tags(given: Sequence[str], names: ProductNames) -> Iterator[Tag]:
    start = 0
    while start < len(given):
        found = _best(given, start, names)
        yield found
        start = found.end


def _best(given: Sequence[str], start: int, names: ProductNames) -> Tag:
    named = names.at(given, start)
    cue = _cue(given, start)
    if named is not None and named.confidence <= MISSPELT and given[start] in lexicon().known:
        named = None
    if (
        named is not None
        and named.tag == "OTHERTYPE"
        and (cue is not None or given[start] in lexicon().known)
    ):
        named = None
    if named is not None and (cue is None or named.length >= cue.end - start):
        end = start + named.length
        guessed = named.confidence <= MISSPELT
        return Tag(named.tag, " ".join(given[start:end]), start, end, named.name, guessed)
    if cue is not None:
        return cue
    word = given[start]
    if word in lexicon().known or not word.isalpha():
        return Tag(word, word, start, start + 1)
    return _corrected(given, start, names)


def _cue(given: Sequence[str], start: int) -> Tag | None:
    for length in range(min(lexicon().longest, len(given) - start), 0, -1):
        found = lexicon().tags.get(tuple(given[start : start + length]))
        if found:
            text = " ".join(given[start : start + length])
            return Tag(found[0], text, start, start + length, found[1])
    return None


def _corrected(given: Sequence[str], start: int, names: ProductNames) -> Tag:
    """A word that is not known: with its slip put right where that can be told, else as it stands."""
    word = given[start]
    if len(word) >= SHORTEST_SLIP:
        named = names.with_slip(word)
        if named is not None:
            return Tag(named.tag, word, start, start + 1, named.name, guessed=True)
        close = [other for other in lexicon().correctable if one_slip(word, other)]
        if len(close) > 1:
            # Letters in each other's place are the commonest slip, and a word left out is put right to a longer one.
            close = [one for one in close if sorted(one) == sorted(word)] or close
        if len(close) == 1:
            mended = [*given[:start], close[0], *given[start + 1 :]]
            cue = _cue(mended, start)
            tag = cue if cue is not None and cue.end == start + 1 else Tag(close[0], word, start, start + 1)
            return Tag(tag.tag, word, start, start + 1, tag.value or close[0], guessed=True)
    return Tag("UNK", word, start, start + 1, stem(word))


def _in_context(tags: Sequence[Tag], k: int) -> Tag:
    """ "right" beside a corner or a row is a place; "this" in front of a noun points to nothing else."""
    tag = tags[k]
    after = tags[k + 1].tag if k + 1 < len(tags) else ""
    before = tags[k - 1].tag if k else ""
    if tag.text == "right" and (before == "PLACE" or after in ("CORNER", "PLACE", "of")):
        return replace(tag, tag="PLACE", value="right")
    if (
        tag.text == "left"
        and after not in ("CORNER", "PLACE", "of")
        and before not in ("PLACE", "the", "at", "on")
    ):
        return replace(tag, tag="left", value="")
    if tag.tag == "IT" and tag.text in POINTING:
        following = next((one.tag for one in tags[k + 1 :] if one.tag not in DESCRIBING), "")
        if following in NOUNS:
            return replace(tag, tag="the")
    return tag


POINTING = frozenset({"this", "that", "these", "those"})
DESCRIBING = frozenset({"MOST", "ORDINAL", "OK", "LEVEL", "UNK", "one", "two", "three"})
NOUNS = frozenset({
    "PRODUCT", "PICTURE", "PARTWORD", "PART", "TYPE", "OTHERTYPE", "GROUP", "DEFECT", "FEATURE", "NOTE", "REFERENCE",
    "specification", "verdict", "decision", "kind", "type", "sort", "size", "case", "CORNER",
})  # fmt: skip


def _phrases(text: object) -> list[str]:
    return [phrase.strip().strip('"') for phrase in str(text).split(";") if phrase.strip()]

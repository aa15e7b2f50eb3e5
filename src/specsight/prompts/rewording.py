"""One specification in other words, to measure what a change of the description alone does to a method's answers.

In: a specification. Out: the same product described otherwise. Wordings that keep the meaning should change no
decision; wordings that lose or contradict it may (the protocol of TGAD's first scenario, arXiv 2606.01992).
"""

from __future__ import annotations

from collections.abc import Callable

from specsight.specification import DefectType, Specification
from specsight.specification.synonyms import PHRASES
from specsight.specification.vocabulary import normal_form, normal_forms, product_form

WRONG_NOUN = "banana"
NO_NOUN = "object"
WRONG_DEFECTS = ("a missing button", "a torn page", "mould on bread", "a flat note", "an empty seat")
"""Things that can be wrong, but not with an industrial part."""


def _as_written(specification: Specification) -> Specification:
    return specification


def _paraphrased(specification: Specification) -> Specification:
    """Every defect under other general names of its kind; where it is of none, under its last phrase."""
    return _with_defects(specification, [_synonyms(defect) for defect in specification.defects])


def _truncated(specification: Specification) -> Specification:
    """The first half of every phrase and description, as a limit of characters in a database would leave them."""
    appearance = specification.appearance[: len(specification.appearance) // 2]
    shortened = [
        DefectType(name=_half(d.name), phrases=tuple(_half(p) for p in d.phrases))
        for d in specification.defects
    ]
    return _with_defects(specification.model_copy(update={"appearance": appearance}), shortened)


def _noun_removed(specification: Specification) -> Specification:
    return specification.model_copy(update={"product": NO_NOUN, "appearance": ""})


def _wrong_noun(specification: Specification) -> Specification:
    return specification.model_copy(update={"product": WRONG_NOUN, "appearance": ""})


def _wrong_defects(specification: Specification) -> Specification:
    count = max(1, min(len(specification.defects), len(WRONG_DEFECTS)))
    return _with_defects(specification, [DefectType(name=name) for name in WRONG_DEFECTS[:count]])


def _one_word(specification: Specification) -> Specification:
    """The last word of the product's name and of each defect's, and nothing else."""
    words = [DefectType(name=d.name.split()[-1]) for d in specification.defects]
    return _with_defects(Specification(product=specification.product.split()[-1]), words)


def _no_words(specification: Specification) -> Specification:
    """Neither the product nor a defect named: what is left is "a damaged object"."""
    return Specification(product=NO_NOUN)


def _prose(specification: Specification) -> Specification:
    """Whole sentences as a manual has them."""
    product = specification.product
    about = f"The {product} comes from series production and is inspected on all visible sides before it is packed"
    defects = [
        DefectType(
            name=defect.name,
            phrases=tuple(
                f"according to the inspection manual, {phrase} must not be found anywhere on the {product}"
                for phrase in (defect.phrases or (defect.name,))
            ),
        )
        for defect in specification.defects
    ]
    appearance = ". ".join(text for text in (about, specification.appearance) if text)
    return _with_defects(specification.model_copy(update={"appearance": appearance}), defects)


_WRONG_LIST, _NO_WORDS = "wrong defect list", "no words"
REWORDINGS: dict[str, Callable[[Specification], Specification]] = {
    "as written": _as_written,
    "paraphrase": _paraphrased,
    "truncation": _truncated,
    "noun removed": _noun_removed,
    "wrong noun": _wrong_noun,
    _WRONG_LIST: _wrong_defects,
    "one word": _one_word,
    "full prose": _prose,
    _NO_WORDS: _no_words,
}
"""Name of a rewording → the function that makes it."""


def reword(specification: Specification, how: str) -> Specification:
    """`specification` in the words of the rewording called `how`, a key of `REWORDINGS`.

    All but "as written", "noun removed" and "wrong noun" keep only the product, its appearance and its defects; "no
    words" keeps none of them.
    """
    return REWORDINGS[how](specification)


def meanings(specification: Specification, how: str) -> dict[str, str]:
    """Name of a defect in the rewording called `how` → what `specification` calls it.

    Where two are called alike it is the first of them; wrong and missing lists name nothing that it does.
    """
    if how in (_WRONG_LIST, _NO_WORDS):
        return {}
    meant: dict[str, str] = {}
    for defect in specification.defects:
        alone = reword(specification.model_copy(update={"defects": (defect,)}), how)
        meant.setdefault(alone.defects[0].name, defect.name)
    return meant


def _with_defects(specification: Specification, defects: list[DefectType]) -> Specification:
    """The product and its appearance with other defects, each name or phrase once."""
    distinct = {normal_form(defect.name): defect for defect in defects}
    meanings = {form: form for form in distinct}
    for form, defect in distinct.items():
        phrases = [p for p in defect.phrases if meanings.setdefault(normal_form(p), form) == form]
        distinct[form] = defect.model_copy(update={"phrases": tuple(phrases)})
    # Tolerances and the like name defects that are no longer there: words about appearance alone are compared.
    return Specification(
        product=specification.product, appearance=specification.appearance, defects=tuple(distinct.values())
    )


def _synonyms(defect: DefectType) -> DefectType:
    """The same kind of defect in up to three general phrases that its own words do not hold."""
    words = (defect.name, *defect.phrases)
    # A plural is another wording of the same defect, and a wording is what is asked for.
    own = {product_form(word) for word in words}
    for name, phrases in PHRASES.items():
        group = (name, *phrases)
        if normal_forms(words) & normal_forms(group):
            others = [phrase for phrase in group if product_form(phrase) not in own]
            if others:
                return DefectType(name=others[0], phrases=tuple(others[1:3]))
    return DefectType(name=defect.phrases[-1] if defect.phrases else f"{defect.name} defect")


def _half(text: str) -> str:
    return text[: max(3, len(text) // 2)].strip() or text

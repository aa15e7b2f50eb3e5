"""Sentences about pictures: what is meant, and the many ways to say it.

A `Meaning` is what a sentence claims; `say` chooses one of its wordings. A sentence is a negative for another only if
their meanings contradict each other; whether their words differ decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.specification.synonyms import PHRASES, related
from specsight.specification.vocabulary import with_article, without_article
from specsight.synthetic.scenes.materials import MATERIALS

NONE = "none"
"""As a meaning's defect: the part is good. The empty string: nothing is said about defects."""
ANOMALY = "anomaly"


@dataclass(frozen=True)
class Meaning:
    """What a sentence claims; an empty string claims nothing."""

    defect: str = ""
    thing: str = ""
    material: str = ""
    colour: str = ""
    place: str = ""


THINGS: dict[str, tuple[str, ...]] = {
    "disc": ("disc", "disk", "round part", "lid", "cap"),
    "ring": ("ring", "washer", "gasket", "circular rim"),
    "oval": ("oval", "ellipse", "oval part"),
    "plate": ("plate", "panel", "rectangular part", "sheet"),
    "bar": ("bar", "rod", "strip", "stick"),
    "nut": ("nut", "hexagonal part", "polygonal part"),
    "gear": ("gear", "cogwheel", "toothed wheel"),
    "part": ("part", "component", "workpiece", "piece"),
    "star": ("star", "star-shaped part"),
    "tile": ("tile", "magnet tile", "block", "slab"),
    "vessel": ("bottle", "bottle mouth", "jar", "vessel", "glass opening"),
    "tablet": ("tablet", "pill", "coated tablet"),
    "capsule": ("capsule", "two-piece capsule"),
    "screw": ("screw", "bolt", "threaded fastener"),
    "coil": ("coil", "winding", "spring"),
    "connector": ("connector", "plug", "socket", "terminal strip"),
    "chip": ("chip", "integrated circuit", "electronic component"),
    "cable": ("cable", "cable end", "wire"),
    "tyre": ("tyre", "tire", "rubber tyre", "car tyre"),
    "tread": ("tyre tread", "tread", "tread pattern", "tire tread"),
    "sidewall": ("tyre sidewall", "sidewall", "side of a tyre", "tire sidewall"),
    "bead": ("tyre bead", "bead", "bead of a tyre", "bead ring"),
    "groove": ("groove", "tread groove", "grooves between the blocks"),
    "shoulder": ("shoulder", "tyre shoulder", "buttress"),
    "lettering": ("lettering", "raised letters", "inscription", "embossed characters"),
    "flange": ("flange", "rim flange"),
    "toe": ("toe", "bead toe"),
}
"""Object → its names."""
MARKS: dict[str, tuple[str, ...]] = {
    "yellow balance dot": (
        "yellow balance dot",
        "balance dot",
        "yellow paint dot",
        "yellow dot",
        "balance mark",
    ),
    "spew": ("spew", "vent spew", "rubber hair", "rubber whisker", "vent hair", "rubber nib"),
    "demoulding mark": (
        "demoulding mark",
        "demolding mark",
        "mould release mark",
        "release mark",
        "mould drag mark",
    ),
    "chalk mark": (
        "chalk mark",
        "crayon mark",
        "chalk line",
        "chalk stroke",
        "crayon stroke",
        "wax crayon mark",
    ),
}
"""Acceptable mark on a good part, a meaning's thing as well → its names. Apart from `THINGS`: no sentence is about a
flawless or a damaged chalk mark."""
SYNONYMS: dict[str, tuple[str, ...]] = {
    "grey": ("grey", "gray"),
    "dark grey": ("dark grey", "dark gray", "charcoal"),
    "light grey": ("light grey", "light gray", "silver"),
    "golden": ("golden", "gold", "brass-coloured"),
}
MATERIAL_NAMES = {material.name: material.names for material in MATERIALS}
NEUTRAL = (
    "{np}",
    "a photo of {np}",
    "a picture of {np}",
    "{np} seen from above",
    "a close-up of {np}",
    "this is {np}",
)
GOOD = (
    "{np} without defects",
    "{np} without flaw",
    "{np} without damage",
    "{np} without {any}",
    "{flawless}",
    "a photo of {flawless}",
    "a close-up photo of {flawless}",
    "a photo of {np} for visual inspection",
    "{np} in perfect condition",
    "no defects on {np}",
    "{np} is free of flaws",
    "nothing is wrong with {np}",
    "there is no {bare} here",
    "everything is fine",
)
BAD = (
    "{p}",
    "{p}",
    "a photo of {p}",
    "a close-up photo of {p}",
    "{p} on {np}",
    "{np} with {p}",
    "a photo of {np} with {p}",
    "a cropped photo of {p} on {np}",
    "there is {p} {place}",
    "{np} has {p} {place}",
    "{p} {place}",
    "{p} can be seen on {np}",
    "{bare}",
)
MARKED = (
    "{p}",
    "{p}",
    "{bare}",
    "a photo of {p}",
    "a close-up photo of {p}",
    "{p} on {np}",
    "{np} with {p}",
    "a photo of {np} with {p}",
    "a cropped photo of {p} on {np}",
    "there is {p} on {np}",
    "{np} has {p}",
    "{p} can be seen on {np}",
)
"""The wordings of defects: a mark must differ from them by what it is, not by how sentences are built."""
DAMAGED = (
    "{damaged}",
    "a photo of {damaged}",
    "a close-up photo of {damaged}",
    "{np} with defect",
    "{np} with flaw",
)
FLAWLESS = (
    "flawless",
    "perfect",
    "unblemished",
    "intact",
    "normal",
    "good",
    "undamaged",
    "clean",
    "faultless",
)
_STATES = ("", NONE, *PHRASES)
_CONTRADICTING = np.array(
    [[bool(a and b and a != b and (NONE in (a, b) or not related(a, b))) for b in _STATES] for a in _STATES]
)
"""Of every two states, whether no region can have both."""
_WEIGHTS = (0.5, 0.2, 0.2, 0.1)
"""What state, thing, material and colour count in an agreement."""
CARRIERS = ("", "tyre", "tread", "sidewall", "bead")
"""Things that sentences about marks put them on."""
BROKEN = ("damaged", "defective", "faulty", "imperfect", "flawed", "bad", "abnormal")


def say(rng: np.random.Generator, meaning: Meaning) -> str:
    """One of the wordings of `meaning`; a mark is said to be on some part of a tyre."""
    if meaning.thing in MARKS:
        name = str(rng.choice(MARKS[meaning.thing]))
        carrier = _noun(rng, Meaning("", str(rng.choice(CARRIERS)), meaning.material))
        text = str(rng.choice(MARKED))
        return text.format(np=_determined(rng, carrier), p=with_article(name), bare=name)
    noun = _noun(rng, meaning)
    place = meaning.place or "somewhere"
    if meaning.defect == "":
        return str(rng.choice(NEUTRAL)).format(np=with_article(noun))
    if meaning.defect == NONE:
        other = str(rng.choice([p for k, phrases in PHRASES.items() for p in phrases[:2]]))
        flawless = with_article(f"{rng.choice(FLAWLESS)} {noun}")
        text = str(rng.choice(GOOD))
        return text.format(
            np=_determined(rng, noun), any=other, bare=without_article(other), flawless=flawless
        )
    if meaning.defect == ANOMALY and rng.random() < 0.6:
        damaged = with_article(f"{rng.choice(BROKEN)} {noun}")
        return str(rng.choice(DAMAGED)).format(np=with_article(noun), damaged=damaged)
    phrase = str(rng.choice(PHRASES[meaning.defect]))
    text = str(rng.choice(BAD))
    return text.format(np=_determined(rng, noun), p=phrase, bare=without_article(phrase), place=place)


def contradictions(meanings: Sequence[Meaning]) -> NDArray[np.bool_]:
    """Of every two meanings, whether no picture region could be described by both, (N, N), symmetric."""
    states, attributes = _codes(meanings)
    apart = _CONTRADICTING[states[:, None], states[None]]
    for codes in attributes:
        both = (codes[:, None] > 0) & (codes[None] > 0)
        apart = apart | (both & (codes[:, None] != codes[None]))
    return np.asarray(apart, np.bool_)


def agreements(meanings: Sequence[Meaning]) -> NDArray[np.float32]:
    """How much every two meanings share, in [0, 1], (N, N): the state counts half, the attributes the rest.

    Attributes that neither claims do not count; states that shade into each other share a quarter.
    """
    states, attributes = _codes(meanings)
    total, shared = np.zeros((2, len(meanings), len(meanings)), np.float32)
    for codes, weight in zip((states, *attributes), _WEIGHTS, strict=True):
        claimed = (codes[:, None] > 0) | (codes[None] > 0)
        total += np.float32(weight) * claimed
        shared += np.float32(weight) * (claimed & (codes[:, None] == codes[None]))
    two = (states[:, None] > 0) & (states[None] > 0) & (states[:, None] != states[None])
    shared += np.float32(0.25) * (two & ~_CONTRADICTING[states[:, None], states[None]])
    return np.divide(shared, total, out=np.ones_like(total), where=total > 0)


def _codes(meanings: Sequence[Meaning]) -> tuple[NDArray[np.intp], list[NDArray[np.intp]]]:
    """The states of meanings as indices of `_STATES`, and their things, materials and colours as numbers, 0: none."""
    states = np.array([_STATES.index(meaning.defect) for meaning in meanings], np.intp)
    attributes = []
    for name in ("thing", "material", "colour"):
        numbers = {"": 0}
        codes = [numbers.setdefault(getattr(meaning, name), len(numbers)) for meaning in meanings]
        attributes.append(np.array(codes, np.intp))
    return states, attributes


def _noun(rng: np.random.Generator, meaning: Meaning) -> str:
    """ "green glass disc", "disc of green glass", "surface"."""
    thing = str(rng.choice(THINGS.get(meaning.thing, ("surface", "surface", "object", "product", "part"))))
    colour = str(rng.choice(SYNONYMS.get(meaning.colour, (meaning.colour,))))
    material = str(rng.choice(MATERIAL_NAMES.get(meaning.material, (meaning.material,))))
    if material and rng.random() < 0.3:
        return f"{thing} of {colour} {material}".replace("  ", " ")
    return " ".join(word for word in (colour, material, thing) if word)


def _determined(rng: np.random.Generator, noun: str) -> str:
    return f"the {noun}" if rng.random() < 0.3 else with_article(noun)

"""Measurements of good pictures → sentences, by templates: the captioner that is always there.

In: `Looks`, part maps, the specification. Out: sentences whose numbers stand in `Sentence.values`. Nothing is said that
half of the pictures contradict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from specsight.benchmark.describing.contract import Captioner, Good, captioners
from specsight.benchmark.describing.looks import Looks
from specsight.benchmark.records import Provenance, Sentence, Source
from specsight.errors import SpecsightError
from specsight.specification.vocabulary import as_words

Aspect = Literal[
    "object", "colour", "texture", "geometry", "material", "parts", "count", "variation", "critical"
]

LEAST_COLOUR = 0.08
"""Share of the area from which a colour is named."""
MOST_COLOURS = 3
SMOOTH, ROUGH = 0.1, 1.0
"""Contrast of co-occurring grey levels (of 16) up to which a surface is smooth, and from which strongly textured."""
FINE = 0.7
"""Correlation of co-occurring grey levels below which a texture is fine-grained."""
DIRECTED = 0.5
"""Coherence of the structure tensor from which lines have a direction."""
ROUND, SQUARE = 0.85, 0.93
"""Roundness, and rectangularity, from which an outline is called so."""
LONG = 1.5
"""Longer over shorter side from which it is said that one is longer."""
SYMMETRIC = 0.8
"""Correlation with itself changed from which a product is symmetric."""
STEADY = 0.9
"""Share of the pictures that must agree on a number of things, or on there being an outline."""


@captioners.register("rules")
class RuleCaptioner(Captioner):
    """Fills templates with what was measured, and with what set and specification say."""

    def __init__(self, argument: str = "", device: str = "auto") -> None:
        if argument:
            raise SpecsightError(f"captioner 'rules' takes no argument, got '{argument}'")

    def sentences(self, good: Good) -> Iterator[Sentence]:
        """One for every aspect that is known."""
        looks = [one.looks for one in good.examples]
        by = f"{{}} of {len(looks)} good training picture{'s' if len(looks) > 1 else ''}"
        yield product_sentence(good.product)
        if good.specification and good.specification.appearance:
            yield _sentence("object", good.specification.appearance, "specification", "appearance", {})
        yield from _colour(looks, by.format("colours in CIELAB"))
        yield from _texture(looks, by.format("grey-level co-occurrences and structure tensor"))
        yield from _geometry(looks, by.format("silhouettes and symmetries"))
        yield from _parts(good, by.format("part maps"))
        yield from _count(looks, by.format("silhouettes"))
        yield from _variation(looks, by.format("lightness and places"))
        yield from _critical(good)


def product_sentence(product: str) -> Sentence:
    """What the set calls the product."""
    name = as_words(product)
    return _sentence("object", f"The product is called {name}.", "dataset", "name", {"name": name})


def _sentence(aspect: Aspect, text: str, source: Source, by: str, values: Mapping[str, Any]) -> Sentence:
    return Sentence(aspect=aspect, text=text, provenance=Provenance(source=source, by=by), values=values)


def _measured(aspect: Aspect, text: str, by: str, values: Mapping[str, Any]) -> Sentence:
    return _sentence(aspect, text, "measured", by, values)


def _median(looks: Sequence[Looks], value: Callable[[Looks], float]) -> float:
    return float(np.median([value(one) for one in looks]))


def _colour(looks: Sequence[Looks], by: str) -> Iterator[Sentence]:
    shares = {name: float(np.mean([one.colours[name] for one in looks])) for name in looks[0].colours}
    named = sorted((name for name in shares if shares[name] >= LEAST_COLOUR), key=lambda name: -shares[name])
    if not named:
        return
    said = [f"{name} ({shares[name]:.0%} of its area)" for name in named[:MOST_COLOURS]]
    text = f"It is mainly {said[0]}" + (f", with {listed(said[1:])}" if said[1:] else "") + "."
    yield _measured("colour", text, by, {"colours": {name: round(shares[name], 3) for name in named}})


def _texture(looks: Sequence[Looks], by: str) -> Iterator[Sentence]:
    contrast, correlation = (
        _median(looks, lambda one: one.contrast),
        _median(looks, lambda one: one.correlation),
    )
    surface = (
        "smooth" if contrast < SMOOTH else "lightly textured" if contrast < ROUGH else "strongly textured"
    )
    grain = (
        "" if surface == "smooth" else ", with a fine grain" if correlation < FINE else ", in larger patterns"
    )
    values = {
        "surface": surface,
        "contrast": round(contrast, 3),
        "homogeneity": round(_median(looks, lambda one: one.homogeneity), 3),
        "energy": round(_median(looks, lambda one: one.energy), 3),
        "correlation": round(correlation, 3),
        "edges": round(_median(looks, lambda one: one.edges), 4),
        "coherence": round(_median(looks, lambda one: one.coherence), 3),
    }
    text = f"Its surface is {surface}{grain}."
    directed = [one for one in looks if one.coherence >= DIRECTED]
    if 2 * len(directed) > len(looks) and surface != "smooth":
        way, count = Counter(_way(one.direction) for one in directed).most_common(1)[0]
        if 2 * count > len(looks):
            text = f"{text[:-1]}; most lines run {way}."
            values["lines"] = way
    yield _measured("texture", text, by, values)


def _way(direction: float) -> str:
    """Degrees from horizontal, counter-clockwise, [0, 180) → words."""
    return ("across the picture", "upwards to the right", "up and down", "upwards to the left", "across the picture")[
        int((direction + 22.5) // 45)
    ]  # fmt: skip


def _geometry(looks: Sequence[Looks], by: str) -> Iterator[Sentence]:
    outlines = [one.outline for one in looks if one.outline is not None]
    values: dict[str, Any] = {}
    if len(outlines) >= STEADY * len(looks):
        median = {
            name: float(np.median([getattr(one, name) for one in outlines]))
            for name in ("cover", "roundness", "rectangularity", "solidity", "aspect")
        }
        shape = _shape(median)
        text = f"Its outline is {shape} and covers {median['cover']:.0%} of the picture"
        if median["aspect"] >= LONG and shape != "round":
            text += f"; it is {median['aspect']:.1f} times as long as wide"
        values = {"outline": shape, **{name: round(value, 3) for name, value in median.items()}}
        yield _measured("geometry", f"{text}.", by, values)
    elif sum(one.things == 0 for one in looks) >= STEADY * len(looks):
        yield _measured("geometry", "It fills the whole picture.", by, {"outline": None})
    names = [name for name in looks[0].symmetry if all(name in one.symmetry for one in looks)]
    medians = {name: float(np.median([one.symmetry[name] for one in looks])) for name in names}
    found = [name for name in names if medians[name] >= SYMMETRIC]
    if found:
        words = {
            "left-right": "mirrored left to right",
            "top-bottom": "mirrored top to bottom",
            "half turn": "after half a turn",
            "quarter turn": "after a quarter turn",
        }
        text = f"It looks the same {listed([words[name] for name in found])}."
        correlations = {name: round(value, 3) for name, value in medians.items()}
        yield _measured("geometry", text, by, {"symmetry": found, "correlations": correlations})


def _shape(median: Mapping[str, float]) -> str:
    if median["roundness"] >= ROUND and median["aspect"] < LONG:
        return "round"
    if median["rectangularity"] >= SQUARE:
        return "square" if median["aspect"] < 1.1 else "rectangular"
    return "compact" if median["solidity"] >= 0.9 else "indented"


def _parts(good: Good, by: str) -> Iterator[Sentence]:
    specified = good.specification.parts if good.specification else ()
    shown = _shown(good)
    if shown:
        said = [f"the {name} ({np.mean(shares):.0%} of the picture)" for name, shares in shown.items()]
        values = {"parts": {name: round(float(np.mean(shares)), 3) for name, shares in shown.items()}}
        yield _measured("parts", f"Pictures show {listed(said)}.", by, values)
    for part in specified:
        if part.description and (not shown or part.name in shown):
            text = f"The {part.name}: {part.description.rstrip('.')}."
            yield _sentence("parts", text, "specification", f"part '{part.name}'", {"part": part.name})
    if specified and not shown:
        names = [part.name for part in specified]
        text = f"Its parts are {listed([f'the {name}' for name in names])}."
        yield _sentence("parts", text, "specification", "parts", {"parts": names})


def _shown(good: Good) -> dict[str, list[float]]:
    """Part → its share of each picture that has a part map; a part that a map does not name is not shown by it."""
    maps = [(one.parts, one.sample.part_names) for one in good.examples if one.parts is not None]
    names = dict.fromkeys(name for _, named in maps for name in named.values())
    return {
        name: [
            float(sum((parts == value).mean() for value, other in named.items() if other == name))
            for parts, named in maps
        ]
        for name in names
    }


def _count(looks: Sequence[Looks], by: str) -> Iterator[Sentence]:
    things, count = Counter(one.things for one in looks).most_common(1)[0]
    if things > 0 and count >= STEADY * len(looks):
        text = "One piece stands" if things == 1 else f"{things} separate pieces stand"
        yield _measured("count", f"{text} before an even background.", by, {"count": things})


def _variation(looks: Sequence[Looks], by: str) -> Iterator[Sentence]:
    if len(looks) < 3:
        return
    lightness = np.array([one.lightness for one in looks])
    spread = float(np.ptp(lightness))
    text = f"Good pictures differ in lightness by up to {spread:.1f} of 100"
    values = {"lightness": [round(float(lightness.min()), 1), round(float(lightness.max()), 1)]}
    centres = np.array([one.outline.centre for one in looks if one.outline is not None])
    if len(centres) >= STEADY * len(looks):
        moves = np.ptp(centres, axis=0)
        text += f", and the product's place by up to {moves.max():.1%} of the picture"
        values["place"] = [round(float(move), 4) for move in moves]
    yield _measured("variation", f"{text}.", by, values)


def _critical(good: Good) -> Iterator[Sentence]:
    """Of parts that pictures of this product show, where part maps say which."""
    if good.specification is None:
        return
    shown = _shown(good)
    critical = [p.name for p in good.specification.parts if p.critical and (not shown or p.name in shown)]
    if critical:
        text = f"Defects on {listed([f'the {name}' for name in critical])} are one level graver."
        yield _sentence("critical", text, "specification", "critical parts", {"parts": critical})
    for clause in good.specification.requirements:
        if clause.part and shown and clause.part not in shown:
            continue
        text = clause.text or f"{clause}".capitalize()
        values = {"feature": clause.feature, "part": clause.part, "count": clause.count}
        yield _sentence("critical", f"{text.rstrip('.')}.", "specification", "requirements", values)


def listed(words: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last

"""The same picture under two instructions: accepted under one, rejected under the other.

In: what a run folder holds of matched pairs. Out: cards with the picture, and for each instruction its words, what was
read of them, the verdict, the clause that decided it, and the map with what was inspected and what counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import cv2
import numpy as np

from specsight.metrics.language_control import KINDS
from specsight.report import pictures
from specsight.report.gallery import truth
from specsight.report.pictures import Drawing, Pixels
from specsight.report.renderer import Renderer
from specsight.runs.folder import RunFolder
from specsight.runs.instructed import COUNTED, LEFT_OUT, OBSERVED, Instructed
from specsight.runs.predictions import Prediction
from specsight.specification import Clause, Scope, Unread

PER_KIND = 3
"""Pairs of each kind that are shown of those decided right both ways, and of the others."""
ASIDE = (238, 240, 242)
"""RGB of the veil over what is not inspected."""
VEIL = 0.72
EXCUSED = (255, 255, 255)
"""RGB of the outline of findings that do not count."""
Pair = tuple[Instructed, Instructed]


@dataclass(frozen=True)
class Side:
    """One of the two instructions."""

    text: str
    read: str
    verdict: str
    right: bool
    decided: str
    statement: str
    score: str
    picture: str
    """`data:` address of the map, with what is not inspected veiled."""


@dataclass(frozen=True)
class PairCard:
    """One picture under both instructions of a pair."""

    id: str
    truth: str
    right: bool
    original: str
    """`data:` address of the picture with its true defects outlined."""
    sides: tuple[Side, ...]
    note: str = ""


@dataclass(frozen=True)
class KindOfPairs:
    """Pairs of one kind of words: how many were decided right both ways, and cards of some."""

    kind: str
    right: int
    total: int
    cards: list[PairCard]


def pairs_of(answers: Sequence[Instructed]) -> dict[str, list[Pair]]:
    """Kind → its pairs, each with the instruction that calls for rejection first; in the order of pictures."""
    by_pair: dict[str, list[Instructed]] = {}
    for one in answers:
        if one.pair:
            by_pair.setdefault(one.pair, []).append(one)
    kinds: dict[str, list[Pair]] = {kind: [] for kind in KINDS}
    for both in sorted(by_pair.values(), key=lambda both: (both[0].id, both[0].number)):
        if len(both) == 2:
            first, second = sorted(both, key=lambda one: one.truth != "reject")
            kinds.setdefault(first.kind, []).append((first, second))
    return {kind: pairs for kind, pairs in kinds.items() if pairs}


def is_right(pair: Pair) -> bool:
    """Whether both verdicts, from the raw text, are the true ones."""
    return all(one.answers["text"].verdict == one.truth for one in pair)


def kinds_of_pairs(
    run: RunFolder, renderer: Renderer, predictions: Sequence[Prediction], seed: int, count: int = PER_KIND
) -> list[KindOfPairs]:
    """Up to `count` pairs of each kind that were decided right both ways, and as many that were not; each of another
    picture where that can be."""
    by_id = {p.id: p for p in predictions}
    kinds = []
    for kind, pairs in pairs_of(run.instructed(seed)).items():
        right = [pair for pair in pairs if is_right(pair)]
        wrong = [pair for pair in pairs if not is_right(pair)]
        chosen = [*_spread(right, count), *_spread(wrong, count)]
        cards = [_card(run, renderer, by_id, pair) for pair in chosen if pair[0].id in by_id]
        kinds.append(KindOfPairs(kind, len(right), len(pairs), cards))
    return kinds


def in_words(clauses: Sequence[Clause]) -> str:
    """What was read, in the words of clauses; sentences that were not understood as such."""
    return "; ".join(
        f"not understood: {clause.text.rstrip('.')}"
        if isinstance(clause, Unread)
        else clause.model_copy(update={"text": ""}).words
        for clause in clauses
    )


def _card(run: RunFolder, renderer: Renderer, predictions: Mapping[str, Prediction], pair: Pair) -> PairCard:
    prediction = predictions[pair[0].id]
    drawing, note = renderer.drawing(prediction)
    original = ""
    if drawing is not None:
        small = drawing.resized(pictures.fitted(drawing.rgb.shape[0], drawing.rgb.shape[1], pictures.PANEL))
        outlined = (
            small.rgb if small.truth is None else pictures.outline(small.rgb, small.truth, pictures.TRUTH)
        )
        original = pictures.data_uri(outlined)
    sides = tuple(_side(run, renderer, prediction, drawing, one) for one in pair)
    return PairCard(prediction.id, truth(prediction), is_right(pair), original, sides, note)


def _side(
    run: RunFolder, renderer: Renderer, prediction: Prediction, drawing: Drawing | None, one: Instructed
) -> Side:
    answer = one.answers["text"]
    picture = ""
    if drawing is not None and one.drawn:
        map_ = renderer.scale(run.own_map(one, prediction.size)) if one.own_map else drawing.position
        labels = run.drawn(one, prediction.size)
        picture = pictures.data_uri(_instructed(drawing.rgb, map_, labels))
    decided = answer.deciding.words if answer.deciding else ""
    limit = "" if answer.threshold is None else f", threshold {answer.threshold:#.4g}"
    return Side(
        text=one.text,
        read=in_words(one.read),
        verdict=answer.verdict or "none",
        right=answer.verdict == one.truth,
        decided=decided,
        statement=answer.statement,
        score=f"score {answer.score:#.4g}{limit}",
        picture=picture,
    )


def _instructed(
    rgb: Pixels, position: np.ndarray[tuple[int, int], np.dtype[np.float32]], labels: Pixels
) -> Pixels:
    """The map over the picture, a veil over what is not inspected, and outlines: what counts, and what does not."""
    height, width = pictures.fitted(rgb.shape[0], rgb.shape[1], pictures.PANEL)
    small = Drawing(rgb, position, None, None).resized((height, width))
    drawn = pictures.heat(small.rgb, small.position)
    labels = np.asarray(cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
    aside = labels == LEFT_OUT
    grey = small.rgb.mean(axis=2, keepdims=True)
    veiled = (grey * (1 - VEIL) + np.array(ASIDE) * VEIL).round().astype(np.uint8)
    drawn[aside] = veiled[aside]
    for value, colour in ((OBSERVED, EXCUSED), (COUNTED, pictures.PREDICTION)):
        if (labels == value).any():
            drawn = pictures.outline(drawn, labels == value, colour)
    return drawn


def varied(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs with kinds of clauses taking turns, scopes of parts first: they show on the picture."""
    kinds: dict[str, list[Pair]] = {Scope.kind: []}
    for pair in pairs:
        kinds.setdefault(pair[0].clauses[0].kind if pair[0].clauses else "", []).append(pair)
    turns = zip_longest(*kinds.values())
    return [pair for turn in turns for pair in turn if pair is not None]


def _spread(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """The first `count` pairs of different pictures; of the same pictures again where there are too few."""
    pairs = varied(pairs)
    first = list({pair[0].id: pair for pair in reversed(pairs)}.values())[::-1]
    return (first if len(first) >= count else list(pairs))[:count]

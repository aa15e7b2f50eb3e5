"""How well a required text fits what a text recogniser gives of a line, next to what it would read there instead.

In: class probabilities of a line in steps from left to right, as recognisers trained by connectionist temporal
classification give them (Graves et al., ICML 2006): a class per character, and one for "no character". Out: the best
alignment of a text with any stretch of the line, and its log-likelihood less that of the likeliest classes of the same
steps: 0 where the text is what is read; log(p / q) lower for a character of probability p where one of probability q
is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_PROBABILITY = 1e-6
"""Of any class: recognisers are never as sure as they say."""
SIGN = -0.5
"""Least deficit of a sign, whatever is read there."""
FAR = 1.5
"""Log of how many times likelier a rival is that stands against a text."""


@dataclass(frozen=True)
class Symbol:
    """One character of a required text."""

    classes: tuple[int, ...]
    """Those that may stand for it: its two letter cases."""
    behind_space: bool = False
    """Whether a space stands before it, where readers see spaces, dots or nothing."""
    is_sign: bool = False
    """Whether it is punctuation, which readers miss, or take for a thin letter, more often than not."""


@dataclass(frozen=True)
class Alignment:
    """Where a text fits a line best."""

    deficit: float
    """Log-likelihood less that of the likeliest classes, at most 0."""
    margin: float
    """Log of how many times likelier each of its characters is than any other in its place: that of the least sure."""
    against: float
    """Largest probability of a character that stands where the text has another, which is far less likely."""
    start: int
    stop: int
    """First and one-past-last step of the line."""


def align(
    probabilities: NDArray[np.float32], text: Sequence[Symbol], empty: Sequence[int], signs: Sequence[int]
) -> Alignment | None:
    """The best alignment of a text with a stretch of a line; None where the line has too few steps.

    `probabilities` is (steps, classes); `empty` are the classes of no character and of a space; `signs` those of
    punctuation, which may also stand for a space. What lies before and behind the text does not matter.
    """
    logs = np.log(np.maximum(probabilities, LEAST_PROBABILITY))
    deficits = logs - logs.max(1, keepdims=True)
    if len(deficits) < len(text):
        return None
    emitted = _emissions(deficits, text, empty, signs)
    steps, states = emitted.shape
    scores = np.full(states, -np.inf)
    came_from = np.zeros((steps, states), np.int64)
    ends = np.empty(steps)
    one, two = np.arange(states) - 1, np.arange(states) - 2
    skips = np.array(
        [k >= 2 and k % 2 == 0 and _differ(text[k // 2 - 1], text[k // 2]) for k in range(states)]
    )
    for step in range(steps):
        # Stay, go on by one state, or from a character to the next at once, unless both are the same.
        ways = np.stack(
            [
                scores,
                np.where(one >= 0, scores[np.maximum(one, 0)], -np.inf),
                np.where(skips, scores[np.maximum(two, 0)], -np.inf),
            ]
        )
        way = ways.argmax(0)
        best = ways[way, np.arange(states)]
        came_from[step] = np.arange(states) - way
        if best[0] < 0:  # the text begins here
            best[0], came_from[step, 0] = 0.0, -1
        scores = best + emitted[step]
        ends[step] = scores[-1]
    if not np.isfinite(ends).any():  # each step between two characters that are the same takes one more
        return None
    stop = int(ends.argmax())
    path, state, step = [states - 1], states - 1, stop
    while (state := int(came_from[step, state])) >= 0:
        path.append(state)
        step -= 1
    path.reverse()
    margin, against = _rivals(logs[step : stop + 1], path, text, empty)
    return Alignment(float(ends[stop]), margin, against, step, stop + 1)


def _emissions(
    deficits: NDArray[np.float32], text: Sequence[Symbol], empty: Sequence[int], signs: Sequence[int]
) -> NDArray[np.float32]:
    """Deficit of every state at every step: the characters, and between them what separates them."""
    nothing = deficits[:, list(empty)].max(1)
    space = np.maximum(nothing, deficits[:, list(signs)].max(1)) if signs else nothing
    columns = []
    for place, symbol in enumerate(text):
        if place:
            columns.append(space if symbol.behind_space else nothing)
        own = deficits[:, list(symbol.classes)].max(1)
        columns.append(np.maximum(own, SIGN) if symbol.is_sign else own)
    return np.stack(columns, 1)


def _rivals(
    logs: NDArray[np.float32], path: Sequence[int], text: Sequence[Symbol], empty: Sequence[int]
) -> tuple[float, float]:
    """Margin and rival of a text, each character compared at the step of its path that is surest of it; signs aside."""
    states = np.array(path)
    margin, against = float("inf"), 0.0
    for place, symbol in enumerate(text):
        if symbol.is_sign:
            continue
        steps = np.flatnonzero(states == 2 * place)
        own = logs[steps][:, list(symbol.classes)].max(1)
        others = logs[steps[own.argmax()]].copy()
        others[[*symbol.classes, *empty]] = -np.inf
        away = float(own.max() - others.max())
        margin = min(margin, away)
        if away < -FAR:
            against = max(against, float(np.exp(others.max())))
    return margin, against


def greedy(probabilities: NDArray[np.float32], blank: int = 0) -> list[tuple[int, int, float]]:
    """(class, step, probability) of every character that is read: the likeliest classes, repeats joined."""
    likeliest = probabilities.argmax(1)
    read: list[tuple[int, int, float]] = []
    before = blank
    for step, found in enumerate(likeliest):
        if found == before and found != blank:
            one, first, probability = read[-1]
            read[-1] = (one, first, max(probability, float(probabilities[step, found])))
        elif found != blank:
            read.append((int(found), step, float(probabilities[step, found])))
        before = found
    return read


def _differ(first: Symbol, second: Symbol) -> bool:
    return not set(first.classes) & set(second.classes)

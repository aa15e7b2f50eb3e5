"""Several defect types at once: which type is it, in the picture and in each pixel?

Types that do not occur in the truth are left out of every average (never scored 0), and each average states its
support. "good" is one class among the types but by far the easiest and largest, so averages come with and without it.
An answer that could not be read (None) is wrong, stays in the denominator and is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from specsight.errors import SpecsightError
from specsight.metrics.image import average_precision, image_auroc
from specsight.metrics.pixel import measure
from specsight.metrics.scores import Map, Mask, gather
from specsight.records import GOOD

INVALID = "(invalid)"


@dataclass(frozen=True)
class Classification:
    """One class per picture against one answer per picture.

    `confusion[i, j]` counts pictures of `classes[i]` answered `answers[j]`; `answers` starts with `classes`, then come
    names that are no class of the truth, then "(invalid)". `f1` and `support` are by class.
    """

    classes: tuple[str, ...]
    answers: tuple[str, ...]
    confusion: NDArray[np.int64]
    f1: Mapping[str, float]
    support: Mapping[str, int]
    accuracy: float
    macro_f1: float
    macro_f1_without_good: float
    invalid_rate: float


@dataclass(frozen=True)
class MultiLabel:
    """A set of types per picture against a score per type and an answered set; by type, and averaged over types."""

    support: Mapping[str, int]
    auroc: Mapping[str, float]
    average_precision: Mapping[str, float]
    f1: Mapping[str, float]
    macro_auroc: float
    macro_average_precision: float
    macro_f1: float
    micro_f1: float
    """Of all types together: 2 · right / (true + named); nan where nothing is true and nothing named."""
    exact_set: float
    exact_set_without_good: float


@dataclass(frozen=True)
class TypeAccuracy:
    """Top-1 type on pictures with exactly one type: of all of them, and of those that were rejected."""

    accuracy: float
    accuracy_detected: float
    pictures: int
    detected: int


@dataclass(frozen=True)
class LabelOverlap:
    """One class per pixel: IoU and F1 of each class present in the truth, averaged with and without class 0, "good"."""

    iou: Mapping[str, float]
    f1: Mapping[str, float]
    support: Mapping[str, int]
    miou: float
    miou_without_good: float
    macro_f1: float
    macro_f1_without_good: float


def classification(truth: Sequence[str], answers: Sequence[str | None]) -> Classification:
    """Confusion matrix, F1 per class 2 TP / (2 TP + FP + FN) and its averages over the classes of the truth."""
    if len(truth) != len(answers):
        raise SpecsightError(
            f"{len(truth)} pictures but {len(answers)} answers: pass None where there is none"
        )
    given = [INVALID if answer is None else answer for answer in answers]
    classes = tuple(sorted(set(truth), key=lambda name: (name != GOOD, name)))
    columns = (*classes, *sorted(set(given) - set(classes) - {INVALID}), INVALID)
    confusion = np.zeros((len(classes), len(columns)), dtype=np.int64)
    np.add.at(confusion, ([classes.index(t) for t in truth], [columns.index(g) for g in given]), 1)
    hits = np.diagonal(confusion)
    answered = confusion.sum(axis=0)[: len(classes)]
    present = confusion.sum(axis=1)
    f1 = {
        name: float(2 * h / (a + p)) for name, h, a, p in zip(classes, hits, answered, present, strict=True)
    }
    return Classification(
        classes=classes,
        answers=columns,
        confusion=confusion,
        f1=f1,
        support=dict(zip(classes, present.tolist(), strict=True)),
        accuracy=_mean([t == g for t, g in zip(truth, given, strict=True)]),
        macro_f1=_mean(f1.values()),
        macro_f1_without_good=_mean(_without_good(f1)),
        invalid_rate=_mean([g == INVALID for g in given]),
    )


def multi_label(
    truth: Sequence[Collection[str]],
    answers: Sequence[Collection[str] | None],
    scores: Mapping[str, ArrayLike] | None = None,
) -> MultiLabel:
    """One-vs-rest AUROC and AP of `scores[type]` (N,), F1 of the answered sets, and the share of sets exactly right.

    `truth` and `answers` (N,) are sets of types; "good" in them is the empty set. None is an unreadable answer: it
    names no type and is no exact set, not even of a good picture.
    """
    if len(truth) != len(answers):
        raise SpecsightError(
            f"{len(truth)} pictures but {len(answers)} answers: pass None where there is none"
        )
    true_sets = [set(t) - {GOOD} for t in truth]
    given = [None if a is None else set(a) - {GOOD} for a in answers]
    names = sorted(set().union(*true_sets))
    f1: dict[str, float] = {}
    auroc: dict[str, float] = {}
    precision: dict[str, float] = {}
    for name in names:
        has = np.array([name in t for t in true_sets])
        named = np.array([a is not None and name in a for a in given])
        f1[name] = float(2 * np.sum(has & named) / (has.sum() + named.sum()))
        if scores is not None and name in scores:
            auroc[name] = image_auroc(has, scores[name])
            precision[name] = average_precision(has, scores[name])
    exact = [t == a for t, a in zip(true_sets, given, strict=True)]
    right = sum(len(t & (a or set())) for t, a in zip(true_sets, given, strict=True))
    said = sum(map(len, true_sets)) + sum(len(a or ()) for a in given)
    return MultiLabel(
        support={name: sum(name in t for t in true_sets) for name in names},
        auroc=auroc,
        average_precision=precision,
        f1=f1,
        macro_auroc=_mean(auroc.values()),
        macro_average_precision=_mean(precision.values()),
        macro_f1=_mean(f1.values()),
        micro_f1=2 * right / said if said else float("nan"),
        exact_set=_mean(exact),
        exact_set_without_good=_mean([e for e, t in zip(exact, true_sets, strict=True) if t]),
    )


def weighted_f1(
    truth: Sequence[Collection[str]], answers: Sequence[Collection[str]], weights: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Macro and micro F1, (R,) each, of the answered sets as `multi_label` has them, with picture n counted
    `weights[r, n]` times (R, N): resamples at the cost of a matrix product. nan where no type is true."""
    true_sets, given = ([set(one) - {GOOD} for one in sets] for sets in (truth, answers))
    names = sorted(set().union(*true_sets))
    has, named = (
        np.array([[name in one for name in names] for one in sets], np.float64).reshape(len(sets), len(names))
        for sets in (true_sets, given)
    )
    right, true, said = (weights @ one for one in (has * named, has, named))
    with np.errstate(divide="ignore", invalid="ignore"):
        # 0 / 0: a type that no picture of a resample shows is left out.
        f1 = np.where(true > 0, 2 * right / (true + said), np.nan)
        macro = np.nansum(f1, axis=1) / np.sum(true > 0, axis=1)
        everything = weights @ np.array([len(one) for one in given], np.float64)
        micro = 2 * right.sum(1) / (true.sum(1) + everything)
    return macro, np.where(true.sum(1) > 0, micro, np.nan)


def type_accuracy(
    truth: Sequence[Collection[str]], answers: Sequence[str | None], rejected: ArrayLike
) -> TypeAccuracy:
    """Is the best-scored type `answers` (N,) the right one? `rejected` (N,) are the verdicts, for "given detection"."""
    out = np.asarray(rejected).astype(bool)
    if not len(truth) == len(answers) == len(out):
        raise SpecsightError(
            f"{len(truth)} pictures, {len(answers)} answers and {len(out)} verdicts: pass one each"
        )
    single = np.array([len(set(t) - {GOOD}) == 1 for t in truth], dtype=bool)
    right = np.array(
        [answer in set(t) - {GOOD} for t, answer in zip(truth, answers, strict=True)], dtype=bool
    )
    return TypeAccuracy(
        accuracy=_mean(right[single]),
        accuracy_detected=_mean(right[single & out]),
        pictures=int(single.sum()),
        detected=int((single & out).sum()),
    )


def top_share_mean(type_map: Map, share: float = 0.001) -> float:
    """Image score of one type: mean of the `share` highest pixels of its (H, W) map, at least one pixel."""
    values = np.asarray(type_map).ravel()
    if not len(values) or not 0.0 < share <= 1.0:
        raise SpecsightError(
            f"cannot average the top {share} of {len(values)} pixels: share must be in (0, 1]"
        )
    count = max(1, round(share * len(values)))
    return float(np.partition(values, len(values) - count)[len(values) - count :].mean(dtype=np.float64))


def one_vs_rest(
    types: Iterable[str], pictures: Callable[[], Iterable[tuple[Mapping[str, Map], Mapping[str, Mask]]]]
) -> dict[str, tuple[float, float]]:
    """type → (pixel AUROC, pixel AP) of its map against its mask; pixels of other types are negatives.

    `pictures()` starts a fresh pass over ({type: map}, {type: mask}) of every picture; a type missing from a picture's
    masks does not occur in it. One pass per type bounds the memory to that of one map per picture. Types that occur
    nowhere are left out.
    """
    found = {}
    for name in types:
        measured = measure(gather((maps[name], _mask_of(name, maps, masks)) for maps, masks in pictures()))
        if measured.positive_pixels:
            found[name] = (measured.auroc, measured.average_precision)
    return found


def type_labels(type_maps: Mapping[str, Map], found: Mask, names: Sequence[str]) -> NDArray[np.int64]:
    """(H, W) class number per pixel: inside `found` (H, W) the type with the highest map, elsewhere 0, "good".

    Numbers are positions in `names`, "good" first; a type without a map is never chosen.
    """
    mapped = [number for number, name in enumerate(names) if number and name in type_maps]
    if not mapped:
        return np.zeros(np.shape(found), dtype=np.int64)
    best = np.argmax(np.stack([type_maps[names[number]] for number in mapped]), axis=0)
    return np.where(found, np.array(mapped)[best], 0)


def label_overlap(
    truth: Iterable[NDArray[np.integer]], predicted: Iterable[NDArray[np.integer]], names: Sequence[str]
) -> LabelOverlap:
    """Per-pixel class numbers (H, W), pooled over all pictures. `names[0]` must be "good" (no defect)."""
    if not names or names[0] != GOOD:
        raise SpecsightError(f"class 0 must be '{GOOD}', got {list(names)[:1]}")
    count = len(names)
    confusion = np.zeros((count, count), dtype=np.int64)
    for index, (true_labels, labels) in enumerate(zip(truth, predicted, strict=True)):
        if np.shape(true_labels) != np.shape(labels):
            raise SpecsightError(
                f"picture {index}: truth is {np.shape(true_labels)}, prediction {np.shape(labels)}"
            )
        if min(np.min(true_labels), np.min(labels)) < 0 or max(np.max(true_labels), np.max(labels)) >= count:
            raise SpecsightError(f"picture {index} has a class number outside 0..{count - 1}")
        pairs = np.asarray(true_labels, dtype=np.int64).ravel() * count + np.asarray(labels).ravel()
        confusion += np.bincount(pairs, minlength=count * count).reshape(count, count)
    hits, present, answered = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    occurring = [k for k in range(count) if present[k]]
    iou = {names[k]: float(hits[k] / (present[k] + answered[k] - hits[k])) for k in occurring}
    f1 = {names[k]: float(2 * hits[k] / (present[k] + answered[k])) for k in occurring}
    return LabelOverlap(
        iou=iou,
        f1=f1,
        support={names[k]: int(present[k]) for k in occurring},
        miou=_mean(iou.values()),
        miou_without_good=_mean(_without_good(iou)),
        macro_f1=_mean(f1.values()),
        macro_f1_without_good=_mean(_without_good(f1)),
    )


def _mask_of(name: str, maps: Mapping[str, Map], masks: Mapping[str, Mask]) -> Mask:
    return masks[name] if name in masks else np.zeros(np.shape(maps[name]), dtype=bool)


def _without_good(by_class: Mapping[str, float]) -> list[float]:
    return [value for name, value in by_class.items() if name != GOOD]


def _mean(values: Collection[float] | Collection[bool] | NDArray[np.bool_]) -> float:
    defined = [float(value) for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")

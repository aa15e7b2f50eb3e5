"""Whether statements are true of the picture: grounded reports against the truth, slot by slot (methods.md B.8).

In: pairs of stated and true `Slots`, maps, tables of levels. Out: what each statement is worth (`compare`), and the
measures that it consists of. A statement that cannot be read states nothing: it is right in no slot, and everything
true is omitted by it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specsight.explain.slots import Slots
from specsight.ontology import Ontology
from specsight.specification.vocabulary import normal_form

Credit = Callable[[str, str], float]
"""Stated type, true type → 1 for the same, 0.5 for one of the same superclass, else 0."""
SUPPORTED_OVERLAP = 0.1
"""IoU with a true box from which on a stated box is no invention."""
LENGTH = 0.25
"""Share of the true length by which a stated one may be off."""


@dataclass(frozen=True)
class Compared:
    """One statement against the truth. None: the truth says nothing that this could be compared with."""

    polarity: bool | None
    """Whether the stated verdict is the true one."""
    types: float | None = None
    """F1 of the sets of types, half credit for a type of the same superclass; of pictures with types."""
    cells: float | None = None
    """Jaccard index of stated cells and of cells that hold at least 10 % of a defect; of pictures with defects."""
    boxes: float | None = None
    """Sum of IoUs under the best pairing, divided by the larger number of boxes."""
    overlaps: tuple[float, ...] = ()
    """IoU of each true box with the stated one that it is paired with."""
    count_error: int | None = None
    """How far the stated number is off; None where none is stated."""
    asserted: float = 0.0
    """How many elements are stated that the truth can be asked about: verdict, each type, cell, part and box, number,
    severity, length."""
    unsupported: float = 0.0
    """Of them, those that are not true; a type of the same superclass counts half."""
    true: float = 0.0
    """How many elements are true."""
    omitted: float = 0.0
    """Of them, those that are not stated."""
    claims: bool = False
    """Whether a defect is asserted at all."""


def compare(stated: Slots | None, truth: Slots, credit: Credit) -> Compared:
    """One statement against the truth."""
    said = stated or Slots()
    tally = _Tally(good=truth.decision == "accept")
    tally.scalar(said.decision, truth.decision, said.decision == truth.decision)
    _compare_types(tally, said, truth, credit)
    _compare_sets(tally, said.cells, truth.cells)
    _compare_sets(tally, said.parts, truth.parts)
    overlaps = paired_overlaps(said.boxes or (), truth.boxes or ())
    _compare_boxes(tally, said, truth)
    tally.scalar(said.count, truth.count, said.count == truth.count)
    tally.scalar(said.severity, truth.severity, _same(said.severity, truth.severity))
    near = (
        said.length_mm is not None
        and truth.length_mm is not None
        and abs(said.length_mm - truth.length_mm) <= LENGTH * truth.length_mm
    )
    tally.scalar(said.length_mm, truth.length_mm, near)
    counted = said.count is not None and truth.count is not None
    return Compared(
        polarity=None if truth.decision is None else said.decision == truth.decision,
        types=types_f1(said.types or (), truth.types, credit) if truth.types else None,
        cells=jaccard(said.cells or (), truth.cells) if truth.cells else None,
        boxes=sum(overlaps) / max(len(said.boxes or ()), len(truth.boxes)) if truth.boxes else None,
        overlaps=tuple(overlaps),
        count_error=abs((said.count or 0) - (truth.count or 0)) if counted else None,
        asserted=tally.asserted,
        unsupported=tally.unsupported,
        true=tally.true,
        omitted=tally.omitted,
        claims=bool(said.decision == "reject" or said.types or said.cells or said.boxes or said.count),
    )


def credit_of(ontology: Ontology) -> Callable[[str, str, str], float]:
    """Stated type, true type, product → credit by what is known of types: their synonyms and superclasses."""

    def credit(stated: str, true: str, product: str) -> float:
        if ontology.same(stated, true, product):
            return 1.0
        return 0.5 if ontology.same_superclass(stated, true, product) else 0.0

    return credit


def box_overlap(one: Sequence[float] | None, other: Sequence[float] | None) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1), in [0, 1]; 0 where one is None or both are empty."""
    if one is None or other is None:
        return 0.0
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    union = area(one) + area(other) - shared
    return shared / union if union > 0 else 0.0


def area(box: Sequence[float]) -> float:
    """Of a box (x0, y0, x1, y1); 0 where it is turned inside out."""
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def types_f1(stated: Sequence[str], true: Sequence[str], credit: Credit) -> float:
    """2 · credit / (stated + true), the credit that of the best one-to-one pairing; 1 for two empty sets."""
    first, second = _distinct(stated), _distinct(true)
    if not first and not second:
        return 1.0
    if not first or not second:
        return 0.0
    credits = np.array([[credit(s, t) for t in second] for s in first])
    return float(2 * _assigned(credits).sum() / (len(first) + len(second)))


def jaccard(stated: Collection[str], true: Collection[str]) -> float:
    """Intersection over union of two sets of names; 1 for two empty ones."""
    first, second = set(map(normal_form, stated)), set(map(normal_form, true))
    return len(first & second) / len(first | second) if first | second else 1.0


def paired_overlaps(stated: Sequence[Sequence[float]], true: Sequence[Sequence[float]]) -> list[float]:
    """IoU of each true box under the one-to-one pairing with the largest sum; 0 for one without a partner."""
    if not true:
        return []
    if not stated:
        return [0.0] * len(true)
    return list(map(float, _assigned(np.array([[box_overlap(s, t) for t in true] for s in stated]))))


def weighted_kappa(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cohen's kappa with quadratic weights (Cohen, Psychological Bulletin 1968) of tables (B, K, K) → (B,).

    nan where one level alone was stated and true.
    """
    levels = counts.shape[-1]
    steps = np.arange(levels, dtype=np.float64)
    weights = (steps[:, None] - steps[None, :]) ** 2
    total = counts.sum(axis=(1, 2))
    expected = counts.sum(axis=2)[:, :, None] * counts.sum(axis=1)[:, None, :]
    observed, by_chance = (counts * weights).sum(axis=(1, 2)) * total, (expected * weights).sum(axis=(1, 2))
    shares = np.divide(observed, by_chance, out=np.full_like(observed, np.nan), where=by_chance > 0)
    return np.asarray(1 - shares, np.float64)


@dataclass
class _Tally:
    good: bool = False
    """Whether the part is good."""
    asserted: float = field(default=0.0)
    unsupported: float = field(default=0.0)
    true: float = field(default=0.0)
    omitted: float = field(default=0.0)

    def scalar(self, stated: object, true: object, right: bool) -> None:
        """A slot with one value. Where the truth knows none, what is stated of a good part is not true."""
        if true is None:
            if self.good and stated is not None:
                self.asserted += 1
                self.unsupported += 1
            return
        self.true += 1
        if stated is None:
            self.omitted += 1
        else:
            self.asserted += 1
            self.unsupported += not right

    def elements(self, unsupported: Sequence[float], omitted: Sequence[float]) -> None:
        """A slot with a set: what of each stated element is not true, and of each true one is not stated."""
        self.asserted += len(unsupported)
        self.unsupported += sum(unsupported)
        self.true += len(omitted)
        self.omitted += sum(omitted)


def _compare_types(tally: _Tally, said: Slots, truth: Slots, credit: Credit) -> None:
    if truth.types is None:
        return
    stated, true = _distinct(said.types or ()), _distinct(truth.types)
    tally.elements(
        [1 - max((credit(s, t) for t in true), default=0.0) for s in stated],
        [1 - max((credit(s, t) for s in stated), default=0.0) for t in true],
    )


def _compare_sets(tally: _Tally, stated: Sequence[str] | None, true: Sequence[str] | None) -> None:
    if true is None:
        return
    first, second = set(map(normal_form, stated or ())), set(map(normal_form, true))
    tally.elements([float(s not in second) for s in first], [float(t not in first) for t in second])


def _compare_boxes(tally: _Tally, said: Slots, truth: Slots) -> None:
    if truth.boxes is None:
        return
    stated, true = tuple(dict.fromkeys(said.boxes or ())), truth.boxes

    def missed(box: Sequence[float], others: Sequence[Sequence[float]]) -> float:
        return float(max((box_overlap(box, other) for other in others), default=0.0) < SUPPORTED_OVERLAP)

    tally.elements([missed(box, true) for box in stated], [missed(box, stated) for box in true])


def _assigned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(stated, true) values → value of each true one under the one-to-one pairing with the largest sum."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(values, maximize=True)
    assigned = np.zeros(values.shape[1])
    assigned[columns] = values[rows, columns]
    return assigned


def _distinct(names: Sequence[str]) -> list[str]:
    return list({normal_form(name): name for name in names}.values())


def _same(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and normal_form(one) == normal_form(other)

"""The grounded reports of a run → statistics by name: `grounding` over its questions, with intervals.

In: a run, the knowledge of types, and how many of a picture's defect pixels lie in which cells. Out: statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from specsight.benchmark.files import ONTOLOGY, SPECIFICATION, Benchmark
from specsight.benchmark.items.truth import levels
from specsight.benchmark.scoring.accuracy import OVERLAPS, mean_of
from specsight.benchmark.scoring.reading import Answered, Asked
from specsight.benchmark.scoring.resampling import Combined, Figure, Floats, Mean, Share, Statistic
from specsight.explain.grounding import Compared, compare, credit_of, weighted_kappa
from specsight.explain.places import mass_in
from specsight.ontology import read_ontology
from specsight.specification import Specification, load_specification
from specsight.specification.vocabulary import normal_form, place_name, same_name

NO_LEVELS = "the specification orders no severity levels that the truth is stated in"
NO_PAIRS = "fewer than two levels were stated where one is true"


@dataclass(frozen=True)
class Places:
    """Where the defects of a picture are."""

    centroids: tuple[str, ...]
    """Cell of each defect's centroid."""
    mask: NDArray[np.bool_]
    """(H, W) all of them."""


@dataclass(frozen=True)
class Truths:
    """What statements are compared with beside the slots of their items."""

    credit: Callable[[str, str, str], float]
    """Stated type, true type, product → credit."""
    severities: Sequence[str]
    """Names of severity levels, mildest first; empty where they are not known."""
    places: Callable[[str], Places]
    """Id of a sample → where its defects are."""

    @classmethod
    def of(cls, benchmark: Benchmark) -> Truths:
        """Of a benchmark: its own ontology and specification."""
        specification = _specification(benchmark)
        return cls(_credit(benchmark), levels(specification), lambda id_: _places(benchmark, id_))


def reports(run: Answered, truths: Truths) -> tuple[dict[str, Statistic], dict[str, Figure]]:
    """ "grounding/NAME" with an interval, and those without one."""
    asked = [one for one in run.plain if one.form == "report" and one.slots is not None]
    if not asked:
        return {}, {}
    compared = {one.item: _compared(one, truths) for one in asked}
    statistics: dict[str, Statistic] = {"grounding/valid": mean_of(run, asked, lambda one: one.mark.valid)}

    def add(name: str, value: Callable[[Asked, Compared], float | None]) -> None:
        values = [(one, value(one, compared[one.item])) for one in asked]
        known = [(one, number) for one, number in values if number is not None]
        if known:
            by_item = {one.item: number for one, number in known}
            statistics[f"grounding/{name}"] = mean_of(
                run, [one for one, _ in known], lambda one: by_item[one.item]
            )

    add("polarity", lambda _, c: c.polarity)
    add("types", lambda _, c: c.types)
    add("cells", lambda _, c: c.cells)
    add("boxes", lambda _, c: c.boxes)
    for limit in OVERLAPS:
        add(f"boxes_acc@{limit}", lambda _, c, limit=limit: _share_from(c.overlaps, limit))  # type: ignore[misc]
    add("count_error", lambda _, c: c.count_error)
    _add_places(add, truths)
    for kind in ("", "/good", "/defective"):
        chosen = [one for one in asked if kind in ("", "/defective" if one.origin.defective else "/good")]
        if chosen:
            statistics |= _inventions(run, chosen, compared, kind)
    good = [one for one in asked if not one.origin.defective]
    if good:
        statistics["grounding/invented"] = mean_of(run, good, lambda one: compared[one.item].claims)
    severity, whole = _severity(run, asked, truths.severities)
    statistics |= severity
    statistics["grounding/consistency"] = _consistency(statistics)
    return statistics, whole


def _compared(one: Asked, truths: Truths) -> Compared:
    assert one.slots is not None
    return compare(one.stated, one.slots, lambda stated, true: truths.credit(stated, true, one.category))


def _add_places(add: Callable[..., None], truths: Truths) -> None:
    """Whether centroids, and how much of the defects' pixels, lie in the stated cells."""
    places = lru_cache(maxsize=1)(truths.places)

    def hit(one: Asked, _: Compared) -> float | None:
        centroids = places(one.sample).centroids if one.slots and one.slots.cells else ()
        stated = set(map(normal_form, (one.stated.cells if one.stated else None) or ()))
        return sum(normal_form(cell) in stated for cell in centroids) / len(centroids) if centroids else None

    def mass(one: Asked, _: Compared) -> float | None:
        if not (one.slots and one.slots.cells):
            return None
        cells = (one.stated.cells if one.stated else None) or ()
        share = mass_in(places(one.sample).mask, cells) if cells else 0.0
        return None if np.isnan(share) else share

    add("cells_hit", hit)
    add("mass_in", mass)


def _share_from(overlaps: Sequence[float], limit: float) -> float | None:
    return sum(overlap >= limit for overlap in overlaps) / len(overlaps) if overlaps else None


def _inventions(
    run: Answered, asked: Sequence[Asked], compared: dict[str, Compared], kind: str
) -> dict[str, Statistic]:
    """Shares of elements, so that a statement weighs as much as it says."""
    members, objects = run.members(asked), len(run.objects)

    def sums(value: Callable[[Compared], float]) -> Floats:
        return np.bincount(members, [value(compared[one.item]) for one in asked], objects).astype(np.float64)

    def share(top: Callable[[Compared], float], bottom: Callable[[Compared], float]) -> Statistic:
        return Combined((Share(sums(top), sums(bottom)),), lambda means: means[:, 0])

    return {
        f"grounding/hallucination{kind}": share(lambda c: c.unsupported, lambda c: c.asserted),
        f"grounding/omission{kind}": share(lambda c: c.omitted, lambda c: c.true),
    }


def _severity(
    run: Answered, asked: Sequence[Asked], order: Sequence[str]
) -> tuple[dict[str, Statistic], dict[str, Figure]]:
    """Agreement of levels where both are known, and how often one was stated where one is true."""
    place = {normal_form(level): rank for rank, level in enumerate(order)}
    true = [one for one in asked if one.slots and one.slots.severity is not None]
    if not true:
        return {}, {}
    if len(order) < 2 or any(
        normal_form((one.slots and one.slots.severity) or "") not in place for one in true
    ):
        return {}, {"grounding/severity_kappa": Figure(value=None, count=len(true), reason=NO_LEVELS)}
    pairs = []
    for one in true:
        stated = normal_form((one.stated.severity if one.stated else None) or "")
        if stated in place and one.slots and one.slots.severity:
            pairs.append((one, place[stated], place[normal_form(one.slots.severity)]))
    said = {one.item for one, _, _ in pairs}
    statistics: dict[str, Statistic] = {
        "grounding/severity_stated": mean_of(run, true, lambda one: one.item in said),
        "grounding/severity_kappa": _kappa(run, pairs, len(order)),
    }
    return statistics, {"grounding/severity_rho": _rho([(s, t) for _, s, t in pairs])}


def _kappa(run: Answered, pairs: Sequence[tuple[Asked, int, int]], count: int) -> Statistic:
    members = run.members([one for one, _, _ in pairs])
    shares = tuple(
        Share.of([float((s, t) == (k, j)) for _, s, t in pairs], members, len(run.objects))
        for k in range(count)
        for j in range(count)
    )
    return Combined(shares, lambda sums: weighted_kappa(sums.reshape(-1, count, count)), sums=True)


def _rho(pairs: Sequence[tuple[int, int]]) -> Figure:
    from scipy.stats import spearmanr

    if min((len({pair[side] for pair in pairs}) for side in (0, 1)), default=0) < 2:
        return Figure(value=None, count=len(pairs), reason=NO_PAIRS)
    return Figure(value=float(spearmanr(*zip(*pairs)).statistic), count=len(pairs))


@dataclass(frozen=True)
class _Agreement:
    """max(kappa, 0) × share stated: who states no level agrees with none."""

    kappa: Statistic
    stated: Statistic

    @property
    def count(self) -> int:
        return self.stated.count

    def resampled(self, weights: Floats) -> Floats:
        return _positive(self.kappa.resampled(weights)) * _positive(self.stated.resampled(weights))

    def left_out(self, objects: int) -> Floats:
        return _positive(self.kappa.left_out(objects)) * _positive(self.stated.left_out(objects))


@dataclass(frozen=True)
class _Supported:
    """1 less the share of inventions; 0 where nothing was asserted."""

    hallucination: Statistic

    @property
    def count(self) -> int:
        return self.hallucination.count

    def resampled(self, weights: Floats) -> Floats:
        return _positive(1 - self.hallucination.resampled(weights))

    def left_out(self, objects: int) -> Floats:
        return _positive(1 - self.hallucination.left_out(objects))


def _positive(values: Floats) -> Floats:
    return np.maximum(np.nan_to_num(values, nan=0.0), 0.0)


def _consistency(statistics: dict[str, Statistic]) -> Statistic:
    """Mean of polarity, types, cells, severity and 1 less the share of inventions, of those that the truth holds."""
    parts = [
        statistics[name]
        for name in ("grounding/polarity", "grounding/types", "grounding/cells")
        if name in statistics
    ]
    if "grounding/severity_kappa" in statistics:
        parts.append(
            _Agreement(statistics["grounding/severity_kappa"], statistics["grounding/severity_stated"])
        )
    return Mean(
        [*parts, _Supported(statistics["grounding/hallucination"])], statistics["grounding/valid"].count
    )


def _specification(benchmark: Benchmark) -> Specification | None:
    path = benchmark.folder / SPECIFICATION
    return load_specification(path) if path.is_file() else None


def _credit(benchmark: Benchmark) -> Callable[[str, str, str], float]:
    """By the benchmark's ontology, with its synonyms and superclasses; without one, equal names alone count."""
    path = benchmark.folder / ONTOLOGY
    if not path.is_file():
        return lambda stated, true, _product: float(same_name(stated, true))
    return credit_of(read_ontology(path))


def _places(benchmark: Benchmark, id_: str) -> Places:
    from specsight.benchmark.instances import united_mask

    sample = benchmark.sample(id_)
    centroids = tuple(
        place_name(min((x + 0.5) / sample.width, 1.0), min((y + 0.5) / sample.height, 1.0))
        for x, y in (instance.centroid for instance in sample.instances)
    )
    return Places(centroids, united_mask(sample))

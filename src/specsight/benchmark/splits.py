"""Which split each sample belongs to, and which good pictures are shown as references: by physical object, seeded.

In: a listing. Out: id → `Membership`, and the `Splits` of `splits.json`. No two splits share an object
(`datasets.parts`), whatever the protocol: the set's own split, new shares, whole products held out (zero-shot), or
conditions held out (another plant, another light).
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

import numpy as np
from pydantic import Field

from specsight.benchmark.ingest import Membership, set_split
from specsight.benchmark.records import Record, Split
from specsight.datasets import DatasetListing
from specsight.datasets.parts import distinct_parts, split_by_part, stated_part, with_parts_named
from specsight.errors import SpecsightError, did_you_mean
from specsight.records import Sample

ORDER: tuple[Split, ...] = ("train", "validation", "test")
MOST_COMPARED = 20_000
"""Pictures of one product without a group that are compared with one another: time is quadratic, 16 KB each."""


class FewShot(Record):
    """Good training pictures of distinct objects that may be learned from, or shown as references.

    Lists of one product and seed contain each other: the first k of its largest.
    """

    product: str
    shots: Annotated[int, Field(ge=1)]
    seed: int
    samples: tuple[str, ...]


class Splits(Record):
    """What `splits.json` holds beside the split and the group that each sample names."""

    seed: int
    shares: Mapping[Split, float] | None
    """None: the set's own split."""
    held_out_products: tuple[str, ...] = ()
    held_out_conditions: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    counts: Mapping[str, int]
    """ "SPLIT/LABEL" → samples, and "groups/SPLIT" → physical objects."""
    few_shot: tuple[FewShot, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SplitPlan:
    """How a listing is to be split.

    Raises SpecsightError for shares that do not add up to 1, and for numbers of shots below 1.
    """

    seed: int = 0
    shares: tuple[float, float, float] | None = None
    """Of objects in train, validation and test, of every product and type; None: the set's own split."""
    products: tuple[str, ...] = ()
    """Held out: all of their pictures are test, and the test pictures of other products are validation."""
    conditions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Held out: pictures with one of these values of a condition are test, and nothing learns from them."""
    shots: tuple[int, ...] = (1, 2, 4, 8)
    few_shot_seeds: int = 5

    def __post_init__(self) -> None:
        if self.shares is not None and (min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-6):
            raise SpecsightError(
                f"shares of train, validation and test are {self.shares}: give three that add up to 1"
            )
        if self.shots and min(self.shots) < 1:
            raise SpecsightError(f"shots {min(self.shots)} must be at least 1")


@dataclass(frozen=True)
class MadeSplits:
    """What `make_splits` gives."""

    listing: DatasetListing
    """Without the pictures that belong to no split, with objects named as groups."""
    members: Mapping[str, Membership]
    splits: Splits


def make_splits(listing: DatasetListing, plan: SplitPlan | None = None) -> MadeSplits:
    """Split a listing by `plan` (None: the set's own split).

    Pictures without a group are compared with others of their product and label: copies and frames of one object share
    a split. Where a set puts one object into two splits, all of its pictures belong to the later of train, validation,
    test, and a note says so. Raises SpecsightError for products and conditions that do not occur, and where nothing is
    left to learn from or to test.
    """
    plan = plan or SplitPlan()
    _check(listing, plan)
    grouped = _with_objects(listing)
    samples, notes = grouped.samples, list(grouped.notes[len(listing.notes) :])
    groups = _groups(samples)
    splits = _own(groups, notes) if plan.shares is None else _shared_out(groups, plan.shares, plan.seed)
    if plan.products:
        _hold_out_products(groups, splits, set(plan.products))
    left_out = _hold_out_conditions(groups, splits, plan.conditions, notes)
    members = {
        sample.id: Membership(splits[name], name)
        for name, several in groups.items()
        for sample in several
        if sample.id not in left_out
    }
    kept = [s for s in samples if s.id in members]
    if not any(one.split == "test" for one in members.values()):
        raise SpecsightError(
            f"'{listing.root}': no picture is left to test: hold out less, or give test a share"
        )
    few_shot = tuple(_few_shot(kept, members, plan, notes))
    counts = Counter(f"{members[s.id].split}/{s.label}" for s in kept)
    counts.update(f"groups/{splits[name]}" for name in {one.group for one in members.values()})
    made = Splits(
        seed=plan.seed,
        shares=None if plan.shares is None else dict(zip(ORDER, plan.shares, strict=True)),
        held_out_products=tuple(sorted(plan.products)),
        held_out_conditions={name: tuple(sorted(values)) for name, values in sorted(plan.conditions.items())},
        counts=dict(sorted(counts.items())),
        few_shot=few_shot,
        notes=tuple(notes),
    )
    return MadeSplits(replace(grouped, samples=kept), members, made)


def references(splits: Splits, shots: int, seed: int = 0) -> dict[str, tuple[str, ...]]:
    """Product → ids of its few-shot list. Raises SpecsightError where no list is so long."""
    found = {one.product: one.samples for one in splits.few_shot if (one.shots, one.seed) == (shots, seed)}
    if not found:
        known = sorted({(one.shots, one.seed) for one in splits.few_shot})
        raise SpecsightError(
            f"there is no list of {shots} shots with seed {seed}: "
            + (f"known (shots, seed): {', '.join(map(str, known))}" if known else "there are no lists at all")
        )
    return found


def _check(listing: DatasetListing, plan: SplitPlan) -> None:
    products = {s.product for s in listing.samples}
    for product in plan.products:
        if product not in products:
            raise SpecsightError(
                f"there is no product '{product}' to hold out: {did_you_mean(product, products)}"
            )
    if plan.products and products <= set(plan.products):
        raise SpecsightError("all products are held out: leave at least one to learn from")
    for name, values in plan.conditions.items():
        known = {s.conditions[name] for s in listing.samples if name in s.conditions}
        if not known:
            names = {other for s in listing.samples for other in s.conditions}
            raise SpecsightError(
                f"no sample has a condition '{name}' to hold out: "
                + (did_you_mean(name, names) if names else "the set names no conditions")
            )
        for value in values:
            if value not in known:
                raise SpecsightError(f"no sample has {name} '{value}': {did_you_mean(value, known)}")


def _with_objects(listing: DatasetListing) -> DatasetListing:
    """The listing with its split made by object where its reader made one up by names, and objects named as groups."""
    alone = Counter(s.product for s in listing.samples if not s.group)
    large = {product for product, count in alone.items() if count > MOST_COMPARED}
    notes = [
        f"{product}: {alone[product]:,} pictures without a group are more than {MOST_COMPARED:,}: they were not "
        "compared with one another, and each counts as an object of its own; name objects as 'group' in a manifest"
        for product in sorted(large)
    ]
    compared = [s for s in listing.samples if s.product not in large]
    # The notes of a reader stand: what follows them is new.
    smaller = split_by_part(replace(listing, samples=compared))
    samples = {s.id: s for s in (*smaller.samples, *(s for s in listing.samples if s.product in large))}
    for several in _apart(smaller.samples):
        for named in with_parts_named(several, distinct_parts(several).labels):
            samples[named.id] = named
    return replace(smaller, samples=list(samples.values()), notes=[*smaller.notes, *notes])


def _apart(samples: Iterable[Sample]) -> list[list[Sample]]:
    """Samples by product and label: a board and its template, or a part before and after damage, are two objects."""
    found: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        found[sample.product, sample.label].append(sample)
    return [found[key] for key in sorted(found)]


def _groups(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """Name of an object → its samples, both in order.

    An object that was found by its pictures is named after the first of them. Groups count within their product
    (`stated_part`): of one name in two products, each has its product's before it.
    """
    objects: dict[Hashable, list[Sample]] = defaultdict(list)
    for sample in sorted(samples, key=lambda s: s.id):
        objects[stated_part(sample)].append(sample)
    products: dict[str | None, set[str]] = defaultdict(set)
    for several in objects.values():
        products[several[0].group].add(several[0].product)
    found = {}
    for several in objects.values():
        group, product = several[0].group, several[0].product
        if group is None or group in {str(s.image) for s in several}:
            group = several[0].id
        elif len(products[group]) > 1:
            group = f"{product}/{group}"
        found[group] = several
    return dict(sorted(found.items()))


def _own(groups: Mapping[str, Sequence[Sample]], notes: list[str]) -> dict[str, Split]:
    splits: dict[str, Split] = {}
    moved: Counter[str] = Counter()
    for name, samples in groups.items():
        splits[name] = max((set_split(s) for s in samples), key=ORDER.index)
        for sample in samples:
            if set_split(sample) != splits[name]:
                moved[f"{set_split(sample)} to {splits[name]}"] += 1
    notes += [
        f"{count} picture(s) were moved from {way}: the set has pictures of the same object in both"
        for way, count in sorted(moved.items())
    ]
    return splits


def _shared_out(
    groups: Mapping[str, Sequence[Sample]], shares: tuple[float, float, float], seed: int
) -> dict[str, Split]:
    """New splits: of every product and type, each split gets its share of objects, as evenly as whole objects allow."""
    strata: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for name, samples in groups.items():
        types = tuple(sorted({t for s in samples for t in s.types}))
        strata[samples[0].product, types].append(name)
    ends, splits = np.cumsum(shares), {}
    for key in sorted(strata):
        rng = _generator(seed, *key[0], *key[1])
        names = [strata[key][k] for k in rng.permutation(len(strata[key]))]
        places = (np.arange(len(names)) + rng.random()) / len(names)
        for name, at in zip(names, np.searchsorted(ends, places, side="right").clip(max=2), strict=True):
            splits[name] = ORDER[int(at)]
    return splits


def _hold_out_products(
    groups: Mapping[str, Sequence[Sample]], splits: dict[str, Split], products: set[str]
) -> None:
    for name, samples in groups.items():
        if products & {s.product for s in samples}:
            splits[name] = "test"
        elif splits[name] == "test":
            splits[name] = "validation"


def _hold_out_conditions(
    groups: Mapping[str, Sequence[Sample]],
    splits: dict[str, Split],
    conditions: Mapping[str, Sequence[str]],
    notes: list[str],
) -> set[str]:
    """Move objects to test that were taken under held-out conditions; ids of samples that belong to no split."""
    left_out: set[str] = set()
    for name, samples in groups.items():
        meant = {s.id for s in samples if any(s.conditions.get(key) in v for key, v in conditions.items())}
        if len(meant) == len(samples):
            splits[name] = "test"
        elif splits[name] != "test":
            left_out |= meant
    if left_out:
        notes.append(
            f"{len(left_out)} picture(s) under held-out conditions are left out: other pictures of the same objects "
            "are learned from"
        )
    return left_out


def _few_shot(
    samples: Sequence[Sample], members: Mapping[str, Membership], plan: SplitPlan, notes: list[str]
) -> Iterable[FewShot]:
    good: dict[str, dict[str, list[str]]] = {product: {} for product in sorted({s.product for s in samples})}
    for sample in sorted(samples, key=lambda s: s.id):
        member = members[sample.id]
        if sample.label == "good" and member.split == "train":
            good[sample.product].setdefault(member.group, []).append(sample.id)
    for product, objects in good.items():
        short = [shots for shots in plan.shots if shots > len(objects)]
        if short:
            notes.append(
                f"{product}: no list of {', '.join(map(str, short))} shot(s): {len(objects)} object(s) have good "
                "training pictures"
            )
        for seed in range(plan.few_shot_seeds):
            rng = _generator(plan.seed, "few-shot", str(seed), product)
            names = sorted(objects)
            order = [names[k] for k in rng.permutation(len(names))[: max(plan.shots, default=0)]]
            chosen = [objects[name][int(rng.integers(len(objects[name])))] for name in order]
            for shots in plan.shots:
                if shots not in short:
                    yield FewShot(product=product, shots=shots, seed=seed, samples=tuple(chosen[:shots]))


def _generator(seed: int, *names: str) -> np.random.Generator:
    text = "/".join(names).encode("utf-8", "replace")
    return np.random.default_rng([seed, zlib.crc32(text), zlib.adler32(text)])

"""Splits keep physical objects whole, whatever is held out; few-shot lists nest and repeat under their seed."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from specsight.benchmark import splits as module
from specsight.benchmark.splits import MadeSplits, SplitPlan, make_splits, references
from specsight.datasets import DatasetListing
from specsight.errors import SpecsightError
from specsight.records import Defect, Label, Sample


def sample(
    k: int, product: str = "cap", split: str = "train", label: Label = "good", **fields: str
) -> Sample:
    group = fields.pop("group", f"object {k}")
    defects = (Defect("dent"),) if label == "defective" else ()
    name = f"{product}/{k:03}"
    return Sample(
        name, Path(f"/data/{name}.png"), product, split, label, defects, group=group, conditions=fields
    )


def listed(samples: list[Sample]) -> DatasetListing:
    return DatasetListing("folder", Path("/data"), samples, [])


def two_products(count: int = 30) -> DatasetListing:
    return listed(
        [
            *(sample(k, plant="A" if k % 3 else "B") for k in range(count)),
            *(sample(k + count, split="test", plant="A") for k in range(10)),
            *(sample(k + 2 * count, split="test", label="defective", plant="B") for k in range(10)),
            *(sample(k, "lid", group=f"lid {k}", plant="A") for k in range(12)),
            *(sample(k + 50, "lid", "test", "defective", group=f"lid {k + 50}", plant="A") for k in range(6)),
        ]
    )


def whole_objects(made: MadeSplits) -> bool:
    splits = defaultdict(set)
    for one in made.members.values():
        splits[one.group].add(one.split)
    return all(len(several) == 1 for several in splits.values())


def test_the_sets_own_split_stands() -> None:
    made = make_splits(two_products())
    assert {s.id: made.members[s.id].split for s in made.listing.samples} == {
        s.id: s.split for s in two_products().samples
    }
    assert made.splits.counts["train/good"] == 42
    assert made.splits.counts["groups/test"] == 26
    assert made.splits.notes == ()


def test_an_object_on_two_sides_goes_to_the_later_and_is_told_of() -> None:
    both = [
        sample(0, group="x"),
        sample(1, group="x", split="test"),
        sample(2, group="y"),
        sample(3, group="z"),
    ]
    made = make_splits(listed(both))
    assert [made.members[s.id].split for s in both] == ["test", "test", "train", "train"]
    assert made.splits.notes[0] == (
        "1 picture(s) were moved from train to test: the set has pictures of the same object in both"
    )


def test_copies_without_a_group_are_one_object(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (40, 40, 3), np.uint8) for _ in range(4)]
    samples = []
    for k, pixels in enumerate([*pictures, pictures[1]]):
        file = tmp_path / f"{k}.png"
        Image.fromarray(pixels).save(file)
        samples.append(
            replace(sample(k, split="test" if k == 4 else "train", group=""), image=file, group=None)
        )
    made = make_splits(DatasetListing("folder", tmp_path, samples, []))
    assert made.members["cap/001"] == made.members["cap/004"]
    assert made.members["cap/001"].group == "cap/001"
    assert made.members["cap/004"].split == "test"
    assert made.members["cap/000"].group == "cap/000"


def test_very_many_pictures_without_a_group_are_not_compared_and_this_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_COMPARED", 5)
    many = [replace(sample(k, split="test" if k > 6 else "train"), group=None) for k in range(9)]
    made = make_splits(listed(many))
    assert "9 pictures without a group are more than 5" in made.splits.notes[0]
    assert len({one.group for one in made.members.values()}) == 9


def test_groups_count_within_their_product() -> None:
    made = make_splits(listed([sample(0, group="1"), sample(0, "lid", "test", group="1")]))
    assert {one.group for one in made.members.values()} == {"cap/1", "lid/1"}


def test_new_shares_hold_for_every_product_and_type() -> None:
    made = make_splits(two_products(90), SplitPlan(shares=(0.5, 0.2, 0.3)))
    counts = made.splits.counts
    assert counts["train/good"] == pytest.approx(0.5 * 112, abs=2)
    assert counts["test/good"] == pytest.approx(0.3 * 112, abs=2)
    assert counts["train/defective"] == pytest.approx(0.5 * 16, abs=2)
    assert whole_objects(made)


def test_held_out_products_are_only_tested_and_others_are_not() -> None:
    made = make_splits(two_products(), SplitPlan(products=("lid",)))
    for one in made.listing.samples:
        assert (made.members[one.id].split == "test") == (one.product == "lid")
    assert {one.product for one in made.splits.few_shot} == {"cap"}


def test_held_out_conditions_are_never_learned_from() -> None:
    made = make_splits(two_products(), SplitPlan(conditions={"plant": ("B",)}))
    assert whole_objects(made)
    conditions = {s.id: s.conditions["plant"] for s in made.listing.samples}
    assert all(conditions[i] == "A" for i, one in made.members.items() if one.split != "test")
    assert sum(conditions[i] == "B" for i in made.members) == 20


def test_pictures_of_objects_that_are_learned_from_under_other_conditions_are_left_out() -> None:
    mixed = [
        sample(0, group="x", light="dark"),
        sample(1, group="x", light="bright"),
        sample(2, split="test", light="dark"),
    ]
    made = make_splits(listed(mixed), SplitPlan(conditions={"light": ("dark",)}))
    assert set(made.members) == {"cap/001", "cap/002"}
    assert [s.id for s in made.listing.samples] == ["cap/001", "cap/002"]
    assert "1 picture(s) under held-out conditions are left out" in made.splits.notes[0]


def test_few_shot_lists_nest_and_hold_good_training_pictures_of_distinct_objects() -> None:
    made = make_splits(two_products(), SplitPlan(shots=(1, 2, 4, 16)))
    lists = {(one.product, one.shots, one.seed): one.samples for one in made.splits.few_shot}
    for (product, shots, seed), ids in lists.items():
        assert len(ids) == shots == len({made.members[i].group for i in ids})
        assert {made.members[i].split for i in ids} == {"train"}
        assert ids[:1] == lists[product, 1, seed]
    assert ("lid", 16, 0) not in lists
    assert "lid: no list of 16 shot(s): 12 object(s) have good training pictures" in made.splits.notes
    assert len({lists["cap", 4, seed] for seed in range(5)}) == 5
    assert references(made.splits, 4, 2)["cap"] == lists["cap", 4, 2]
    with pytest.raises(SpecsightError, match="no list of 3 shots with seed 0: known"):
        references(made.splits, 3)


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 1000))
def test_the_same_listing_in_any_order_gives_the_same_splits(random: object, seed: int) -> None:
    samples = two_products().samples
    plan = SplitPlan(seed, shares=(0.6, 0.2, 0.2), conditions={"plant": ("B",)})
    first = make_splits(listed(samples), plan)
    random.shuffle(samples)  # type: ignore[attr-defined]
    second = make_splits(listed(samples), plan)
    assert first.splits == second.splits
    assert first.members == second.members
    assert whole_objects(first)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"products": ("cup",)}, "no product 'cup' to hold out: did you mean 'cap'"),
        ({"products": ("cap", "lid")}, "all products are held out"),
        (
            {"conditions": {"plnt": ("A",)}},
            "no sample has a condition 'plnt' to hold out: did you mean 'plant'",
        ),
        ({"conditions": {"plant": ("C",)}}, "no sample has plant 'C'"),
        ({"shares": (0.5, 0.2, 0.2)}, "give three that add up to 1"),
        ({"shares": (1.0, 0.0, 0.0)}, "no picture is left to test"),
        ({"shots": (0,)}, "shots 0 must be at least 1"),
    ],
)
def test_plans_that_cannot_be_followed_are_refused(plan: dict[str, object], message: str) -> None:
    with pytest.raises(SpecsightError, match=message):
        make_splits(two_products(), SplitPlan(**plan))  # type: ignore[arg-type]

"""Items of all tasks: answers are among the options and true of the sample, and only the picture tells them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from tests.support.inspected_plates import SPECIFICATION, made, plates

from specsight.benchmark.items import Balance, Context, make_items, survey
from specsight.benchmark.items.truth import only_instance, types_of
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.specification.vocabulary import Vocabulary, normal_form

SAMPLES = plates()
BY_ID = {sample.id: sample for sample in SAMPLES}
ITEMS, CONTEXT = made(SAMPLES)
CHOICES = [item for item in ITEMS if item.form == "choice"]


def chosen(item: Item) -> str:
    return item.options[item.answer]


def test_ids_are_unique_and_name_sample_and_task() -> None:
    assert len({item.id for item in ITEMS}) == len(ITEMS)
    assert all(item.id.rpartition("/")[0] == f"{item.sample}/{item.task}" for item in ITEMS)


def test_the_answer_is_among_the_options() -> None:
    assert all(item.answer in item.options for item in CHOICES)
    assert all(2 <= len(item.options) <= 5 and list(item.options) == sorted(item.options) for item in CHOICES)


def test_no_two_options_mean_the_same() -> None:
    words = Vocabulary.of(SPECIFICATION.defects)
    for item in CHOICES:
        for first, second in combinations(item.options.values(), 2):
            assert not words.same(first, second), item


def test_letters_are_balanced() -> None:
    for (task, split, size), letters in _letters(CHOICES).items():
        assert max(letters.values()) - min(letters[letter] for letter in "ABCDE"[:size]) <= 1, (
            task,
            split,
            letters,
        )


def _letters(items: list[Item]) -> dict[tuple[str, str, int], Counter[str]]:
    counts: dict[tuple[str, str, int], Counter[str]] = defaultdict(Counter)
    for item in items:
        counts[item.task, item.split, len(item.options)][item.answer] += 1
    return counts


def test_no_name_of_a_file_and_no_id_is_in_the_words() -> None:
    for item in ITEMS:
        words = " ".join((item.question, item.instruction or "", *item.options.values()))
        assert "plate_0" not in words
        assert ".png" not in words


def test_pictures_are_named_and_masks_are_not_shown() -> None:
    for item in ITEMS:
        assert item.images[0] == BY_ID[item.sample].image
        assert not set(item.masks) & {*item.images, *item.reference_images}


def test_the_same_seed_gives_the_same_items_and_another_one_others() -> None:
    assert made(SAMPLES)[0] == ITEMS
    assert made(SAMPLES, seed=1)[0] != ITEMS


def test_the_order_of_samples_changes_letters_paraphrases_and_surplus_alone() -> None:
    context = survey(SAMPLES[::-1], Context(specification=SPECIFICATION))
    other = {item.id: item for sample in SAMPLES[::-1] for item in make_items(sample, context)}
    same = [(item, other[item.id]) for item in CHOICES if item.id in other and item.task == "type"]
    assert len(same) > 50
    for one, two in same:
        assert set(one.options.values()) == set(two.options.values())
        assert chosen(one) == chosen(two)
    for (task, split, size), letters in _letters([*other.values()]).items():
        if size:
            assert max(letters.values()) - min(letters[letter] for letter in "ABCDE"[:size]) <= 1, (
                task,
                split,
            )


def test_a_build_that_was_stopped_goes_on_as_if_it_had_not_been() -> None:
    first = survey(SAMPLES, Context(specification=SPECIFICATION))
    before = [item for sample in SAMPLES[:100] for item in make_items(sample, first)]
    again = survey(
        SAMPLES, Context(specification=SPECIFICATION, balance=Balance.from_json(first.balance.to_json()))
    )
    after = [item for sample in SAMPLES[100:] for item in make_items(sample, again)]
    assert before + after == ITEMS


def test_unknown_pictures_are_asked_nothing() -> None:
    unknown = SAMPLES[0].model_copy(update={"label": "unknown", "instances": ()})
    assert make_items(unknown, survey([unknown], Context())) == []


def test_good_and_defective_pictures_are_asked_equally_often_in_each_split() -> None:
    counts = Counter(
        (item.category, item.split, item.slots.decision) for item in ITEMS if item.task == "anomaly"
    )
    for product, split, _ in counts:
        assert abs(counts[product, split, "accept"] - counts[product, split, "reject"]) <= 1
    assert sum(counts.values()) > 150


def _anomaly(item: Item, sample: BenchmarkSample) -> bool:
    asks_for_good = any(
        word in item.question for word in ("free", "order", "sound", "without", "good", "flawless")
    )
    return chosen(item) == ("Yes" if asks_for_good == (sample.label == "good") else "No")


def _type(item: Item, sample: BenchmarkSample) -> bool:
    types = types_of(sample)
    others = [text for letter, text in item.options.items() if letter != item.answer]
    if sample.label == "good":
        return chosen(item) == "No defect"
    if chosen(item) == "Another type of defect":
        return not {normal_form(text) for text in others} & set(types)
    return (normal_form(chosen(item)),) == types


def _count(item: Item, sample: BenchmarkSample) -> bool:
    return chosen(item) == ("None", "One", "Two", "Three")[len(sample.instances)]


def _location(item: Item, sample: BenchmarkSample) -> bool:
    instance = only_instance(sample)
    if instance is None:
        return sample.label == "good" and "no defect" in chosen(item)
    if item.form == "choice":
        place = chosen(item).lower()
        return place == instance.part or place.split(" the ", 1)[-1] == instance.cells[0]
    values = [int(value) for value in item.answer.strip("[]").split(", ")]
    x0, y0, x1, y1 = (round(1000 * value / 300) for value in instance.box)
    return (
        values == [x0, y0, x1, y1] if item.form == "box" else x0 <= values[0] <= x1 and y0 <= values[1] <= y1
    )


TRUE: dict[str, Callable[[Item, BenchmarkSample], bool]] = {
    "anomaly": _anomaly,
    "type": _type,
    "count": _count,
    "location": _location,
}


@pytest.mark.parametrize("task", TRUE)
def test_what_is_said_to_be_right_is_true_of_the_sample(task: str) -> None:
    asked = [item for item in ITEMS if item.task == task]
    assert len(asked) > 20
    assert all(TRUE[task](item, BY_ID[item.sample]) for item in asked)


@pytest.mark.parametrize("task", ["type", "location", "count"])
def test_an_option_is_right_as_often_as_wrong_options_let_expect(task: str) -> None:
    """Of all questions that offer an answer, about 1/k have it as the right one, for each answer."""
    many, _ = made(plates(3000, seed=1))
    offered: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for item in many:
        if item.task == task and item.form == "choice":
            for letter, text in item.options.items():
                offered[item.category, item.split, text].append(
                    (letter == item.answer) - 1 / len(item.options)
                )
    for key, differences in offered.items():
        error = np.std(differences) / np.sqrt(len(differences))
        assert abs(np.mean(differences)) < 4 * error + 0.02, (key, len(differences), np.mean(differences))


def test_what_is_not_asked_is_said_with_its_reason() -> None:
    alone = [
        sample.model_copy(update={"label": "good", "instances": (), "product": "cap"})
        for sample in SAMPLES[:5]
    ]
    items, context = made(alone)
    assert not any(item.task in ("anomaly", "type") for item in items)
    assert "another answer" in next(iter(context.reasons()["cap", "anomaly"]))

"""Items of all tasks: answers are among the options and true of the sample, and only the picture tells them."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from tests.support.inspected_plates import SPECIFICATION, Kinds, made, plates, usual

from specsight.benchmark.items import Balance, Context, make_items, survey
from specsight.benchmark.records import Instructed, Item
from specsight.evaluation.instructions.panels import PRODUCT
from specsight.evaluation.instructions.prompt_edits import EDITS
from specsight.records import Verdict
from specsight.specification.vocabulary import Vocabulary, normal_form

SAMPLES, ITEMS, CONTEXT = usual()
BY_ID = {sample.id: sample for sample in SAMPLES}
CHOICES = [item for item in ITEMS if item.form == "choice"]


@cache
def many() -> list[Item]:
    """Items of pictures enough for statistics."""
    return made(plates(900, seed=1))[0]


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
            assert normal_form(first) != normal_form(second)
            assert not words.same(first, second), item


def test_letters_are_balanced() -> None:
    _check_letters(CHOICES)


def _check_letters(items: list[Item]) -> None:
    """Of each kind of question no letter is right more than once more often than another."""
    counts: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    kinds: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for item in items:
        key = item.task, item.scenario, item.split, len(item.options)
        counts[key][item.answer] += 1
        kinds[key].add(item.provenance[-1].by)
    for key, letters in counts.items():
        found = [letters[letter] for letter in "ABCDE"[: key[-1]]]
        assert max(found) - min(found) <= len(kinds[key]), (key, letters)


def test_no_name_of_a_file_and_no_id_is_in_the_words() -> None:
    for item in ITEMS:
        words = " ".join((item.question, item.instruction or "", *item.options.values()))
        assert "plate_0" not in words
        assert ".png" not in words


def test_pictures_are_named_and_masks_are_not_shown() -> None:
    for item in ITEMS:
        assert item.images[0] == BY_ID[item.sample].image
        assert not set(item.masks) & {*item.images, *item.reference_images}


@pytest.mark.long
def test_the_same_seed_gives_the_same_items_and_another_one_others() -> None:
    assert made(SAMPLES)[0] == ITEMS
    assert made(SAMPLES, seed=1)[0] != ITEMS


def test_the_order_of_samples_changes_letters_paraphrases_and_surplus_alone() -> None:
    context = survey(SAMPLES[::-1], Context(specification=SPECIFICATION, ontology=Kinds()))
    other = {item.id: item for sample in SAMPLES[::-1] for item in make_items(sample, context)}
    same = [(item, other[item.id]) for item in CHOICES if item.id in other and item.task == "type"]
    assert len(same) > 50
    for one, two in same:
        assert set(one.options.values()) == set(two.options.values())
        assert chosen(one) == chosen(two)
    _check_letters([item for item in other.values() if item.form == "choice"])


def test_a_build_that_was_stopped_goes_on_as_if_it_had_not_been() -> None:
    first = survey(SAMPLES, Context(specification=SPECIFICATION, ontology=Kinds()))
    before = [item for sample in SAMPLES[:100] for item in make_items(sample, first)]
    again = survey(
        SAMPLES,
        Context(
            specification=SPECIFICATION, ontology=Kinds(), balance=Balance.from_json(first.balance.to_json())
        ),
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


@pytest.mark.parametrize("task", ["type", "location", "count", "severity", "object", "cross_modal"])
def test_an_option_is_right_as_often_as_wrong_options_let_expect(task: str) -> None:
    """Of all questions that offer an answer, about 1/k have it as the right one, for each answer."""
    offered: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for item in many():
        if item.task == task and item.form == "choice":
            place = "" if task == "object" else item.category
            for letter, text in item.options.items():
                offered[place, item.split, text].append((letter == item.answer) - 1 / len(item.options))
    for key, differences in offered.items():
        error = np.std(differences) / np.sqrt(len(differences))
        assert abs(np.mean(differences)) < 4 * error + 0.02, (key, len(differences), np.mean(differences))


def test_pairs_are_two_questions_about_one_picture_with_opposite_answers() -> None:
    pairs: dict[str, list[Item]] = defaultdict(list)
    for item in ITEMS:
        if item.pair is not None:
            pairs[item.pair].append(item)
    assert len(pairs) > 100
    for both in pairs.values():
        assert {chosen(item) for item in both} == {"Accept", "Reject"}
        assert len({item.sample for item in both}) == 1
        assert len({item.instruction for item in both}) == len(both) == 2


@pytest.mark.parametrize(
    ("task", "field"), [("part_scope", "scope"), ("tolerance", "only"), ("tolerance", "ignore")]
)
def test_what_an_instruction_names_does_not_decide(task: str, field: str) -> None:
    verdicts: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    for item in many():
        if item.task == task and field in item.clause:
            verdicts[item.category, item.split, item.clause[field][0]].append(item.slots.decision == "reject")
    assert len(verdicts) >= 12
    for key, rejected in verdicts.items():
        assert abs(np.mean(rejected) - 0.5) < 2 / np.sqrt(len(rejected)), (key, np.mean(rejected))


def test_a_limit_is_passed_as_often_as_it_is_kept() -> None:
    verdicts: dict[tuple[str, str, str, float], list[bool]] = defaultdict(list)
    for item in many():
        for one in item.clause.get("tolerances", ()) if item.task == "tolerance" else ():
            limit = (item.category, item.split, one["defect"], one.get("up_to_mm", 0))
            verdicts[limit].append(item.slots.decision == "reject")
    assert sum(map(len, verdicts.values())) > 60
    for key, rejected in verdicts.items():
        assert abs(np.mean(rejected) - 0.5) < 2 / np.sqrt(len(rejected)), (key, np.mean(rejected))


def test_of_two_types_each_and_both_are_right_equally_often() -> None:
    counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for item in many():
        if item.form == "choices":
            right = ", ".join(sorted(item.options[letter] for letter in item.answer.split(", ")))
            key = (item.category, item.split, *sorted(item.options.values()))
            counts[key][right] += 1
    assert sum(map(Counter.total, counts.values())) > 40
    for pool, found in counts.items():
        assert max(found.values()) - min([*found.values(), *[0] * (3 - len(found))]) <= 4, (pool, found)


def test_prompts_of_the_first_scenario_vary_alone() -> None:
    """The same question with the same letters under every prompt, of good and defective pictures equally often."""
    prompted: dict[str, list[Item]] = defaultdict(list)
    for item in ITEMS:
        if (item.scenario or "").startswith("S1/"):
            prompted[item.sample].append(item)
    assert len(prompted) > 50
    for same in prompted.values():
        assert [item.scenario for item in same] == [f"S1/{name}" for name in EDITS]
        assert len({(item.question, *item.options.items(), item.answer) for item in same}) == 1
        assert len({item.instruction for item in same}) == len(EDITS)
    labels = Counter(BY_ID[id_].label for id_ in prompted)
    assert abs(labels["good"] - labels["defective"]) <= 2


def test_a_component_is_to_be_rejected_as_often_as_accepted() -> None:
    counts = Counter((item.scope.parts, item.slots.decision) for item in many() if item.scenario == "S2")
    assert sum(counts.values()) > 150
    for parts, _ in counts:
        assert abs(counts[parts, "accept"] - counts[parts, "reject"]) <= 4, parts


def test_panels_are_asked_their_own_pairs_alone() -> None:
    said: tuple[tuple[str, Verdict, dict[str, Any]], ...] = (
        ("scope", "reject", {"scope": ["left cap"]}),
        ("scope", "accept", {"scope": ["right cap"]}),
    )
    typed: tuple[tuple[str, Verdict, dict[str, Any]], ...] = (
        ("knowledge", "accept", {"scope": ["left cap"], "only": ["dent"]}),
        ("knowledge", "reject", {"scope": ["left cap"], "only": ["cut"]}),
    )
    pairs = [
        Instructed(text=f"{kind} {verdict_}", verdict=verdict_, kind=kind, pair=f"p{n}", clause=clause)
        for n, both in enumerate((said, typed))
        for kind, verdict_, clause in both
    ]
    panel = SAMPLES[0].model_copy(
        update={
            "product": PRODUCT,
            "instructions": tuple(pairs),
            "part_names": {1: "left cap", 2: "right cap"},
        }
    )
    items, _ = made([panel])
    assert [(item.task, item.scenario) for item in items] == [("part_scope", "S3")] * 2 + [
        ("tolerance", "S3")
    ] * 2
    for item in items:
        assert (
            item.instruction
            == f"{'scope' if item.task == 'part_scope' else 'knowledge'} {chosen(item).lower()}"
        )


def test_what_is_not_asked_is_said_with_its_reason() -> None:
    alone = [
        sample.model_copy(update={"label": "good", "instances": (), "product": "cap"})
        for sample in SAMPLES[:5]
    ]
    items, context = made(alone)
    assert not any(item.task in ("anomaly", "type") for item in items)
    assert "another answer" in next(iter(context.reasons()["cap", "anomaly"]))


def test_references_are_those_of_the_few_shot_lists_however_many_good_pictures_there_are() -> None:
    good = next(one for one in SAMPLES if one.label == "good" and one.split == "train")
    many_good = [good.model_copy(update={"id": f"{k:03}", "group": f"{k:03}"}) for k in range(200)]
    allowed = {good.product: ("007", "113")}
    context = survey(many_good, Context(specification=SPECIFICATION, few_shot=allowed))
    assert {one.id for one in context.references(good)} == {"007", "113"}
    assert {one.id for one in context.references(many_good[7])} == {"113"}

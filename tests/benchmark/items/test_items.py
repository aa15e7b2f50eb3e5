"""Items of all tasks: answers are among the options and true of the sample, and only the picture tells them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from tests.support.inspected_plates import SPECIFICATION, Kinds, made, plates

from specsight.benchmark.items import Balance, Context, make_items, survey
from specsight.benchmark.items.truth import only_instance, types_of
from specsight.benchmark.records import BenchmarkSample, Instructed, Item, Slots
from specsight.benchmark.tasks import TASKS
from specsight.evaluation.instructions.panels import PRODUCT
from specsight.evaluation.instructions.prompt_edits import EDITS
from specsight.records import Verdict
from specsight.specification import Instruction
from specsight.specification.vocabulary import Vocabulary, normal_form

SAMPLES = plates()
BY_ID = {sample.id: sample for sample in SAMPLES}
ITEMS, CONTEXT = made(SAMPLES)
CHOICES = [item for item in ITEMS if item.form == "choice"]


@cache
def many() -> list[Item]:
    """Items of pictures enough for statistics."""
    return made(plates(1200, seed=1))[0]


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


def _anomaly(item: Item, sample: BenchmarkSample) -> bool:
    if item.scenario is not None:
        return chosen(item) == {"accept": "Accept", "reject": "Reject"}[verdict(item.clause, sample)]
    asks_for_good = any(
        word in item.question for word in ("free", "order", "sound", "without", "good", "flawless")
    )
    return chosen(item) == ("Yes" if asks_for_good == (sample.label == "good") else "No")


def _type(item: Item, sample: BenchmarkSample) -> bool:
    types = types_of(sample)
    if item.form == "choices":
        return {item.options[letter].lower() for letter in item.answer.split(", ")} == set(types)
    others = [text for letter, text in item.options.items() if letter != item.answer]
    if sample.label == "good":
        return chosen(item) == "No defect"
    if "one of these types" in item.question or len(types) > 1:
        return normal_form(chosen(item)) in types and not {normal_form(text) for text in others} & set(types)
    if chosen(item) == "Another type of defect":
        return not {normal_form(text) for text in others} & set(types)
    return (normal_form(chosen(item)),) == types


def _count(item: Item, sample: BenchmarkSample) -> bool:
    return chosen(item) == ("None", "One", "Two", "Three")[len(sample.instances)]


def _location(item: Item, sample: BenchmarkSample) -> bool:
    instance = only_instance(sample)
    if instance is None and sample.label == "defective":
        alone = [one for one in sample.instances if f"the {one.type}" in item.question]
        assert len(alone) == 1
        instance = alone[0]
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


def _severity(item: Item, sample: BenchmarkSample) -> bool:
    order = ("no defect", "minor", "major", "critical")
    gravest = max((order.index(one.severity or "") for one in sample.instances), default=0)
    return "major up to 9 mm" in (item.instruction or "") and chosen(item).lower() == order[gravest]


def _description(item: Item, sample: BenchmarkSample) -> bool:
    (one,) = sample.instances
    text = item.answer if item.form == "text" else chosen(item)
    stated = (one.type, f"on the {one.part}", one.cells[0])
    return all(words in text for words in stated) and (
        item.form == "choice" or (f"{one.length_mm:.2g} mm" in text and text.endswith("It stands out."))
    )


def _analysis(item: Item, sample: BenchmarkSample) -> bool:
    (type_,) = types_of(sample)
    known = Kinds().find(type_, sample.product)
    assert known is not None
    said = (known.causes[0], known.consequence.rstrip("."), known.action.rstrip("."))
    if item.form == "text":
        return item.answer == "Likely cause: {}. Consequence: {}. Action: {}.".format(*said)
    return chosen(item) in [text[0].upper() + text[1:] for text in said]


def _object(item: Item, sample: BenchmarkSample) -> bool:
    return chosen(item).lower() == sample.product and sample.product not in item.question


def _structure(item: Item, sample: BenchmarkSample) -> bool:
    shown = {
        part
        for part in sample.part_names.values()
        if part in {text.lower() for text in item.options.values()}
    }
    return {chosen(item).lower()} == shown


def verdict(clause: Mapping[str, Any], sample: BenchmarkSample) -> str:
    """What an inspector says who sees everything; written apart from what makes the pairs."""
    limits = {one["defect"]: one.get("up_to_mm", np.inf) for one in clause.get("tolerances", ())}
    for one in sample.instances:
        listed = one.type in clause.get("only", (one.type,)) and one.type not in clause.get("ignore", ())
        inside = not clause.get("scope") or any(part in one.parts for part in clause["scope"])
        if listed and inside and (one.length_mm or 0) > limits.get(one.type, 0.0):
            return "reject"
    rivet = not any(one.type == "missing rivet" for one in sample.instances)
    if clause.get("requirements") and not rivet:
        return "reject"
    return "reject" if clause.get("known_defects") and rivet else "accept"


def _pair(item: Item, sample: BenchmarkSample) -> bool:
    said = {"accept": "Accept", "reject": "Reject"}[verdict(item.clause, sample)]
    Instruction.model_validate({"text": item.instruction, **item.clause})
    return chosen(item) == said and item.slots.decision == said.lower()


def _contradiction(item: Item, sample: BenchmarkSample) -> bool:
    note = item.question.split('"')[1].lower()
    types = types_of(sample)
    named = [type_ for type_ in SPECIFICATION_TYPES if type_ in note]
    agrees = set(named) <= set(types) if named else sample.label == "good"
    return chosen(item) == ("Yes" if agrees else "No")


def _comparison(item: Item, sample: BenchmarkSample) -> bool:
    (reference,) = item.reference_images
    other = next(one for one in SAMPLES if one.image == reference)
    beside = other.label == "good" and other.split == "train" and other.product == sample.product
    if sample.label == "good":
        return beside and chosen(item).startswith("No defect")
    return beside and _description(item, sample)


def _report(item: Item, sample: BenchmarkSample) -> bool:
    stated = Slots.model_validate_json(item.answer)
    assert stated.types is not None
    return stated == item.slots and (stated.count, set(stated.types)) == (
        len(sample.instances),
        set(types_of(sample)),
    )


def _cross_modal(item: Item, sample: BenchmarkSample) -> bool:
    words = {"rgb": "Colour alone", "depth": "Depth alone", "both": "Both of them"}
    seen = {words[one.visible or ""] for one in sample.instances} or {"Neither, there is no defect"}
    return {chosen(item)} == seen and item.images == (sample.image, sample.depth)


SPECIFICATION_TYPES = [defect.name for defect in SPECIFICATION.defects]
TRUE: dict[str, Callable[[Item, BenchmarkSample], bool]] = {
    "anomaly": _anomaly,
    "type": _type,
    "count": _count,
    "location": _location,
    "severity": _severity,
    "description": _description,
    "analysis": _analysis,
    "object": _object,
    "structure": _structure,
    "part_scope": _pair,
    "tolerance": _pair,
    "compliance": _pair,
    "contradiction": _contradiction,
    "comparison": _comparison,
    "report": _report,
    "cross_modal": _cross_modal,
}


def test_every_task_is_asked() -> None:
    assert {item.task for item in ITEMS} == set(TRUE) == set(TASKS)


@pytest.mark.parametrize("task", TRUE)
def test_what_is_said_to_be_right_is_true_of_the_sample(task: str) -> None:
    asked = [item for item in ITEMS if item.task == task]
    assert len(asked) > 20
    assert all(TRUE[task](item, BY_ID[item.sample]) for item in asked)


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
    assert sum(map(len, verdicts.values())) > 120
    for key, rejected in verdicts.items():
        assert abs(np.mean(rejected) - 0.5) < 2 / np.sqrt(len(rejected)), (key, np.mean(rejected))


def test_of_two_types_each_and_both_are_right_equally_often() -> None:
    counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for item in many():
        if item.form == "choices":
            right = ", ".join(sorted(item.options[letter] for letter in item.answer.split(", ")))
            key = (item.category, item.split, *sorted(item.options.values()))
            counts[key][right] += 1
    assert sum(map(Counter.total, counts.values())) > 60
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
    assert sum(counts.values()) > 300
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

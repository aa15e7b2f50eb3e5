"""What an item says is right is true of its sample, as told by rules that are written apart from those that ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from tests.support.inspected_plates import SPECIFICATION, Kinds, usual

from specsight.benchmark.items.truth import only_instance, types_of
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.benchmark.tasks import TASKS
from specsight.explain.slots import Slots
from specsight.specification import Instruction
from specsight.specification.vocabulary import normal_form

SAMPLES, ITEMS, _ = usual()
BY_ID = {sample.id: sample for sample in SAMPLES}


def chosen(item: Item) -> str:
    return item.options[item.answer]


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

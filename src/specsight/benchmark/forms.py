"""Whether an item's answer has the form that the item asks for."""

from __future__ import annotations

import json

from pydantic import ValidationError

from specsight.benchmark.records import Item
from specsight.explain.slots import Slots

MOST = 1000
"""Boxes and points are in thousandths of width and height."""


def unlike_its_form(item: Item) -> str:
    """Why an item's answer is none of its form; empty where it is."""
    if item.form == "choice" and item.answer not in item.options:
        return "the answer is none of the options"
    if item.form == "choices" and not {one.strip() for one in item.answer.split(",")} <= set(item.options):
        return "the answers are none of the options"
    if item.form in ("choice", "choices"):
        if len(item.options) < 2:
            return "fewer than two options"
        if len({" ".join(text.lower().split()) for text in item.options.values()}) < len(item.options):
            return "two options are the same"
    if item.form in ("box", "point") and not _in_thousandths(item.answer, 4 if item.form == "box" else 2):
        return f"the answer is no {item.form} in thousandths"
    if item.form == "report":
        try:
            Slots.model_validate_json(item.answer)
        except ValidationError:
            return "the answer is no report"
    return "" if item.answer.strip() else "the answer is empty"


def _in_thousandths(answer: str, count: int) -> bool:
    try:
        numbers = json.loads(answer)
    except ValueError:
        return False
    if not (isinstance(numbers, list) and len(numbers) == count):
        return False
    inside = all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= MOST for one in numbers)
    return inside and (count == 2 or (numbers[0] < numbers[2] and numbers[1] < numbers[3]))

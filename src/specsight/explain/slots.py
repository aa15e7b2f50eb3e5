"""What a statement says, in fields that can be compared; and the JSON object that a text holds, as such fields.

In: words of a model, or of a benchmark's truth. Out: `Slots`. Sentences are read by `mentions` and `claims`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from specsight.records import Verdict
from specsight.specification.vocabulary import normal_form

SIDE = 1000
"""Coordinates are thousandths of the picture's width and height."""
NUMBER = r"(?<![\w.])[-+]?\d{1,6}(?:\.\d{1,9})?(?![\d.]*\d)"
BETWEEN = r"[^\d.+-]{1,8}"
FOUR = re.compile(rf"({NUMBER}){BETWEEN}({NUMBER}){BETWEEN}({NUMBER}){BETWEEN}({NUMBER})")


class Slots(BaseModel):
    """The truth, or a statement, in fields that can be compared. None: nothing is said about it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: Verdict | None = None
    types: tuple[str, ...] | None = None
    cells: tuple[str, ...] | None = None
    parts: tuple[str, ...] | None = None
    boxes: tuple[tuple[int, int, int, int], ...] | None = None
    """In thousandths of width and height."""
    count: int | None = None
    severity: str | None = None
    length_mm: float | None = None


def read_slots(said: str) -> Slots | None:
    """The last JSON object in `said` that fills at least one slot; a value that a slot cannot hold fills none."""
    for value in reversed(objects_in(said)):
        slots, _ = filled(value)
        if slots != Slots():
            return slots
    return None


def filled(value: Mapping[str, Any]) -> tuple[Slots, list[str]]:
    """The slots that an object fills, and its other keys."""
    found, rest = {}, []
    for key, content in value.items():
        name = normal_form(str(key)).replace(" ", "_")
        name = {"type": "types", "cell": "cells", "part": "parts", "box": "boxes"}.get(name, name)
        if name in Slots.model_fields and (kept := _slot(name, content)) is not None:
            found[name] = kept
        else:
            rest.append(key)
    return Slots(**found), rest


def parted_objects(said: str) -> tuple[list[dict[str, Any]], str]:
    """The outermost JSON objects that stand in a text, in their order, and the text without them."""
    decoder = json.JSONDecoder(parse_constant=_no_number)
    found, words, done, start = [], [], 0, said.find("{")
    while start >= 0:
        try:
            value, end = decoder.raw_decode(said, start)
            found.append(value)
            words.append(said[done:start])
            done = end
        except (ValueError, RecursionError):
            end = start + 1
        start = said.find("{", end)
    return found, " ".join((*words, said[done:]))


def _slot(name: str, content: Any) -> Any:
    """`content` as the slot `name` holds it, or None."""
    if name == "decision":
        said = str(content).strip().lower()
        return said if said in get_args(Verdict) else None
    if name in ("types", "cells", "parts"):
        listed = [content] if isinstance(content, str) else content
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            return None
        return tuple(one.strip() for one in listed if one.strip())
    if name == "boxes":
        if not isinstance(content, list):
            return None
        listed = [content] if content and not isinstance(content[0], list) else content
        boxes = [box_in(json.dumps(one)) for one in listed]
        return tuple(tuple(json.loads(box)) for box in boxes if box) if all(boxes) else None
    try:
        return getattr(Slots.model_validate({name: content}), name)
    except ValidationError:
        return None


def objects_in(said: str) -> list[dict[str, Any]]:
    """The outermost JSON objects that stand in a text, in their order."""
    return parted_objects(said)[0]


def _no_number(word: str) -> float:
    raise ValueError(f"JSON has no {word}")


def thousandths(numbers: Sequence[float]) -> list[int] | None:
    """Whole thousandths; shares in [0, 1] with a decimal point are shares of the side. None outside of the picture."""
    if all(0 <= number <= 1 for number in numbers) and any(number % 1 for number in numbers):
        numbers = [number * SIDE for number in numbers]
    if not all(math.isfinite(number) and 0 <= number <= SIDE for number in numbers):
        return None
    return [round(number) for number in numbers]


def box_in(said: str) -> str | None:
    """The last four numbers of a text that are a box in thousandths, as a JSON list; None where there are none."""
    found = FOUR.findall(said)
    values = thousandths([float(number) for number in found[-1]]) if found else None
    if values is None or values[0] >= values[2] or values[1] >= values[3]:
        return None
    return json.dumps(values)

"""Checks of masks: missing, empty, of another size, nearly full, inverted, or with values between.

In: a sample and the size of its picture, then what was seen of all of them. Out: problems and notes of a check.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specsight.datasets.check_report import Problem
from specsight.datasets.files import is_file
from specsight.errors import SpecsightError, UnreadableFile, WrongSize
from specsight.images import defect_mask, in_between, marked, read_mask
from specsight.records import Defect, Sample

Size = tuple[int, int]

FULL = 0.9
"""A mask over this share of its picture leaves no good part to compare with."""
LARGE = 0.5
FEWEST = 3
"""Fewer masks do not show that a product's masks are inverted."""


@dataclass(frozen=True)
class Marks:
    """What the masks of one picture mark together, as shares in [0, 1], and whether values lie in between."""

    share: float
    """Of all pixels."""
    border: float
    """Of the pixels along the four edges."""
    soft: Path | None
    """A mask with values between 0 and its largest one."""


def mask_problems(sample: Sample, size: Size) -> tuple[list[Problem], Marks | None]:
    """What is wrong with the masks of one picture, and what they mark; None where nothing is marked."""
    problems = []
    if sample.label == "defective" and not sample.defects:
        problems.append(
            Problem("mask missing", f"'{sample.image}' is defective, and has neither mask nor box")
        )
    union, soft = np.zeros(size, bool), None
    for defect in sample.defects:
        if defect.mask is None and defect.box is None:
            problems.append(
                Problem("mask missing", f"'{sample.image}' ({defect.type}) has neither mask nor box")
            )
        elif defect.mask is not None and not is_file(defect.mask):
            problems.append(Problem("mask missing", f"'{defect.mask}' ({defect.type}) does not exist"))
        else:
            try:
                mask = defect_mask(defect, size, sample.image)
                soft = soft or _soft(defect)
            except SpecsightError as error:
                problems.append(mask_problem(error))
                continue
            union |= mask
            if not mask.any():
                problems.append(Problem("mask empty", f"'{defect.mask}' ({defect.type}) marks nothing"))
    marks = Marks(float(union.mean()), float(_border(union).mean()), soft) if union.any() else None
    if marks and marks.share >= FULL and all(d.mask for d in sample.defects):
        problems.append(
            Problem("mask full", f"'{sample.defects[0].mask}' marks {100 * marks.share:.0f} % of its picture")
        )
    return problems, marks


def good_mask_problems(mask: Path, sample: Sample) -> list[Problem]:
    """What is wrong with the mask of a good picture, which ought to be empty."""
    try:
        if marked(read_mask(mask)).any():
            return [Problem("mask on good", f"'{mask}' marks pixels, but '{sample.image}' is good")]
    except SpecsightError as error:
        return [mask_problem(error)]
    return []


def inverted_masks(seen: Sequence[tuple[Sample, Marks]]) -> list[Problem]:
    """One problem for each product most of whose masks mark most of the picture or of its border, with the evidence."""
    problems = []
    for product, marks in sorted(_by_product(seen).items()):
        large = sum(one.share > LARGE for one in marks)
        border = sum(one.border > LARGE for one in marks)
        if len(marks) < FEWEST or 2 * max(large, border) <= len(marks):
            continue
        typical = 100 * float(np.median([one.share for one in marks]))
        problems.append(
            Problem(
                "mask full",
                f"{product}: {large} of {len(marks)} masks mark over half of their picture (median {typical:.0f} %)"
                f" and {border} over half of its border: are they inverted? Defects are the bright part of a mask",
            )
        )
    return problems


def soft_masks(seen: Sequence[tuple[Sample, Marks]]) -> list[str]:
    """One note for each product with masks that hold more than two values, which says how they are read."""
    notes = []
    for product, marks in sorted(_by_product(seen).items()):
        soft = [one.soft for one in marks if one.soft is not None]
        if soft:
            notes.append(
                f"{product}: the masks of {len(soft)} picture(s) have values between (JPEG, soft edges, grey labels); "
                f"'mask_above' or 'mask_value' of a manifest says which count, or docs/datasets.md: '{soft[0]}'"
                + (", ..." if len(soft) > 1 else "")
            )
    return notes


def _soft(defect: Defect) -> Path | None:
    """The mask file, if the values in between decide what it marks."""
    if defect.mask is None or defect.mask_value is not None or defect.mask_above is not None:
        return None
    values = read_mask(defect.mask)
    return defect.mask if values.max(initial=0) >= 32 and in_between(values).any() else None


def _by_product(seen: Iterable[tuple[Sample, Marks]]) -> dict[str, list[Marks]]:
    products: dict[str, list[Marks]] = defaultdict(list)
    for sample, marks in seen:
        products[sample.product].append(marks)
    return products


def _border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])


def mask_problem(error: SpecsightError) -> Problem:
    """A mask, depth or part map that could not be read, or that does not fit its picture."""
    fits = isinstance(error, UnreadableFile) and not isinstance(error, WrongSize)
    return Problem("unreadable" if fits else "size mismatch", str(error))

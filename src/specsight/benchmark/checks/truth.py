"""Masks, boxes, centroids and cells of a defect against each other, and stated truth against them."""

from __future__ import annotations

import numpy as np

from specsight.benchmark.checks.contract import Check, Result, checks
from specsight.benchmark.files import Benchmark
from specsight.benchmark.instances import LEAST_TOUCHED, cells_of, pixels_of
from specsight.benchmark.items.truth import defects_of
from specsight.benchmark.records import BenchmarkSample, Instance, Item

ROUNDING = 1e-3
DECISIONS = {"good": "accept", "defective": "reject"}


@checks.register("truth")
class Truth(Check):
    """Run lengths give the box, the area and the cells that a line states; items state what their sample knows."""

    name, title = "truth", "Masks agree with boxes, cells and answers"

    def __init__(self, benchmark: Benchmark) -> None:
        super().__init__(benchmark)
        self._masks = 0

    def see_sample(self, sample: BenchmarkSample) -> None:
        """Every instance of it."""
        for number, instance in enumerate(sample.instances):
            where = f"{sample.id}, defect {number + 1}"
            x0, y0, x1, y1 = instance.box
            if not (x0 < x1 <= sample.width and y0 < y1 <= sample.height):
                self.problems.add("a box is not on its picture", where)
            elif instance.rle is not None:
                self._masks += 1
                self._pixels(instance, sample, where)

    def see_item(self, item: Item, sample: BenchmarkSample) -> None:
        """Decision, types, number and cells of an item that is about the whole picture."""
        slots = item.slots
        if item.instruction is not None or item.scenario is not None:
            return  # what is asked is not the whole truth: pairs are held to be opposite by `structure`
        types = {instance.type for instance in sample.instances}
        known = DECISIONS.get(sample.label)
        if known and slots.decision not in (None, known) and item.task != "compliance":
            self.problems.add("the decision is not the sample's", item.id)
        if slots.types is not None and not set(slots.types) <= types:
            self.problems.add("a type that the sample does not have", f"{item.id} ({', '.join(slots.types)})")
        if slots.count is not None and sample.masks_known and slots.count not in _numbers(sample):
            self.problems.add("a number that no type of the sample has", f"{item.id} ({slots.count})")
        cells = {cell for instance in sample.instances for cell in instance.cells}
        if slots.cells is not None and not set(slots.cells) <= cells:
            self.problems.add("a cell without a defect", f"{item.id} ({', '.join(slots.cells)})")

    def result(self) -> Result:
        """Problems with examples."""
        return self.found(f"{self._masks:,} masks read")

    def _pixels(self, instance: Instance, sample: BenchmarkSample, where: str) -> None:
        mask = pixels_of(instance, (sample.height, sample.width))
        if mask.shape != (sample.height, sample.width):
            self.problems.add("a mask of another size than its picture", where)
            return
        rows, columns = np.nonzero(mask)
        if not len(rows):
            self.problems.add("an empty mask", where)
            return
        x0, y0, x1, y1 = box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        if sample.masks and tuple(map(int, box)) != instance.box:
            self.problems.add("the box is not the mask's", f"{where} ({instance.box})")
        # A set that gives boxes keeps them: what differs from the reference inside is the mask.
        left, top, right, bottom = instance.box
        if x0 < left or y0 < top or x1 > right or y1 > bottom:
            self.problems.add("the mask is not inside the box", f"{where} ({instance.box})")
        if len(rows) != instance.area_px or abs(mask.mean() - instance.area_share) > ROUNDING:
            self.problems.add("the area is not the mask's", where)
        if instance.cells != cells_of(mask):
            self.problems.add("the cells are not the mask's", f"{where} ({', '.join(instance.cells)})")
        further = cells_of(mask, LEAST_TOUCHED)[len(instance.cells) :]
        if instance.touched and instance.touched != further:
            self.problems.add("the cells that it touches are not the mask's", where)
        x, y = instance.centroid
        if not (instance.box[0] - 1 <= x <= instance.box[2] and instance.box[1] - 1 <= y <= instance.box[3]):
            self.problems.add("the centroid is outside the box", where)


def _numbers(sample: BenchmarkSample) -> set[int]:
    """How many defects there are, of all types, of each, and without crumbs of masks."""
    types = [instance.type for instance in sample.instances]
    return {0, len(types), len(defects_of(sample)), *(types.count(one) for one in types)}

"""Where is it: in which cell of the picture, on which part, in which box, at which point."""

from __future__ import annotations

from collections.abc import Iterator

from specsight.benchmark.items.asking import Asker, Candidate, NotMade
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.grouping import Grouping
from specsight.benchmark.items.truth import CELLS, NONE, box_of, defects_of, only_instance, thousandths
from specsight.benchmark.records import BenchmarkSample, Instance, Item
from specsight.benchmark.tasks import Form
from specsight.explain.slots import Slots
from specsight.specification.vocabulary import as_words

HOME = 0.6
"""Share of a defect that must lie on a part, or in a cell, to be called its place (as `from_masks.HOME`)."""


class Location(Asker):
    """Places are asked of pictures with one defect; cells and parts also of good ones, whose answer is "nowhere"."""

    task = "location"

    def candidates(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """Up to four of each picture."""
        key = (sample.product, sample.split)
        names = tuple(sorted(set(sample.part_names.values())))
        if sample.label == "good":
            yield Candidate("cell", NONE, key)
            if len(names) > 1:
                yield Candidate("part", NONE, (*key, *names))
            return
        instance = only_instance(sample)
        if instance is None:
            yield from self._of_types(sample, context)
            return
        yield Candidate("cell", instance.cells[0], key, barred=_also_true(instance))
        if instance.part is None or len(names) < 2:
            yield NotMade("parts are not known")
        elif instance.parts.get(instance.part, 0) < HOME or instance.part not in names:
            yield NotMade("the defect lies on several parts")
        else:
            others = tuple(part for part in instance.parts if part != instance.part)
            yield Candidate("part", instance.part, (*key, *names), barred=others)
        yield Candidate("box", "")
        yield Candidate("point", "")

    def _of_types(self, sample: BenchmarkSample, context: Context) -> Iterator[Candidate | NotMade]:
        """Where the only defect of a type is, on a picture with several types."""
        alone = only_of_types(sample)
        if not alone:
            yield NotMade("no defect is the only one of its type, or where it is is not known")
            return
        type_ = sorted(alone)[int(context.generator(sample, self.task, "type").integers(len(alone)))]
        instance, words = alone[type_], {"type": as_words(type_)}
        key = (sample.product, sample.split, type_)
        slots = Slots(
            decision="reject", types=(type_,), cells=instance.cells, boxes=(box_of(instance, sample),)
        )
        details = {"slots": slots}
        yield Candidate("cell_of", instance.cells[0], key, _also_true(instance), words, details)
        yield Candidate("box_of", type_, words=words, details=details)

    def grouping(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Grouping:
        """Adjacent and mirrored cells together."""
        return Grouping(likeness=near) if candidate.variant in ("cell", "cell_of") else Grouping()

    def _asked(self, candidate: Candidate, sample: BenchmarkSample, context: Context) -> Iterator[Item]:
        if candidate.variant in ("cell", "cell_of", "part"):
            yield from super()._asked(candidate, sample, context)
            return
        instance = only_of_types(sample)[candidate.right] if candidate.right else only_instance(sample)
        if instance is not None:
            form: Form = "point" if candidate.variant == "point" else "box"
            yield self.item(candidate, sample, context, form, place(instance, sample, form))


def only_of_types(sample: BenchmarkSample) -> dict[str, Instance]:
    """Type → the only instance of it, on a picture where its place is known."""
    if sample.label != "defective" or not sample.masks_known:
        return {}
    found = defects_of(sample)
    types = [instance.type for instance in found]
    return {one.type: one for one in found if types.count(one.type) == 1 and one.cells}


def place(instance: Instance, sample: BenchmarkSample, form: Form) -> str:
    """The answer in thousandths: "[x0, y0, x1, y1]" or "[x, y]"."""
    values = box_of(instance, sample) if form == "box" else thousandths(instance.centroid, sample)
    return f"[{', '.join(map(str, values))}]"


def near(first: str, second: str) -> float:
    """1 for cells that touch, 0.5 for mirrored ones and for "nowhere", else 0."""
    if NONE in (first, second):
        return 0.5
    (row, column), (other_row, other_column) = (divmod(CELLS.index(cell), 3) for cell in (first, second))
    apart = max(abs(row - other_row), abs(column - other_column))
    mirrored = row == other_row or column == other_column
    return 1.0 if apart == 1 else 0.5 if mirrored else 0.0


def _also_true(instance: Instance) -> tuple[str, ...]:
    """Cells that are no wrong answer, beside the fullest."""
    return (*instance.cells[1:], *instance.touched)

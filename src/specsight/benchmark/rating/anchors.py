"""Examples with the ratings that they should get, made of the truth about pictures that are not rated."""

from __future__ import annotations

from collections.abc import Sequence

from specsight.benchmark.rating.folder import Anchor
from specsight.benchmark.records import BenchmarkSample, Instance


def anchors_of(samples: Sequence[BenchmarkSample]) -> tuple[Anchor, ...]:
    """Anchors on defective samples whose defects are known: on different pictures, as far as there are.

    Without another type of defect in another place of the same product, the two with an invented one are left out.
    """
    if not samples:
        return ()
    first, second, third = (samples[k % len(samples)] for k in range(3))
    made = [
        _anchor(first, _statement(first.instances), (5, 5, 5, 5, 5), "It says what is there, and no more."),
        _anchor(
            second,
            "There is no defect: the part is good.",
            (1, 1, 1, 1, 5),
            "It misses the defect, and invents nothing.",
        ),
        _anchor(
            third,
            "The part is defective.",
            (1, 5, 2, 2, 5),
            "It is true, and says neither where nor what.",
        ),
    ]
    if (found := _with_a_stranger(samples)) is not None:
        sample, strange = found
        made += [
            _anchor(
                sample,
                _statement((*sample.instances, strange)),
                (3, 3, 5, 3, 3),
                "All that is there is said, and one defect besides that is not there.",
            ),
            _anchor(
                sample,
                _statement((strange,)),
                (1, 1, 1, 1, 1),
                "A defect that is not there in the place of what is.",
            ),
        ]
    return tuple(made)


def _with_a_stranger(samples: Sequence[BenchmarkSample]) -> tuple[BenchmarkSample, Instance] | None:
    """The last sample for which another of its product has a defect unlike all of its own, and that defect."""
    for sample in reversed(samples):
        for other in samples:
            for instance in other.instances:
                if other.product == sample.product and _unlike(instance, sample):
                    return sample, instance
    return None


def _anchor(sample: BenchmarkSample, text: str, values: tuple[int, ...], why: str) -> Anchor:
    names = ("localisation", "correctness", "completeness", "usefulness", "hallucination")
    return Anchor(
        sample=sample.id,
        image=sample.image,
        text=text,
        ratings=dict(zip(names, values, strict=True)),
        why=why,
    )


def _statement(instances: Sequence[Instance]) -> str:
    count = len(instances)
    begin = "There is one defect" if count == 1 else f"There are {count} defects"
    return f"{begin}: {'; '.join(_words(one) for one in instances)}."


def _words(one: Instance) -> str:
    where = f" in the cell {one.cells[0]}" if one.cells else ""
    part = f", on the {one.part}" if one.part else ""
    return f"{one.type.replace('_', ' ')}{where}{part}"


def _unlike(instance: Instance, sample: BenchmarkSample) -> bool:
    """Whether a defect is of another type and in another place than all of a sample's."""
    return all(
        instance.type != own.type and not set(instance.cells) & set(own.cells) for own in sample.instances
    )

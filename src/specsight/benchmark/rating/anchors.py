"""Five examples with the ratings that they should get, made of the truth about pictures that are not rated."""

from __future__ import annotations

from collections.abc import Sequence

from specsight.benchmark.rating.folder import Anchor
from specsight.benchmark.records import BenchmarkSample, Instance

COUNT = 5


def anchors_of(samples: Sequence[BenchmarkSample]) -> tuple[Anchor, ...]:
    """Anchors on defective samples whose defects are known, at most five pictures, which may repeat.

    Fewer where what one of them needs is not there: another type of defect in another place.
    """
    pictures = [one for one in samples if one.instances][:COUNT]
    if not pictures:
        return ()
    turn = [pictures[k % len(pictures)] for k in range(COUNT)]
    made = [
        _anchor(
            turn[0], _statement(turn[0].instances), (5, 5, 5, 5, 5), "It says what is there, and no more."
        ),
        _anchor(
            turn[1],
            "There is no defect: the part is good.",
            (1, 1, 1, 1, 5),
            "It misses the defect, and invents nothing.",
        ),
        _anchor(
            turn[2],
            "There is a defect on the part.",
            (1, 5, 2, 2, 5),
            "It is true and says neither where nor what.",
        ),
    ]
    other = next(
        (o for o in pictures for i in o.instances if _unlike(i, turn[3])),
        None,
    )
    if other is not None:
        strange = next(i for i in other.instances if _unlike(i, turn[3]))
        made.append(
            _anchor(
                turn[3],
                _statement((*turn[3].instances, strange)),
                (3, 3, 5, 3, 3),
                "All that is there is said, and one defect besides that is not there.",
            )
        )
        made.append(
            _anchor(
                turn[3],
                _statement((strange,)),
                (1, 1, 1, 1, 1),
                "A defect that is not there, in the place of the one that is.",
            )
        )
    return tuple(made)


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

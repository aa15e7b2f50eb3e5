"""Samples of two made-up products with every fact that questions are made of, without any picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import get_args

import numpy as np

from specsight.benchmark.items import Context, make_items, survey
from specsight.benchmark.items.truth import CELLS
from specsight.benchmark.records import BenchmarkSample, Instance, Item, Split, Visible
from specsight.specification import DefectType, Part, SeverityLevel, Specification

SIDE = 300
TYPES = {
    "scratch": "surface", "dent": "surface", "cut": "surface", "stain": "dirt", "fibre": "dirt",
    "missing rivet": "lack",
}  # fmt: skip
PARTS = ("rim", "face", "edge")
BACK = ("edge", "hub", "bore")
"""Parts of plates that lie on their face."""
SEVERITY = (
    SeverityLevel(level="minor", up_to_mm=4), SeverityLevel(level="major", up_to_mm=9), SeverityLevel(level="critical"),
)  # fmt: skip
SPECIFICATION = Specification(
    product="plate",
    parts=tuple(Part(name=part) for part in dict.fromkeys((*PARTS, *BACK))),
    defects=tuple(
        DefectType(name=name, superclass=kind, phrases=(f"a {name} mark",), severity=SEVERITY)
        for name, kind in TYPES.items()
    ),
    requirements=({"feature": "rivet", "part": "edge"},),  # type: ignore[arg-type]
)


@dataclass(frozen=True)
class Known:
    """What is known of a type."""

    name: str
    superclass: str
    synonyms: tuple[str, ...] = ()
    looks: str = "It stands out."

    @property
    def causes(self) -> tuple[str, ...]:
        return (f"a {self.name} tool on station {len(self.name)}", "haste")[: 1 + (self.name == "dent")]

    @property
    def consequence(self) -> str:
        return f"The plate fails by {self.name}."

    @property
    def action(self) -> str:
        return "Reject it." if self.superclass == "surface" else f"Check what made the {self.name}."


class Kinds:
    """What is known of the types of plates."""

    def find(self, raw: str, product: str) -> Known | None:
        return Known(raw, TYPES[raw]) if raw in TYPES else None


def plates(count: int = 240, seed: int = 0) -> list[BenchmarkSample]:
    """Half of them good, in the order of ids; one in six defective ones has two or three defects."""
    rng = np.random.default_rng(seed)
    return [_plate(rng, number) for number in range(count)]


def made(
    samples: list[BenchmarkSample], seed: int = 0, specification: Specification = SPECIFICATION
) -> tuple[list[Item], Context]:
    """All items of samples, and the context that made them."""
    context = survey(samples, Context(specification=specification, ontology=Kinds(), seed=seed))
    return [item for sample in samples for item in make_items(sample, context)], context


@cache
def usual() -> tuple[list[BenchmarkSample], list[Item], Context]:
    """The plates that most tests ask about, their items and the context that made these: made once, for looking at."""
    samples = plates()
    return samples, *made(samples)


def _plate(rng: np.random.Generator, number: int) -> BenchmarkSample:
    bad = bool(rng.random() < 0.5)
    several = bad and rng.random() < 1 / 6
    shown = PARTS if rng.random() < 0.7 else BACK
    instances = tuple(_instance(rng, shown) for _ in range(int(rng.integers(2, 4)) if several else int(bad)))
    product = ("round plate", "square plate")[int(rng.integers(2))]
    split: Split = "test" if rng.random() < 0.6 else "train"
    return BenchmarkSample(
        id=f"plate_{number:04d}", source="plates", licence="CC0-1.0", product=product, split=split,
        label="defective" if bad else "good", group=f"object_{number}", image=f"rgb/{number:04d}.png",
        depth=f"depth/{number:04d}.tiff", sha256="0" * 64, width=SIDE, height=SIDE, mm_per_px=0.1,
        masks=tuple(f"masks/{number:04d}_{k}.png" for k in range(len(instances))),
        parts=f"parts/{number:04d}.png", part_names=dict(enumerate(shown, 1)), instances=instances,
    )  # fmt: skip


def _instance(rng: np.random.Generator, shown: tuple[str, ...]) -> Instance:
    type_ = list(TYPES)[int(rng.integers(len(TYPES)))]
    cell = int(rng.integers(9))
    length = int(rng.integers(10, 99))
    x, y = SIDE // 3 * (cell % 3), SIDE // 3 * (cell // 3)
    part = shown[int(rng.integers(3))]
    millimetres = round(length * 0.1, 2)
    return Instance(
        type_raw=type_, type=type_, superclass=TYPES[type_], box=(x, y, x + length, y + 10), area_px=10 * length,
        area_share=10 * length / SIDE**2, centroid=(x + length / 2, y + 5.0), cells=(CELLS[cell],), part=part,
        parts={part: 1.0}, length_px=float(length), length_mm=millimetres,
        severity=SPECIFICATION.severity_of(type_, millimetres, 1.0), visible=get_args(Visible)[int(rng.integers(3))],
    )  # fmt: skip

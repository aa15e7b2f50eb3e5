"""The tyre benchmark: a recipe for the data and the plan of a build.

Zones × lights × plants of one tyre model, RGB and depth, crops and whole turns. One plant and one light are seen in the
test split alone, so that every number splits into what a model could learn from and what is new to it. All of it is
synthetic. The model `winter` is never used: what is developed on this benchmark is measured on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from specsight.benchmark.build import BuildPlan
from specsight.benchmark.splits import SplitPlan
from specsight.errors import SpecsightError, did_you_mean
from specsight.synthetic.tyres import OtherSettings, generate

MODEL = "touring"
SEED = 13
HELD_OUT: Mapping[str, tuple[str, ...]] = {"plant": ("C",), "light": ("dark_field",)}
"""Conditions whose pictures are in the test split alone."""


@dataclass(frozen=True)
class Size:
    """How many pictures: square crops, and strips of a whole turn."""

    crops: int
    strips: int


SIZES: Mapping[str, Size] = {"tiny": Size(72, 0), "standard": Size(900, 90), "large": Size(6000, 240)}


def write_tyres(folder: Path, size: str, workers: int | None = None) -> tuple[Path, BuildPlan]:
    """Render the pictures into `folder`, going on where an earlier call was stopped; returns the manifest and the plan.

    Raises SpecsightError for an unknown size, and where `folder` holds something else.
    """
    if size not in SIZES:
        raise SpecsightError(f"unknown size '{size}': {did_you_mean(size, SIZES)}")
    try:
        made = generate(
            folder, SIZES[size].crops, SEED, strips=SIZES[size].strips, model=MODEL, workers=workers
        )
    except OtherSettings as error:
        raise SpecsightError(
            f"'{folder}' holds the tyres of another size than {size}: choose another --out, or move that folder away"
        ) from error
    plan = BuildPlan(
        name=f"tyres-{size}",
        title=f"The tyre benchmark ({size}, synthetic)",
        specification=folder / "specification.yaml",
        splits=SplitPlan(conditions=HELD_OUT if size != "tiny" else {}),
        licence="Apache-2.0 (synthetic pictures of this package)",
    )
    return made.manifest, plan

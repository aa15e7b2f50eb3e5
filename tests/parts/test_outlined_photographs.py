"""Photographs outlined by hand fit the specifications of `examples/` and, where they lie here, the pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specsight.images import read_rgb
from specsight.parts import drawn, part_map
from specsight.specification import Shape, load_specification

ROOT = Path(__file__).resolve().parents[2]
SETS = ("bottle", "magnetic_tile", "deep_pcb")


def outlined(name: str) -> list[dict[str, Any]]:
    lines = (ROOT / "tests" / "parts" / "outlined" / f"{name}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def covered(row: dict[str, Any], part: str) -> np.ndarray:
    width, height = row["size"]
    return drawn([Shape.model_validate(shape) for shape in row["parts"][part]], (height, width))


@pytest.mark.parametrize("name", SETS)
def test_ten_pictures_are_outlined_in_parts_of_the_specification(name: str) -> None:
    specification = load_specification(ROOT / "examples" / f"{name}.yaml")
    rows = outlined(name)
    assert len({row["picture"] for row in rows}) == 10
    for row in rows:
        assert set(row["parts"]) <= {part.name for part in specification.parts}
        shares = [covered(row, part).mean() for part in row["parts"]]
        assert min(shares) > 0.01
        assert np.sum(shares) > 0.6


@pytest.mark.parametrize("name", SETS)
def test_outlines_fit_the_pictures(name: str, shared: Path) -> None:
    specification = load_specification(ROOT / "examples" / f"{name}.yaml")
    assert specification.reference is not None
    reference = read_rgb(Path(specification.reference.picture))
    assert part_map(specification).shape == reference.shape[:2]
    for row in outlined(name):
        assert read_rgb(shared / "data" / row["picture"]).shape[1::-1] == tuple(row["size"])


def test_tracks_and_pads_are_the_copper_of_the_golden_template(shared: Path) -> None:
    for row in outlined("deep_pcb"):
        copper = read_rgb(shared / "data" / row["picture"].replace("_test", "_temp"))[..., 0] < 128
        parts = np.any([covered(row, part) for part in ("track", "pad") if part in row["parts"]], axis=0)
        assert (parts & copper).sum() / copper.sum() > 0.97


def test_bottles_consist_of_four_parts_around_one_another() -> None:
    for row in outlined("bottle"):
        areas = [covered(row, part).sum() for part in ("body", "rim", "neck ring", "bore")]
        assert areas == sorted(areas, reverse=True)
        assert np.sqrt(areas[0] / np.pi) == pytest.approx(161.2, abs=1)

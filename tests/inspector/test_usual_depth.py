"""Depth that no good part had, in another unit or of a blind sensor, is left out in one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from specsight.errors import UnreadableFile
from specsight.inspector.usual_depth import UsualDepth
from specsight.records import Picture

SIZE = (96, 128)


def part(seed: int) -> NDArray[np.float32]:
    """Ribs of 2 mm on a curved form, 250 mm away."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    form = 250 + rng.normal() * 0.2 + ((x - 64) / 64) ** 2
    return np.asarray(form + 2 * (y // 8 % 2) + rng.normal(0, 0.02, SIZE), np.float32)


@pytest.fixture(scope="module")
def usual() -> UsualDepth:
    found = UsualDepth.of([part(seed) for seed in range(6)])
    assert found is not None
    return UsualDepth.from_json(json.loads(json.dumps(found.to_json())))


def picture(depth: NDArray[Any]) -> Picture:
    return Picture(
        np.random.default_rng(0).integers(0, 255, (*SIZE, 3)).astype(np.uint8), depth.astype(np.float32)
    )


def test_depth_in_another_unit_or_of_a_flat_plane_is_left_out(usual: UsualDepth) -> None:
    good = part(9)
    noise = np.random.default_rng(1).normal(0, 0.02, SIZE)
    byte = (good - good.min()) / np.ptp(good) * 255
    for odd, said in (
        (good / 1000, "lies at 0.251 mm, and that of good parts at 25"),
        (good * 1000, "lies at"),
        (-good, "lies at -25"),
        (250 + noise, "has a relief of"),
        (byte, ""),
        (np.full(SIZE, 250), "has a relief of 0 mm"),
    ):
        left = usual.applied(picture(odd), needed=False, image="a.png")
        assert (left.depth, left.absent) == (None, {"depth"})
        assert f"depth left out: it {said}" in left.notes[-1]
        with pytest.raises(UnreadableFile, match=r"depth of 'a\.png'"):
            usual.applied(picture(odd), needed=True, image="a.png")
    with pytest.raises(UnreadableFile):
        usual.applied(replace(picture(good / 1000), absent=frozenset({"rgb"})), needed=False, image="a.png")


def test_what_is_odd_of_a_part_stays(usual: UsualDepth) -> None:
    good = part(10)
    bent, high, worn = good.copy(), good + 20, (good - 250) * 0.4 + 250
    bent[:, 64:] += np.linspace(0, 15, 64)
    for depth in (good, bent, high, worn):
        shown = picture(depth)
        assert usual.applied(shown, needed=False, image="a.png") is shown


def test_readings_that_no_good_part_had_are_unknown(usual: UsualDepth) -> None:
    holes = np.random.default_rng(2).random(SIZE) < 0.3
    for code in (-1, 0):
        shown = usual.applied(picture(np.where(holes, code, part(11))), needed=True, image="a.png")
        assert shown.depth is not None
        np.testing.assert_array_equal(np.isnan(shown.depth), holes)
    # Height maps count from a plane in the middle.
    heights = UsualDepth.of([part(seed) - 250 for seed in range(6)])
    assert heights is not None
    shown = picture(part(12) - 251)
    assert heights.applied(shown, needed=True, image="a.png") is shown

"""Which pictures show the same part: by their pixels, by their groups, by the names of the magnetic tile set."""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from specsight.datasets import load_dataset
from specsight.datasets.near_duplicates import connected, fingerprint, near_duplicates
from specsight.datasets.parts import distinct_parts
from specsight.records import Sample

Pixels = NDArray[np.uint8]


def disc(seed: int, side: int = 200) -> Pixels:
    """A bright disc on dark ground under a fixed camera: only its brushing tells one from another."""
    rows, columns = np.mgrid[:side, :side]
    brushing = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 60, (side, side)), (0, 0), 3)
    grey = np.where(np.hypot(rows - side / 2, columns - side / 2) < side / 3, 180 + 5 * brushing, 40)
    return np.repeat(grey.clip(0, 255).astype(np.uint8)[..., None], 3, 2)


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def noisy(pixels: Pixels, levels: float) -> Pixels:
    noise = np.random.default_rng(0).normal(0, levels, pixels.shape)
    return (pixels + noise).round().clip(0, 255).astype(np.uint8)


def parts(pictures: list[Pixels]) -> int:
    return len(set(connected(len(pictures), near_duplicates([fingerprint(p) for p in pictures]).same)))


def test_parts_under_a_fixed_camera_are_told_apart_though_they_correlate() -> None:
    discs = [disc(i) for i in range(20)]
    thumbnails = np.stack([fingerprint(p).grey.ravel() for p in discs]).astype(float)
    assert np.corrcoef(thumbnails).min() > 0.9
    assert parts(discs) == 20


@pytest.mark.parametrize(
    "again",
    [
        lambda p: p,
        lambda p: jpeg(p, 75),
        lambda p: noisy(p, 1),
        lambda p: noisy(p, 4),
        lambda p: (p * 0.95 + 3).astype(np.uint8),
        lambda p: np.roll(p, (2, -3), (0, 1)),
        lambda p: cv2.resize(p, (100, 100), interpolation=cv2.INTER_AREA),
    ],
    ids=["copy", "jpeg", "noise", "more noise", "exposure", "moved", "half"],
)
def test_a_part_that_was_taken_twice_is_one_part(again) -> None:  # type: ignore[no-untyped-def]
    discs = [disc(i) for i in range(6)]
    assert parts([*discs, *(again(p) for p in discs)]) == 6


def test_another_colour_and_another_brightness_are_other_parts() -> None:
    one = disc(0)
    assert parts([one, one // 2, one * np.array([1, 1, 0], np.uint8)]) == 3


def test_constant_pictures_are_one_part_only_where_they_are_equal() -> None:
    black, grey = np.zeros((50, 50, 3), np.uint8), np.full((50, 50, 3), 90, np.uint8)
    assert parts([black] * 5 + [grey] * 5) == 2


def test_other_exposures_are_unusually_alike_where_others_are_not() -> None:
    generator = np.random.default_rng(1)
    boards = [cv2.resize(generator.integers(0, 200, (6, 6, 3), np.uint8), (90, 90)) for _ in range(12)]
    side_light = np.linspace(0.9, 1.2, 90)[None, :, None]
    alike = near_duplicates([fingerprint(p) for p in [*boards, (boards[3] * side_light).astype(np.uint8)]])
    assert (alike.same, alike.unusual) == ([], [(3, 12)])


def test_groups_join_pictures_and_are_taken_at_their_word(tmp_path: Path) -> None:
    for i in range(3):
        Image.fromarray(disc(i)).save(tmp_path / f"{i}.png")
    Image.fromarray(jpeg(disc(0), 90)).save(tmp_path / "3.png")

    def samples(*groups: str | None) -> list[Sample]:
        return [Sample(str(i), tmp_path / f"{i}.png", "disc", group=g) for i, g in enumerate(groups)]

    assert distinct_parts(samples(None, None, None, None)).labels == [0, 1, 2, 0]
    assert distinct_parts(samples(None, "a", "a", None)).labels == [0, 1, 1, 0]
    assert distinct_parts(samples("a", "b", "c", "d")).labels == [0, 1, 2, 3]
    missing = Sample("gone", tmp_path / "gone.png", "disc")
    assert distinct_parts([*samples(None, None), missing]).labels == [0, 1, 2]


def test_magnetic_tiles_are_split_by_tile(tmp_path: Path) -> None:
    """Exposures rise within a tile; pieces of one tile alternate, in one folder or in several."""
    tiles = {
        "MT_Free": "1-1000 2-1020 3-1040 1-2000 4-2030 1-3000 2-3040 1-3060 3-3080 1-4000 1-5000 1-6000 2-6010",
        "MT_Crack": "3-6100 4-6120 1-7000",
    }
    for folder, names in tiles.items():
        (tmp_path / folder / "Imgs").mkdir(parents=True)
        for name in names.split():
            exposure, number = name.split("-")
            (tmp_path / folder / "Imgs" / f"exp{exposure}_num_{number}.jpg").touch()
    listing = load_dataset(tmp_path, "magnetic_tile")
    sizes = Counter(s.group for s in listing.samples)
    assert sizes == {
        "001000": 3,
        "002000": 2,
        "003000": 4,
        "004000": 1,
        "005000": 1,
        "006000": 4,
        "007000": 1,
    }
    # Of the five tiles without defects the first is test, and the good pictures of a cracked tile are too.
    tested = {s.group for s in listing.samples if s.split == "test"}
    assert tested == {"001000", "006000", "007000"}
    assert not tested & {s.group for s in listing.samples if s.split == "train"}
    assert any(
        "5 without defects and all 2 with defects are test (2 good pictures" in n for n in listing.notes
    )

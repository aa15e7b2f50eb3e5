"""Masks, depth and part maps beside a picture: turned with it, and left out where they cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.support.odd_pictures import COLOURS, GREY

from specsight.errors import UnreadableFile, WrongSize
from specsight.images import defect_mask, defect_masks, load_picture
from specsight.records import Defect, Sample

TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.fliplr(np.rot90(a, -1)),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.fliplr(np.rot90(a, 1)),
    8: lambda a: np.rot90(a, 1),
}
"""EXIF orientation → from stored pixels to the picture as it is seen."""


def turned_picture(path: Path, orientation: int, pixels: np.ndarray = COLOURS) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return path


@pytest.mark.parametrize("orientation", TURNS)
def test_what_was_drawn_on_stored_pixels_turns_with_its_picture(tmp_path: Path, orientation: int) -> None:
    image = turned_picture(tmp_path / "a.png", orientation)
    sideways = orientation >= 5
    stored = GREY > 128
    seen = TURNS[orientation](stored)
    drawn = stored if sideways else seen  # only where a turn by 90° changes the size is it seen to be stored
    for name, values in (("mask", drawn * np.uint8(255)), ("parts", drawn + np.uint8(1))):
        Image.fromarray(values).save(tmp_path / f"{name}.png")
    np.save(tmp_path / "depth.npy", drawn.astype(np.float32) + 1)
    sample = Sample(
        "a",
        image,
        "plate",
        label="defective",
        defects=(Defect("scratch", mask=tmp_path / "mask.png"),),
        depth=tmp_path / "depth.npy",
        parts=tmp_path / "parts.png",
    )
    picture = load_picture(sample)
    assert picture.depth is not None
    assert picture.parts is not None
    (mask,) = defect_masks(sample, picture.size)
    np.testing.assert_array_equal(picture.rgb, TURNS[orientation](COLOURS))
    np.testing.assert_array_equal(mask, seen)
    np.testing.assert_array_equal(picture.parts == 2, seen)
    np.testing.assert_array_equal(picture.depth == 2, seen)


def test_a_mask_as_seen_or_with_its_own_turn_is_left(tmp_path: Path) -> None:
    image = turned_picture(tmp_path / "a.png", 6)
    seen = TURNS[6](GREY > 128)
    Image.fromarray(seen * np.uint8(255)).save(tmp_path / "seen.png")
    turned_picture(tmp_path / "own.png", 6, (GREY > 128) * np.uint8(255))
    for name in ("seen.png", "own.png"):
        mask = defect_mask(Defect("a", mask=tmp_path / name), (9, 6), image)
        np.testing.assert_array_equal(mask, seen)
    upright = turned_picture(tmp_path / "b.png", 1)
    with pytest.raises(WrongSize, match="is 9 x 6 but its picture is 6 x 9"):
        defect_mask(Defect("a", mask=tmp_path / "seen.png"), (6, 9), upright)


def bad_depth(path: Path, kind: str) -> Path:
    content: dict[str, Any] = {
        "another size": np.ones((3, 3), np.float32),
        "no measurement": np.full((6, 9), np.nan, np.float32),
        "four channels": np.ones((6, 9, 4), np.float32),
    }
    if kind in content:
        np.save(path, content[kind])
    elif kind == "damaged":
        path.write_bytes(b"\x93NUMPY")
    return path


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("another size", "depth left out: it is 3 x 3 but its picture is 6 x 9"),
        ("no measurement", "depth left out: it holds no measurement"),
        ("four channels", "depth left out: it is (6, 9, 4) float32"),
        ("damaged", "depth left out: it cannot be read"),
        ("missing", "depth left out: there is no such file"),
    ],
)
def test_depth_that_cannot_be_used_costs_the_picture_only_where_it_is_needed(
    tmp_path: Path, kind: str, said: str
) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "a.png")
    Image.fromarray(GREY[:3]).save(tmp_path / "p.png")
    sample = Sample("a", tmp_path / "a.png", "plate", depth=bad_depth(tmp_path / "d.npy", kind))
    picture = load_picture(sample)
    assert picture.depth is None
    (note,) = picture.notes
    assert note.startswith(said)
    with pytest.raises(UnreadableFile, match=r"d\.npy"):
        load_picture(sample, needs_depth=True)
    with pytest.raises(UnreadableFile, match=r"a\.png' has no depth, which is needed"):
        load_picture(Sample("a", tmp_path / "a.png", "plate"), needs_depth=True)
    (note,) = load_picture(Sample("a", tmp_path / "a.png", "plate", parts=tmp_path / "p.png")).notes
    assert note.startswith("part map left out: it is 3 x 9 but its picture is 6 x 9")

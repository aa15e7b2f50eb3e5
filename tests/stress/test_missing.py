"""Pictures that lack a modality, and what happens to signals beside colours and depth."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from specsight.datasets import load_dataset, write_manifest
from specsight.errors import SpecsightError
from specsight.images import load_picture
from specsight.records import Picture, Sample
from specsight.stress import apply, hidden, stressors, write_stressed

SIZE = (48, 64)


def picture() -> Picture:
    """Random colours over depth in mm, with normals and coordinates, another light, and infrared."""
    rng = np.random.default_rng(2)
    depth = rng.uniform(200, 201, SIZE).astype(np.float32)
    normals = np.zeros((*SIZE, 3), np.float32)
    normals[..., 2] = 1
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
    return Picture(
        rng.integers(60, 150, (*SIZE, 3), dtype=np.uint8),
        depth,
        signals={
            "normals": normals,
            "xyz": np.stack([columns, rows, depth], axis=2),
            "light_1": rng.integers(60, 150, (*SIZE, 3), dtype=np.uint8),
            "ir": rng.uniform(20, 30, SIZE).astype(np.float32),
        },
    )


def test_without_colours_a_picture_is_black_and_says_so() -> None:
    made = apply(picture(), "rgb_missing", 1, 7)
    assert made.absent == {"rgb"}
    assert not made.rgb.any()
    assert made.depth is not None
    assert apply(picture(), "rgb_missing", 0, 7).absent == frozenset()


def test_without_depth_there_are_no_normals_and_coordinates_either() -> None:
    made = apply(picture(), "depth_missing", 1, 7)
    assert made.depth is None
    assert made.absent == {"depth", "normals", "xyz"}
    assert set(made.signals) == {"light_1", "ir"}


def test_something_must_be_left_of_a_picture() -> None:
    with pytest.raises(SpecsightError, match="'rgb_missing' would leave nothing of this picture"):
        apply(Picture(picture().rgb), "rgb_missing", 1, 7)
    with pytest.raises(SpecsightError, match="'depth_missing' acts on depth, and this picture has none"):
        apply(Picture(picture().rgb), "depth_missing", 1, 7)
    dark = apply(Picture(picture().rgb, picture().depth), "rgb_missing", 1, 7)
    with pytest.raises(SpecsightError, match="'depth_missing' would leave nothing"):
        apply(dark, "depth_missing", 1, 7)


@pytest.mark.parametrize("name", ["specular", "low_light", "occlusion", "defocus", "jpeg"])
def test_absent_colours_stay_black(name: str) -> None:
    made = apply(apply(picture(), "rgb_missing", 1, 7), name, stressors[name].middle, 7)
    assert made.absent == {"rgb"}
    assert not made.rgb.any()


@pytest.mark.parametrize("name", ["specular", "low_light", "occlusion", "defocus", "jpeg"])
def test_pictures_under_other_lights_are_stressed_too(name: str) -> None:
    made = apply(picture(), name, stressors[name].levels[-1], 7)
    assert made.signals["light_1"].dtype == np.uint8
    assert not np.array_equal(made.signals["light_1"], picture().signals["light_1"])
    same = name != "occlusion"
    assert np.array_equal(made.signals["ir"], picture().signals["ir"]) == same


def test_nothing_is_measured_behind_an_occluder() -> None:
    made, behind = apply(picture(), "occlusion", 20, 7), hidden(SIZE, "occlusion", 20, 7)
    assert behind is not None
    for name in ("normals", "xyz", "ir"):
        unknown = np.isnan(made.signals[name])
        np.testing.assert_array_equal(unknown if unknown.ndim == 2 else unknown.all(2), behind)


def test_normals_and_coordinates_are_lost_and_shifted_with_depth() -> None:
    clean, lossy = picture(), apply(picture(), "depth_dropout", 30, 7)
    assert lossy.depth is not None
    lost = np.isnan(lossy.depth)
    for name in ("normals", "xyz"):
        np.testing.assert_array_equal(np.isnan(lossy.signals[name]).all(2), lost)
    moved = apply(clean, "misregistration", 4, 7)
    np.testing.assert_array_equal(moved.signals["xyz"][..., 2], moved.depth)
    coarse = apply(clean, "depth_quantisation", 0.5, 7)
    np.testing.assert_array_equal(coarse.signals["xyz"][..., 2], coarse.depth)
    np.testing.assert_array_equal(coarse.signals["xyz"][..., :2], clean.signals["xyz"][..., :2])


@pytest.mark.parametrize(
    ("name", "absent", "left"),
    [("rgb_missing", {"rgb"}, {"normals", "ir"}), ("depth_missing", set(), {"ir"})],
)
def test_a_copy_on_disk_lacks_the_same(name: str, absent: set[str], left: set[str], tmp_path: Path) -> None:
    source, shown = tmp_path / "source", picture()
    source.mkdir()
    cv2.imwrite(str(source / "a.png"), shown.rgb[..., ::-1])
    files = {one: source / f"{one}.tiff" for one in ("depth", "normals", "ir")}
    tifffile.imwrite(files["depth"], shown.depth)
    for one in ("normals", "ir"):
        tifffile.imwrite(files[one], shown.signals[one], photometric="minisblack", planarconfig="contig")
    sample = Sample(
        "a",
        source / "a.png",
        "plate",
        label="good",
        depth=files["depth"],
        normals=files["normals"],
        signals={"ir": files["ir"]},
    )
    write_manifest([sample], source / "manifest.jsonl")
    made = write_stressed(source, name, 1, tmp_path / "out")
    (again,) = load_dataset(made.manifest.parent).samples
    written = load_picture(again)
    assert written.absent == absent
    assert set(written.signals) == left
    assert (written.depth is None) == (name == "depth_missing")

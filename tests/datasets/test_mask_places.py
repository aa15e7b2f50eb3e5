"""Masks are found where other tools put them, and are never product pictures; pictures of labels stay pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support.dataset_layouts import mask, picture

from specsight.datasets import load_dataset
from specsight.datasets.mask_places import look_like_masks
from specsight.images import anomaly_mask

SIZE = (24, 32)


def parts(root: Path) -> None:
    for i in range(5):
        picture(root / "good" / f"g{i}.png")
    for i in range(3):
        picture(root / "scratch" / f"s{i}.png")


def check_masks(root: Path) -> None:
    listing = load_dataset(root)
    assert {s.label for s in listing.samples} == {"good", "defective"}
    assert len(listing.samples) == 8
    defective = [s for s in listing.samples if s.label == "defective"]
    assert [s.types for s in defective] == [("scratch",)] * 3
    assert all(anomaly_mask(s, SIZE).sum() == 20 for s in defective)


@pytest.mark.parametrize(
    "folder",
    ["labels", "groundtruth", "ground-truth", "gt_masks", "Label", "masks_png", "masks", "GT", "Annotations"],
)
@pytest.mark.parametrize("nested", [False, True])
def test_masks_in_folders_of_many_names(tmp_path: Path, folder: str, nested: bool) -> None:
    parts(tmp_path)
    for i in range(3):
        mask(tmp_path / folder / ("scratch" if nested else "") / f"s{i}.png")
    check_masks(tmp_path)


@pytest.mark.parametrize("ending", ["_mask", "_gt", "_label", "_seg", "-mask", "_GT", "_Mask", ".mask"])
def test_masks_beside_their_picture(tmp_path: Path, ending: str) -> None:
    parts(tmp_path)
    for i in range(3):
        mask(tmp_path / "scratch" / f"s{i}{ending}.png")
    check_masks(tmp_path)


@pytest.mark.parametrize("name", ["groundtruth", "ground-truth", "gt", "GroundTruth"])
def test_the_truth_folder_of_the_tree_by_other_names(tmp_path: Path, name: str) -> None:
    for place in ("train/good", "test/good", "test/scratch"):
        picture(tmp_path / place / "000.png")
    mask(tmp_path / name / "scratch" / "000_mask.png")
    listing = load_dataset(tmp_path)
    assert listing.layout == "mvtec_ad"
    (defective,) = (s for s in listing.samples if s.label == "defective")
    assert anomaly_mask(defective, SIZE).sum() == 20


def test_exports_of_annotation_tools(tmp_path: Path) -> None:
    """Classes and objects both have masks: the classes' count, and the folder of pictures is no defect type."""
    for i in range(3):
        picture(tmp_path / "JPEGImages" / f"{i}.png")
        mask(tmp_path / "SegmentationClass" / f"{i}.png")
        mask(tmp_path / "SegmentationObject" / f"{i}.png", {9: 5})
    listing = load_dataset(tmp_path)
    assert [s.image.parent.name for s in listing.samples] == ["JPEGImages"] * 3
    assert all(s.types == ("anomaly",) and anomaly_mask(s, SIZE).sum() == 20 for s in listing.samples)
    assert [(one.reason, one.count) for one in listing.ignored] == [("masks", 3)]
    assert listing.unused_masks == []


def test_a_product_that_is_called_label_or_mask_is_a_product(tmp_path: Path) -> None:
    for folder in ("good", "labels", "masks"):
        for i in range(3):
            picture(tmp_path / folder / f"{folder}{i}.png")
    assert len(load_dataset(tmp_path).samples) == 9
    for i in range(3):
        picture(tmp_path / "good" / f"labels{i}.png")
    assert len(load_dataset(tmp_path).samples) == 12, "photographs are no masks, even where names are alike"
    picture(tmp_path / "part.png")
    picture(tmp_path / "part_label.png")
    assert len(load_dataset(tmp_path).samples) == 14


def test_masks_after_compression_still_look_like_masks(tmp_path: Path) -> None:
    plane = np.zeros((120, 160), np.uint8)
    plane[30:60, 40:90] = 255
    Image.fromarray(plane).save(tmp_path / "m.jpg", quality=80)
    ramp = np.tile(np.arange(160, dtype=np.uint8), (120, 1))
    Image.fromarray(ramp).save(tmp_path / "photo.jpg")
    assert look_like_masks([tmp_path / "m.jpg"])
    assert not look_like_masks([tmp_path / "photo.jpg"])

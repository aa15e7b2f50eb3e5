"""Inventories of the real pictures beside the project, and what the check finds in them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from specsight.datasets import load_dataset
from specsight.datasets.check import check_dataset
from specsight.datasets.parts import distinct_parts
from specsight.images import anomaly_mask, defect_masks, read_rgb

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def data(shared: Path) -> Path:
    return shared / "data"


def test_bottle(data: Path) -> None:
    samples = load_dataset(data / "mvtec_ad" / "bottle").samples
    assert Counter((s.split, *s.types) for s in samples) == {
        ("train", "good"): 209,
        ("test", "good"): 20,
        ("test", "broken_large"): 20,
        ("test", "broken_small"): 22,
        ("test", "contamination"): 21,
    }
    assert samples == load_dataset(data / "mvtec_ad", product="bottle").samples


def test_bottle_is_sound_but_one_bottle_was_taken_twice(data: Path) -> None:
    report = check_dataset(load_dataset(data / "mvtec_ad" / "bottle"))
    assert report.problems == []
    assert report.smallest == report.largest == (360, 360)
    near = [note for note in report.notes if "nearly identical" in note]
    assert len(near) == 1
    assert "'bottle/train/good/069' and 'bottle/train/good/070'" in near[0]


def test_magnetic_tile(data: Path) -> None:
    listing = load_dataset(data / "magnetic_tile")
    assert listing.layout == "magnetic_tile"
    assert Counter(s.types[0] for s in listing.samples) == {
        "good": 952,
        "blowhole": 115,
        "break": 85,
        "crack": 57,
        "fray": 32,
        "uneven": 103,
    }
    assert Counter((s.split, s.label) for s in listing.samples) == {
        ("train", "good"): 692,
        ("test", "good"): 260,
        ("test", "defective"): 392,
    }


def test_magnetic_tile_has_four_empty_masks_among_uneven(data: Path) -> None:
    listing = load_dataset(data / "magnetic_tile")
    empty = []
    for sample in (s for s in listing.samples if s.types in (("uneven",), ("fray",))):
        rgb = read_rgb(sample.image)
        if not anomaly_mask(sample, (rgb.shape[0], rgb.shape[1])).any():
            empty.append(sample.types[0])
    assert empty == ["uneven"] * 4


def test_deep_pcb(data: Path) -> None:
    listing = load_dataset(data / "deep_pcb")
    samples = listing.samples
    assert Counter(s.label for s in samples) == {"good": 381, "defective": 381}
    assert Counter(s.product for s in samples if s.label == "good") == {
        "group00041": 221,
        "group12000": 14,
        "group12100": 146,
    }
    assert Counter(d.type for s in samples for d in s.defects) == {
        "open": 505,
        "short": 362,
        "mousebite": 560,
        "spur": 433,
        "spurious copper": 402,
        "pin-hole": 392,
    }
    boards = [s for s in samples if s.label == "defective"]
    assert all(s.reference is not None and s.reference.is_file() for s in boards)
    masks = defect_masks(boards[0], (640, 640))
    assert [int(m.sum()) for m in masks] == [
        (b[2] - b[0]) * (b[3] - b[1]) for d in boards[0].defects if (b := d.box)
    ]


def test_photographs_are_a_flat_folder_of_unknown_label(data: Path) -> None:
    listing = load_dataset(data / "imagenet_samples")
    assert listing.layout == "folder"
    assert Counter((s.split, s.label) for s in listing.samples) == {("test", "unknown"): 1000}


def test_good_bottles_are_as_many_parts_and_no_tile_is_on_both_sides(data: Path) -> None:
    bottles = [s for s in load_dataset(data / "mvtec_ad" / "bottle").samples if s.label == "good"]
    found = distinct_parts(bottles)
    assert (len(bottles), len(set(found.labels)), found.doubtful) == (229, 228, 0)
    tiles = load_dataset(data / "magnetic_tile").samples
    groups = {split: {s.group for s in tiles if s.split == split} for split in ("train", "test")}
    assert not groups["train"] & groups["test"]
    assert len(groups["train"]) == 114
    exposures = Counter(Counter(s.group for s in tiles).values())
    assert exposures[6] == 192

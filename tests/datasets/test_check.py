"""`check_dataset`: each fault planted in a sound tree is found, named and counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from tests.support.dataset_layouts import BUILDERS, SIZE, mask, picture

from specsight.datasets import load_dataset
from specsight.datasets.check import check_dataset
from specsight.datasets.check_report import KINDS, CheckReport
from specsight.datasets.near_duplicates import fingerprint, near_duplicates
from specsight.errors import SpecsightError
from specsight.records import Sample


@pytest.fixture
def root(tmp_path: Path) -> Path:
    BUILDERS["mvtec_ad"](tmp_path)
    return tmp_path


def check(root: Path) -> CheckReport:
    return check_dataset(load_dataset(root))


def kinds(report: CheckReport) -> list[str]:
    return [p.kind for p in report.problems]


def text(report: CheckReport) -> str:
    console = Console(width=200, no_color=True)
    with console.capture() as capture:
        console.print(report)
    return capture.get()


def test_a_sound_set_is_counted(root: Path) -> None:
    report = check(root)
    assert report.problems == []
    assert report.counts["bottle", "train", "good"] == 3
    assert report.counts["screw", "test", "dent"] == 1
    assert report.pictures == {(p, s): 3 for p in ("bottle", "screw") for s in ("train", "test")}
    printed = text(report)
    assert "12 pictures, layout mvtec_ad" in printed
    assert "all 24 x 32" in printed
    assert "no problems found" in printed


def test_a_picture_with_two_types_counts_for_both(tmp_path: Path) -> None:
    BUILDERS["mvtec_loco"](tmp_path)
    report = check(tmp_path)
    assert report.counts["juice_bottle", "test", "wrong_fill"] == 2
    assert report.counts["juice_bottle", "test", "no_label"] == 1
    assert report.pictures["juice_bottle", "test"] == 3


def test_unreadable_files(root: Path) -> None:
    (root / "bottle" / "train" / "good" / "000.png").write_bytes(b"")
    (root / "bottle" / "ground_truth" / "dent" / "000_mask.png").write_text("no picture")
    report = check(root)
    assert kinds(report) == ["unreadable", "unreadable"]
    assert "bottle/train/good/000.png' is empty" in report.problems[0].message
    assert "dent/000_mask.png' is not a picture" in report.problems[1].message


def test_listed_files_that_cannot_exist(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    long = "x" * 400
    (tmp_path / "manifest.csv").write_text(
        f"image,mask,label,reference,id\n{long}.png,,good,,1\na.png,{long}.png,,{long}.png,2\ngone.png,,good,,3\n"
    )
    report = check(tmp_path)
    assert kinds(report) == ["unreadable", "unreadable", "unreadable", "mask missing"]
    with pytest.raises(SpecsightError, match="there is no"):
        load_dataset(tmp_path / long)


def test_masks_missing_empty_stray_and_of_another_size(root: Path) -> None:
    truth = root / "bottle" / "ground_truth"
    (truth / "dent" / "000_mask.png").rename(truth / "dent" / "009_mask.png")
    mask(truth / "scratch" / "000_mask.png", {})
    mask(root / "screw" / "ground_truth" / "dent" / "000_mask.png", size=(12, 16))
    report = check(root)
    assert kinds(report) == ["mask missing", "mask empty", "mask without picture", "size mismatch"]
    by_kind = {p.kind: p.message for p in report.problems}
    assert "12 x 16 but its picture is 24 x 32" in by_kind["size mismatch"]
    assert "009_mask.png" in by_kind["mask without picture"]
    assert "bottle/test/dent/000.png' (dent) has neither mask nor box" in by_kind["mask missing"]


def test_a_good_picture_with_a_mask_that_marks_something(tmp_path: Path) -> None:
    BUILDERS["mvtec_3d"](tmp_path)
    assert check(tmp_path).problems == []
    mask(tmp_path / "tire" / "test" / "good" / "gt" / "000.png")
    assert kinds(check(tmp_path)) == ["mask on good"]


def test_identical_pixels_in_another_format_leak(root: Path) -> None:
    train = root / "bottle" / "train" / "good"
    Image.open(train / "000.png").save(root / "bottle" / "test" / "good" / "009.bmp")
    report = check(root)
    assert kinds(report) == ["duplicate", "leakage"]
    assert "000.png" in report.problems[1].message
    assert "009.bmp" in report.problems[1].message


def test_one_picture_under_two_labels(root: Path) -> None:
    Image.open(root / "bottle" / "test" / "good" / "000.png").save(
        root / "bottle" / "test" / "dent" / "000.png"
    )
    assert kinds(check(root)) == ["duplicate", "labels"]


def test_one_object_in_training_and_test(tmp_path: Path) -> None:
    for name in "ab":
        picture(tmp_path / f"{name}.png")
    lines = ["image,label,split,group", "a.png,good,train,tyre 7", "b.png,good,test,tyre 7"]
    (tmp_path / "manifest.csv").write_text("\n".join(lines))
    report = check(tmp_path)
    assert kinds(report) == ["leakage"]
    assert "tyre 7" in report.problems[0].message


def test_constant_pictures_and_empty_depth(tmp_path: Path) -> None:
    BUILDERS["mvtec_3d"](tmp_path)
    Image.new("RGB", SIZE[::-1], (9, 9, 9)).save(tmp_path / "tire" / "train" / "good" / "rgb" / "000.png")
    listing = load_dataset(tmp_path)
    np.save(tmp_path / "nan.npy", np.full(SIZE, np.nan, np.float32))
    sample = Sample("x", picture(tmp_path / "x.png"), "tire", depth=tmp_path / "nan.npy", label="good")
    listing.samples.append(sample)
    report = check_dataset(listing)
    assert kinds(report) == ["constant", "constant"]
    assert "[9, 9, 9] everywhere" in report.problems[0].message
    assert "holds no measurement" in report.problems[1].message


def test_nothing_good_to_learn_from(tmp_path: Path) -> None:
    picture(tmp_path / "set" / "bad" / "0.png")
    mask(tmp_path / "set" / "bad" / "0_mask.png")
    assert kinds(check(tmp_path / "set")) == ["labels"]


def test_equal_colours_over_other_depth_are_no_duplicates(tmp_path: Path) -> None:
    for i in range(3):
        Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(tmp_path / f"{i}.png")
        depth = np.random.default_rng(i).normal(500, 1, (8, 8)).astype(np.float32)
        Image.fromarray(depth).save(tmp_path / f"{i}.tiff")
    (tmp_path / "manifest.csv").write_text(
        "image,depth,label\n0.png,0.tiff,good\n1.png,1.tiff,good\n2.png,2.tiff,good\n"
    )
    assert "duplicate" not in kinds(check(tmp_path))
    (tmp_path / "2.tiff").write_bytes((tmp_path / "1.tiff").read_bytes())
    assert "duplicate" in kinds(check(tmp_path))


def test_empty_masks_of_good_pictures_are_counted(tmp_path: Path) -> None:
    BUILDERS["magnetic_tile"](tmp_path)
    report = check(tmp_path)
    good = sum(count for (_, _, kind), count in report.counts.items() if kind == "good")
    assert f"{good} empty masks of good pictures" in report.notes
    assert report.ignored == ()


def test_near_duplicates_are_noted_and_references_are_not(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", size=(64, 64))
    pixels = np.asarray(Image.open(tmp_path / "a.png")).copy()
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(tmp_path / "b.png")
    picture(tmp_path / "c.png", size=(64, 64))
    (tmp_path / "manifest.csv").write_text(
        "image,label,split\na.png,good,train\nb.png,good,test\nc.png,good,test\n"
    )
    report = check(tmp_path)
    assert report.problems == []
    (note,) = (note for note in report.notes if "nearly identical" in note)
    assert note.startswith("warning: ")
    assert ": 1 test pictures are nearly identical to training pictures: " in note
    (tmp_path / "manifest.csv").write_text(
        "image,label,split\na.png,good,train\nb.png,good,train\nc.png,good,test\n"
    )
    assert any(
        "2 pictures are nearly identical to others of the same split and count as 1 part" in n
        for n in check(tmp_path).notes
    )
    (tmp_path / "manifest.csv").write_text(
        "image,label,split,group\na.png,good,train,one\nb.png,good,train,one\nc.png,good,test,two\n"
    )
    assert not any("nearly identical" in note for note in check(tmp_path).notes)
    (tmp_path / "manifest.csv").write_text(
        "image,label,reference\na.png,good,\nb.png,good,a.png\nc.png,good,\n"
    )
    assert not any("nearly identical" in note for note in check(tmp_path).notes)


def test_near_duplicates_compare_all_pairs_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specsight.datasets.near_duplicates._BLOCK", 2)
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (40, 50, 3), np.uint8) for _ in range(5)]
    looks = [fingerprint(p) for p in [*pictures, pictures[0], pictures[3]]]
    alike = near_duplicates(looks)
    assert sorted(alike.same) == [(0, 5), (3, 6)]
    assert alike.unusual == []


def test_many_problems_are_shown_by_kind_and_counted(root: Path) -> None:
    for i in range(9):
        (root / "bottle" / "train" / "good" / f"1{i}.png").write_bytes(b"")
    printed = text(check(root))
    assert "9 x unreadable files:" in printed
    assert "... and 4 more" in printed
    assert "no problems" not in printed


def test_every_kind_of_problem_has_a_title() -> None:
    assert all(title and title[0].islower() for title in KINDS.values())


def plates(root: Path, masks: list[np.ndarray], ending: str = "png") -> Path:
    """A product in MVTec's tree with one defective picture of 64 x 64 for each of `masks`."""
    plate = root / "plate"
    picture(plate / "train" / "good" / "000.png", size=(64, 64))
    for i, values in enumerate(masks):
        picture(plate / "test" / "scratch" / f"{i:03d}.png", size=(64, 64), seed=i)
        path = plate / "ground_truth" / "scratch" / f"{i:03d}_mask.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(path)
    return plate


def scratches(count: int) -> list[np.ndarray]:
    masks = np.zeros((count, 64, 64), np.uint8)
    for i, values in enumerate(masks):
        values[10 + i : 14 + i, 10:50] = 255
    return list(masks)


def test_inverted_masks_are_told_with_the_evidence(tmp_path: Path) -> None:
    assert check(plates(tmp_path / "sound", scratches(5))).problems == []
    report = check(plates(tmp_path / "inverted", [255 - m for m in scratches(5)]))
    assert kinds(report) == ["mask full"] * 6, "each one over 90 %, and the product"
    assert (
        "plate: 5 of 5 masks mark over half of their picture (median 96 %) and 5 over half of its border"
        in report.problems[-1].message
    )


def test_masks_that_mark_the_border_and_a_single_full_one(tmp_path: Path) -> None:
    frame = np.full((64, 64), 255, np.uint8)
    frame[8:-8, 8:-8] = 0
    report = check(plates(tmp_path / "frames", [frame] * 3))
    assert "0 of 3 masks mark over half" in report.problems[-1].message
    full = check(plates(tmp_path / "one", [*scratches(4), np.full((64, 64), 255, np.uint8)]))
    assert [p.message for p in full.problems if p.kind == "mask full"] == [
        f"'{tmp_path / 'one/plate/ground_truth/scratch/004_mask.png'}' marks 100 % of its picture"
    ]


def test_masks_with_values_in_between_are_noted(tmp_path: Path) -> None:
    report = check(plates(tmp_path, scratches(2), "jpg"))
    assert report.problems == []
    notes = [n for n in report.notes if "values between" in n]
    assert len(notes) == 1
    assert notes[0].startswith("plate: the masks of 2 picture(s)")


@pytest.mark.parametrize("layout", ["visa", "mvtec_loco"])
def test_a_mask_without_labels_costs_no_picture_its_label(tmp_path: Path, layout: str) -> None:
    BUILDERS[layout](tmp_path)
    before = load_dataset(tmp_path, layout)
    path = next(d.mask for s in before.samples for d in s.defects if d.mask)
    for content in (np.arange(SIZE[0] * SIZE[1], dtype=np.uint8).reshape(SIZE), None):
        if content is None:
            path.write_bytes(b"")
        else:
            Image.fromarray(content).save(path)
        after = load_dataset(tmp_path, layout)
        assert [(s.id, s.label) for s in after.samples] == [(s.id, s.label) for s in before.samples]
        assert [d.mask_value for s in after.samples for d in s.defects if d.mask == path] == [None]
        assert any("without labels" in note and str(path) in note for note in after.notes)

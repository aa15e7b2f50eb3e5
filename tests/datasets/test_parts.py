"""Which pictures show the same part: by their pixels, by their groups, by the names of the magnetic tile set."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from specsight.datasets import load_dataset
from specsight.datasets.check import check_dataset
from specsight.datasets.near_duplicates import connected, fingerprint, near_duplicates
from specsight.datasets.parts import distinct_parts, draw_parts, split_by_part, with_parts_named
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
    same = [Sample(g, tmp_path / "0.png", "disc", group=g) for g in ("a", "b")]
    assert distinct_parts(same).labels == [0, 0]
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


def relief(seed: int) -> NDArray[np.float32]:
    """Depth in mm of a bumpy plate, unknown at one corner."""
    depth = 500 + cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 20, (90, 90)), (0, 0), 4)
    depth[:9, :9] = np.nan
    return depth.astype(np.float32)


@pytest.mark.parametrize("colours", [np.full((90, 90, 3), 128, np.uint8), disc(0, 90)], ids=["grey", "disc"])
def test_depth_tells_parts_apart_that_colours_do_not(tmp_path: Path, colours: Pixels) -> None:
    noise = np.random.default_rng(9)
    samples = []
    for number, seed in enumerate((0, 1, 2, 0, 1)):
        image, depth = tmp_path / f"{number}.png", tmp_path / f"{number}.tiff"
        Image.fromarray(colours).save(image)
        again = noise.normal(0, 0.02, (90, 90)) if number > 2 else 0
        cv2.imwrite(str(depth), (relief(seed) + again).astype(np.float32))
        samples.append(Sample(str(number), image, "plate", depth=depth))
    assert distinct_parts(samples).labels == [0, 1, 2, 0, 1]
    assert distinct_parts([replace(s, depth=None) for s in samples]).labels == [0, 0, 0, 0, 0]
    # Thicker by a tenth: exposure explains no depth.
    cv2.imwrite(str(tmp_path / "1.tiff"), (500 + 1.1 * (relief(0) - 500)).astype(np.float32))
    assert distinct_parts(samples[:2]).labels == [0, 1]


def test_normals_tell_parts_apart_too(tmp_path: Path) -> None:
    samples = []
    for number, seed in enumerate((0, 1, 0)):
        image, normals = tmp_path / f"{number}.png", tmp_path / f"{number}_normals.png"
        Image.fromarray(disc(0)).save(image)
        Image.fromarray(disc(seed)).save(normals)
        samples.append(Sample(str(number), image, "plate", normals=normals))
    assert distinct_parts(samples).labels == [0, 1, 0]


def test_a_picture_that_was_written_again_is_read_again(tmp_path: Path) -> None:
    samples = [Sample(str(i), tmp_path / f"{i}.png", "disc") for i in range(2)]
    for sample in samples:
        Image.fromarray(disc(0)).save(sample.image)
    assert distinct_parts(samples).labels == [0, 0]
    Image.fromarray(disc(1)).save(samples[1].image)
    assert distinct_parts(samples).labels == [0, 1]


def video(folder: Path, parts: int, frames: int, start: int = 0) -> None:
    """Frames of a still camera, named in turn: each part with noise of one grey level."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(start)
    for part in range(parts):
        for frame in range(frames):
            pixels = disc(start + part).astype(int) + noise.integers(-1, 2, (200, 200, 1))
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{part:02}_{frame}.png")


def test_a_split_that_is_made_up_keeps_the_frames_of_a_part_together(tmp_path: Path) -> None:
    video(tmp_path / "good", parts=11, frames=4)
    Image.fromarray(disc(99)).save(tmp_path / "good" / "99.png")
    (tmp_path / "dent").mkdir()
    Image.fromarray(disc(50) // 2).save(tmp_path / "dent" / "0.png")
    listing = load_dataset(tmp_path)
    split = split_by_part(listing)
    tested = sorted(s.id for s in split.samples if s.split == "test" and s.label == "good")
    assert tested == sorted(f"good/{part}_{frame}" for part in ("00", "05", "10") for frame in range(4))
    assert split.notes == [
        *listing.notes,
        f"{tmp_path.name}: 45 good pictures, 12 distinct parts: whole parts are split, 3 of them (12 pictures) are "
        "test",
    ]
    assert split_by_part(split) is split
    report = check_dataset(listing)
    assert report.counts[tmp_path.name, "test", "good"] == 12
    assert not any("training pictures" in note for note in report.notes)


def test_pictures_of_parts_of_their_own_are_split_by_name(tmp_path: Path) -> None:
    video(tmp_path / "good", parts=7, frames=1)
    video(tmp_path / "dent", parts=1, frames=1, start=40)
    listing = load_dataset(tmp_path)
    split = split_by_part(listing)
    assert split.samples == listing.samples
    assert split.notes == listing.notes
    assert [s.id for s in split.samples if s.split == "test"] == ["dent/00_0", "good/00_0", "good/05_0"]


def test_the_frames_of_a_single_part_are_all_learned_from(tmp_path: Path) -> None:
    video(tmp_path / "good", parts=1, frames=6)
    video(tmp_path / "dent", parts=1, frames=1, start=40)
    split = split_by_part(load_dataset(tmp_path))
    assert {s.split for s in split.samples if s.label == "good"} == {"train"}
    assert "6 good pictures, 1 distinct part: whole parts are split, 0 of them" in split.notes[-1]


def test_other_readers_that_make_a_split_up_split_by_part_too(tmp_path: Path) -> None:
    boards = tmp_path / "boards" / "group00041"
    video(boards / "00041", parts=3, frames=4)
    for file in list((boards / "00041").iterdir()):
        file.rename(file.with_name(f"{file.stem}_temp.png"))
    (boards / "00041_not").mkdir()
    video(tmp_path / "visa" / "cap" / "Data" / "Images" / "Normal", parts=3, frames=4)
    video(tmp_path / "visa" / "cap" / "Data" / "Images" / "Anomaly", parts=1, frames=1, start=40)
    for name, layout in (("boards", "deep_pcb"), ("visa", "visa")):
        listing = load_dataset(tmp_path / name, layout)
        assert sum(s.split == "train" and s.label == "good" for s in listing.samples) in (9, 10)
        good = [s for s in split_by_part(listing).samples if s.label == "good"]
        assert {s.image.stem[:2] for s in good if s.split == "test"} == {"00"}
        assert {s.image.stem[:2] for s in good if s.split == "train"} == {"01", "02"}


def test_a_list_of_ones_own_and_a_split_in_folders_stay_as_they_are(tmp_path: Path) -> None:
    video(tmp_path / "cap" / "train" / "good", parts=1, frames=3)
    video(tmp_path / "cap" / "test" / "good", parts=1, frames=3)
    video(tmp_path / "cap" / "test" / "dent", parts=1, frames=1, start=40)
    listing = load_dataset(tmp_path / "cap")
    assert split_by_part(listing) is listing


def test_names_of_parts_are_given_where_several_pictures_show_one() -> None:
    samples = [
        Sample(str(i), Path(f"{i}.png"), "cap", group=g) for i, g in enumerate((None, None, None, "7"))
    ]
    named = with_parts_named(samples, [0, 1, 0, 1])
    assert [s.group for s in named] == ["0.png", "7", "0.png", "7"]
    assert with_parts_named(samples[:2], [0, 1]) == samples[:2]


def test_parts_are_drawn_once_each_under_the_seed() -> None:
    drawn = draw_parts([3, 3, 1, 2, 1], 2, np.random.default_rng(4))
    assert len(drawn) == len(set(drawn)) == 2
    assert drawn == draw_parts([3, 1, 2], 2, np.random.default_rng(4))
    assert set(draw_parts([3, 3, 1], 9, np.random.default_rng(0))) == {1, 3}

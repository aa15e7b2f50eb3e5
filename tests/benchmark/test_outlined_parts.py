"""Photographs get their parts from one outlined picture: instances say which they lie on, and which they come near."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support.caps import cap, overlap, write_caps

from specsight.benchmark.ingest import LeftOut, ingest
from specsight.benchmark.ingest_file import ingest_to_file
from specsight.benchmark.outlined_parts import OutlinedParts
from specsight.benchmark.records import BenchmarkSample
from specsight.datasets import DatasetListing
from specsight.records import Defect, Sample
from specsight.specification import Specification, load_specification


@pytest.fixture(scope="module")
def caps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("caps")
    write_caps(folder)
    return folder


@pytest.fixture(scope="module")
def words(caps: Path) -> Specification:
    return load_specification(caps / "cap.yaml")


@pytest.fixture(scope="module")
def parts(caps: Path, words: Specification) -> OutlinedParts:
    good = [Sample(p.stem, p, "cap", "train", "good") for p in sorted((caps / "good").iterdir())]
    found = OutlinedParts.learn(words, good, "filters", "cpu")
    assert found is not None
    return found


def ingested(
    caps: Path, parts: OutlinedParts, words: Specification, *places: tuple[int, int]
) -> list[BenchmarkSample]:
    samples = []
    for k, (x, y) in enumerate(places):
        rgb, _ = cap(20, (6, -5))
        mask = np.zeros(rgb.shape[:2], np.uint8)
        rgb[y - 3 : y + 3, x - 3 : x + 3] = (220, 20, 20)
        mask[y - 3 : y + 3, x - 3 : x + 3] = 255
        files = caps / f"spot{k}.png", caps / f"spot{k}_mask.png"
        for file, pixels in zip(files, (rgb, mask), strict=True):
            Image.fromarray(pixels).save(file)
        samples.append(Sample(f"{k}", files[0], "cap", "test", "defective", (Defect("spot", files[1]),)))
    failed: list[LeftOut] = []
    made = list(
        ingest(DatasetListing("folder", caps, samples, []), words, parts=parts, left_out=failed.append)
    )
    assert not failed
    return made


def test_a_moved_photograph_gets_its_parts(parts: OutlinedParts) -> None:
    rgb, truth = cap(20, (6, -5))
    found = parts.find(rgb)
    assert found is not None
    assert found[1] == {1: "rim", 2: "face"}
    assert overlap(found[0], truth, 2) > 0.8


def test_instances_lie_on_parts(caps: Path, parts: OutlinedParts, words: Specification) -> None:
    on_face, on_rim = ingested(caps, parts, words, (70, 59), (70, 94))
    assert on_face.part_names == {1: "rim", 2: "face"}
    assert on_face.parts is None
    assert [one.part for one in (*on_face.instances, *on_rim.instances)] == ["face", "rim"]
    assert on_face.instances[0].parts == {"face": 1.0}


def test_a_part_that_a_defect_comes_near_is_named_with_a_share_of_nothing(
    caps: Path, parts: OutlinedParts, words: Specification
) -> None:
    found = parts.find(cap(20, (6, -5))[0])
    assert found is not None
    column = found[0][:, 70]
    face_ends = int(np.flatnonzero(column == 2)[-1])
    (sample,) = ingested(caps, parts, words, (70, face_ends - 3))
    (instance,) = sample.instances
    assert instance.parts == {"face": 1.0, "rim": 0.0}
    assert instance.part == "face"


def test_something_else_has_no_parts(parts: OutlinedParts) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (128, 128, 3)).astype(np.uint8)
    assert parts.find(noise) is None


def test_what_lies_otherwise_than_the_outlined_picture_has_no_parts(parts: OutlinedParts) -> None:
    rgb, _ = cap(20, (6, -5))
    half = rgb.copy()
    half[:, :70] = np.random.default_rng(1).integers(0, 255, (128, 70, 3))
    assert parts.find(half) is None


def test_a_specification_without_outlines_finds_none() -> None:
    assert OutlinedParts.learn(Specification(product="cap"), []) is None
    assert OutlinedParts.learn(None, []) is None


def test_a_part_map_that_a_sample_brings_stands(caps: Path, parts: OutlinedParts, tmp_path: Path) -> None:
    picture = caps / "own.png"
    Image.fromarray(cap(3)[0]).save(picture)
    Image.fromarray(np.full((128, 128), 9, np.uint8)).save(caps / "own_parts.png")
    own = Sample("own", picture, "cap", label="good", parts=caps / "own_parts.png", part_names={9: "all"})
    listing = DatasetListing("folder", caps, [own, replace(own, id="other", parts=None)], [])
    assert ingest_to_file(tmp_path / "samples.jsonl", listing, parts=parts) == []
    other, brought = ingest(listing, parts=parts, left_out=lambda one: None)
    assert brought.part_names == {9: "all"}
    assert other.part_names == {1: "rim", 2: "face"}

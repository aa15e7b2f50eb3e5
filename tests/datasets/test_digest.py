"""What counts as changed: a picture and everything beside it that a judgement may depend on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from specsight.datasets.digest import sample_digest
from specsight.detectors import create_detector
from specsight.detectors.training_digest import digest
from specsight.inspector import Inspector
from specsight.records import Sample
from specsight.runs.folder import RunFolder
from specsight.runs.judging import judge_all
from specsight.storage import sha256


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((32, 32, 3), 90, np.uint8))
    for name in ("depth", "normals", "parts"):
        (tmp_path / name).write_bytes(name.encode())
    return Sample("a", tmp_path / "a.png", "plate", label="good")


def test_a_picture_alone_has_the_digest_of_its_file(sample: Sample) -> None:
    assert sample_digest(sample) == sha256(sample.image)
    assert sample_digest(replace(sample, id="b", label="unknown", product="x")) == sha256(sample.image)


def test_a_reference_that_is_missing_counts_as_missing_until_it_comes(sample: Sample) -> None:
    compared = replace(sample, reference=sample.image.parent / "later")
    before = sample_digest(compared)
    assert before not in (
        sample_digest(sample),
        sample_digest(replace(sample, normals=sample.image.parent / "later")),
    )
    (sample.image.parent / "later").write_bytes(b"reference")
    assert sample_digest(compared) != before


def test_every_file_beside_it_counts_and_what_says_how_to_read_it(sample: Sample) -> None:
    folder = sample.image.parent
    deep = replace(sample, depth=folder / "depth")
    found = {
        sample_digest(other)
        for other in (
            sample,
            deep,
            replace(deep, depth_range=(0.0, 1.0)),
            replace(sample, normals=folder / "normals"),
            replace(sample, parts=folder / "parts"),
            replace(sample, parts=folder / "parts", part_names={1: "rim"}),
            replace(deep, parts=folder / "parts"),
        )
    }
    assert len(found) == 7
    before = sample_digest(deep)
    (folder / "depth").write_bytes(b"other")
    assert sample_digest(deep) != before
    (folder / "depth").unlink()
    with pytest.raises(OSError, match="depth"):
        sample_digest(deep)


def test_changed_depth_is_another_training(sample: Sample) -> None:
    detector = create_detector("patchcore", encoder="filters")
    deep = replace(sample, depth=sample.image.parent / "depth")
    before = digest(detector, [deep], {})
    assert digest(detector, [deep], {}) == before
    (sample.image.parent / "depth").write_bytes(b"other")
    assert digest(detector, [deep], {}) != before


def test_a_run_that_goes_on_judges_changed_depth_anew(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depth = tmp_path / "a.tiff"
    cv2.imwrite(str(depth), np.full((32, 32), 500, np.float32))
    deep = replace(sample, depth=depth)
    detector = create_detector("patchcore", encoder="filters", resolution=32)
    inspector = Inspector(detector.fit([sample]))
    judged = []
    look = Inspector.look
    monkeypatch.setattr(
        Inspector,
        "look",
        lambda *args, **further: (judged.append(args[1].id), look(*args, **further))[1],
    )
    (tmp_path / "run").mkdir()
    run = RunFolder(tmp_path / "run")
    for _ in range(2):
        judge_all(run, inspector, [deep], seed=0, data=tmp_path)
    assert judged == ["a"]
    cv2.imwrite(str(depth), np.full((32, 32), 501, np.float32))
    judge_all(run, inspector, [deep], seed=0, data=tmp_path)
    assert judged == ["a", "a"]

"""A stressed copy of a set on disk: what is stressed, what stays, what is told of every file, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from specsight.cli import cli
from specsight.datasets import load_dataset, write_manifest
from specsight.errors import SpecsightError
from specsight.images import anomaly_mask, load_picture
from specsight.records import Defect, Label, Sample
from specsight.stress import apply, hidden, seed_of, write_stressed

SIZE = (64, 80)


@pytest.fixture
def plates(tmp_path: Path) -> Path:
    """Two good pictures to learn from, a good and a defective one to test, all with depth, and a stray text file."""
    folder, rng, samples = tmp_path / "plates", np.random.default_rng(1), []
    folder.mkdir()
    labels: list[tuple[str, Label]] = [
        ("train", "good"),
        ("train", "good"),
        ("test", "good"),
        ("test", "defective"),
    ]
    for number, (split, label) in enumerate(labels):
        image, depth = folder / f"{number}.png", folder / f"{number}.tiff"
        cv2.imwrite(str(image), rng.integers(60, 160, (*SIZE, 3)).astype(np.uint8))
        tifffile.imwrite(depth, rng.uniform(200, 201, SIZE).astype(np.float32))
        defects: tuple[Defect, ...] = ()
        if label == "defective":
            mask = np.zeros(SIZE, np.uint8)
            mask[10:20, 30:50] = 3
            cv2.imwrite(str(folder / "mask.png"), mask)
            defects = (Defect("dent", folder / "mask.png", mask_value=3),)
        samples.append(Sample(f"plate_{number}", image, "plate", split, label, defects, depth=depth))
    (folder / "notes.txt").write_text("line 4")
    write_manifest(samples, folder / "manifest.jsonl")
    return folder


def test_test_pictures_are_stressed_as_apply_does_and_the_others_stay(plates: Path, tmp_path: Path) -> None:
    made = write_stressed(plates, "occlusion", 10, tmp_path / "out", seed=3)
    assert (made.stressed, made.copied) == (2, 2)
    before = {sample.id: sample for sample in load_dataset(plates).samples}
    after = load_dataset(made.manifest.parent).samples
    assert [sample.id for sample in after] == list(before)
    for sample in after:
        clean, own = load_picture(before[sample.id]), seed_of(sample.id, 3)
        tested = sample.split == "test"
        expected = apply(clean, "occlusion", 10 if tested else 0, own)
        written = load_picture(sample)
        np.testing.assert_array_equal(written.rgb, expected.rgb)
        np.testing.assert_array_equal(written.depth, expected.depth)
        assert sample.conditions == ({"stress": "occlusion 10"} if tested else {})
        mask = made.manifest.parent / "hidden" / f"{int(sample.id[-1]):06d}.png"
        assert mask.is_file() == tested
        if tested:
            behind = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED) == 255
            np.testing.assert_array_equal(behind, hidden(SIZE, "occlusion", 10, own))
        # The truth about the part stays whole.
        np.testing.assert_array_equal(anomaly_mask(sample, SIZE), anomaly_mask(before[sample.id], SIZE))


def test_the_protocol_says_what_was_done_and_accounts_for_every_file(plates: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (plates / "2.tiff").unlink()
    run = CliRunner().invoke(
        cli, ["stress", str(plates), "--name", "depth_dropout", "--out", str(out)], catch_exceptions=False
    )
    assert run.exit_code == 0, run.output
    assert "1 pictures stressed, 2 copied as they are, skipped 1, ignored 1" in run.output
    protocol = json.loads((out / "stress.json").read_text())
    assert (protocol["stressor"], protocol["level"], protocol["unit"]) == (
        "depth_dropout",
        30.0,
        "% of the measured pixels lost",
    )
    assert protocol["source"] == "plates"
    assert [one["id"] for one in protocol["skipped"]] == ["plate_2"]
    assert "has none" in protocol["skipped"][0]["reason"]


def test_training_pictures_are_stressed_only_when_asked(plates: Path, tmp_path: Path) -> None:
    assert write_stressed(plates, "jpeg", 50, tmp_path / "out", every=True).stressed == 4


def test_an_unfinished_copy_is_begun_anew_and_a_finished_one_kept(plates: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_stressed(plates, "jpeg", 50, out)
    with pytest.raises(SpecsightError, match="is not empty"):
        write_stressed(plates, "jpeg", 50, out)
    (out / "manifest.jsonl").unlink()
    settings = json.loads((out / "stress.json").read_text())
    (out / "stress.json").write_text(
        json.dumps({key: value for key, value in settings.items() if key not in ("account", "skipped")})
    )
    with pytest.raises(SpecsightError, match="is not empty"):
        write_stressed(plates, "jpeg", 75, out)
    assert write_stressed(plates, "jpeg", 50, out).stressed == 2


def test_mistakes_are_told_before_anything_is_written(plates: Path, tmp_path: Path) -> None:
    for arguments, said in (
        (("blur", 1), "unknown stressor 'blur'"),
        (("jpeg", 100), "level 100 of 'jpeg'"),
    ):
        with pytest.raises(SpecsightError, match=said):
            write_stressed(plates, *arguments, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(SpecsightError, match=r"holds 'letter\.txt'"):
        write_stressed(plates, "jpeg", 50, tmp_path / "mine")

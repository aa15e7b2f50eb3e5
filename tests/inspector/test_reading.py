"""How pictures are read belongs to the model: one white for 16-bit files, notes, and side files that cannot be used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from specsight.detectors import create_detector
from specsight.errors import SpecsightError
from specsight.images import read_rgb
from specsight.inspector import Inspector
from specsight.records import Inspection, Sample
from specsight.storage import CHECKSUMS, sha256

NOTE = "16-bit files hold 12-bit data: 4095 is white"


def plate(seed: int, scratched: bool = False) -> np.ndarray:
    """A grey plate of 12 bits, (48, 64)."""
    values = np.random.default_rng(seed).normal(1600, 20, (48, 64))
    if scratched:
        values[20:24, 10:50] = 2600
    return values.clip(0, 4095).astype(np.uint16)


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    folder = tmp_path_factory.mktemp("good")
    for seed in range(9):
        tifffile.imwrite(folder / f"{seed}.tif", plate(seed))
    tifffile.imwrite(folder / "bright.tif", plate(9) * np.uint16(2))
    return Inspector.fit(folder, encoder="filters", resolution=48, holdout=3)


def test_a_model_learns_one_white_and_keeps_it(inspector: Inspector, tmp_path: Path) -> None:
    assert inspector.bits == 12
    assert len(inspector.notes[NOTE]) == 10, "learned from and held out"
    inspector.save(tmp_path / "model")
    loaded = Inspector.load(tmp_path / "model")
    assert loaded.bits == 12
    tifffile.imwrite(tmp_path / "dark.tif", plate(50) // 8)
    picture = loaded.look(tmp_path / "dark.tif").picture
    np.testing.assert_array_equal(picture.rgb, read_rgb(tmp_path / "dark.tif", bits=12))
    assert picture.rgb.max() < 20, "its own 8 bits would be bright"
    content = loaded.look((tmp_path / "dark.tif").read_bytes()).picture
    np.testing.assert_array_equal(content.rgb, picture.rgb)


def test_scratches_in_twelve_bits_are_found(inspector: Inspector, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "fine.tif", plate(90))
    tifffile.imwrite(tmp_path / "scratched.tif", plate(91, scratched=True))
    tifffile.imwrite(tmp_path / "beyond.tif", plate(92) * np.uint16(4))
    fine, scratched, beyond = (
        inspector.inspect(tmp_path / f"{name}.tif") for name in ("fine", "scratched", "beyond")
    )
    assert scratched.score > 2 * fine.score
    assert fine.notes == (NOTE,)
    assert beyond.notes == (NOTE, "values above 4095, which is white in this set, were clipped")
    assert Inspection.from_json(beyond.to_json()).notes == beyond.notes


def reseal(folder: Path) -> Path:
    """Give a folder that was changed the sums of what it holds now."""
    sums = json.loads((folder / CHECKSUMS).read_text())
    files = sums.get("files", sums)
    for name in list(files):
        if (folder / name).exists():
            files[name] = sha256(folder / name)
        else:
            del files[name]
    (folder / CHECKSUMS).write_text(json.dumps(sums))
    return folder


def test_a_model_that_says_nothing_of_its_range_takes_all_of_it(inspector: Inspector, tmp_path: Path) -> None:
    inspector.save(tmp_path / "model")
    (tmp_path / "model" / "reading.json").unlink()
    assert Inspector.load(reseal(tmp_path / "model")).bits == 16


@pytest.mark.parametrize("reading", [{"bits": 99}, {"bits": "12"}, {"bits": True}, {}, []])
def test_a_range_that_no_file_has_is_refused(inspector: Inspector, tmp_path: Path, reading: object) -> None:
    inspector.save(tmp_path / "model")
    (tmp_path / "model" / "reading.json").write_text(json.dumps(reading))
    with pytest.raises(SpecsightError, match=r"reading\.json' .*fit the model again"):
        Inspector.load(reseal(tmp_path / "model"))


def test_pictures_of_eight_bits_teach_no_range(tmp_path: Path) -> None:
    for seed in range(4):
        Image.fromarray((plate(seed) // 16).astype(np.uint8)).save(tmp_path / f"{seed}.png")
    inspector = Inspector.fit(tmp_path, encoder="filters", resolution=48)
    assert inspector.bits is None
    tifffile.imwrite(tmp_path / "deep.tif", plate(7))
    assert inspector.look(tmp_path / "deep.tif").picture.notes == (NOTE,)


def with_depth(folder: Path) -> list[Sample]:
    """Six good samples: the third has depth of another size, the fifth none."""
    samples = []
    for seed in range(6):
        Image.fromarray((plate(seed) // 16).astype(np.uint8)).save(folder / f"{seed}.png")
        np.save(folder / f"{seed}.npy", np.ones((48, 64) if seed != 2 else (24, 32), np.float32))
        depth = folder / f"{seed}.npy" if seed != 4 else None
        samples.append(Sample(str(seed), folder / f"{seed}.png", "plate", label="good", depth=depth))
    return samples


def test_one_bad_depth_stops_nothing_where_none_is_needed(tmp_path: Path) -> None:
    inspector = Inspector.fit(with_depth(tmp_path), encoder="filters", resolution=48, holdout=0)
    assert inspector.skipped == []
    note = "depth left out: it is 24 x 32 but its picture is 48 x 64 (rows x columns): bring both to one size"
    assert inspector.notes == {note: [str(tmp_path / "2.png")]}


def test_where_depth_is_needed_pictures_without_it_are_skipped_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = create_detector("patchcore", encoder="filters", resolution=48)
    monkeypatch.setattr(type(detector), "needs", replace(detector.needs, depth=True))
    samples = with_depth(tmp_path)
    inspector = Inspector.fit(samples, detector=detector, holdout=0)
    assert [Path(skipped.path).name for skipped in inspector.skipped] == ["2.png", "4.png"]
    assert "is 24 x 32 but its picture is 48 x 64" in inspector.skipped[0].reason
    assert "has no depth, which is needed" in inspector.skipped[1].reason
    assert inspector.inspect(samples[0]).score >= 0
    with pytest.raises(SpecsightError, match="is 24 x 32"):
        inspector.inspect(samples[2])


def test_where_nothing_can_be_read_the_cause_is_said(tmp_path: Path) -> None:
    for seed in range(3):
        tifffile.imwrite(tmp_path / f"{seed}.tif", np.stack([plate(seed)] * 4), photometric="minisblack")
    with pytest.raises(
        SpecsightError, match=r"got 0\): \d could not be read; the first: .* holds 4 pictures"
    ):
        Inspector.fit(tmp_path, encoder="filters", resolution=48)

"""Bytes beside bytes are read as files beside files are."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from specsight.detectors import Needs
from specsight.errors import UnreadableFile, WrongSize
from specsight.inspector.pictures import read_picture
from specsight.records import Sample

NEEDS = Needs(uses=("depth", "ir", "normals", "light_1"))
TURNED = 6
"""EXIF orientation: the first row lies to the right."""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A picture that its camera stored lying, and what belongs to it."""
    rng = np.random.default_rng(3)
    made = {
        name: tmp_path / name
        for name in ("picture.jpg", "depth.tiff", "ir.npy", "normals.npy", "light_1.jpg")
    }
    exif = Image.Exif()
    exif[0x0112] = TURNED
    for name in ("picture.jpg", "light_1.jpg"):
        pixels = rng.integers(60, 150, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(made[name], quality=95, exif=exif)
    tifffile.imwrite(made["depth.tiff"], rng.uniform(200, 201, (24, 32)).astype(np.float32))
    np.save(made["ir.npy"], rng.uniform(20, 30, (24, 32)).astype(np.float32))
    normals = np.zeros((32, 24, 3), np.float32)
    normals[..., 2] = 1
    np.save(made["normals.npy"], normals)
    return {path.stem: path for path in made.values()}


def test_they_lie_as_their_picture_lies(files: dict[str, Path]) -> None:
    image, depth, normals = (files[name] for name in ("picture", "depth", "normals"))
    signals = {name: files[name] for name in ("ir", "light_1")}
    on_disk = Sample("a", image, "plate", depth=depth, normals=normals, signals=signals)
    _, expected = read_picture(on_disk, "plate", needs=NEEDS)
    given = {name: path.read_bytes() for name, path in {**signals, "normals": normals}.items()}
    sample, found = read_picture(image.read_bytes(), "plate", None, NEEDS, depth.read_bytes(), given)
    assert found.size == (32, 24)
    assert found.depth is not None
    np.testing.assert_array_equal(found.rgb, expected.rgb)
    np.testing.assert_array_equal(found.depth, expected.depth)
    assert found.signals.keys() == {"ir", "normals", "light_1"}
    for name, channels in found.signals.items():
        np.testing.assert_array_equal(channels, expected.signals[name])
    assert (sample.image, sample.depth, sample.signals) == (Path(), None, {})


def test_beside_a_file_they_leave_no_file_behind(files: dict[str, Path]) -> None:
    sample, found = read_picture(
        files["picture"], "plate", None, NEEDS, None, {"ir": files["ir"].read_bytes()}
    )
    assert (sample.image, sample.signals, set(found.signals)) == (files["picture"], {}, {"ir"})


def test_errors_name_what_was_given_and_no_file_of_ours(files: dict[str, Path], tmp_path: Path) -> None:
    content = files["picture"].read_bytes()
    small = io.BytesIO()
    np.save(small, np.zeros((4, 4), np.float32))
    with pytest.raises(WrongSize, match=r"^the given ir is 4 x 4 but its picture is 32 x 24"):
        read_picture(content, "", None, NEEDS, None, {"ir": small.getvalue()})
    with pytest.raises(UnreadableFile, match=r"^the given file is not a picture"):
        read_picture(b"x", "", None, NEEDS, None, {"ir": small.getvalue()})
    with pytest.raises(UnreadableFile, match=r"^the given depth is not a picture"):
        read_picture(content, "", None, Needs(depth=True), b"x")
    _, found = read_picture(content, "", None, NEEDS, b"x", {"ir": b"y"})
    assert {"depth", "ir"} <= found.absent
    assert not any("/" in note for note in found.notes)

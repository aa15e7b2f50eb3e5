"""Which value of a 16-bit file is white: one for a set, from its pictures or from what their files state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from tests.support.odd_pictures import COLOURS, as_grey, deep_png, packed, tiff

from specsight.images import common_bits, read_colours, read_rgb


def twelve_bits(highest: int = 4095) -> np.ndarray:
    values = np.round(np.linspace(0, highest, 54)).astype(np.uint16).reshape(6, 9)
    return np.asarray(values)


SCALED = as_grey(np.round(twelve_bits() / 4095 * 255).astype(np.uint8))


TWELVE = {
    "TIFF": lambda: tiff(twelve_bits()),
    "PNG": lambda: deep_png(twelve_bits()[..., None], 0),
    "packed TIFF": lambda: packed(twelve_bits(), 12),
    "min-is-white TIFF": lambda: tiff(4095 - twelve_bits(), photometric="miniswhite"),
    "JPEG 2000": lambda: cv2.imencode(".jp2", np.kron(twelve_bits(), np.ones((8, 8), np.uint16)))[
        1
    ].tobytes(),
}


@pytest.mark.parametrize("kind", TWELVE)
def test_twelve_bits_in_files_of_sixteen_keep_their_levels(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a").write_bytes(TWELVE[kind]())
    read = read_colours(tmp_path / "a")
    expected = np.kron(SCALED, np.ones((8, 8, 1), np.uint8)) if kind == "JPEG 2000" else SCALED
    np.testing.assert_allclose(read.rgb.astype(int), expected, atol=1 if kind == "JPEG 2000" else 0)
    assert read.notes == ("16-bit files hold 12-bit data: 4095 is white",)


@pytest.mark.parametrize(
    ("content", "bits"),
    [
        (lambda: tiff(twelve_bits(200)), 8),
        (lambda: tiff(twelve_bits(1023)), 10),
        (lambda: tiff(twelve_bits(1024)), 12),
        (lambda: tiff(twelve_bits(16000)), 14),
        (lambda: tiff(twelve_bits(65535)), 16),
        (lambda: tiff(twelve_bits(900), extratags=[(281, 3, 1, 4095, True)]), 12),
        (lambda: packed(twelve_bits(300), 12), 12),
        (lambda: deep_png(twelve_bits(900)[..., None], 0, (b"sBIT", b"\x0c")), 12),
        (lambda: deep_png(twelve_bits(60000)[..., None], 0, (b"sBIT", b"\x0c")), 16),
    ],
)
def test_a_file_says_its_range_or_its_largest_value_does(
    tmp_path: Path, content: Callable[[], bytes], bits: int
) -> None:
    (tmp_path / "a").write_bytes(content())
    assert common_bits([tmp_path / "a"]) == bits
    assert f"{bits}-bit" in "".join(read_colours(tmp_path / "a").notes) or bits == 16


def test_a_set_has_one_range_and_a_picture_beyond_it_says_so(tmp_path: Path) -> None:
    for name, highest in (("dark", 900), ("bright", 3000), ("beyond", 5000)):
        (tmp_path / name).write_bytes(tiff(twelve_bits(highest)))
    Image.fromarray(COLOURS).save(tmp_path / "eight.png")
    (tmp_path / "broken").write_bytes(b"II*\0")
    usual = [tmp_path / name for name in ("dark", "eight.png", "bright", "broken")]
    assert common_bits(usual) == 12
    assert common_bits([tmp_path / "eight.png"]) is None
    assert read_rgb(tmp_path / "dark", bits=12).max() == round(900 / 4095 * 255)
    assert read_rgb(tmp_path / "dark").max() == round(900 / 1023 * 255)
    beyond = read_colours(tmp_path / "beyond", bits=12)
    assert (beyond.rgb == 255).sum() == 3 * (twelve_bits(5000) >= 4088).sum()
    assert beyond.notes == (
        "16-bit files hold 12-bit data: 4095 is white",
        "values above 4095, which is white in this set, were clipped",
    )

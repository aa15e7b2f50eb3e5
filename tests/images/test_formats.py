"""Which colours a file gives, whatever way its format stores them: one rule for every depth and every container."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.support.odd_pictures import COLOURS, DEEP, GREY, as_grey, deep_png, pillow, planes, tiff

from specsight.errors import UnreadableFile
from specsight.images import read_colours, read_depth, read_mask, read_rgb

rng = np.random.default_rng(8)
ALPHA = np.full((6, 9, 1), 255, np.uint8)
ALPHA[:, :3] = 0
ALPHA[:, 3:5] = 100
WHITENED = np.round((COLOURS.astype(float) * ALPHA + 255.0 * (255 - ALPHA)) / 255).astype(np.uint8)
"""`COLOURS` under `ALPHA`, laid on white."""
INFRA_RED = rng.integers(0, 256, (6, 9, 1), np.uint8)


def with_channel(pixels: np.ndarray, channel: np.ndarray) -> np.ndarray:
    return np.concatenate(
        [pixels, channel.astype(pixels.dtype) * (257 if pixels.dtype == np.uint16 else 1)], 2
    )


def cmyk() -> np.ndarray:
    return np.asarray(Image.fromarray(COLOURS).convert("CMYK"))


FROM_CMYK = np.asarray(Image.fromarray(cmyk(), "CMYK").convert("RGB"))
TABLE = rng.integers(0, 256, (256, 3), np.uint8)


DEEP_TABLE = np.pad(TABLE.T.astype(np.uint16) * 257, ((0, 0), (0, (1 << 16) - 256)))


def palette(transparent: bytes | None = None) -> bytes:
    image = Image.fromarray(GREY).convert("P")
    image.putpalette(TABLE.ravel().tolist())
    return pillow(image, "PNG", **({} if transparent is None else {"transparency": transparent}))


THROUGH_TABLE = np.round(
    (TABLE[GREY].astype(float) * GREY[..., None] + 255.0 * (255 - GREY[..., None])) / 255
).astype(np.uint8)
BLACK_IS_CLEAR = np.where((COLOURS == 0).all(axis=2, keepdims=True), np.uint8(255), COLOURS)

FORMATS: dict[str, tuple[bytes, np.ndarray]] = {
    "planar 8-bit TIFF": (tiff(planes(COLOURS), photometric="rgb", planarconfig="separate"), COLOURS),
    "planar 16-bit TIFF": (tiff(planes(DEEP), photometric="rgb", planarconfig="separate"), COLOURS),
    "planar 16-bit TIFF, deflated": (
        tiff(planes(DEEP), photometric="rgb", planarconfig="separate", compression="zlib", predictor=True),
        COLOURS,
    ),
    "big-endian 16-bit TIFF": (tiff(DEEP, photometric="rgb", byteorder=">"), COLOURS),
    "tiled 16-bit BigTIFF": (tiff(DEEP, photometric="rgb", tile=(16, 16), bigtiff=True), COLOURS),
    "16-bit LZW TIFF": (
        cv2.imencode(".tif", DEEP[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 5])[1].tobytes(),
        COLOURS,
    ),
    "min-is-white 8-bit TIFF": (tiff(255 - GREY, photometric="miniswhite"), as_grey(GREY)),
    "min-is-white 16-bit TIFF": (tiff(65535 - DEEP[..., 0], photometric="miniswhite"), as_grey(GREY)),
    "8-bit CMYK TIFF": (pillow(Image.fromarray(cmyk(), "CMYK"), "TIFF"), FROM_CMYK),
    "16-bit CMYK TIFF": (tiff(cmyk().astype(np.uint16) * 257, photometric="separated"), FROM_CMYK),
    "16-bit palette TIFF": (
        tiff(
            GREY.astype(np.uint16),
            photometric="palette",
            colormap=np.pad(TABLE.T.astype(np.uint16) * 257, ((0, 0), (0, 65280))),
        ),
        TABLE[GREY],
    ),
    "8-bit RGBA TIFF": (tiff(with_channel(COLOURS, ALPHA), photometric="rgb", extrasamples=[2]), WHITENED),
    "16-bit RGBA TIFF": (tiff(with_channel(DEEP, ALPHA), photometric="rgb", extrasamples=[2]), WHITENED),
    "8-bit TIFF with infra-red": (
        tiff(with_channel(COLOURS, INFRA_RED), photometric="rgb", extrasamples=[0]),
        COLOURS,
    ),
    "16-bit TIFF with infra-red": (
        tiff(with_channel(DEEP, INFRA_RED), photometric="rgb", extrasamples=[0]),
        COLOURS,
    ),
    "8-bit grey TIFF with a second channel": (
        tiff(
            with_channel(GREY[..., None], INFRA_RED),
            photometric="minisblack",
            planarconfig="contig",
            extrasamples=[0],
        ),
        as_grey(GREY),
    ),
    "5 channels, RGB first": (
        tiff(np.concatenate([COLOURS, INFRA_RED, INFRA_RED], 2), photometric="rgb", extrasamples=[0, 0]),
        COLOURS,
    ),
    "8-bit RGBA PNG": (pillow(Image.fromarray(with_channel(COLOURS, ALPHA)), "PNG"), WHITENED),
    "16-bit RGBA PNG": (deep_png(with_channel(DEEP, ALPHA), 6), WHITENED),
    "8-bit LA PNG": (
        pillow(Image.fromarray(with_channel(GREY[..., None], ALPHA)), "PNG"),
        as_grey(WHITENED[..., 0]),
    ),
    "16-bit LA PNG": (deep_png(with_channel(DEEP[..., :1], ALPHA), 4), as_grey(WHITENED[..., 0])),
    "8-bit PNG, one colour clear": (
        pillow(Image.fromarray(COLOURS), "PNG", transparency=(0, 0, 0)),
        BLACK_IS_CLEAR,
    ),
    "16-bit PNG, one colour clear": (deep_png(DEEP, 2, (b"tRNS", bytes(6))), BLACK_IS_CLEAR),
    "16-bit grey PNG, one grey clear": (
        deep_png(DEEP[..., :1], 0, (b"tRNS", bytes(2))),
        as_grey(np.where(GREY == 0, np.uint8(255), GREY)),
    ),
    "palette PNG": (palette(), TABLE[GREY]),
    "palette PNG with transparency": (palette(bytes(range(256))), THROUGH_TABLE),
    "16-bit PPM": (b"P6\n9 6\n65535\n" + DEEP.astype(">u2").tobytes(), COLOURS),
    "PPM of 10 bits": (
        b"P5\n9 6\n1023\n" + np.round(GREY / 255 * 1023).astype(">u2").tobytes(),
        as_grey(GREY),
    ),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_colours(tmp_path: Path, name: str) -> None:
    content, expected = FORMATS[name]
    (tmp_path / "a.tif").write_bytes(content)
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.tif"), expected)


def test_premultiplied_colours_are_not_darkened_twice(tmp_path: Path) -> None:
    for depth, scale in ((np.uint8, 1), (np.uint16, 257)):
        lit = np.round(COLOURS.astype(float) * ALPHA / 255).astype(depth) * depth(scale)
        path = tmp_path / f"{scale}.tif"
        tifffile.imwrite(path, with_channel(lit, ALPHA), photometric="rgb", extrasamples=[1])
        np.testing.assert_allclose(read_rgb(path).astype(int), WHITENED, atol=2)


def test_channels_that_are_left_out_are_named(tmp_path: Path) -> None:
    for name in ("8-bit TIFF with infra-red", "16-bit TIFF with infra-red", "5 channels, RGB first"):
        (tmp_path / "a.tif").write_bytes(FORMATS[name][0])
        (note,) = read_colours(tmp_path / "a.tif").notes
        assert note == "channels beyond the colours that are no transparency (infra-red?) were left out"
    grey = np.repeat(INFRA_RED, 5, axis=2)
    tifffile.imwrite(tmp_path / "b.tif", grey, photometric="minisblack", planarconfig="contig")
    with pytest.raises(UnreadableFile, match=r"b\.tif' holds 5 channels that are not named as colours"):
        read_rgb(tmp_path / "b.tif")


def animated(kind: str) -> bytes:
    further = [Image.fromarray(255 - COLOURS), Image.fromarray(COLOURS // 2)]
    return pillow(Image.fromarray(COLOURS), kind, save_all=True, append_images=further)


SEVERAL = {
    "TIFF": tiff(np.stack([GREY, GREY, GREY]), photometric="minisblack"),
    "16-bit TIFF": tiff(np.stack([DEEP[..., 0]] * 3), photometric="minisblack"),
    **{kind: animated(kind) for kind in ("GIF", "PNG", "WEBP", "AVIF")},
}


@pytest.mark.parametrize("kind", SEVERAL)
def test_several_pages_or_frames_are_never_judged_by_the_first(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(SEVERAL[kind])
    readers: tuple[Callable[[Path], Any], ...] = (read_rgb, read_mask, read_depth)
    for read in readers:
        with pytest.raises(UnreadableFile, match="holds 3 pictures"):
            read(path)


@pytest.mark.parametrize(("last", "target"), [(0, 0), (2, 1), (149, 120)])
@pytest.mark.parametrize("pixels", [GREY, DEEP[..., 0]], ids=["8 bit", "16 bit"])
def test_pages_that_lead_back_to_one_another_end(
    tmp_path: Path, pixels: np.ndarray, last: int, target: int
) -> None:
    path = tmp_path / "a.tif"
    previews = [pixels[:1, :1]] * last
    with tifffile.TiffWriter(path) as file:
        for page in (pixels, *previews):
            file.write(page, photometric="minisblack", metadata=None)
    with tifffile.TiffFile(path) as file:
        starts = [page.offset for page in file.pages]
        count = len(file.pages[last].tags)
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, starts[last] + 2 + 12 * count, starts[target])
    path.write_bytes(content)
    for read in (read_rgb, read_mask, read_depth):
        with pytest.raises(UnreadableFile, match="pages lead back to one another"):
            read(path)


def test_a_preview_beside_the_picture_is_left_out_with_a_note(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(DEEP, photometric="rgb")
        file.write(DEEP[::2, ::2], photometric="rgb", subfiletype=1)
    read = read_colours(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.rgb, COLOURS)
    assert read.notes == ("smaller pages (previews) were left out",)


def test_telephone_photographs_are_read(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    smooth = cv2.resize(COLOURS, (64, 48), interpolation=cv2.INTER_CUBIC)
    heif.from_pillow(Image.fromarray(smooth)).save(tmp_path / "a.heic", quality=100)
    Image.fromarray(smooth).save(tmp_path / "a.avif", quality=100)
    for name in ("a.heic", "a.avif"):
        read = read_rgb(tmp_path / name)
        assert read.shape == smooth.shape
        assert np.abs(read.astype(int) - smooth).mean() < 6, name


def test_heic_without_its_library_names_the_install_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x1cftypheic" + bytes(40))
    with pytest.raises(UnreadableFile, match=r"a\.heic' is HEIC, and .*pip install 'specsight\[heic\]'"):
        read_rgb(tmp_path / "a.heic")


def test_planes_that_only_imagecodecs_undoes_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.tif").write_bytes(
        tiff(planes(DEEP), photometric="rgb", planarconfig="separate", compression="zlib")
    )
    monkeypatch.setattr("specsight.images.tiff.WITHOUT_CODECS", frozenset())
    monkeypatch.setattr("specsight.images.tiff.find_spec", lambda name: None)
    with pytest.raises(UnreadableFile, match="pip install imagecodecs"):
        read_rgb(tmp_path / "a.tif")


def test_masks_of_numbers_that_no_picture_may_hold_are_read(tmp_path: Path) -> None:
    labels = np.arange(54).reshape(6, 9)
    for kind in (np.int32, np.uint32, np.float32, np.int16, np.uint16):
        tifffile.imwrite(tmp_path / "m.tif", labels.astype(kind))
        np.testing.assert_array_equal(read_mask(tmp_path / "m.tif"), labels)

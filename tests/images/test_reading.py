"""What `images` reads, from sound files of every kind and from broken ones."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from specsight.errors import SpecsightError, UnreadableFile, WrongSize
from specsight.images import (
    MAX_PIXELS,
    anomaly_mask,
    defect_mask,
    defect_masks,
    load_picture,
    masks_known,
    read_depth,
    read_mask,
    read_rgb,
)
from specsight.records import Defect, Sample

RGB = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)
ORIENTATIONS = {  # what a viewer does with pixels stored under each EXIF orientation
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


def save(path: Path, pixels: np.ndarray, mode: str | None = None, **options: Any) -> Path:
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@given(
    pixels=arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))),
    kind=st.sampled_from(["png", "bmp", "tiff", "ppm", "webp"]),
)
@settings(max_examples=60, deadline=None)
def test_lossless_formats_return_the_pixels(
    tmp_path_factory: pytest.TempPathFactory, pixels: np.ndarray, kind: str
) -> None:
    path = tmp_path_factory.mktemp("p") / f"a.{kind}"
    options: dict[str, Any] = {"lossless": True} if kind == "webp" else {}
    save(path, pixels, **options)
    assert np.array_equal(read_rgb(path), pixels)


@given(
    pixels=arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))),
    mode=st.sampled_from(["L", "1", "P", "LA", "RGBA", "CMYK", "YCbCr", "I;16", "L;jpg", "CMYK;jpg"]),
)
@settings(max_examples=80, deadline=None)
def test_every_mode_becomes_rgb_of_the_same_size(
    tmp_path_factory: pytest.TempPathFactory, pixels: np.ndarray, mode: str
) -> None:
    mode, _, ending = mode.partition(";")
    path = tmp_path_factory.mktemp("p") / ("a.jpg" if ending == "jpg" or mode == "YCbCr" else "a.tiff")
    if ending == "16":
        Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(path)
    else:
        save(path, pixels, mode)
    read = read_rgb(path, bits=16)
    assert read.shape == pixels.shape
    assert read.dtype == np.uint8
    if mode in ("L", "I", "LA", "1"):
        assert (read == read[..., :1]).all(), "grey stays grey"
    if ending == "16":
        assert np.array_equal(read[..., 0], pixels[..., 0])


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_is_divided_by_257_and_rounded_not_cut(tmp_path: Path, ending: str, channels: int) -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (6, 4, channels), np.uint16)
    deep[0, 0], deep[0, 1], deep[0, 2] = 65535, 128, 129
    if channels == 4:
        deep[..., 3] = 65535
    stored = deep if channels == 1 else np.concatenate((deep[..., 2::-1], deep[..., 3:]), axis=2)
    cv2.imwrite(str(tmp_path / f"a.{ending}"), stored)
    expected = np.round(deep[..., : min(channels, 3)] / 257).astype(np.uint8)
    read = read_rgb(tmp_path / f"a.{ending}")
    assert np.array_equal(read, np.broadcast_to(expected, (6, 4, 3)))
    assert read[0, 0].tolist() == [255] * 3
    assert (read[0, 1, 0], read[0, 2, 0]) == (0, 1)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, 3] = (0, 128, 255)
    assert read_rgb(save(tmp_path / "a.png", pixels))[0, :, 0].tolist() == [255, 127, 0]
    palette = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.save(tmp_path / "p.png", transparency=0)
    assert read_rgb(tmp_path / "p.png").tolist() == [[[255, 255, 255], [40, 50, 60]]]


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_exif_orientation_turns_pictures_masks_and_depth_alike(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = ORIENTATIONS[orientation]
    assert np.array_equal(read_rgb(save(tmp_path / "a.png", RGB, exif=exif)), turn(RGB))
    assert np.array_equal(read_mask(save(tmp_path / "m.png", RGB[..., 0], exif=exif)), turn(RGB[..., 0]))
    deep = RGB[..., 0].astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "d.png", exif=exif)
    assert np.array_equal(read_rgb(tmp_path / "d.png")[..., 0], turn(RGB[..., 0]))
    assert np.array_equal(read_depth(tmp_path / "d.png", (0.0, 255.0)), turn(RGB[..., 0]).astype(np.float32))
    tifffile.imwrite(
        tmp_path / "t.tif",
        RGB.astype(np.uint16) * 257,
        photometric="rgb",
        extratags=[(274, 3, 1, orientation, True)],
    )
    assert np.array_equal(read_rgb(tmp_path / "t.tif"), turn(RGB))


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises width × height and holds nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def broken_files(folder: Path) -> dict[str, Path]:
    complete = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(complete, "PNG")
    jpeg = io.BytesIO()
    Image.fromarray(RGB.repeat(20, 0).repeat(20, 1)).save(jpeg, "JPEG")
    contents = {
        "zero.png": b"",
        "truncated.png": complete.getvalue()[: len(complete.getvalue()) // 2],
        "truncated.jpg": jpeg.getvalue()[: len(jpeg.getvalue()) // 2],
        "text.png": b"this is not a picture\n",
        "bomb.png": png_header(30_000, 30_000),
        "hollow.png": png_header(10, 10),
        "script.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "folder.png").mkdir()
    return {name: folder / name for name in [*contents, "folder.png", "missing.png"]}


def test_broken_files_are_errors_of_one_line_that_names_them(tmp_path: Path) -> None:
    for name, path in broken_files(tmp_path).items():
        for read in (read_rgb, read_mask, read_depth):
            with pytest.raises(UnreadableFile) as caught:
                read(path)
            message = str(caught.value)
            assert name in message, message
            assert "\n" not in message


def test_a_bomb_is_refused_by_its_header_naming_the_limit(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png_header(30_000, 30_000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(
            UnreadableFile, match=r"30000 x 30000 .* limit of 100,000,000: .* --max-megapixels 900"
        ):
            read_rgb(tmp_path / "bomb.png")
        path = save(tmp_path / "a.png", RGB)
        with pytest.raises(UnreadableFile, match="limit of 34"):
            read_rgb(path, max_pixels=34)
        assert read_rgb(path, max_pixels=35).shape == RGB.shape
    for name, pixels in (
        ("d.npy", np.zeros((20, 20), np.float32)),
        ("d.tiff", np.zeros((20, 20), np.float32)),
    ):
        np.save(tmp_path / name, pixels) if name == "d.npy" else tifffile.imwrite(tmp_path / name, pixels)
        with pytest.raises(UnreadableFile, match="limit of 399"):
            read_depth(tmp_path / name, max_pixels=399)
    assert MAX_PIXELS < 30_000**2


def refusal(read: Callable[[Path], np.ndarray], path: Path) -> str | None:
    """The message of the one error that is allowed; None where the file could be read."""
    try:
        read(path)
    except UnreadableFile as error:
        return str(error)
    return None


@pytest.mark.filterwarnings("ignore:")
@given(
    data=st.binary(max_size=200),
    start=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0", b"BM"]),
)
@settings(max_examples=150, deadline=None)
def test_no_bytes_raise_anything_but_unreadable(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, start: bytes
) -> None:
    path = tmp_path_factory.mktemp("p") / "a.png"
    path.write_bytes(start + data)
    for read in (read_rgb, read_mask, read_depth):
        assert "a.png" in (refusal(read, path) or "a.png")


@pytest.mark.filterwarnings("ignore:")
@given(flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6))
@settings(max_examples=100, deadline=None)
def test_damaged_pictures_are_read_or_refused_never_more(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("p")
    for ending in ("png", "jpg", "tif"):
        path = folder / f"a.{ending}"
        save(path, RGB)
        content = bytearray(path.read_bytes())
        for place, value in flips:
            content[place % len(content)] = value
        path.write_bytes(content)
        assert path.name in (refusal(read_rgb, path) or path.name)


def test_names_of_any_kind(tmp_path: Path) -> None:
    for stem in ("Reifen größe ü 轮胎 🛞", "x" * 240, "with space & 'quote'"):
        assert np.array_equal(read_rgb(save(tmp_path / f"{stem}.png", RGB)), RGB)


def test_one_pixel_and_constant_pictures_are_read(tmp_path: Path) -> None:
    assert read_rgb(save(tmp_path / "a.png", RGB[:1, :1])).shape == (1, 1, 3)
    assert (read_rgb(save(tmp_path / "b.png", np.full((4, 4, 3), 9, np.uint8))) == 9).all()


def test_floating_point_pictures_have_no_colours(tmp_path: Path) -> None:
    Image.fromarray(np.ones((3, 3), np.float32)).save(tmp_path / "a.tiff")
    with pytest.raises(UnreadableFile, match="without a fixed range"):
        read_rgb(tmp_path / "a.tiff")


def test_masks_keep_their_stored_values(tmp_path: Path) -> None:
    values = np.array([[0, 1, 7], [255, 2, 0]], np.uint8)
    assert np.array_equal(read_mask(save(tmp_path / "a.png", values)), values)
    coloured = Image.fromarray(values).convert("P")
    coloured.putpalette([v for i in range(256) for v in (i, 0, 255 - i)])
    coloured.save(tmp_path / "p.png")
    assert np.array_equal(read_mask(tmp_path / "p.png"), values), "a colour palette: its indices"
    inverted = Image.fromarray((values > 0).astype(np.uint8)).convert("P")
    inverted.putpalette([255, 255, 255, 0, 0, 0])
    inverted.save(tmp_path / "i.png")
    assert np.array_equal(read_mask(tmp_path / "i.png") > 0, values == 0), "a grey palette: its greys"
    Image.fromarray(values.astype(np.uint16) * 200).save(tmp_path / "d.png")
    assert np.array_equal(read_mask(tmp_path / "d.png"), values.astype(int) * 200)
    assert np.array_equal(
        read_mask(save(tmp_path / "b.png", values, "1")) > 0, np.array(Image.fromarray(values).convert("1"))
    )
    red = np.zeros((2, 3, 4), np.uint8)
    red[0, 1] = (200, 10, 0, 255)
    red[1, 1] = (200, 10, 0, 0)
    assert read_mask(save(tmp_path / "c.png", red)).tolist() == [[0, 200, 0], [0, 0, 0]]


def test_defects_that_share_a_mask_stay_apart(tmp_path: Path) -> None:
    values = np.array([[0, 1, 1], [2, 2, 2]], np.uint8)
    path = save(tmp_path / "m.png", values)
    defects = (
        Defect("a", mask=path, mask_value=1),
        Defect("b", mask=path, mask_value=2),
        Defect("c", mask=path, mask_above=1),
        Defect("d", box=(0, 0, 1, 1)),
    )
    sample = Sample("s", tmp_path / "s.png", "p", label="defective", defects=defects)
    assert [int(m.sum()) for m in defect_masks(sample, (2, 3))] == [2, 3, 3, 1]
    assert anomaly_mask(sample, (2, 3)).all()
    assert masks_known(sample)


def test_masks_of_another_size_name_both(tmp_path: Path) -> None:
    path = save(tmp_path / "m.png", np.ones((4, 6), np.uint8))
    with pytest.raises(SpecsightError, match=r"m\.png' is 4 x 6 but its picture is 8 x 12"):
        defect_mask(Defect("a", mask=path), (8, 12))
    with pytest.raises(WrongSize, match="is 4 x 6 but its picture is 6 x 4"):
        defect_mask(Defect("a", mask=path), (6, 4))


def test_boxes_are_cut_to_the_picture_and_refused_outside(tmp_path: Path) -> None:
    assert defect_mask(Defect("a", box=(-3, 1, 2, 99)), (4, 5)).sum() == 2 * 3
    for box in ((9, 0, 12, 3), (2, 2, 2, 4), (-5, -5, 0, 0)):
        with pytest.raises(SpecsightError, match="empty or outside"):
            defect_mask(Defect("a", box=box), (4, 5))


def test_unknown_masks_are_not_taken_for_empty_ones(tmp_path: Path) -> None:
    nowhere = Sample("s", tmp_path / "s.png", "p", label="defective", defects=(Defect("a"),))
    untold = Sample("u", tmp_path / "s.png", "p", label="unknown")
    good = Sample("g", tmp_path / "s.png", "p", label="good")
    assert [masks_known(s) for s in (nowhere, untold, good)] == [False, False, True]
    assert not anomaly_mask(good, (2, 2)).any()
    for sample in (nowhere, untold):
        with pytest.raises(SpecsightError, match="leave it out of pixel metrics"):
            anomaly_mask(sample, (2, 2))


def test_depth_of_a_point_cloud_is_z_and_zero_points_are_unknown(tmp_path: Path) -> None:
    cloud = np.random.default_rng(0).random((5, 4, 3), dtype=np.float32) + 1
    cloud[1, 2] = 0
    cloud[0, 0, 2] = 0  # x and y known: a real point at depth 0
    expected = cloud[..., 2].copy()
    expected[1, 2] = np.nan
    for name, options in (("a.tiff", {}), ("b.tiff", {"compression": "zlib"})):
        tifffile.imwrite(tmp_path / name, cloud, photometric="rgb", **options)
        np.testing.assert_array_equal(read_depth(tmp_path / name), expected)
    np.save(tmp_path / "a.npy", cloud)
    np.testing.assert_array_equal(read_depth(tmp_path / "a.npy"), expected)
    cv2.imwrite(str(tmp_path / "lzw.tiff"), cloud[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    np.testing.assert_array_equal(read_depth(tmp_path / "lzw.tiff"), expected)


def test_depth_in_integers_and_floats(tmp_path: Path) -> None:
    raw = np.array([[0, 65535, 32768]], np.uint16)
    Image.fromarray(raw).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_depth(tmp_path / "a.png", (1.0, 3.0)), [[1, 3, 2.00002]], rtol=1e-5)
    np.testing.assert_array_equal(read_depth(tmp_path / "a.png"), [[np.nan, np.nan, 32768]])
    values = np.array([[0.0, np.nan, np.inf, -1.5]], np.float32)
    for name in ("a.tiff", "a.npy"):
        np.save(tmp_path / name, values) if name == "a.npy" else tifffile.imwrite(tmp_path / name, values)
        np.testing.assert_array_equal(read_depth(tmp_path / name), [[0, np.nan, np.nan, -1.5]])


def test_depth_never_unpickles(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], object), allow_pickle=True)
    np.save(tmp_path / "b.npy", np.zeros((2, 2, 2, 2)))
    (tmp_path / "c.npy").write_bytes(b"\x93NUMPY garbage")
    for name in ("a.npy", "b.npy", "c.npy"):
        with pytest.raises(UnreadableFile, match=name):
            read_depth(tmp_path / name)


def test_a_picture_carries_depth_and_parts_of_its_own_size(tmp_path: Path) -> None:
    image = save(tmp_path / "a.png", RGB)
    np.save(tmp_path / "d.npy", np.ones((7, 5), np.float32))
    parts = save(tmp_path / "p.png", RGB[..., 0] % 4)
    sample = Sample("s", image, "tyre", depth=tmp_path / "d.npy", parts=parts, circular=True)
    picture = load_picture(sample)
    assert picture.circular
    assert picture.depth is not None
    assert picture.depth.dtype == np.float32
    assert picture.parts is not None
    assert np.array_equal(picture.parts, RGB[..., 0] % 4)

"""Depth and other channels beside colours: units, what is unknown, what is refused, and what a picture lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image
from tests.support.odd_pictures import COLOURS

from specsight.errors import UnreadableFile, WrongSize
from specsight.images import load_picture, read_depth, read_signal, shorter_side
from specsight.images.rotation import rotated
from specsight.records import Picture, Sample

HEIGHT, WIDTH = COLOURS.shape[:2]


def ramp() -> np.ndarray:
    return np.linspace(400, 500, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.float32)


@pytest.fixture
def part(tmp_path: Path) -> Sample:
    Image.fromarray(COLOURS).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "d.tiff", ramp())
    return Sample("a", tmp_path / "a.png", "plate", depth=tmp_path / "d.tiff")


def test_what_cameras_write_is_read_in_mm(tmp_path: Path) -> None:
    """As in MVTec 3D-AD's tree with other cameras: metres, z alone, integers of mm, no reading as -9999, 0 or 65535."""
    y, x = np.mgrid[:4, :5].astype(np.float32)
    z = 0.5 + 0.01 * y
    cloud = np.stack([x * 0.001, y * 0.001, z], 2)
    unknown = cloud.copy()
    unknown[0, :2], unknown[1, 0], unknown[1, 1, 2] = 0, -9999, np.nan
    whole = (z * 1000).round().astype(np.uint16)
    whole[0, :2], whole[1, :2] = 0, 65535
    alone = np.where(np.isnan(unknown[..., 2]) | (unknown[..., 2] <= 0), -9999, unknown[..., 2]).astype(
        np.float32
    )
    expected = (z * 1000).astype(np.float32)
    expected[0, :2] = expected[1, :2] = np.nan
    for name, stored in (("cloud", unknown), ("whole", whole), ("alone", alone)):
        tifffile.imwrite(
            tmp_path / f"{name}.tiff", stored, photometric="rgb" if stored.ndim == 3 else "minisblack"
        )
        read = read_depth(tmp_path / f"{name}.tiff", unit_mm=1000)
        np.testing.assert_allclose(read, expected, rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(
        read_signal("xyz", tmp_path / "cloud.tiff", unit_mm=1000)[3, 4], [4, 3, 530], rtol=1e-5
    )


def test_normals_are_unit_vectors_whatever_they_are_stored_in(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(6, 5, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    np.save(tmp_path / "n.npy", np.where(np.arange(5)[:, None] == 2, 0, vectors))
    Image.fromarray(np.round(127.5 + 127.5 * vectors).astype(np.uint8)).save(tmp_path / "n.png")
    exact, rounded = (read_signal("normals", tmp_path / f"n.{kind}") for kind in ("npy", "png"))
    assert np.isnan(exact[:, 2]).all()
    np.testing.assert_allclose(np.delete(exact, 2, 1), np.delete(vectors, 2, 1), atol=1e-6)
    np.testing.assert_allclose(rounded, vectors, atol=0.02)
    np.save(tmp_path / "n.npy", 5 * vectors)
    with pytest.raises(UnreadableFile, match=r"n\.npy' holds no unit vectors"):
        read_signal("normals", tmp_path / "n.npy")


def test_a_method_gets_the_signals_that_it_uses(part: Sample, tmp_path: Path) -> None:
    np.save(tmp_path / "ir.npy", ramp())
    Image.fromarray(COLOURS[..., ::-1]).save(tmp_path / "l.png")
    rich = replace(part, signals={"ir": tmp_path / "ir.npy", "light_1": tmp_path / "l.png"})
    assert load_picture(rich, uses=()).signals == {}
    assert load_picture(rich).modalities == {"rgb", "depth", "ir", "light_1"}
    picture = load_picture(rich, uses=("depth", "ir", "uv"))
    assert picture.modalities == {"rgb", "depth", "ir"}
    assert picture.absent == {"uv"}
    assert picture.notes == ("there is no uv",)
    np.testing.assert_array_equal(picture.signals["ir"], ramp())
    np.testing.assert_array_equal(load_picture(rich).signals["light_1"], COLOURS[..., ::-1])


def test_another_size_is_refused_where_it_is_used_and_nothing_is_resized(
    part: Sample, tmp_path: Path
) -> None:
    np.save(tmp_path / "half.npy", ramp()[::2])
    small = {
        "depth": replace(part, depth=tmp_path / "half.npy"),
        "ir": replace(part, signals={"ir": tmp_path / "half.npy"}),
    }
    for name, sample in small.items():
        with pytest.raises(
            WrongSize, match=rf"{name} '.*half\.npy' is {HEIGHT // 2} x {WIDTH} but its picture is {HEIGHT} x"
        ):
            load_picture(sample, uses=("depth", "ir"))
        picture = load_picture(sample)
        assert picture.absent == {name}
        assert any(
            note.startswith(f"{name} left out: it is {HEIGHT // 2} x {WIDTH}") for note in picture.notes
        )


def test_a_modality_that_fails_is_absent_where_the_method_can_do_without(
    part: Sample, tmp_path: Path
) -> None:
    uses = ("depth",)
    gone = load_picture(replace(part, depth=tmp_path / "no.tiff"), uses=uses)
    assert (gone.depth, gone.absent, gone.modalities) == (None, {"depth"}, {"rgb"})
    assert gone.notes == ("depth left out: there is no such file: check the path",)
    zero = tmp_path / "zero.tiff"
    tifffile.imwrite(zero, np.zeros((HEIGHT, WIDTH), np.float32))
    assert load_picture(replace(part, depth=zero), uses=uses).absent == {"depth"}
    never = load_picture(replace(part, depth=None), uses=uses)
    assert (never.absent, never.notes) == ({"depth"}, ("there is no depth",))
    with pytest.raises(UnreadableFile, match="which is needed"):
        load_picture(replace(part, depth=None), needs_depth=True, uses=uses)


def test_colours_that_show_nothing_are_absent_beside_depth(part: Sample, tmp_path: Path) -> None:
    dead = tmp_path / "dead.png"
    Image.fromarray(np.full_like(COLOURS, 90)).save(dead)
    blind = load_picture(replace(part, image=dead), uses=("depth",))
    assert (blind.absent, blind.rgb.max(), blind.modalities) == ({"rgb"}, 0, {"depth"})
    assert part.depth is not None
    alone = load_picture(replace(part, image=part.depth), uses=("depth",))
    assert (alone.absent, alone.size, alone.notes) == (
        {"rgb"},
        (HEIGHT, WIDTH),
        ("there is depth alone, and no picture",),
    )
    (tmp_path / "cut.png").write_bytes(part.image.read_bytes()[:50])
    cut = load_picture(replace(part, image=tmp_path / "cut.png"), uses=("depth",))
    assert (cut.absent, cut.modalities) == ({"rgb"}, {"depth"})
    # A method that knows colours only sees what it always saw, or nothing at all.
    assert load_picture(replace(part, image=dead), uses=()).rgb.max() == 90
    for other in (replace(part, image=part.depth), replace(part, image=tmp_path / "cut.png")):
        with pytest.raises(UnreadableFile):
            load_picture(other, uses=())


def test_how_much_depth_is_unknown_is_noted_in_steps(part: Sample) -> None:
    depth = ramp()
    depth[:, : WIDTH // 4] = np.nan
    depth[:, -1] = 0
    assert part.depth is not None
    tifffile.imwrite(part.depth, depth)
    assert load_picture(part).notes == (
        "depth is unknown on more than a tenth of the picture",
        "depth is exactly 0 on more than a tenth of the picture, and taken as measured",
    )


def test_what_is_taken_away_is_absent() -> None:
    whole = Picture(COLOURS, ramp(), signals={"ir": ramp()})
    blind = whole.without("rgb", "ir", "uv")
    assert (blind.modalities, blind.absent, blind.rgb.max()) == ({"depth"}, {"rgb", "ir"}, 0)
    assert whole.without("uv") is whole
    with pytest.raises(ValueError, match="without any modality"):
        blind.without("depth")


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns_move_signals_with_the_picture_and_turn_their_vectors(quarters: int) -> None:
    rng = np.random.default_rng(1)
    tilted = np.array([0.6, 0.0, 0.8], np.float32)  # towards the right
    side = 21
    light: NDArray[np.uint8] = rng.integers(0, 255, (side, side, 3), dtype=np.uint8)
    signals: dict[str, NDArray[Any]] = {
        "ir": rng.normal(size=(side, side)).astype(np.float32),
        "normals": np.tile(tilted, (side, side, 1)),
        "light_1": light,
    }
    turned = rotated(Picture(light, signals=signals), 90 * quarters).signals
    for name in ("ir", "light_1"):
        np.testing.assert_array_equal(turned[name], np.rot90(signals[name], quarters))
    expected = {1: (0, -0.6, 0.8), 2: (-0.6, 0, 0.8), 3: (0, 0.6, 0.8)}[quarters]  # y is down
    np.testing.assert_allclose(turned["normals"], np.tile(expected, (side, side, 1)), atol=1e-6)


def test_frames_take_several_channels_as_they_take_one() -> None:
    rgb = np.zeros((20, 30, 3), np.uint8)
    _, frame = shorter_side(rgb, 16, 8, circular=True)
    channels = np.random.default_rng(2).normal(size=(20, 30, 3)).astype(np.float32)
    framed = frame.apply(channels, np.nan)
    for k in range(3):
        np.testing.assert_array_equal(framed[..., k], frame.apply(channels[..., k], np.nan))


def test_a_dead_camera_and_a_blind_sensor_are_absent(part: Sample, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    dark = tmp_path / "dark.png"
    one = np.zeros_like(COLOURS)
    one[3, 4] = 1
    for pixels in (rng.integers(0, 3, COLOURS.shape).astype(np.uint8), one):
        Image.fromarray(pixels).save(dark)
        assert load_picture(replace(part, image=dark), uses=("depth",)).absent == {"rgb"}
    big = np.full((128, 128), np.nan, np.float32)
    Image.fromarray(rng.integers(0, 255, (128, 128, 3)).astype(np.uint8)).save(dark)
    few = np.where(rng.random(big.shape) < 0.1, 250 + rng.random(big.shape), np.nan)
    single = big.copy()
    single[5, 5] = 250
    seen = big.copy()
    seen[40:60, 40:60] = 250 + rng.random((20, 20))
    # A plate may be flat: whether depth of 7 mm everywhere is odd, good parts say (`inspector.usual_depth`).
    flat = np.full_like(big, 7)
    for depth, absent in (
        (few, True),
        (single, True),
        (np.zeros_like(big), True),
        (flat, False),
        (seen, False),
    ):
        np.save(tmp_path / "d.npy", depth.astype(np.float32))
        sample = replace(part, image=dark, depth=tmp_path / "d.npy")
        assert load_picture(sample, uses=("depth",)).absent == ({"depth"} if absent else set())
        if absent:
            with pytest.raises(UnreadableFile, match="measure again"):
                load_picture(sample, needs_depth=True)


def test_a_colour_picture_is_no_depth_and_absurd_values_are_unknown(tmp_path: Path) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "c.png")
    with pytest.raises(UnreadableFile, match="is a picture in colours"):
        read_depth(tmp_path / "c.png")
    with pytest.raises(UnreadableFile, match="is a picture in colours"):
        load_picture(Sample("c", tmp_path / "c.png", "p", depth=tmp_path / "c.png"), uses=("depth",))
    odd = ramp()
    odd[0, :4] = (3e38, -32768, 65535, np.inf)
    np.save(tmp_path / "d.npy", odd)
    assert np.isnan(read_depth(tmp_path / "d.npy")).sum() == 4


@pytest.mark.parametrize(
    "name", ["../../evil", "/evil", "a/b", ".", "manifest.jsonl", "<b>hi</b>", "masks", "x" * 65]
)
def test_a_signal_has_a_name_that_a_folder_can_have(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="signal is called"):
        Sample("a", tmp_path / "a.png", "p", signals={name: tmp_path / "b.npy"})
    with pytest.raises(ValueError, match="take for one"):
        Sample("a", tmp_path / "a.png", "p", signals={"IR": tmp_path / "b.npy", "ir": tmp_path / "b.npy"})


@pytest.mark.parametrize("ending", [".tiff", ".npy"])
def test_channels_without_number_are_refused_by_the_header(tmp_path: Path, ending: str) -> None:
    values, path = np.zeros((8, 8, 50), np.uint8), tmp_path / f"a{ending}"
    if ending == ".npy":
        np.save(path, values)
    else:
        tifffile.imwrite(path, values, compression="zlib", planarconfig="contig", photometric="minisblack")
    assert read_signal("ir", path, max_pixels=800).shape == (8, 8, 50)
    with pytest.raises(
        UnreadableFile, match="8 x 8 pixels of 50 channels, more values than the limit of 2,800"
    ):
        read_signal("ir", path, max_pixels=700)

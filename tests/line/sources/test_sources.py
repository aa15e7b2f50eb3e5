"""Pictures as they come: complete or not, replayed at a rate, from a virtual camera."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support.factory import photograph

from specsight.errors import SpecsightError
from specsight.line.sources import Source
from specsight.line.sources.folder import FolderSource
from specsight.line.sources.genicam import CameraSource, camera_options, pixels_of
from specsight.line.sources.replay import ReplaySource, rate_of


class Clock:
    """Seconds that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def arriving(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def names(source: Source) -> list[str]:
    """Files of what is offered now; of a folder, a picture that is offered is taken away."""
    found = []
    while (arrival := source.next()) is not None:
        found.append(arrival.file)
        if arrival.moves and isinstance(arrival.picture, Path):
            arrival.picture.unlink()
    return found


def test_a_picture_is_offered_once_it_has_stopped_changing(arriving: Path, clock: Clock) -> None:
    source = FolderSource(arriving, settle=1, clock=clock)
    content = (photograph(arriving.parent / "new", 1) / "0.png").read_bytes()
    file = arriving / "a.png"
    for end in (100, 200, len(content)):
        file.write_bytes(content[:end])
        assert names(source) == []
        clock.now += 0.9
        assert names(source) == []
        assert source.left() == {"a.png": "it is being written, or has just arrived"}
    clock.now += 0.2
    assert names(source) == ["a.png"]


def test_a_picture_that_stops_halfway_is_waited_for_ten_times_as_long(arriving: Path, clock: Clock) -> None:
    source = FolderSource(arriving, settle=1, clock=clock)
    content = (photograph(arriving.parent / "new", 1) / "0.png").read_bytes()
    (arriving / "half.png").write_bytes(content[:-20])
    (arriving / "empty.png").touch()
    assert names(source) == []
    clock.now = 5
    assert names(source) == []
    clock.now = 11
    assert sorted(names(source)) == ["empty.png", "half.png"]


def test_what_is_no_picture_is_left_with_the_reason(arriving: Path, clock: Clock) -> None:
    source = FolderSource(arriving, settle=1, clock=clock)
    photograph(arriving, 1)
    (arriving / "notes.txt").write_text("x")
    (arriving / ".hidden.png").write_bytes(b"x")
    (arriving / "folder").mkdir()
    (arriving / "link.png").symlink_to(arriving / "0.png")
    (arriving / "words.json").write_text("{}")
    source.next()
    clock.now = 20
    assert names(source) == ["0.png"]
    left = source.left()
    assert left.keys() == {"notes.txt", ".hidden.png", "folder", "link.png", "words.json"}
    assert "ending" in left["notes.txt"]
    assert "link" in left["link.png"]
    assert "without a picture" in left["words.json"]


def test_pictures_come_in_the_order_in_which_they_were_written(arriving: Path, clock: Clock) -> None:
    source = FolderSource(arriving, settle=1, clock=clock)
    photograph(arriving, 3)
    for number, time in ((0, 300), (1, 100), (2, 200)):
        os.utime(arriving / f"{number}.png", (time, time))
    source.next()
    clock.now = 2
    assert names(source) == ["1.png", "2.png", "0.png"]


def test_words_and_depth_beside_a_picture(arriving: Path, clock: Clock, tmp_path: Path) -> None:
    depth = tmp_path / "depth"
    depth.mkdir()
    source = FolderSource(arriving, depth, settle=1, clock=clock)
    (arriving / "0.json").write_text('{"part": "cap 7", "say": "Inspect the rim only."}')
    photograph(arriving, 1)
    source.next()
    clock.now = 2
    assert source.next() is None
    assert "waits for its depth" in source.left()["0.png"]
    np.save(depth / "0.npy", np.zeros((64, 64), np.float32))
    source.next()
    clock.now = 4
    arrival = source.next()
    assert arrival is not None
    assert (arrival.part, arrival.words, arrival.depth) == ("cap 7", "Inspect the rim only.", depth / "0.npy")
    assert arrival.sidecar == arriving / "0.json"


@pytest.mark.parametrize("text", ["[1]", '{"say": 1}', '{"says": "x"}', "no json"])
def test_words_that_are_none_keep_the_picture_waiting(text: str, arriving: Path, clock: Clock) -> None:
    source = FolderSource(arriving, settle=1, clock=clock)
    photograph(arriving, 1)
    (arriving / "0.json").write_text(text)
    source.next()
    clock.now = 20
    assert names(source) == []
    assert "'0.json'" in source.left()["0.png"]


def test_a_replay_keeps_its_rate_and_counts_what_comes_late(tmp_path: Path, clock: Clock) -> None:
    source = ReplaySource(photograph(tmp_path, 11), 2.0, clock=clock)
    assert names(source) == ["0.png"]
    assert source.pause == 0.5
    clock.now = 0.4
    assert names(source) == []
    clock.now = 1.0
    assert names(source) == ["1.png", "2.png"]
    assert source.behind == 0
    clock.now = 100
    assert names(source) == [f"{k}.png" for k in range(3, 11)]
    assert source.ended
    assert source.behind == 8


def test_a_replay_loops_and_shuffles_as_its_seed_says(tmp_path: Path) -> None:
    folder = photograph(tmp_path, 5)
    plain = [f"{k}.png" for k in range(5)]
    assert names(ReplaySource(folder, loops=2)) == plain * 2
    shuffled = names(ReplaySource(folder, loops=2, seed=1))
    assert shuffled == names(ReplaySource(folder, loops=2, seed=1))
    assert shuffled[:5] != shuffled[5:]
    assert sorted(shuffled[:5]) == sorted(shuffled[5:]) == plain
    endless = ReplaySource(folder, loops=0)
    assert [endless.next() is not None for _ in range(12)] == [True] * 12


@pytest.mark.parametrize(("text", "rate"), [("1.0/s", 1), ("60/min", 1), ("1800/h", 0.5)])
def test_rates(text: str, rate: float) -> None:
    assert rate_of(text) == rate


@pytest.mark.parametrize("text", ["1", "0/s", "-1/s", "1/day", "1e9/s", "nan/s"])
def test_rates_that_are_none(text: str) -> None:
    with pytest.raises(SpecsightError, match="60/min"):
        rate_of(text)


def test_frames_of_a_camera_as_pixels() -> None:
    grey = np.arange(6, dtype=np.uint8)
    assert np.array_equal(pixels_of(grey, 3, 2, "Mono8"), grey.reshape(2, 3))
    assert pixels_of(np.full(6, 4095, np.uint16), 3, 2, "Mono12").max() == 4095 << 4
    colours = np.arange(24, dtype=np.uint8)
    assert np.array_equal(pixels_of(colours, 4, 2, "BGR8")[0, 0], [2, 1, 0])
    assert np.array_equal(pixels_of(colours, 3, 2, "RGBa8")[0, 1], [4, 5, 6])
    with pytest.raises(SpecsightError, match="Mono12p"):
        pixels_of(grey, 3, 2, "Mono12p")


@pytest.mark.parametrize(("order", "red"), [("RG", (0, 0)), ("BG", (1, 1)), ("GR", (0, 1)), ("GB", (1, 0))])
def test_bayer_orders_are_those_of_genicam(order: str, red: tuple[int, int]) -> None:
    mosaic = np.zeros((16, 16), np.uint8)
    mosaic[red[0] :: 2, red[1] :: 2] = 200
    pixels = pixels_of(mosaic.ravel(), 16, 16, f"Bayer{order}8")
    assert pixels[4:12, 4:12, 0].mean() > 150
    assert pixels[4:12, 4:12, 1:].max() == 0


def test_the_virtual_camera_of_genicam() -> None:
    genicam = pytest.importorskip("genicam")
    pytest.importorskip("harvesters")
    producer = Path(genicam.__file__).with_name("viky.cti")
    if not producer.exists():
        pytest.skip("this genicam brings no virtual camera")
    with pytest.raises(SpecsightError, match="serial=0 or serial=1"):
        CameraSource({"cti": str(producer)})
    with pytest.raises(SpecsightError, match="no camera has serial number 9"):
        CameraSource({"cti": str(producer), "serial": "9"})
    source = CameraSource({"cti": str(producer), "serial": "0", "frames": "2"})
    frames = []
    while not source.ended:
        if (arrival := source.next()) is not None:
            assert isinstance(arrival.picture, bytes)
            frames.append(Image.open(io.BytesIO(arrival.picture)))
    source.close()
    assert [(one.size, one.mode) for one in frames] == [((400, 400), "RGB")] * 2
    red, green, _ = np.asarray(frames[0]).reshape(-1, 3).mean(0)
    assert red > green  # "VikyTL_DEV_red"


def test_a_producer_that_is_none(tmp_path: Path) -> None:
    pytest.importorskip("harvesters")
    with pytest.raises(SpecsightError, match="there is no GenTL producer"):
        CameraSource({"cti": str(tmp_path / "no.cti")})
    (tmp_path / "bad.cti").write_bytes(b"no library")
    with pytest.raises(SpecsightError, match="bad"):
        CameraSource({"cti": str(tmp_path / "bad.cti")})
    with pytest.raises(SpecsightError, match="serial, trigger"):
        CameraSource({"cti": "x", "colour": "red"})
    with pytest.raises(SpecsightError, match="name=value"):
        camera_options("producer.cti")

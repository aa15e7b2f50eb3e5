"""What is shown over a picture: all defects, and in a frame those that an item is about."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.support.small_benchmark import HEIGHT, WIDTH, write_small_benchmark

from specsight.errors import SpecsightError
from specsight.explain.slots import Slots
from specsight.service import pictures


def decoded(content: bytes) -> np.ndarray:
    bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert bgr is not None
    return bgr[..., [2, 1, 0, *range(3, bgr.shape[2])]]


def test_one_of_two_defects_is_framed_and_both_are_outlined(tmp_path: Path) -> None:
    benchmark = write_small_benchmark(tmp_path)
    item = next(one for one in benchmark.items() if one.sample == "scratch")
    sample = benchmark.sample("scratch")
    boxes = ((833, 750, 966, 900),)
    about_one = item.model_copy(update={"slots": Slots(boxes=boxes)})
    layer = decoded(pictures.marks(benchmark, about_one, sample, 0))
    assert layer.shape == (HEIGHT, WIDTH, 4)
    assert (layer[8:12, 0:20, 3] == 70).all()
    assert layer[7, 5, 3] == 255
    assert int(layer[7, 5, 2]) > int(layer[7, 5, 0]) + 60  # blue; the file is compressed with loss
    assert layer[26, 52, 3] == 255
    assert int(layer[26, 52, 0]) > int(layer[26, 52, 2]) + 60  # orange
    about_all = item.model_copy(update={"slots": Slots(boxes=(*boxes, (0, 200, 333, 300)))})
    assert decoded(pictures.marks(benchmark, about_all, sample, 0))[26, 52, 3] == 0


def test_long_strips_keep_their_length_and_nothing_is_enlarged(tmp_path: Path) -> None:
    benchmark = write_small_benchmark(tmp_path)
    for size, shown in (((500, 9000), (444, 8000)), ((3000, 3000), (2000, 2000)), ((40, 60), (40, 60))):
        cv2.imwrite(str(benchmark.data / "strip.png"), np.full((*size, 3), 90, np.uint8))
        assert decoded(pictures.picture_of(benchmark, "strip.png")).shape[:2] == shown


def test_run_lengths_of_another_size_are_refused(tmp_path: Path) -> None:
    benchmark = write_small_benchmark(tmp_path)
    sample = benchmark.sample("scratch")
    with pytest.raises(SpecsightError, match="another size"):
        pictures.marks_of(benchmark, sample.model_copy(update={"width": 61}))

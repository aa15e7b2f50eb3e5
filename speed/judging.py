"""Judging one 256 px picture with PatchCore: the nearest-neighbour search against the encoder.

A full bank (8,192 patches) on the encoder's own number of axes; stages are timed alternately, medians of 30.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from specsight.detectors import View
from specsight.detectors.patchcore import PatchCore
from specsight.features.memory_bank import MemoryBank
from specsight.records import Picture
from speed import SHARED
from speed.rows import Row

TITLE = "judging one 256 px picture"
ROUNDS = 30


def run() -> list[Row]:
    """Rows for `filters` and, where it lies beside the project, for MobileNetV2."""
    rows = compare("filters", "filters")
    checkpoint = SHARED / "encoders" / "mobilenet_v2_imagenet"
    if checkpoint.is_dir():
        rows += compare("MobileNetV2", str(checkpoint))
    return rows


def compare(title: str, encoder: str) -> list[Row]:
    """Median milliseconds of looking, searching and the whole of judging."""
    generator = np.random.default_rng(0)
    detector = PatchCore(encoder=encoder, resolution=256)
    pictures = [Picture(photograph(generator)) for _ in range(16)]
    detector._learn(iter(detector.look(pictures)), len(pictures), None)
    if detector.space_ is None or detector.bank_ is None:
        raise RuntimeError("the detector has learned nothing")
    # Few pictures fill a small bank: the rest of the full-size one is made up, its cost is the same.
    width = detector.bank_.vectors.shape[1]
    detector.bank_ = MemoryBank(generator.standard_normal((detector.coreset_limit, width), dtype=np.float32))
    picture = Picture(photograph(generator))
    view: View = detector.look([picture])[0]
    patches = detector.space_.project(detector._patches(view)[0])
    look, search, judge = _medians(
        lambda: detector.look([picture]),
        lambda: detector.bank_.nearest(patches) if detector.bank_ else None,
        lambda: detector.judge(view),
    )
    measured = f"look {look:.1f} ms, search {search:.1f} ms, judge with the search {judge:.1f} ms"
    what = f"{title}: {len(patches)} patches against {detector.coreset_limit} × {width}"
    return [Row(what, measured, "search < encoder", f"{search / look:.2f}", search < look)]


def _medians(*stages: Callable[[], object]) -> list[float]:
    """Milliseconds of each stage, the stages taking turns so that other load meets all of them."""
    taken: list[list[float]] = [[] for _ in stages]
    for _ in range(ROUNDS):
        for stage, times in zip(stages, taken):
            start = time.perf_counter()
            stage()
            times.append(1000 * (time.perf_counter() - start))
    return [median(times) for times in taken]


def photograph(generator: np.random.Generator) -> np.ndarray:
    """256 px of smooth structure and fine noise."""
    import cv2

    coarse = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (256, 256), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    noisy = smooth + generator.normal(0, 6, smooth.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)

"""Exact pixel metrics of 83 maps of 900 × 900 against thresholds × connected components, in the same run.

Maps and masks are made up and come one at a time, as if read from disk. Each side runs in a process of its own, so that
its peak memory is its own. The baseline is the textbook loop: 200 thresholds, and at each one the overlap of every
connected component. It gets a few maps only; its time is linear in the number of maps, so it is scaled up, and the
table says so. Both sides use one thread; they are compared by CPU time, which other programs disturb less.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speed.rows import Row

TITLE = "exact AUPRO + pixel AUROC + AP, 83 maps of 900 × 900"
MAPS, GOOD_MAPS, SIDE = 83, 20, 900
BASELINE_MAPS, THRESHOLDS = 4, 200
Pair = tuple[NDArray[np.float32], NDArray[np.bool_]]


def run() -> list[Row]:
    """Measure both sides and the intervals."""
    ours, baseline = _in_process("ours"), _in_process("baseline")
    scaled = baseline["cpu"] * MAPS / BASELINE_MAPS
    return [
        Row(
            "AUROC, AP, F1-max, AUPRO at 0.3 and 0.05, exact",
            f"{ours['seconds']:.1f} s",
            "≤ 15 s and ≥ 10 × the loop",
            f"{scaled / ours['cpu']:.0f} × less CPU time",
            ours["seconds"] <= 15 and scaled >= 10 * ours["cpu"],
        ),
        Row(
            "peak memory of that process",
            f"{ours['gib']:.2f} GiB",
            "< 3 GiB",
            f"{ours['gib'] * 2**30 / (MAPS * SIDE * SIDE):.1f} bytes per pixel",
            ours["gib"] < 3,
        ),
        Row(
            f"{THRESHOLDS} thresholds × connected components, AUPRO at 0.3 only",
            f"{scaled:.0f} s (scaled from {BASELINE_MAPS} maps: {baseline['cpu']:.1f} s)",
            "baseline",
        ),
        Row(
            f"error of its AUPRO@0.3 on {BASELINE_MAPS} maps",
            f"{abs(baseline['aupro'] - baseline['exact']):.1e}",
            "0 for ours",
        ),
        Row("1000 bootstrap resamples of AUROC, AP, F1-max, AUPRO", f"{ours['intervals']:.1f} s", ""),
    ]


def pictures(count: int, good: int) -> Iterator[Pair]:
    """Noise maps with raised rectangles, one to three per defective picture, good pictures first."""
    generator = np.random.default_rng(0)
    for index in range(count):
        anomaly_map = generator.standard_normal((SIDE, SIDE), dtype=np.float32)
        mask = np.zeros((SIDE, SIDE), dtype=bool)
        for _ in range(generator.integers(1, 4) if index >= good else 0):
            (y, x), (height, width) = generator.integers(0, SIDE - 160, 2), generator.integers(30, 160, 2)
            mask[y : y + height, x : x + width] = True
        anomaly_map[mask] += 2
        yield anomaly_map, mask


def textbook_aupro(pairs: list[Pair], limit: float, thresholds: int) -> float:
    """AUPRO by the loop everybody writes first: thresholds evenly between the lowest and the highest score."""
    from scipy import ndimage

    lowest, highest = min(m.min() for m, _ in pairs), max(m.max() for m, _ in pairs)
    fpr, pro = [], []
    for threshold in np.linspace(highest, lowest, thresholds):
        overlaps, false, defect_free = [], 0, 0
        for anomaly_map, mask in pairs:
            found = anomaly_map >= threshold
            labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
            overlaps += [found[labels == region].mean() for region in range(1, count + 1)]
            false += np.count_nonzero(found & ~mask)
            defect_free += np.count_nonzero(~mask)
        fpr.append(false / defect_free)
        pro.append(np.mean(overlaps))
    x = np.append(np.array(fpr)[np.array(fpr) < limit], limit)
    y = np.interp(x, fpr, pro)
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2) / limit)


def measure_ours() -> dict[str, float]:
    """Seconds without the making of the pictures, and peak memory in GiB before the intervals are asked for."""
    from specsight.metrics import gather, measure, pixel_intervals

    start, cpu_start = time.perf_counter(), time.process_time()
    for _ in pictures(MAPS, GOOD_MAPS):
        pass
    middle, cpu_middle = time.perf_counter(), time.process_time()
    scores = gather(pictures(MAPS, GOOD_MAPS))
    measure(scores)
    seconds = time.perf_counter() - middle - (middle - start)
    cpu = time.process_time() - cpu_middle - (cpu_middle - cpu_start)
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    start = time.perf_counter()
    pixel_intervals(scores)
    return {"seconds": seconds, "cpu": cpu, "gib": gib, "intervals": time.perf_counter() - start}


def measure_baseline() -> dict[str, float]:
    """CPU seconds of the loop over a few maps, its AUPRO and the exact one."""
    from specsight.metrics import aupro, gather

    pairs = list(pictures(BASELINE_MAPS, 1))
    start = time.process_time()
    value = textbook_aupro(pairs, 0.3, THRESHOLDS)
    return {"cpu": time.process_time() - start, "aupro": value, "exact": aupro(gather(pairs), 0.3)}


def _in_process(side: str) -> dict[str, Any]:
    code = f"import json; from speed import metrics; print(json.dumps(metrics.measure_{side}()))"
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result

"""Greedy k-centre: 10 % of 40,000 × 1,536 patches, against the textbook loop in the same run.

The textbook updates all distances by one matrix-vector product per pick (cached norms, float32, in place), which is
what can be written fairly with numpy. Its picks are timed in full on the first kind of data; on the others, whose
picks cost the same each, a tenth of them is timed.
"""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
from numpy.typing import NDArray

from specsight.features.coreset import greedy_k_centre
from speed import SHARED
from speed.rows import Row

TITLE = "coreset 10 % of 40,000 × 1,536"
ROWS, WIDTH, PICKS = 40_000, 1_536, 4_000

Points = NDArray[np.float32]


def run() -> list[Row]:
    """Rows on realistic features (from real pictures where there are some) and on isotropic noise."""
    kinds = [("patches on a 16-dimensional sheet, with noise", sheet())]
    if (SHARED / "encoders").is_dir():
        kinds.append(("neighbourhoods of MobileNetV2 patches of bottles", real()))
    rows = []
    for number, (kind, points) in enumerate(kinds):
        rows += compare(kind, points, PICKS if number == 0 else PICKS // 10)
    kinds.clear()
    return rows + compare("isotropic noise (no structure to use)", noise(), PICKS // 10)


def compare(kind: str, points: Points, textbook_picks: int) -> list[Row]:
    """Speed, covering radius and memory on one kind of points."""
    start = time.perf_counter()
    ours = greedy_k_centre(points, PICKS)
    seconds = time.perf_counter() - start
    # A second time for memory alone: tracing allocations takes time of its own.
    tracemalloc.start()
    greedy_k_centre(points, PICKS)
    extra = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    start = time.perf_counter()
    theirs = textbook(points, textbook_picks)
    textbook_seconds = (time.perf_counter() - start) * PICKS / textbook_picks
    ratio = textbook_seconds / seconds
    radius = covering_radius(points, ours[:textbook_picks]) / covering_radius(points, theirs)
    memory = (points.nbytes + extra) / points.nbytes
    timed = "in full" if textbook_picks == PICKS else f"from {textbook_picks} picks"
    measured = f"{seconds:.1f} s, textbook {textbook_seconds:.0f} s ({timed})"
    return [
        Row(f"{kind}: time", measured, "≥ 6 × faster", f"{ratio:.1f} ×", ratio >= 6),
        Row(
            f"{kind}: covering radius of {textbook_picks} picks",
            "",
            "within 2 %",
            f"{radius:.4f}",
            radius <= 1.02,
        ),
        Row(f"{kind}: peak memory", "bank and selection", "< 2 × the bank", f"{memory:.2f} ×", memory < 2),
    ]


def textbook(points: Points, count: int) -> NDArray[np.int64]:
    """One pass over all points per pick."""
    norms = np.einsum("nd,nd->n", points, points)
    nearest = np.full(len(points), np.inf, np.float32)
    picks = np.zeros(count, np.int64)
    for k in range(1, count):
        latest = points[picks[k - 1]]
        distances = points @ latest
        distances *= -2
        distances += norms
        distances += norms[picks[k - 1]]
        np.minimum(nearest, distances, out=nearest)
        picks[k] = nearest.argmax()
    return picks


def covering_radius(points: Points, picks: NDArray[np.int64]) -> float:
    """Largest distance of a point to its nearest pick."""
    import faiss

    index = faiss.IndexFlatL2(points.shape[1])
    index.add(points[picks])
    return float(np.sqrt(index.search(points, 1)[0].max()))


def sheet() -> Points:
    """Points near a curved 16-dimensional sheet in feature space, as patches of one product are."""
    generator = np.random.default_rng(0)
    inner = generator.standard_normal((ROWS, 16), dtype=np.float32)
    bent = np.tanh(inner @ generator.standard_normal((16, 256), dtype=np.float32) / 4)
    points = bent @ generator.standard_normal((256, WIDTH), dtype=np.float32)
    points += 0.3 * generator.standard_normal((ROWS, WIDTH), dtype=np.float32)
    return points


def noise() -> Points:
    """All directions alike: no method can leave points out."""
    return np.random.default_rng(0).standard_normal((ROWS, WIDTH), dtype=np.float32)


def real() -> Points:
    """MobileNetV2 patches (128 channels) of good bottles with twelve neighbours each: 1,536 channels."""
    from specsight.encoders import load_encoder
    from specsight.features import grids
    from specsight.images import read_rgb, shorter_side

    encoder = load_encoder(SHARED / "encoders" / "mobilenet_v2_imagenet")
    found = []
    for path in sorted((SHARED / "data" / "mvtec_ad" / "bottle" / "train" / "good").glob("*.png")):
        framed, _ = shorter_side(read_rgb(path), 320, encoder.multiple)
        grids_by_layer = dict(zip(encoder.default_layers, (g[0] for g in encoder.layers(framed[None]))))
        cells = {name: encoder.cells(name, grid) for name, grid in grids_by_layer.items()}
        joined, _ = grids.join(grids_by_layer, cells)
        around = np.lib.stride_tricks.sliding_window_view(joined, (3, 4), axis=(1, 2))
        found.append(around.transpose(1, 2, 0, 3, 4).reshape(-1, WIDTH))
        if sum(map(len, found)) >= ROWS:
            break
    return np.ascontiguousarray(np.concatenate(found)[:ROWS], np.float32)

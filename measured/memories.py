"""`python -m measured.memories`: what patch memories see, on the sets of `speed/memory_sets.py`, none published.

The same features and coreset size, compared in several spaces and with several scores of a picture; printed is the
difference to balanced patches whose length counts, mean of the top 0.5 %. `--quick` takes two sets.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from speed.memory_sets import InspectionSet, inspection_sets, painted_sets

from specsight.detectors import Detector, View, create_detector
from specsight.features import grids
from specsight.features.memory_bank import BankBuilder, MemoryBank
from specsight.features.moments import Moments, balance, principal_axes
from specsight.features.patch_space import directions
from specsight.images import Cells
from specsight.metrics import image_auroc
from specsight.metrics.pixel import pixel_metrics
from specsight.records import Picture
from specsight.report.export import Table, markdown
from specsight.storage import temporary_folder

Vectors = NDArray[np.float32]
Space = Callable[[Vectors], Vectors]

VARIANCE, NEIGHBOURHOOD, SIGMA, RATIO, LIMIT, BUDGET = 0.99, 3, 4.0, 0.1, 100_000, 2**30
SHARES = {"mean of the top 0.5 %": 0.005, "mean of the top 1 %": 0.01, "maximum": 1e-9}
REFERENCE = ("length", "mean of the top 0.5 %")


def main(arguments: list[str]) -> int:
    """Measure, print a Markdown table, and return 0."""
    parser = argparse.ArgumentParser(prog="python -m measured.memories", description=__doc__.split("\n")[0])
    parser.add_argument("--encoder", default="bundled")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="two sets, with every second picture")
    given = parser.parse_args(arguments)
    with temporary_folder("memories") as folder:
        rows = [
            measure(one, given.encoder, given.seed, step=2 if given.quick else 1)
            for one in _sets(given.seed, folder, given.quick)
        ]
    print(markdown(differences(rows)))
    return 0


Numbers = dict[tuple[str, str], tuple[float, float, float]]
"""Image AUROC, pixel AUROC and AUPRO up to 30 % by space and score."""


def measure(inspected: InspectionSet, encoder: str, seed: int, step: int = 1) -> Numbers:
    """The numbers of one set with every space and score; every `step`-th picture of it is taken."""
    print(f"{inspected.name} ...", file=sys.stderr, flush=True)
    detector = create_detector("patchcore", encoder=encoder, resolution=256)
    good = _patches(detector, inspected.good[::step])
    tested = inspected.tested[::step]
    looked = _patches(detector, [one.rgb for one in tested])
    masks = [np.any(one.masks, 0) if one.masks else np.zeros(one.rgb.shape[:2], bool) for one in tested]
    defective = [bool(one.masks) for one in tested]
    found: Numbers = {}
    for name, space in _spaces(good).items():
        bank = _bank([space(vectors) for _, vectors, _ in good], seed)
        distances = [bank.nearest(space(vectors))[0][:, 0] for _, vectors, _ in looked]
        maps = [
            grids.on_picture(values.reshape(cells.size), cells, view.frame, SIGMA)
            for values, (view, _, cells) in zip(distances, looked, strict=True)
        ]
        pixels = pixel_metrics(maps, masks, [one.masks for one in tested])
        for score, share in SHARES.items():
            pictures = image_auroc(defective, [grids.top_mean(values, share) for values in distances])
            found[name, score] = (pictures, pixels.auroc, pixels.aupro[0.3])
    return found


def differences(rows: Sequence[Numbers]) -> Table:
    """Means over sets less those of `REFERENCE`, in hundredths ± their standard error."""
    columns = ("space", "score", "image AUROC", "pixel AUROC", "AUPRO@0.3")
    table = []
    for key in rows[0]:
        own = 100 * np.array([np.subtract(row[key], row[REFERENCE]) for row in rows])
        error = own.std(0, ddof=1) / np.sqrt(len(own)) if len(own) > 1 else np.full(3, np.nan)
        table.append([*key, *(f"{mean:+.1f} ± {e:.1f}" for mean, e in zip(own.mean(0), error))])
    return Table(columns, table, words=2)


Looked = tuple[View, Vectors, Cells]


def _patches(detector: Detector, pictures: Sequence[NDArray[np.uint8]]) -> list[Looked]:
    """Each picture's view, patch vectors and cells."""
    found = []
    for rgb in pictures:
        (view,) = detector.look([Picture(rgb)])
        grid, cells = grids.join(view.features, view.cells, NEIGHBOURHOOD)
        found.append((view, grids.vectors(grid), cells))
    return found


def _spaces(good: Sequence[Looked]) -> dict[str, Space]:
    """In what patches are compared: their length counts, their direction alone, that whitened (PatchCore's default)."""
    widths = [len(grid) for grid in good[0][0].features.values()]
    moments, of_directions = Moments(), Moments()
    for _, vectors, _ in good:
        moments.add(vectors)
    scale = balance(moments, widths)
    for _, vectors, _ in good:
        of_directions.add(directions(vectors, scale))
    length = principal_axes(moments, VARIANCE, scale)
    direction = principal_axes(of_directions, VARIANCE)
    whitened = principal_axes(of_directions, VARIANCE, shrinkage=1.0)
    return {
        "length": length.project,
        "direction": lambda vectors: direction.project(directions(vectors, scale)),
        "direction, whitened": lambda vectors: whitened.project(directions(vectors, scale)),
    }


def _bank(good: Sequence[Vectors], seed: int) -> MemoryBank:
    builder = BankBuilder(RATIO, LIMIT, BUDGET, seed)
    for vectors in good:
        builder.add(vectors)
    return MemoryBank(builder.build(None))


def _sets(seed: int, folder: Path, quick: bool) -> Iterator[InspectionSet]:
    return islice(painted_sets(seed), 2) if quick else inspection_sets(seed, folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

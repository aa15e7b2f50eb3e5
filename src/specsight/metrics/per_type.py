"""One row per defect type: how well the pictures of that type are separated from the good ones.

Each type is measured against all good pictures (one-vs-good); pictures of other types take no part. The row "good"
holds what is meaningful without a defect: the share of good pictures accepted and the IoU on good pictures. Averages
are given with and without it, because it is the easy class and hides the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from specsight.errors import SpecsightError
from specsight.metrics.image import average_precision, image_auroc
from specsight.metrics.pixel import LIMITS, measure
from specsight.metrics.scores import PixelScores
from specsight.records import GOOD


@dataclass(frozen=True)
class TypeRow:
    """One type's numbers, each in [0, 1], nan where undefined or where its input was not given.

    `right_verdicts`: share of its pictures rejected (of "good": accepted). `iou`: mean over its pictures.
    """

    type: str
    pictures: int
    regions: int
    image_auroc: float
    image_average_precision: float
    pixel_auroc: float
    pixel_average_precision: float
    aupro: Mapping[float, float]
    right_verdicts: float
    iou: float


def per_type(
    types: Sequence[Sequence[str]],
    image_scores: ArrayLike,
    pixels: PixelScores | None = None,
    rejected: ArrayLike | None = None,
    iou: ArrayLike | None = None,
    *,
    limits: Sequence[float] = LIMITS,
) -> list[TypeRow]:
    """Rows for "good" (first) and every type that occurs, sorted by name; types that do not occur have no row.

    `types` (N,) lists each picture's types, ("good",) for a good part; a picture with several counts for each of them.
    `rejected` (N,) are verdicts and `iou` (N,) is `IoU.per_picture`. Pixel numbers of a picture with several types need
    its masks by type (`PixelTruth.types`), whose regions are their 8-connected components, without saturation areas.
    """
    scores = np.asarray(image_scores, dtype=np.float64)
    for name, given in (("scores", scores), ("verdicts", rejected), ("IoU values", iou)):
        if given is not None and len(np.asarray(given)) != len(types):
            raise SpecsightError(
                f"{len(np.asarray(given))} {name} for {len(types)} pictures: pass one per picture"
            )
    if pixels is not None and len(pixels.pictures) != len(types):
        raise SpecsightError(f"{len(pixels.pictures)} maps for {len(types)} pictures: pass one per picture")
    names = sorted({name for listed in types for name in listed} - {GOOD})
    good = _shows(types, GOOD)
    rows = []
    for name in [GOOD, *names] if good.any() else names:
        of_type = _shows(types, name)
        chosen = good | of_type
        right = (
            np.nan
            if rejected is None
            else _mean((np.asarray(rejected).astype(bool) ^ (name == GOOD))[of_type])
        )
        row = TypeRow(
            type=name,
            pictures=int(of_type.sum()),
            regions=0,
            image_auroc=image_auroc(of_type[chosen], scores[chosen]) if name != GOOD else np.nan,
            image_average_precision=average_precision(of_type[chosen], scores[chosen])
            if name != GOOD
            else np.nan,
            pixel_auroc=np.nan,
            pixel_average_precision=np.nan,
            aupro=dict.fromkeys(limits, np.nan),
            right_verdicts=right,
            iou=np.nan if iou is None else _mean(np.asarray(iou, dtype=np.float64)[of_type]),
        )
        rows.append(row if pixels is None or name == GOOD else _with_pixels(row, pixels, types, limits))
    return rows


def macro(rows: Sequence[TypeRow], with_good: bool) -> dict[str, float]:
    """Unweighted mean over types of each column (AUPRO as "aupro@0.3"), leaving out undefined entries."""
    columns: dict[str, list[float]] = {}
    for row in [row for row in rows if with_good or row.type != GOOD]:
        for name, value in vars(row).items():
            if name == "aupro":
                for limit, area in row.aupro.items():
                    columns.setdefault(f"aupro@{limit:g}", []).append(area)
            elif name not in ("type", "pictures", "regions"):
                columns.setdefault(name, []).append(value)
    return {name: _mean(np.array(values)) for name, values in columns.items()}


def one_type(pixels: PixelScores, types: Sequence[Sequence[str]], name: str) -> PixelScores:
    """The good pictures, and those of type `name` with that type's pixels as the only positives.

    Pixels of other types in these pictures are neither positive nor defect-free.
    """
    chosen = []
    for index, (picture, listed) in enumerate(zip(pixels.pictures, types, strict=True)):
        if tuple(listed) == (GOOD,) or (tuple(listed) == (name,) and name not in picture.types):
            chosen.append(picture)
        elif name in listed:
            if name not in picture.types:
                raise SpecsightError(
                    f"picture {index} shows {', '.join(listed)} but has no mask for '{name}' alone"
                )
            chosen.append(replace(picture, defects=picture.types[name]))
    return PixelScores(tuple(chosen))


def _with_pixels(
    row: TypeRow, pixels: PixelScores, types: Sequence[Sequence[str]], limits: Sequence[float]
) -> TypeRow:
    measured = measure(one_type(pixels, types, row.type), limits)
    return replace(
        row,
        regions=measured.regions,
        pixel_auroc=measured.auroc,
        pixel_average_precision=measured.average_precision,
        aupro=measured.aupro,
    )


def _shows(types: Sequence[Sequence[str]], name: str) -> NDArray[np.bool_]:
    return np.array([name in listed for listed in types], dtype=bool)


def _mean(values: NDArray[np.float64] | NDArray[np.bool_]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")

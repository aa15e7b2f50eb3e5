"""Numbers about pixels: how maps rank them, and how the findings at the calibrated threshold overlap the defects.

In: the predictions of one seed whose true masks are known, with their maps in the run folder. Out: numbers with
intervals, the PRO curve, and what the table by type needs.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from specsight import metrics
from specsight.calibration import Calibration
from specsight.evaluation import truth
from specsight.evaluation.numbers import NAN, NO_MASKS, NO_THRESHOLD, Number, Resampling, rate
from specsight.metrics import PixelScores
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction

LIMITS = (0.3, 0.05, 0.01)
"""False-positive rates up to which region overlap is measured."""


@dataclass(frozen=True)
class PixelNumbers:
    """Numbers by name; the rest is None where no mask is known."""

    values: dict[str, Number]
    pro: metrics.Curve | None = None
    scores: PixelScores | None = None
    iou: NDArray[np.float64] | None = None
    """(N,) of each picture at the calibrated threshold; None where there is none."""
    located: dict[str, bool] = field(default_factory=dict)
    """Id of each rejected defective picture → whether a finding touches its true defects."""
    notes: list[str] = field(default_factory=list)
    """What a reader must know about these numbers, in words."""


@dataclass(frozen=True)
class _Overlap:
    """Overlap of findings with defects: numbers by name, and IoU (N,) of each picture (None: no threshold)."""

    values: dict[str, Number] = field(default_factory=dict)
    per_picture: NDArray[np.float64] | None = None
    located: dict[str, bool] = field(default_factory=dict)


def pixel_numbers(
    run: RunFolder,
    masked: Sequence[Prediction],
    calibration: Calibration | None,
    *,
    map_size: int | None,
    resamples: int,
) -> PixelNumbers:
    """All pixel metrics of the pictures with known masks; those with saturation areas by AU-sPRO instead of AUPRO.

    `map_size`: shorter side in pixels at which maps are measured; None: the pictures' own resolution.
    """
    if not any(p.defects for p in masked):
        names = (
            "pixel_auroc",
            "pixel_ap",
            "pixel_f1_max",
            "aupro_30",
            "aupro_05",
            "aupimo",
            "iou",
            "located",
        )
        return PixelNumbers({name: Number(NAN, reason=NO_MASKS) for name in names})
    maps = truth.MapsWithTruth(run, masked, map_size)
    scores = metrics.gather(maps)
    measured = metrics.measure(scores, LIMITS)
    saturated = any(d.saturation is not None for p in masked for d in p.defects)
    sampling = Resampling(masked, resamples)
    aupimo = metrics.aupimo(scores)
    overlap = _overlap(run, masked, calibration, sampling)
    values = {
        **_ranking(measured, scores, sampling, saturated),
        "iou_oracle": Number(measured.oracle_iou),
        "aupimo": replace(
            sampling.mean(aupimo.per_picture, aupimo.note or NO_MASKS),
            variant=aupimo.variant if np.isfinite(aupimo.mean) else "",
        ),
        **_further(scores),
        **(_by_kind(masked, scores) if saturated else {}),
        **overlap.values,
    }
    return PixelNumbers(
        values,
        measured.pro,
        scores,
        overlap.per_picture,
        overlap.located,
        notes=[*maps.notes(), *_of_aupimo(aupimo)],
    )


def _of_aupimo(aupimo: metrics.Aupimo) -> list[str]:
    """What is unusual about its bounds and steps, where it has a value (else that is the reason for none)."""
    return [f"AUPIMO: {aupimo.note}."] if aupimo.note and np.isfinite(aupimo.mean) else []


def _ranking(
    measured: metrics.PixelMetrics, scores: PixelScores, sampling: Resampling, saturated: bool
) -> dict[str, Number]:
    """Metrics that have intervals over resampled pictures."""
    values = {
        "pixel_auroc": measured.auroc,
        "pixel_ap": measured.average_precision,
        "pixel_f1_max": measured.f1_max,
        **{metrics.overlap_name(limit, saturated): area for limit, area in measured.aupro.items()},
    }
    reasons = {name: NO_MASKS if np.isnan(value) else "" for name, value in values.items()}
    if not sampling.resamples:
        return {name: Number(value, reason=reasons[name]) for name, value in values.items()}
    found = metrics.pixel_intervals(scores, LIMITS, sampling.groups, resamples=sampling.resamples)
    intervals = {
        "pixel_auroc": found.auroc,
        "pixel_ap": found.average_precision,
        "pixel_f1_max": found.f1_max,
        **{metrics.overlap_name(limit, saturated): interval for limit, interval in found.aupro.items()},
    }
    return {
        name: Number.resampled(value, (intervals[name].low, intervals[name].high), reasons[name])
        for name, value in values.items()
    }


def _further(scores: PixelScores) -> dict[str, Number]:
    """Metrics of the catalogue that bring their own function of all pixels."""
    values = {name: m.of_pixels(scores) for name, m in metrics.metrics.items() if m.of_pixels}
    return {name: Number(value, reason=NO_MASKS if np.isnan(value) else "") for name, value in values.items()}


def _by_kind(masked: Sequence[Prediction], scores: PixelScores) -> dict[str, Number]:
    """Logical and structural anomalies apart, and the mean of the two: the headline of MVTec LOCO."""
    kinds = [p.conditions.get("anomaly", "") for p in masked]
    loco = metrics.loco_metrics(scores, kinds, [p.inspection.score for p in masked])
    auroc = {metrics.kind_auroc_name(kind): Number(value) for kind, value in loco.image_auroc.items()}
    areas = {
        metrics.overlap_name(limit, saturated=True, kind=kind): Number(value)
        for limit, by_kind in loco.au_spro.items()
        for kind, value in by_kind.items()
    }
    return {**auroc, **areas}


def _overlap(
    run: RunFolder, masked: Sequence[Prediction], calibration: Calibration | None, sampling: Resampling
) -> _Overlap:
    """Findings against truth at the calibrated threshold."""
    names = ("iou", "iou_good", "iou_dataset", "dice", "pixel_precision", "pixel_recall", "located")
    if calibration is None:
        return _Overlap({name: Number(NAN, reason=NO_THRESHOLD) for name in names})
    # Both ends are read in turn, so no more than one picture waits in between.
    ahead, behind = itertools.tee(truth.findings_with_truth(run, masked, calibration))
    overlap = metrics.iou_at((mask for mask, _ in ahead), (found for _, found in behind))
    defective = np.array([bool(p.defects) for p in masked])
    each = overlap.per_picture
    located = {
        p.id: bool(shared > 0)
        for p, shared in zip(masked, each, strict=True)
        if p.defects and p.inspection.verdict == "reject"
    }
    pooled = (overlap.dataset, overlap.dice, overlap.precision, overlap.recall)
    clean = rate(int(each[~defective].sum()), int((~defective).sum()), "needs good pictures")
    values = {
        "iou": sampling.mean(np.where(defective, each, NAN), NO_MASKS),
        "iou_good": clean,
        **{
            name: Number(value, reason="nothing was marked" if np.isnan(value) else "")
            for name, value in zip(names[2:6], pooled, strict=True)
        },
        "located": rate(sum(located.values()), int(defective.sum()), NO_MASKS),
    }
    return _Overlap(values, each, located)

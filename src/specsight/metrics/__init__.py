"""Truth and predictions → numbers. Pure functions on arrays: no files, no models, no clock.

Read the pictures once with `gather`, then ask for as many metrics of them as wanted. See docs/metrics.md.
"""

from specsight.metrics.aupimo import Aupimo, aupimo, paired_wilcoxon
from specsight.metrics.auroc_interval import auroc_interval
from specsight.metrics.bootstrap import Groups, Interval, MeanSd, bootstrap, mean_sd, quantile_interval
from specsight.metrics.degradation import kept_area, relative_drop
from specsight.metrics.image import (
    Decisions,
    average_precision,
    brier,
    calibration_error,
    decisions,
    f1_max,
    image_auroc,
    precision_recall_curve,
    roc_curve,
    weighted_auroc,
)
from specsight.metrics.iou import IoU, iou_at
from specsight.metrics.loco import LocoMetrics, loco_metrics, saturation_area, spro
from specsight.metrics.metric import (
    Group,
    IntervalOfScores,
    Metric,
    OfPixels,
    OfScores,
    find,
    kind_auroc_name,
    metric_of,
    metrics,
    overlap_name,
)
from specsight.metrics.multi_type import (
    Classification,
    LabelOverlap,
    MultiLabel,
    TypeAccuracy,
    classification,
    label_overlap,
    multi_label,
    one_vs_rest,
    top_share_mean,
    type_accuracy,
    type_labels,
    weighted_f1,
)
from specsight.metrics.per_type import TypeRow, macro, per_type
from specsight.metrics.pixel import PixelMetrics, aupro, measure, pixel_metrics, pro_area, pro_curve
from specsight.metrics.pixel_bootstrap import PixelInterval, PixelIntervals, pixel_intervals, resampled_auroc
from specsight.metrics.ranking import BestF1, Curve
from specsight.metrics.regions import RegionPixels
from specsight.metrics.scores import PixelScores, PixelTruth, gather

__all__ = [
    "Aupimo",
    "BestF1",
    "Classification",
    "Curve",
    "Decisions",
    "Group",
    "Groups",
    "Interval",
    "IntervalOfScores",
    "IoU",
    "LabelOverlap",
    "LocoMetrics",
    "MeanSd",
    "Metric",
    "MultiLabel",
    "OfPixels",
    "OfScores",
    "PixelInterval",
    "PixelIntervals",
    "PixelMetrics",
    "PixelScores",
    "PixelTruth",
    "RegionPixels",
    "TypeAccuracy",
    "TypeRow",
    "aupimo",
    "aupro",
    "auroc_interval",
    "average_precision",
    "bootstrap",
    "brier",
    "calibration_error",
    "classification",
    "decisions",
    "f1_max",
    "find",
    "gather",
    "image_auroc",
    "iou_at",
    "kept_area",
    "kind_auroc_name",
    "label_overlap",
    "loco_metrics",
    "macro",
    "mean_sd",
    "measure",
    "metric_of",
    "metrics",
    "multi_label",
    "one_vs_rest",
    "overlap_name",
    "paired_wilcoxon",
    "per_type",
    "pixel_intervals",
    "pixel_metrics",
    "precision_recall_curve",
    "pro_area",
    "pro_curve",
    "quantile_interval",
    "relative_drop",
    "resampled_auroc",
    "roc_curve",
    "saturation_area",
    "spro",
    "top_share_mean",
    "type_accuracy",
    "type_labels",
    "weighted_auroc",
    "weighted_f1",
]

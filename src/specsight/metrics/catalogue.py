"""Names of the metrics as they stand in `metrics.json` and `specsight list metrics`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from specsight.registry import Registry


@dataclass(frozen=True)
class Metric:
    """What a name means. `direction`: which way is better. `oracle`: chosen by looking at the truth of the test set."""

    description: str
    direction: Literal["higher", "lower"] = "higher"
    oracle: bool = False


metrics: Registry[Metric] = Registry("metric")

for _name, _metric in {
    "image_auroc": Metric("P(score of a defective picture > score of a good one), ties one half"),
    "image_ap": Metric("average precision over pictures (step form)"),
    "image_f1_max": Metric("largest F1 over all thresholds", oracle=True),
    "image_f1": Metric("F1 of the verdicts at the calibrated threshold"),
    "accuracy": Metric("share of right verdicts at the calibrated threshold"),
    "false_reject_rate": Metric("share of good pictures rejected at the calibrated threshold", "lower"),
    "detection_rate": Metric("share of defective pictures rejected at the calibrated threshold"),
    "miss_rate": Metric("share of defective pictures accepted at the calibrated threshold", "lower"),
    "object_auroc": Metric("image AUROC per physical object: the highest score of its views"),
    "pixel_auroc": Metric("AUROC over all pixels of all pictures, good ones included"),
    "pixel_ap": Metric("average precision over all pixels, good pictures included"),
    "pixel_f1_max": Metric("largest pixel F1 over all thresholds", oracle=True),
    "aupro_30": Metric("mean region overlap up to 30 % false-positive pixels, exact"),
    "aupro_05": Metric("mean region overlap up to 5 % false-positive pixels, exact"),
    "aupro_01": Metric("mean region overlap up to 1 % false-positive pixels, exact"),
    "aupimo": Metric("mean per-picture recall at false-positive rates of good pictures from 1e-5 to 1e-4"),
    "au_spro_01": Metric("MVTec LOCO: saturated region overlap up to 1 % false-positive pixels"),
    "au_spro_05": Metric("MVTec LOCO: saturated region overlap up to 5 % false-positive pixels"),
    "au_spro_30": Metric("MVTec LOCO: saturated region overlap up to 30 % false-positive pixels"),
    "iou": Metric("overlap at the calibrated threshold, mean over defective pictures"),
    "iou_dataset": Metric("overlap at the calibrated threshold, all pixels pooled"),
    "iou_good": Metric("share of good pictures on which nothing is marked at the calibrated threshold"),
    "iou_oracle": Metric("largest pooled overlap over all thresholds", oracle=True),
    "dice": Metric("pixel F1 at the calibrated threshold (SegF1), all pixels pooled"),
    "pixel_precision": Metric("share of marked pixels that are defective"),
    "pixel_recall": Metric("share of defective pixels that are marked"),
    "macro_f1": Metric("mean F1 over defect types, with 'good' as a class"),
    "macro_f1_without_good": Metric("mean F1 over defect types, without 'good'"),
    "type_accuracy": Metric("share of single-type pictures given their type"),
    "type_accuracy_detected": Metric(
        "share given their type among the single-type pictures that were rejected"
    ),
    "exact_set": Metric("share of pictures given exactly their set of types"),
    "exact_set_without_good": Metric("share of defective pictures given exactly their set of types"),
    "type_miou": Metric("mean IoU of the per-pixel type over the types present, without 'good'"),
    "type_miou_with_good": Metric("mean IoU of the per-pixel type over the types present and 'good'"),
    "type_pixel_f1": Metric("mean F1 of the per-pixel type over the types present, without 'good'"),
    "type_pixel_auroc": Metric("pixel AUROC of each type's map against its own mask, mean over types"),
    "type_pixel_ap": Metric("pixel AP of each type's map against its own mask, mean over types"),
    "type_image_auroc": Metric("AUROC of 'shows this type' by the top of its map, mean over types"),
    "type_image_ap": Metric("AP of 'shows this type' by the top of its map, mean over types"),
    "type_f1": Metric("F1 of the types named in the findings, mean over types"),
    "several_types_pictures": Metric("pictures with two or more types"),
    "several_types_type_image_auroc": Metric("type_image_auroc over pictures with several types alone"),
    "several_types_type_image_ap": Metric("type_image_ap over pictures with several types alone"),
    "several_types_type_f1": Metric("type_f1 over pictures with several types alone"),
    "several_types_exact_set": Metric("exact_set over pictures with several types alone"),
    "brier": Metric("mean squared error of the probability of defect", "lower"),
    "calibration_error": Metric("expected calibration error of the probability of defect", "lower"),
}.items():
    metrics.register(_name)(_metric)

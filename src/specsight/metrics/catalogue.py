"""The table of metrics, in the order of the page. `specsight list metrics` prints it.

A further metric is one more file in this room that files its `Metric` in the same registry.
"""

from __future__ import annotations

from specsight.metrics.auroc_interval import auroc_interval
from specsight.metrics.image import average_precision, f1_max, image_auroc
from specsight.metrics.metric import Group, Metric, metrics, overlap_name, region_overlap, saturated_overlap

TABLE: dict[str, Metric] = {
    "image_auroc": Metric(
        "Image AUROC",
        "P(score of a defective picture > score of a good one), ties one half",
        Group.IMAGE_RANKING,
        column_title="image AUROC",
        type_title="Image AUROC",
        of_scores=image_auroc,
        interval_of_scores=auroc_interval,
    ),
    "image_ap": Metric(
        "Image AP",
        "average precision over pictures (step form)",
        Group.IMAGE_RANKING,
        of_scores=average_precision,
    ),
    "image_f1_max": Metric(
        "Image F1-max",
        "largest F1 over all thresholds",
        Group.IMAGE_RANKING,
        oracle=True,
        of_scores=lambda labels, scores: f1_max(labels, scores).f1,
    ),
    "object_auroc": Metric(
        "Object AUROC", "image AUROC per physical object: the highest score of its views", Group.IMAGE_RANKING
    ),
    "detection_rate": Metric(
        "Detection rate",
        "share of defective pictures rejected at the calibrated threshold, wherever the findings lie",
        Group.IMAGE_DECISIONS,
        format="percent",
        column_title="detection rate",
    ),
    "located": Metric(
        "Located",
        "share of defective pictures rejected with a finding that touches the defect's mask",
        Group.IMAGE_DECISIONS,
        format="percent",
    ),
    "false_reject_rate": Metric(
        "False-reject rate",
        "share of good pictures rejected at the calibrated threshold",
        Group.IMAGE_DECISIONS,
        direction="lower",
        format="percent",
        column_title="false rejects",
    ),
    "miss_rate": Metric(
        "Miss rate",
        "share of defective pictures accepted at the calibrated threshold",
        Group.IMAGE_DECISIONS,
        direction="lower",
        format="percent",
    ),
    "accuracy": Metric(
        "Accuracy",
        "share of right verdicts at the calibrated threshold",
        Group.IMAGE_DECISIONS,
        format="percent",
    ),
    "image_f1": Metric("Image F1", "F1 of the verdicts at the calibrated threshold", Group.IMAGE_DECISIONS),
    "right_verdicts": Metric(
        "Right verdicts",
        "share of a type's pictures that are rejected; of good pictures, accepted",
        Group.IMAGE_DECISIONS,
        format="percent",
        type_title="Right verdicts",
    ),
    "pixel_auroc": Metric(
        "Pixel AUROC",
        "AUROC over all pixels of all pictures, good ones included",
        Group.PIXEL_RANKING,
        column_title="pixel AUROC",
        type_title="Pixel AUROC",
    ),
    "pixel_ap": Metric(
        "Pixel AP",
        "average precision over all pixels, good pictures included",
        Group.PIXEL_RANKING,
        type_title="Pixel AP",
    ),
    "pixel_f1_max": Metric(
        "Pixel F1-max", "largest pixel F1 over all thresholds", Group.PIXEL_RANKING, oracle=True
    ),
    "iou_oracle": Metric(
        "Best IoU", "largest pooled overlap over all thresholds", Group.PIXEL_RANKING, oracle=True
    ),
    overlap_name(0.3): region_overlap("30"),
    overlap_name(0.05): region_overlap("05"),
    overlap_name(0.01): region_overlap("01"),
    "aupimo": Metric(
        "AUPIMO",
        "mean per-picture recall at very low false-positive rates of good pictures, as named",
        Group.PIXEL_RANKING,
    ),
    overlap_name(0.3, saturated=True): saturated_overlap("30"),
    overlap_name(0.05, saturated=True): saturated_overlap("05"),
    overlap_name(0.01, saturated=True): saturated_overlap("01"),
    "iou": Metric(
        "IoU",
        "overlap at the calibrated threshold, mean over defective pictures",
        Group.PIXEL_DECISIONS,
        type_title="IoU",
    ),
    "iou_good": Metric(
        "IoU on good pictures",
        "share of good pictures on which nothing is marked at the calibrated threshold",
        Group.PIXEL_DECISIONS,
    ),
    "iou_dataset": Metric(
        "IoU, pooled", "overlap at the calibrated threshold, all pixels pooled", Group.PIXEL_DECISIONS
    ),
    "dice": Metric(
        "Dice (pixel F1)",
        "pixel F1 at the calibrated threshold (SegF1), all pixels pooled",
        Group.PIXEL_DECISIONS,
    ),
    "pixel_precision": Metric(
        "Pixel precision",
        "share of marked pixels that are defective",
        Group.PIXEL_DECISIONS,
        column_title="precision",
    ),
    "pixel_recall": Metric(
        "Pixel recall",
        "share of defective pixels that are marked",
        Group.PIXEL_DECISIONS,
        column_title="recall",
    ),
    "type_accuracy": Metric("Type accuracy", "share of single-type pictures given their type", Group.TYPES),
    "type_accuracy_detected": Metric(
        "Type accuracy, rejected",
        "share given their type among the single-type pictures that were rejected",
        Group.TYPES,
        column_title="named if detected",
    ),
    "macro_f1": Metric("Type F1, macro", "mean F1 over defect types, with 'good' as a class", Group.TYPES),
    "macro_f1_without_good": Metric(
        "Type F1, macro without good", "mean F1 over defect types, without 'good'", Group.TYPES
    ),
    "type_pixel_auroc": Metric(
        "Types' own maps: pixel AUROC",
        "pixel AUROC of each type's map against its own mask, mean over types",
        Group.TYPES,
        column_title="pixel AUROC by type",
        type_title="Own map: pixel AUROC",
    ),
    "type_pixel_ap": Metric(
        "Types' own maps: pixel AP",
        "pixel AP of each type's map against its own mask, mean over types",
        Group.TYPES,
        column_title="pixel AP by type",
        type_title="Own map: pixel AP",
    ),
    "type_iou": Metric(
        "Types' pixels: IoU",
        "IoU of the per-pixel type of one type",
        Group.TYPES,
        type_title="Own pixels: IoU",
    ),
    "type_miou": Metric(
        "Types' pixels: mIoU without good",
        "mean IoU of the per-pixel type over the types present, without 'good'",
        Group.TYPES,
        column_title="mIoU",
    ),
    "type_miou_with_good": Metric(
        "Types' pixels: mIoU with good",
        "mean IoU of the per-pixel type over the types present and 'good'",
        Group.TYPES,
        column_title="mIoU with good",
    ),
    "type_pixel_f1": Metric(
        "Types' pixels: F1 without good",
        "mean F1 of the per-pixel type over the types present, without 'good'",
        Group.TYPES,
    ),
    "type_image_auroc": Metric(
        "Types shown: AUROC", "AUROC of 'shows this type' by the top of its map, mean over types", Group.TYPES
    ),
    "type_image_ap": Metric(
        "Types shown: AP",
        "AP of 'shows this type' by the top of its map, mean over types",
        Group.TYPES,
        column_title="shown: AP",
        type_title="Shown: AP",
    ),
    "type_f1": Metric(
        "Types named: F1",
        "F1 of the types named in the findings, mean over types",
        Group.TYPES,
        column_title="shown: F1",
        type_title="Named: F1",
    ),
    "exact_set": Metric(
        "Types named: exact set",
        "share of pictures given exactly their set of types",
        Group.TYPES,
        column_title="exact set",
    ),
    "exact_set_without_good": Metric(
        "Types named: exact set, defective pictures",
        "share of defective pictures given exactly their set of types",
        Group.TYPES,
        column_title="exact set, defective",
    ),
    "several_types_pictures": Metric("Pictures", "pictures with two or more types", Group.SEVERAL_TYPES),
    "several_types_type_image_auroc": Metric(
        "Types shown: AUROC", "type_image_auroc over pictures with several types alone", Group.SEVERAL_TYPES
    ),
    "several_types_type_image_ap": Metric(
        "Types shown: AP",
        "type_image_ap over pictures with several types alone",
        Group.SEVERAL_TYPES,
        column_title="several: AP",
    ),
}

for _name, _metric in TABLE.items():
    metrics.register(_name)(_metric)

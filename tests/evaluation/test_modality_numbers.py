"""Defects that one modality alone shows: which pictures these are, how they are ranked, and the suite that asks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.synthetic_run import make_run

from specsight.detectors import detectors
from specsight.evaluation.config import DataConfig, EvaluationConfig
from specsight.evaluation.modality_numbers import modality_numbers, seen_in
from specsight.evaluation.suite_catalogue import SUITES
from specsight.metrics import image_auroc, metric_of
from specsight.runs.folder import RunFolder


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("depth", "depth"),
        ("rgb; rgb", "rgb"),
        ("rgb; depth", None),
        ("rgb and depth", None),
        ("hardly", None),
        (None, None),
    ],
)
def test_a_picture_is_of_one_modality_where_all_of_its_defects_are(
    visible: str | None, expected: str | None
) -> None:
    assert seen_in({} if visible is None else {"visible": visible}) == expected


def test_such_pictures_are_ranked_against_every_good_one(tmp_path: Path) -> None:
    predictions = list(RunFolder(make_run(tmp_path)).predictions())
    assert modality_numbers(predictions) == {}
    bad = [p for p in predictions if p.label == "defective"]
    depth = {p.id for p in bad[:3]}
    told = [
        replace(p, conditions={"visible": "depth" if p.id in depth else "rgb and depth"})
        if p.label == "defective"
        else p
        for p in predictions
    ]
    found = modality_numbers(told)
    counted = [p for p in told if p.label == "good" or p.id in depth]
    labels, scores = [p.label == "defective" for p in counted], [p.inspection.score for p in counted]
    assert found["image_auroc_depth_alone"].value == image_auroc(np.array(labels), np.array(scores))
    assert found["image_auroc_rgb_alone"].reason == "needs good and defective pictures"
    assert metric_of("image_auroc_depth_alone").column == "seen in depth alone"


def test_the_suite_of_fusion_has_every_way_to_use_depth(tmp_path: Path) -> None:
    rows = SUITES["fusion"].rows(EvaluationConfig(DataConfig(tmp_path)), ())
    assert {row.detector for row in rows} >= {
        name
        for name, kind in detectors.items()
        # What learns from labelled defects is compared in the suite of adaptation.
        if (kind.needs.depth or "depth" in kind.needs.uses) and not kind.needs.takes_defects
    }
    assert [row.name for row in rows[:2]] == ["colours alone", "depth alone"]

"""Numbers by type from type maps, on four pictures whose answers can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from specsight import findings
from specsight.calibration import Calibration, calibrate
from specsight.errors import SpecsightError
from specsight.evaluation.measure import measure
from specsight.evaluation.named_sets import named_set_numbers
from specsight.evaluation.type_numbers import TypeNumbers, type_numbers
from specsight.metrics import metric_of, metrics
from specsight.metrics.metric import Group
from specsight.records import (
    Decision,
    Defect,
    Explanation,
    Inspection,
    Judgement,
    Label,
    Rewrite,
    Sample,
    Statement,
)
from specsight.runs.folder import RunFolder
from specsight.runs.maps import TYPE_SIDE
from specsight.runs.predictions import Prediction, predict

SIZE = (64, 64)
CORNER, MIDDLE = (slice(4, 16), slice(4, 16)), (slice(36, 52), slice(36, 52))


@pytest.fixture
def calibration() -> Calibration:
    return calibrate([(0.1, np.full(SIZE, 0.1, np.float32))] * 20, 0.05, 0.5)


def picture(
    run: RunFolder,
    calibration: Calibration,
    name: str,
    truth: dict[str, tuple[slice, slice]],
    said: dict[str, tuple[slice, slice]],
) -> None:
    """A picture with a defect of each type in `truth`; the detector's map of each type rises where `said` says."""
    data = run.path.parent / "data"
    cv2.imwrite(str(data / f"{name}.png"), np.zeros((*SIZE, 3), np.uint8))
    defects = []
    for type_, place in truth.items():
        mask = np.zeros(SIZE, np.uint8)
        mask[place] = 255
        cv2.imwrite(str(data / f"{name}_{type_}.png"), mask)
        defects.append(Defect(type_, mask=data / f"{name}_{type_}.png"))
    label: Label = "defective" if defects else "good"
    sample = Sample(name, data / f"{name}.png", "plate", label=label, defects=tuple(defects))
    maps = {}
    for type_ in ("crack", "stain"):
        maps[type_] = np.zeros(SIZE, np.float32)
        if type_ in said:
            maps[type_][said[type_]] = 1.0
    judgement = Judgement(
        float(max(m.max() for m in maps.values())), np.maximum(*maps.values()).astype(np.float32), maps
    )
    found = findings.find(judgement, calibration)
    decision = Decision("reject" if found else "accept", judgement.score, 0.1, counted=found)
    inspection = Inspection(
        name, str(sample.image), "plate", judgement.score, decision, found, map=judgement.map
    )
    run.add(predict(sample, inspection, 0, data), judgement.map, maps)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    (tmp_path / "data").mkdir()
    (tmp_path / "run").mkdir()
    folder = RunFolder(tmp_path / "run")
    folder.claim({"kind": "evaluation", "name": "plates", "data": str(tmp_path / "data"), "detector": "x"})
    return folder


def predictions_of(run: RunFolder) -> list[Prediction]:
    return sorted(run.predictions(), key=lambda p: p.id)


def test_perfect_type_maps_get_perfect_numbers(run: RunFolder, calibration: Calibration) -> None:
    picture(run, calibration, "good", {}, {})
    picture(run, calibration, "one", {"crack": CORNER}, {"crack": CORNER})
    picture(run, calibration, "two", {"stain": MIDDLE}, {"stain": MIDDLE})
    both = {"crack": CORNER, "stain": MIDDLE}
    picture(run, calibration, "both", both, both)
    found = type_numbers(run, predictions_of(run), predictions_of(run), calibration)
    numbers, columns = found.values, found.columns
    for name in (
        "type_pixel_auroc", "type_pixel_ap", "type_image_auroc", "type_image_ap", "type_f1", "type_f1_micro",
        "exact_set", "exact_set_without_good",
    ):  # fmt: skip
        assert numbers[name] == 1.0, name
    sets = named_set_numbers(predictions_of(run), 0)
    assert sets["single_type_pictures"].value == 2
    assert {one.value for name, one in sets.items() if name != "single_type_pictures"} == {1.0}
    assert numbers["several_types_pictures"] == 1
    # Findings end at half their peak, a pixel or so around a block: the overlap is high, not complete.
    assert 0.8 < numbers["type_miou"] <= 1.0
    assert set(columns) == {"crack", "stain"}
    assert all(metric_of(name).title for name in [*numbers, *columns["crack"]])
    assert columns["crack"]["type_pixel_ap"] == 1.0


def test_a_type_taken_for_another_costs_both_types(run: RunFolder, calibration: Calibration) -> None:
    picture(run, calibration, "good", {}, {})
    picture(run, calibration, "one", {"crack": CORNER}, {"crack": CORNER})
    picture(run, calibration, "two", {"stain": MIDDLE}, {"crack": MIDDLE})
    picture(run, calibration, "three", {"stain": MIDDLE}, {"stain": MIDDLE})
    found = type_numbers(run, predictions_of(run), predictions_of(run), calibration)
    numbers, columns = found.values, found.columns
    # "Shows a crack": 1 for "one" and "two", 0 for the others; only "one" does: (1 + 0.5 + 1) / 3.
    # "Shows a stain": 1 for "three" alone; "two" does too, and ties with "good" and "one": (1 + 1 + 0.5 + 0.5) / 4.
    assert numbers["type_image_auroc"] == pytest.approx((2.5 / 3 + 3 / 4) / 2)
    assert columns["crack"]["type_image_ap"] == pytest.approx(0.5)
    # Crack: TP 1, FP 1; stain: TP 1, FN 1; both F1 = 2 / 3. Sets: "two" alone is wrong.
    assert numbers["type_f1"] == pytest.approx(2 / 3)
    assert numbers["exact_set"] == pytest.approx(3 / 4)
    assert numbers["exact_set_without_good"] == pytest.approx(2 / 3)
    # Half of the stain's pixels have a map of 0 like all the background: AUROC = 0.5 + 0.5 * 0.5.
    assert columns["stain"]["type_pixel_auroc"] == pytest.approx(0.75)
    sets = named_set_numbers(predictions_of(run), 50)
    assert sets["single_type_type_f1"].value == pytest.approx(2 / 3)
    assert sets["single_type_type_f1_micro"].value == pytest.approx(4 / 6)
    assert sets["single_type_exact_set"].value == pytest.approx(2 / 3)
    assert sets["single_type_type_f1"].low <= 2 / 3 <= sets["single_type_type_f1"].high
    assert "several_types_exact_set" not in sets, "no picture shows two types"


def test_types_reach_the_table_of_the_run(run: RunFolder, calibration: Calibration) -> None:
    picture(run, calibration, "good", {}, {})
    picture(run, calibration, "one", {"crack": CORNER}, {"crack": CORNER})
    measured = measure(run, predictions_of(run), calibration, resamples=0)
    assert measured.values["type_image_ap"].value == 1.0
    assert measured.per_type["crack"]["type_pixel_auroc"] == 1.0
    assert measured.per_type["crack"]["support"] == 1


def test_without_type_maps_there_are_no_such_numbers(run: RunFolder, calibration: Calibration) -> None:
    picture(run, calibration, "one", {"crack": CORNER}, {"crack": CORNER})
    (prediction,) = run.predictions()
    file = (run.path / prediction.map).with_suffix(".types.safetensors")
    file.write_bytes(b"torn")
    with pytest.raises(SpecsightError, match="run again into another --out"):
        run.type_maps(prediction)
    file.unlink()
    assert type_numbers(run, [prediction], [prediction], calibration) == TypeNumbers()


def test_type_maps_are_written_small(run: RunFolder) -> None:
    data = run.path.parent / "data"
    cv2.imwrite(str(data / "large.png"), np.zeros((300, 600, 3), np.uint8))
    sample = Sample("large", data / "large.png", "plate", label="good")
    map_ = np.linspace(0, 1, 300 * 600, dtype=np.float32).reshape(300, 600)
    inspection = Inspection("large", str(sample.image), "plate", 0.0, Decision(None, 0.0, None), map=map_)
    prediction = predict(sample, inspection, 0, data)
    run.add(prediction, map_, {"crack": map_})
    (small,) = run.type_maps(prediction).values()
    assert small.shape == (TYPE_SIDE, 2 * TYPE_SIDE)
    assert small.mean() == pytest.approx(map_.mean(), abs=1e-3)


def test_every_metric_of_the_catalogue_is_given_by_some_run(
    run: RunFolder, calibration: Calibration, tmp_path: Path
) -> None:
    """A name that is listed and that no run gives would be looked for in vain. Those of words:
    test_instructions; changes: test_language_suite."""
    picture(run, calibration, "good", {}, {})
    picture(run, calibration, "one", {"crack": CORNER}, {"crack": CORNER})
    picture(run, calibration, "both", {"crack": CORNER, "stain": MIDDLE}, {"stain": MIDDLE})
    plain = predictions_of(run)
    views = [replace(p, group=f"object {i // 2}") for i, p in enumerate([*plain, *plain])]
    saturated = [
        replace(
            p, conditions={"anomaly": "logical"}, defects=tuple(replace(d, saturation=5.0) for d in p.defects)
        )
        for p in plain
    ]
    told = Explanation((Statement("It is fine.", "verdict"),), rewrite=Rewrite("a model", "Fine.", False))
    explained = [replace(p, inspection=replace(p.inspection, explanation=told)) for p in plain]
    shown = {"one": "depth", "both": "rgb"}
    by_modality = [replace(p, conditions={"visible": shown.get(p.id, "")}) for p in plain]
    given: set[str] = set()
    for predictions in (plain, [*plain, *views[2:4]], saturated, explained, by_modality):
        measured = measure(run, predictions, calibration, resamples=0)
        given |= {*measured.values, *(name for row in measured.per_type.values() for name in row)}
    listed = {name for name, metric in metrics.items() if metric.group not in (Group.WORDS, Group.CHANGES)}
    assert listed - given == set()

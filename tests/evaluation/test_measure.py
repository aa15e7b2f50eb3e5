"""Numbers of one seed from a run folder: saturated overlap, objects in several views, and what cannot be said."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.support.synthetic_run import make_run

from specsight import findings, images
from specsight.calibration import Calibration
from specsight.evaluation import truth
from specsight.evaluation.measure import measure
from specsight.evaluation.numbers import rate
from specsight.evaluation.summary import cost_over_products, over_products, over_seeds
from specsight.inspector import Inspector
from specsight.metrics import Metric, PixelTruth, RegionPixels, aupro, gather, metric_of, metrics
from specsight.metrics.regions import connected
from specsight.records import Defect, Sample
from specsight.report import tables
from specsight.report.tables import headline
from specsight.runs import folder, inspections
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction
from specsight.runs.protocol import Protocol


def calibration_of(run: RunFolder) -> Calibration:
    calibration = run.fits()[0].calibration
    assert calibration is not None
    return calibration


def test_rates_carry_wilson_intervals() -> None:
    nothing = rate(0, 20, "")
    assert (nothing.value, nothing.low) == (0, 0)
    # Wilson: z² / (n + z²) with z = 1.959964.
    assert nothing.high == pytest.approx(1.959964**2 / (20 + 1.959964**2), abs=1e-6)
    assert rate(0, 0, "none there").reason == "none there"


def test_regions_with_saturation_are_kept_apart() -> None:
    left, right = np.zeros((4, 8), bool), np.zeros((4, 8), bool)
    left[:, :2], right[:2, 6:] = True, True
    sample = Sample(
        "x",
        Path("x.png"),
        "p",
        label="defective",
        defects=(Defect("missing", saturation=0.5, relative_saturation=True), Defect("spot", saturation=100)),
    )
    pixels = truth.pixel_truth(sample, [left, right], (4, 8))
    assert pixels.saturations == [4.0, 4.0]
    assert pixels.regions is not None
    assert len(pixels.regions) == 2
    assert pixels.mask.sum() == 12
    assert set(pixels.types) == {"missing", "spot"}


def test_saturation_is_the_same_share_of_a_region_on_a_smaller_map() -> None:
    """A map that covers a tenth of the region, with a saturation area of a tenth: found whole, at any map size."""
    region, map_ = np.zeros((400, 400), bool), np.zeros((400, 400), np.float32)
    region[100:300, 100:300], map_[100:300, 100:120] = True, 1.0
    for saturation, relative in ((4000.0, False), (0.1, True)):
        defect = Defect("missing", saturation=saturation, relative_saturation=relative)
        sample = Sample("x", Path("x.png"), "p", label="defective", defects=(defect,))
        for side in (400, 100, 80):
            small = cv2.resize(map_, (side, side), interpolation=cv2.INTER_AREA)
            pixels = truth.pixel_truth(sample, [region], (side, side))
            assert pixels.saturations == [4000 * side**2 / 400**2]
            assert metrics_of(small, pixels) == pytest.approx(1.0, abs=0.01)


def metrics_of(map_: np.ndarray, pixels: PixelTruth) -> float:
    return aupro(gather([(map_, pixels)]), 0.05)


def test_types_keep_their_small_regions_on_a_smaller_map() -> None:
    sample = Sample(
        "x", Path("x.png"), "p", label="defective", defects=(Defect("hole"), Defect("line"), Defect("hole"))
    )
    masks = [np.zeros((64, 64), bool) for _ in range(3)]
    masks[0][1, 1], masks[1][30, 3:60], masks[2][50, 50] = True, True, True
    pixels = truth.pixel_truth(sample, masks, (8, 8))
    assert pixels.regions is not None
    assert len(pixels.regions) == 3
    assert {name: len(found) for name, found in pixels.type_regions.items()} == {"hole": 2, "line": 1}
    assert {name: int(mask.sum()) for name, mask in pixels.types.items()} == {"hole": 2, "line": 8}
    scores = gather([(np.zeros((8, 8), np.float32), pixels)])
    assert list(scores.pictures[0].types["hole"].sizes) == [1, 1]


def test_touching_defects_of_two_types_are_one_region_at_any_map_size() -> None:
    masks = [np.zeros((64, 64), bool), np.zeros((64, 64), bool)]
    masks[0][10:20, 10:20] = masks[1][10:20, 20:30] = True
    sample = Sample("0", Path("0.png"), "plate", "test", "defective", (Defect("dent"), Defect("stain")))
    native, smaller = (truth.pixel_truth(sample, masks, size) for size in ((64, 64), (32, 32)))
    assert connected(native.mask).areas.tolist() == [200]
    assert isinstance(smaller.regions, RegionPixels)
    assert smaller.regions.areas.tolist() == [50]
    assert {name: len(of_type) for name, of_type in smaller.type_regions.items()} == {"dent": 1, "stain": 1}


def test_what_scaling_does_to_small_regions_is_noted(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=4, defective=4))
    for prediction in run.predictions():
        if prediction.defects:
            mask = np.zeros((120, 120), np.uint8)
            mask[10, 10], mask[12, 11], mask[60:100, 60:100] = 255, 255, 255
            cv2.imwrite(str(prediction.sample(run.data).defects[0].mask), mask)
    assert measure(run, run.predictions(), calibration_of(run), resamples=0).notes == []
    notes = measure(run, run.predictions(), calibration_of(run), map_size=30, resamples=0).notes
    assert notes == [
        "Maps were measured with the shorter side at 30 px: of 12 defect regions 8 cover no cell of such a map by half "
        "and count with the cells they cover most, and 0 share a cell with another region; none was lost."
    ]


def test_a_bad_mask_leaves_its_picture_in_the_numbers_about_pictures(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=4, defective=4))
    before = measure(run, run.predictions(), calibration_of(run), resamples=0)
    bad = [p.sample(run.data).defects[0].mask for p in run.predictions() if p.defects][:2]
    cv2.imwrite(str(bad[0]), np.zeros((60, 60), np.uint8))
    Path(str(bad[1])).write_bytes(b"")
    after = measure(run, run.predictions(), calibration_of(run), resamples=0)
    for name in ("image_auroc", "detection_rate", "false_reject_rate"):
        assert after.values[name] == before.values[name]
    assert after.per_type["scratch"]["support"] == before.per_type["scratch"]["support"]
    assert after.per_type["scratch"]["regions"] < before.per_type["scratch"]["regions"]
    assert len(after.notes) == 1
    assert after.notes[0].startswith(
        "Numbers about pixels are of 6 of 8 pictures: the mask of 2 cannot be used (mask"
    )
    assert "60 x 60 but its picture is 120 x 120" in after.notes[0]
    fewer = [p for p in run.predictions() if not p.defects or p.sample(run.data).defects[0].mask not in bad]
    assert after.values["pixel_auroc"] == measure(run, fewer, None, resamples=0).values["pixel_auroc"]


def test_rejected_elsewhere_is_detected_and_not_located(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=4, defective=4))
    rejected = [p for p in run.predictions() if p.defects and p.inspection.verdict == "reject"]
    calibration = calibration_of(run)
    values = measure(run, run.predictions(), calibration, resamples=0).values
    assert values["located"].value == values["detection_rate"].value > 0
    moved = rejected[0]
    found = findings.segment(run.map(moved), calibration)
    mask = np.zeros(moved.size, np.uint8)
    mask[np.unravel_index(np.argmin(cv2.dilate(found.astype(np.uint8), np.ones((9, 9)))), found.shape)] = 255
    cv2.imwrite(str(moved.sample(run.data).defects[0].mask), mask)
    measured = measure(run, run.predictions(), calibration, resamples=0)
    assert measured.values["detection_rate"] == values["detection_rate"]
    assert measured.values["located"].value == values["located"].value - 1 / 4
    assert measured.located == {p.id: p is not moved for p in rejected}
    assert measure(run, run.predictions(), None, resamples=0).values["located"].reason


def test_pictures_with_saturated_regions_are_measured_by_spro(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=4, defective=4))
    predictions = [
        replace(
            p,
            conditions={"anomaly": "logical" if i % 2 else "structural"},
            defects=tuple(replace(d, saturation=0.3, relative_saturation=True) for d in p.defects),
        )
        for i, p in enumerate(run.predictions())
    ]
    values = measure(run, predictions, calibration_of(run), resamples=20).values
    assert "aupro_30" not in values
    kinds = [values[f"au_spro_30_{kind}"].value for kind in ("logical", "structural")]
    assert values["au_spro_30_mean"].value == pytest.approx(np.mean(kinds))
    plain = measure(run, run.predictions(), calibration_of(run), resamples=0).values
    assert values["au_spro_30"].value >= plain["aupro_30"].value


def test_the_catalogue_describes_every_number_of_a_run(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=4, defective=4))

    def changed(p: Prediction, i: int) -> Prediction:
        found = tuple(replace(f, type="scratch") for f in p.inspection.findings)
        return replace(
            p,
            inspection=replace(p.inspection, findings=found),
            group=f"object {i // 2}",
            conditions={"anomaly": "logical" if i % 2 else "structural"},
            defects=tuple(replace(d, saturation=0.3, relative_saturation=True) for d in p.defects),
        )

    plain = run.predictions()
    for predictions in (plain, [changed(p, i) for i, p in enumerate(plain)], plain[:1]):
        for calibration in (calibration_of(run), None):
            measured = measure(run, predictions, calibration, resamples=0)
            assert measured.values
            for name in measured.values:
                assert metric_of(name).title
            columns = {name for row in measured.per_type.values() for name in row} - {"support", "regions"}
            assert all(metric_of(name).title for name in columns)


def test_a_metric_that_brings_its_function_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(make_run(tmp_path, good=4, defective=4))
    added = {
        "image_recall": Metric(
            "Recall", "share of defects", of_scores=lambda labels, _: float(labels.mean())
        ),
        "pixel_share": Metric("Share", "of pixels", of_pixels=lambda scores: len(scores.positive()) / 1000),
    }
    for name, metric in added.items():
        monkeypatch.setitem(metrics._entries, name, metric)
    values = measure(run, run.predictions(), calibration_of(run), resamples=20).values
    assert values["image_recall"].value == 0.5
    assert math.isnan(values["image_recall"].low), "strata are resampled apart: no resample differs"
    masks = [images.anomaly_mask(p.sample(run.data), p.size) for p in run.predictions()]
    assert values["pixel_share"].value == sum(int(mask.sum()) for mask in masks) / 1000


def test_an_object_in_several_views_counts_once_with_its_highest_score(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=4, defective=4))

    def view(p: Prediction, object_: str, score: float) -> Prediction:
        return replace(p, group=object_, inspection=replace(p.inspection, score=score))

    objects = ["a", "a", "b", "b", "c", "c", "d", "d"]
    scores = [1.0, 2.0, 3.0, 1.0, 9.0, 0.5, 0.4, 2.5]
    predictions = [view(p, o, s) for p, o, s in zip(run.predictions(), objects, scores, strict=True)]
    values = measure(run, predictions, calibration_of(run), resamples=20).values
    # Highest views: good 2 and 3, defective 9 and 2.5: three of four pairs in order.
    assert values["object_auroc"].value == 0.75
    assert "object_auroc" not in measure(run, run.predictions(), None, resamples=0).values


def test_what_cannot_be_said_is_null_with_a_reason(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=3, defective=0, calibrated=False))
    summary = over_seeds({0: measure(run, run.predictions(), None, resamples=20)})
    assert summary["image_auroc"]["value"] is None
    assert summary["image_auroc"]["reason"] == "needs good and defective pictures"
    assert summary["detection_rate"]["reason"] == "no threshold was calibrated"
    assert summary["pixel_auroc"]["reason"] == "needs pictures with true masks, and good ones"
    json.dumps(summary, allow_nan=False)


def test_pictures_without_truth_have_no_numbers(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, kind="inspection", good=2, defective=2))
    assert measure(run, run.predictions(), calibration_of(run)).values == {}


def test_named_types_are_counted_against_true_ones(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=4, defective=6))

    def named(p: Prediction) -> Prediction:
        found = tuple(replace(f, type="scratch") for f in p.inspection.findings)
        return replace(p, inspection=replace(p.inspection, findings=found))

    predictions = [named(p) for p in run.predictions()]
    measured = measure(run, predictions, calibration_of(run), resamples=0)
    assert measured.confusion is not None
    table = dict(zip(measured.confusion["rows"], measured.confusion["counts"], strict=True))
    column = measured.confusion["columns"].index("scratch")
    rejected = [p for p in predictions if p.inspection.verdict == "reject" and p.inspection.findings]
    for type_ in ("scratch", "contamination"):
        assert table[type_][column] == sum(p.types == (type_,) for p in rejected)


def test_products_count_once_each_however_many_pictures_they_have() -> None:
    products: dict[str, dict[str, Any]] = {
        "a": {"image_auroc": {"value": 1.0, "seeds": [1.0, 1.0]}, "aupro_30": {"value": None}},
        "b": {
            "image_auroc": {"value": 0.5, "seeds": [0.4, 0.6]},
            "aupro_30": {"value": 0.7, "seeds": [0.7, None]},
        },
    }
    means = over_products(products)
    assert means["image_auroc"]["value"] == 0.75
    assert means["image_auroc"]["sd_over_products"] == pytest.approx(math.sqrt(0.125))
    assert means["image_auroc"]["seeds"] == pytest.approx([0.7, 0.8]), "the mean over products of each seed"
    assert means["image_auroc"]["sd"] == pytest.approx(0.1 / math.sqrt(2))
    assert (means["aupro_30"]["value"], means["aupro_30"]["n_products"]) == (0.7, 1)
    assert (means["aupro_30"]["n_seeds"], means["aupro_30"]["sd"]) == (0, None)


def test_bounds_of_aupimo_are_named_and_different_ones_have_no_mean(tmp_path: Path) -> None:
    run = RunFolder(make_run(tmp_path, good=15, defective=4))
    measured = measure(run, run.predictions(), calibration_of(run), resamples=0)
    assert [n for n in measured.notes if n.startswith("AUPIMO: FPR bounds (0.0001, 0.001) instead of")]
    numbers = over_seeds({0: measured, 1: measured})
    assert numbers["aupimo"]["variant"] == "false-positive rates 0.0001 to 0.001"
    other = {"aupimo": {"value": 0.4, "seeds": [0.4], "variant": "false-positive rates 1e-05 to 0.0001"}}
    same, mixed = over_products({"a": numbers, "b": numbers}), over_products({"a": numbers, "b": other})
    assert same["aupimo"]["value"] == pytest.approx(numbers["aupimo"]["value"])
    assert same["aupimo"]["variant"] == numbers["aupimo"]["variant"]
    assert mixed["aupimo"]["value"] is None
    assert "0.0001 to 0.001; false-positive rates 1e-05 to 0.0001" in mixed["aupimo"]["reason"]
    line = next(line for group in headline(numbers).values() for line in group if line.key == "aupimo")
    assert line.name == "AUPIMO (false-positive rates 0.0001 to 0.001)"


def test_the_cost_over_products_is_a_mean_of_seconds_and_a_peak_of_memory() -> None:
    products: dict[str, dict[str, Any]] = {
        "a": {"seconds": {"fit": 2.0, "look": {"median": 0.1, "total": 1.0}}, "peak_mb": 500},
        "b": {"seconds": {"fit": 4.0, "look": {"median": 0.3, "total": 2.0}}, "peak_mb": None},
    }
    cost = cost_over_products(products)
    assert cost["seconds"] == {"fit": 3.0, "look": {"median": pytest.approx(0.2), "total": 1.5}}
    assert cost["peak_mb"] == 500


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(folder of pictures, saved model)."""
    from tests.support.synthetic_run import make_dataset

    from specsight.datasets import load_dataset

    base = tmp_path_factory.mktemp("fitted")
    data = make_dataset(base)
    good = [s for s in load_dataset(data).samples if s.split == "train"]
    Inspector.fit(good, detector="patchcore", resolution=64).save(base / "model")
    return data, base / "model"


def inspect(model: Path, pictures: Path, out: Path) -> RunFolder:
    from specsight.datasets import load_dataset

    samples = load_dataset(pictures).samples
    inspections.write_inspections(Inspector.load(model), samples, out, data=pictures, model=model)
    return RunFolder(out)


def test_inspected_again_only_new_changed_and_mended_pictures_are_judged(
    fitted: tuple[Path, Path], tmp_path: Path
) -> None:
    data, model = fitted
    new = tmp_path / "new"
    new.mkdir()
    picture = (data / "test" / "good" / "000.png").read_bytes()
    (new / "a.png").write_bytes(picture)
    (new / "b.png").write_bytes(b"")
    run = inspect(model, new, tmp_path / "out")
    assert [p.inspection.image for p in run.predictions()] == ["a.png"]
    assert [s.image for s in run.skipped()] == ["b.png"]
    assert run.metrics()["counts"]["skipped"] == 1
    before = run.predictions()[0].inspection.score
    (new / "a.png").write_bytes((data / "test" / "contamination" / "001.png").read_bytes())
    (new / "b.png").write_bytes(picture)
    (new / "c.png").write_bytes(picture)
    run = inspect(model, new, tmp_path / "out")
    scores = {p.inspection.image: p.inspection.score for p in run.predictions()}
    assert set(scores) == {"a.png", "b.png", "c.png"}
    assert scores["b.png"] == scores["c.png"] == before != scores["a.png"]
    assert run.skipped() == []
    lines = (run.path / folder.PREDICTIONS).read_bytes()
    inspect(model, new, tmp_path / "out")
    assert (run.path / folder.PREDICTIONS).read_bytes() == lines


def test_folder_names_are_not_taken_for_truth_when_inspecting(
    fitted: tuple[Path, Path], tmp_path: Path
) -> None:
    run = inspect(fitted[1], fitted[0] / "test", tmp_path / "out")
    assert {p.label for p in run.predictions()} == {"unknown"}
    assert "image_auroc" not in run.metrics()


def test_a_mean_says_over_how_many_products_it_is() -> None:
    """Two products, one of them without a defective picture: what it lacks is no part of the mean."""
    each = {
        "plate": {"folder": "plate", "image_auroc": {"value": 0.8}, "false_reject_rate": {"value": 0.1}},
        "tube": {"folder": "tube", "image_auroc": {"value": None}, "false_reject_rate": {"value": 0.3}},
    }
    numbers = {**over_products(each), "products": each}
    names = {line.key: line.name for group in headline(numbers).values() for line in group}
    assert names["image_auroc"] == "Image AUROC (mean of 1 product)"
    assert names["false_reject_rate"] == "False-reject rate (mean of 2 products)"
    page = tables.products(numbers, Protocol())
    assert page["columns"] == ["Image AUROC", "False-reject rate"]
    assert page["mean"] == ["0.800 (1 of 2)", "20.0 %"]

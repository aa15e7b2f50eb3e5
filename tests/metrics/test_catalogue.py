"""The list of metric names, what importing the room costs, and the benchmark runner that prints its numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy import ndimage
from speed import __main__ as runner
from speed.metrics import pictures, textbook_aupro
from speed.rows import Row

from specsight import metrics
from specsight.errors import SpecsightError


def test_every_name_says_what_it_is_and_which_way_is_better() -> None:
    for name, metric in metrics.metrics.items():
        assert name == name.lower()
        assert len(metric.description) > 20
        falls = name.endswith("_rate") or name.startswith(("sentences_unread", "scope_drop", "wording_"))
        assert metric.direction == ("lower" if falls and name != "detection_rate" else "higher")


def test_metrics_that_look_at_the_truth_are_called_oracles() -> None:
    assert {name for name, metric in metrics.metrics.items() if metric.oracle} == {
        "image_f1_max",
        "pixel_f1_max",
        "iou_oracle",
    }


def test_no_two_metrics_of_one_group_share_a_title() -> None:
    titles = [(metric.group, metric.title) for metric in dict(metrics.metrics.items()).values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(
    ("name", "title", "group"),
    [
        ("aupro_30", "AUPRO@0.3", metrics.Group.PIXEL_RANKING),
        ("aupro_10", "AUPRO@0.1", metrics.Group.PIXEL_RANKING),
        ("au_spro_05", "AU-sPRO@0.05", metrics.Group.PIXEL_RANKING),
        ("au_spro_05_logical", "AU-sPRO@0.05, logical", metrics.Group.PIXEL_RANKING),
        ("image_auroc_structural", "Image AUROC, structural", metrics.Group.IMAGE_RANKING),
    ],
)
def test_families_are_described_by_their_pattern(name: str, title: str, group: metrics.Group) -> None:
    metric = metrics.metric_of(name)
    assert (metric.title, metric.group) == (title, group)
    assert len(metric.description) > 20


@pytest.mark.parametrize("saturated", [False, True])
@pytest.mark.parametrize("limit", [0.01, 0.05, 0.3, 1.0])
def test_a_limit_and_its_name_are_one(limit: float, saturated: bool) -> None:
    name = metrics.overlap_name(limit, saturated)
    assert f"@{limit:g}" in metrics.metric_of(name).title
    assert f"{100 * limit:g} %" in metrics.metric_of(name).description
    kind = metrics.metric_of(metrics.overlap_name(limit, saturated=True, kind="logical"))
    assert kind.title.endswith(f"@{limit:g}, logical")


def test_a_number_that_nobody_knows_has_no_metric() -> None:
    assert metrics.find("image_aurok") is None


def test_a_misspelt_name_gets_a_suggestion() -> None:
    with pytest.raises(SpecsightError, match="did you mean 'aupro_30'"):
        metrics.metric_of("aupro_3")


def test_importing_metrics_needs_numpy_only() -> None:
    heavy = ["scipy", "torch", "cv2", "matplotlib", "PIL", "sklearn", "pydantic", "transformers", "faiss"]
    code = f"import sys, specsight.metrics; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_baseline_of_the_benchmark_measures_the_same_thing() -> None:
    pairs = [(m[::9, ::9], k[::9, ::9]) for m, k in pictures(6, 2)]
    pairs = [(ndimage.gaussian_filter(m, 2), k) for m, k in pairs]
    assert sum(bool(k.any()) for _, k in pairs) == 4
    exact = metrics.aupro(metrics.gather(pairs), 0.3)
    assert textbook_aupro(pairs, 0.3, 2000) == pytest.approx(exact, abs=1e-3)


def test_the_runner_prints_rows_and_names_unknown_benchmarks(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Row("speed", "2 s", "≤ 15 s", "19 × faster", True), Row("size", "9 GiB", "< 3 GiB", met=False)]
    console = Console(width=100, record=True)
    console.print(runner.table("exact AUPRO", rows, 7.4))
    text = console.export_text()
    for part in ("exact AUPRO (took 7 s)", "19 × faster", "met", "9 GiB", "missed"):
        assert part in text
    assert runner.main(["metrcs"]) == 2
    assert "did you mean 'metrics'" in capsys.readouterr().err


@pytest.mark.shared
def test_real_masks_and_maps(shared: Path) -> None:
    """Bottle: distance of each picture to the mean good one, against the textbook loop with many thresholds."""
    from specsight.datasets import load_dataset
    from specsight.images import anomaly_mask, read_rgb

    samples = load_dataset(shared / "data" / "mvtec_ad" / "bottle").samples
    good = [read_rgb(s.image)[::4, ::4].astype(np.float32) for s in samples if s.split == "train"][:20]
    mean = np.mean(good, axis=0)
    pairs = []
    for sample in [s for s in samples if s.split == "test"][::6]:
        picture = read_rgb(sample.image)
        mask = anomaly_mask(sample, picture.shape[:2])[::4, ::4]
        pairs.append((np.abs(picture[::4, ::4] - mean).mean(axis=2), mask))
    found = metrics.measure(metrics.gather(pairs))
    assert 0.5 < found.aupro[0.3] < 0.95
    assert textbook_aupro(pairs, 0.3, 1000) == pytest.approx(found.aupro[0.3], abs=2e-3)
    assert found.regions == sum(ndimage.label(k, np.ones((3, 3)))[1] for _, k in pairs)

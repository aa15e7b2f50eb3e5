"""Fits, protocols, suites and curves: what is written is what is read, and what version 0.1 wrote is still read."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from specsight.calibration import calibrate
from specsight.errors import SpecsightError
from specsight.runs.costs import milliseconds_per_picture
from specsight.runs.curve_table import CurvePoint, points_of, read_curve, write_curve
from specsight.runs.fit import Fit
from specsight.runs.folder import FITS, RunFolder
from specsight.runs.protocol import Protocol
from specsight.runs.suite_record import RECORD, TABLE, SuiteRecord, SuiteRow

OLD_FIT = {
    "detector": "patchcore",
    "parameters": {"coreset_ratio": 0.1},
    "resolution": 320,
    "transductive": False,
    "encoder": "filters",
    "fingerprint": "3f2a9c1e",
    "calibration": None,
    "words": None,
    "seconds": 1.5,
    "learned": 80,
    "held_out": 20,
    "peak_mb": 512.0,
}
"""As version 0.1 wrote it for a model that was fitted before there were trainings on other sets."""


def test_a_fit_survives_its_file(tmp_path: Path) -> None:
    calibration = calibrate([(0.1, np.full((4, 4), 0.1, np.float32))] * 20, 0.05, 0.5)
    fit = Fit(
        "patchcore", 320, "filters", "3f2a", {"k": 1}, calibration=calibration, learned=3, words="cap: dent"
    )
    run = RunFolder(tmp_path)
    assert run.fits() == {}
    run.add_fit(3, fit)
    run.add_fit(0, Fit("padim", 64, "filters", "3f2a"))
    assert run.fits() == {3: fit, 0: Fit("padim", 64, "filters", "3f2a")}


def test_fits_of_version_0_1_are_read_and_damaged_ones_named(tmp_path: Path) -> None:
    (tmp_path / FITS).write_text(json.dumps({"0": OLD_FIT}))
    (fit,) = RunFolder(tmp_path).fits().values()
    assert (fit.detector, fit.seconds, fit.learned, fit.training_seconds) == ("patchcore", 1.5, 80, None)
    (tmp_path / FITS).write_text(json.dumps({"0": {"resolution": 320}}))
    with pytest.raises(SpecsightError, match=r"fits\.json' is damaged"):
        RunFolder(tmp_path).fits()


def test_a_protocol_survives_its_file() -> None:
    protocol = Protocol("a line", "how", (0, 2), True, True, "3f2a", {"Shots": "4"}, "a title")
    protocol = replace(protocol, in_part=("'Lid and rim only.' (no lid)",), further_rejects="3 of 40")
    assert Protocol.from_json(json.loads(json.dumps(protocol.to_json()))) == protocol
    assert Protocol.from_json({"line": "a line", "unknown": 1}) == Protocol("a line")


def row(name: str, **more: object) -> SuiteRow:
    values = {"image_auroc": 0.5, "iou": None}
    deviations = {"image_auroc": 0.1, "iou": None}
    intervals = {"image_auroc": (0.4, 0.75), "iou": (None, None)}
    about = (name, "methods", "padim", name, "line", "")
    return SuiteRow(*about, values, deviations, intervals, **more)  # type: ignore[arg-type]


def test_a_suite_survives_its_files(tmp_path: Path) -> None:
    rows = (row("a", fit_seconds=2.5, learned="10"), row("b", peak_mb=100.0, shows_map=True))
    record = SuiteRecord("clad", "bottle", None, (0, 1), rows)
    record.write(tmp_path)
    assert SuiteRecord.read(tmp_path) == record
    assert record.metrics == ["image_auroc", "iou"]
    with (tmp_path / TABLE).open() as file:
        lines = list(csv.DictReader(file))
    assert [(line["name"], line["image_auroc_sd"], line["iou"]) for line in lines] == [
        ("a", "0.1", ""),
        ("b", "0.1", ""),
    ]


def test_suites_of_version_0_1_are_read(tmp_path: Path) -> None:
    lines = []
    for name, parameters in (
        ("CLAD: Grad-CAM", {"map": "gradcam"}),
        ("CLAD: lambda 1", {"reconstruction": 1.0}),
    ):
        line = row(name).to_json() | {"group": "ablations", "theirs": "0.9 (elsewhere)"}
        del line["published"], line["shows_map"], line["image_auroc_low"], line["image_auroc_high"]
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(yaml.safe_dump({"parameters": parameters}))
        lines.append(line)
    about = {"suite": "clad", "data": "bottle", "product": None, "seeds": [0]}
    (tmp_path / RECORD).write_text(json.dumps({**about, "rows": lines}))
    rows = SuiteRecord.read(tmp_path).rows
    assert rows[0].intervals["image_auroc"] == (None, None)
    assert [(r.published, r.shows_map) for r in rows] == [
        ("0.9 (elsewhere)", True),
        ("0.9 (elsewhere)", False),
    ]
    (tmp_path / RECORD).write_text(json.dumps({**about, "rows": [{"name": "x"}]}))
    with pytest.raises(SpecsightError, match=r"suite\.json' is damaged"):
        SuiteRecord.read(tmp_path)


def test_a_curve_survives_its_table(tmp_path: Path) -> None:
    numbers: dict[str, Any] = {
        "image_auroc": {"value": 1 / 3, "low": 0.1, "high": 0.9, "sd": None, "n_seeds": 1},
        "seconds": {"fit": 2.5, "look": {"median": 0.02, "total": 1.0}},
        "peak_mb": 300.0,
    }
    several = {"image_auroc": {"value": 0.5}, "products": {"=cap": {"folder": "cap-1", **numbers}}}
    points = [
        CurvePoint.of("padim", 4, numbers, "padim-4-shot"),
        CurvePoint.of("padim", None, {}),
        *points_of("padim", 2, several, "padim-2-shot"),
    ]
    assert [(p.product, p.folder) for p in points[2:]] == [
        ("", "padim-2-shot"),
        ("=cap", "padim-2-shot/cap-1"),
    ]
    assert points[0].costs == {
        "training_seconds": None,
        "fit_seconds": 2.5,
        "picture_ms": 20.0,
        "peak_mb": 300.0,
    }
    write_curve(tmp_path, points)
    assert read_curve(tmp_path) == points
    assert points[0].numbers["image_auroc"]["value"] == 1 / 3
    assert points[1].numbers["aupro_30"]["value"] is None
    with pytest.raises(SpecsightError, match="holds no few-shot curve"):
        read_curve(tmp_path / "elsewhere")


def test_the_time_of_a_picture_is_the_sum_over_its_stages() -> None:
    spent = {"fit": 9.0, "read": {"median": 0.25, "total": 1}, "judge": {"median": 0.5, "total": 1}}
    assert milliseconds_per_picture(spent) == 750
    assert milliseconds_per_picture({"fit": 9.0}) is None

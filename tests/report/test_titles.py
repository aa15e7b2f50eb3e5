"""What page and screen call a metric stands in the catalogue of metrics, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.synthetic_run import METRICS_EXAMPLE, make_run

from specsight import screen
from specsight.evaluation.suite_catalogue import SUITES
from specsight.metrics import metric_of, metrics
from specsight.report import tables
from specsight.report.page import render
from specsight.runs import curve_table
from specsight.runs.suite_record import SuiteRecord, SuiteRow


def test_every_chosen_metric_is_in_the_catalogue() -> None:
    chosen = [*tables.COMPARED, *tables.TILES, *curve_table.METRICS]
    chosen += [name for suite in SUITES.values() for name in suite.metrics]
    assert all(metric_of(name).column for name in chosen)


def test_a_title_that_changes_there_changes_on_page_and_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("image_auroc", "aupro_30", "detection_rate"):
        renamed = replace(metrics[name], title=f"T-{name}", type_title=f"C-{name}", description=f"D-{name}")
        monkeypatch.setitem(metrics._entries, name, renamed)
    run = make_run(tmp_path, good=2, defective=2)
    page = render(run).read_text("utf-8")
    screen.headline(run)
    printed = capsys.readouterr().out
    for name in ("image_auroc", "aupro_30", "detection_rate"):
        assert page.count(f"T-{name}") == 2, "the tile and the row"
        assert f"D-{name}" in page
        assert f"T-{name}" in printed
    assert "C-image_auroc" in page
    assert "Image AUROC" not in page
    assert "AUPRO@0.3" not in page


def test_detection_and_false_rejects_stand_beside_auroc_on_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path, good=2, defective=2)
    screen.headline(run)
    lines = capsys.readouterr().out.splitlines()
    first = next(k for k, line in enumerate(lines) if "Image AUROC" in line)
    assert lines[first + 1].split() == ["Detection", "rate", "75.0", "%", "60.0", "to", "90.0", "%"]
    assert lines[first + 2].split() == ["False-reject", "rate", "8.3", "%", "0.0", "to", "20.0", "%"]
    record = SuiteRow(
        "PatchCore", "methods", "patchcore", run.name, "", "", {"detection_rate": 0.29}, {"detection_rate": None},
        {"detection_rate": (0.2141, 0.3794)},
    )  # fmt: skip
    SuiteRecord("one", "plate", None, (0,), (record,)).write(run.parent)
    screen.suite(run.parent)
    printed = capsys.readouterr().out
    assert "29.0 %" in printed
    assert "21.4 to 37.9 %" in printed


def test_numbers_of_another_version_are_shown_as_they_are_called() -> None:
    lines = tables.headline({**METRICS_EXAMPLE, "new_number": {"value": 0.5}})
    (line,) = lines["Further numbers"]
    assert (line.key, line.name, line.value) == ("new_number", "new number", "0.500")

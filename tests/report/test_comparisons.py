"""Pages that compare runs: several products, rows that failed, and tables for papers that keep what they say."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.support.synthetic_run import METRICS_EXAMPLE, NASTY, PROTOCOL, make_run, metric

from specsight.report import charts
from specsight.report.curve_page import CHART, render_curve
from specsight.report.export import Table, best_of, latex, markdown
from specsight.report.suite_page import render_suite
from specsight.runs.curve_table import CurvePoint, points_of, read_curve, write_curve
from specsight.runs.folder import RunFolder
from specsight.runs.suite_record import SuiteRecord, SuiteRow


def several_products(out: Path, detector: str, shots: int, value: float) -> list[CurvePoint]:
    """A run over two products in a folder of its own; returns its points."""
    name = f"{detector}-{shots}-shot"
    run = out / name
    run.mkdir(parents=True)
    products: dict[str, dict[str, Any]] = {}
    for product, auroc in (("cap", value), (NASTY, value - 0.2)):
        inside = make_run(out.parent / f"{name}-{len(products)}", good=1, defective=1)
        inside.rename(run / f"p{len(products)}")
        products[product] = {
            **METRICS_EXAMPLE,
            "image_auroc": metric(auroc, auroc - 0.1, auroc + 0.05, sd=0.01),
            "folder": f"p{len(products)}",
        }
    numbers = {"image_auroc": metric(value - 0.1, sd=0.02), "products": products, "protocol": PROTOCOL}
    RunFolder(run).write_metrics(numbers)
    return points_of(detector, shots, numbers, name)


def test_a_curve_over_several_products_has_a_table_and_charts_for_each(tmp_path: Path) -> None:
    out = tmp_path / "curve"
    points = [
        point
        for detector, shots, value in (
            ("patchcore", 1, 0.7),
            ("patchcore", 2, 0.8),
            ("padim", 1, 0.6),
            ("padim", 2, 0.9),
        )
        for point in several_products(out, detector, shots, value)
    ]
    write_curve(out, points)
    page = render_curve(out).read_text("utf-8")
    assert re.findall(r"<h2>(.*?)</h2>", page)[:2] == ["Mean of 2 products", "cap"]
    assert "<img src=x" not in page
    assert "0.800 ± 0.020" in page
    assert "<b>0.900 ± 0.010</b>" in page
    assert "0.800 to 0.950" in page, "the interval of the best"
    links = set(re.findall(r'href="([^"]+/report.html)"', page))
    assert len(links) == 12
    assert all((out / link).is_file() for link in links)
    assert ElementTree.parse(out / CHART).getroot().tag.endswith("svg")
    lines = (out / "few_shot.md").read_text("utf-8").splitlines()
    assert len(lines) == 2 + 12
    assert all(line.count(" | ") == lines[0].count(" | ") for line in lines)
    assert lines[2].startswith("| patchcore | 1 | mean | 0.600 ± 0.020 |")


def test_rows_of_a_suite_that_failed_are_on_its_page_with_their_cause(tmp_path: Path) -> None:
    run = make_run(tmp_path, good=1, defective=1)
    row = SuiteRow(
        name="PatchCore", group="methods", detector="patchcore", folder="run", protocol="", published="",
        values={"image_auroc": 0.9}, deviations={"image_auroc": None}, intervals={"image_auroc": (0.8, 0.95)},
    )  # fmt: skip
    SuiteRecord("two", "plate", None, (0,), (row,), {NASTY: "no good <b>picture"}).write(run.parent)
    page = render_suite(run.parent).read_text("utf-8")
    assert "Rows without numbers" in page
    assert "no good &lt;b&gt;picture" in page
    assert "<img src=x" not in page
    before = (run / "report.html").stat().st_mtime_ns
    render_suite(run.parent)
    assert (run / "report.html").stat().st_mtime_ns == before, (
        "rows that have not changed are not drawn again"
    )


def test_a_suite_over_several_products_has_their_numbers_curves_and_maps(tmp_path: Path) -> None:
    out = tmp_path / "suite"
    rows = []
    for name, value in (("padim", 0.9), ("patchcore", 0.8)):
        several_products(out, name, 1, value)
        rows.append(
            SuiteRow(
                name=name, group="one modality", detector=name, folder=f"{name}-1-shot", protocol="", published="",
                values={"image_auroc": value}, deviations={"image_auroc": 0.02},
                intervals={"image_auroc": (None, None)},
            )
        )  # fmt: skip
    SuiteRecord("two", "plates", None, (0,), tuple(rows)).write(out)
    page = render_suite(out).read_text("utf-8")
    assert "Mean of 2 products" in page
    table = page[page.index("image AUROC by product") :]
    assert re.findall(r"(0\.\d{3}) ± 0\.010", table)[:4] == ["0.900", "0.700", "0.800", "0.600"]
    assert "0.800 to 0.950</span>" in table
    assert "<img src=x" not in page
    curves = page[page.index('id="curves"') : page.index('id="localisation"')]
    assert curves.count("<figure>") == 2 * curves.count("<h3>") == 4
    assert "<title>patchcore</title>" in curves
    maps = page[page.index('id="localisation"') :]
    assert maps.count(": map of padim") == maps.count(": map of patchcore") > 0


def test_what_the_threshold_makes_of_the_pictures_stands_beside_auroc_in_every_table(tmp_path: Path) -> None:
    run = make_run(tmp_path / "suite", good=1, defective=1)
    names = ("image_auroc", "detection_rate", "false_reject_rate")
    measured = ((0.9, 0.8, 0.95), (0.29, 0.2141, 0.3794), (0.0, 0.0, 0.15))
    numbers = {name: metric(*three) for name, three in zip(names, measured)}
    row = SuiteRow(
        name="PatchCore", group="methods", detector="patchcore", folder=run.name, protocol="", published="",
        values={name: numbers[name]["value"] for name in names}, deviations=dict.fromkeys(names),
        intervals={name: (numbers[name]["low"], numbers[name]["high"]) for name in names},
    )  # fmt: skip
    SuiteRecord("one", "plate", None, (0,), (row,)).write(run.parent)
    page = render_suite(run.parent).read_text("utf-8")
    head = "image AUROC | detection rate | false rejects"
    cells = "0.900 (0.800 to 0.950) | 29.0 % (21.4 to 37.9 %) | 0.0 % (0.0 to 15.0 %)"
    assert '>29.0 %<br><span class="note">21.4 to 37.9 %</span>' in page
    lines = (run.parent / "suite.md").read_text("utf-8").splitlines()
    assert head in lines[0]
    assert cells in lines[2]
    assert r"29.0 \% (21.4 to 37.9 \%)" in (run.parent / "suite.tex").read_text("utf-8")
    curve = tmp_path / "curve"
    make_run(curve, good=1, defective=1)
    write_curve(curve, points_of("patchcore", 4, {**METRICS_EXAMPLE, **numbers}, "run"))
    page = render_curve(curve).read_text("utf-8")
    assert '>29.0 %<br><span class="note">21.4 to 37.9 %</span>' in page
    lines = (curve / "few_shot.md").read_text("utf-8").splitlines()
    assert head in lines[0]
    assert cells in lines[2]


def test_a_curve_of_a_version_that_had_no_detection_rates_is_read(tmp_path: Path) -> None:
    write_curve(tmp_path, points_of("patchcore", 4, METRICS_EXAMPLE, "run"))
    file = tmp_path / "few_shot.csv"
    with file.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    old = [{k: v for k, v in row.items() if not k.startswith("detection_rate")} for row in rows]
    with file.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(old[0]))
        writer.writeheader()
        writer.writerows(old)
    (point,) = read_curve(tmp_path)
    assert point.numbers["detection_rate"] == dict.fromkeys(("value", "low", "high", "sd"))
    assert point.numbers["image_auroc"]["value"] == 0.9712


def test_tables_for_papers_escape_their_cells_and_print_the_best_in_bold() -> None:
    best = best_of(["image_auroc", "false_reject_rate"], [[0.5, 0.1], [0.9, 0.2], [None, None]], 1)
    assert best == {(1, 1), (0, 2)}, "for rejects of good parts the lowest is the best"
    table = Table(
        ["Row", "image AUROC", "rejects"],
        [["a_b|c & 5 %", "0.5 ± 0.1", "0.1"], ["d", "0.9", "0.2"]],
        best=best,
    )
    assert markdown(table).splitlines() == [
        "| Row | image AUROC | rejects |",
        "| --- | ---: | ---: |",
        r"| a\_b\|c & 5 % | 0.5 ± 0.1 | **0.1** |",
        "| d | **0.9** | 0.2 |",
    ]
    tex = latex(table)
    assert r"a\_b|c \& 5 \% & 0.5 $\pm$ 0.1 & \textbf{0.1} \\" in tex
    assert tex.startswith(r"\begin{tabular}{lrr}")


def test_bars_of_a_chart_are_the_interval_or_else_the_deviation() -> None:
    by_seeds: dict[str, float | None] = {"value": 0.5, "low": None, "high": None, "sd": 0.1}
    by_pictures: dict[str, float | None] = {"value": 0.8, "low": 0.7, "high": 0.9, "sd": 0.3}
    series = {"a": [(0, by_seeds), (1, by_pictures)]}
    made = charts.lines("image AUROC", series, ["1", "2"], side=100)
    first, second = made.series[0][1]
    assert first.x < second.x
    assert first.low is not None
    assert second.low is not None
    assert second.high is not None
    per_unit = (first.y - second.y) / 0.3
    assert (first.low - first.y) / per_unit == pytest.approx(0.1)
    assert (second.low - second.high) / per_unit == pytest.approx(0.2)
    assert 0 <= second.high < first.low <= 100

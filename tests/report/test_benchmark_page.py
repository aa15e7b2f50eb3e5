"""The page of a benchmark: every model with its numbers, pictures of right and wrong answers, and no text that runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from pycocotools import mask as coco
from tests.support.answered_benchmark import item, sample, verdict_item, write_benchmark, write_run

from specsight.benchmark.answers import Answer
from specsight.benchmark.files import Benchmark
from specsight.benchmark.records import Instance
from specsight.benchmark.scoring.scores import score_run
from specsight.cli import cli
from specsight.errors import SpecsightError
from specsight.explain.slots import Slots
from specsight.report.benchmark_lines import tables
from specsight.report.benchmark_page import render_benchmark

VERDICTS = ("reject", "accept")
CHANGED = ("counterfactual/removed", "counterfactual/elsewhere")
CF = ("counterfactual/original", *CHANGED)
HOSTILE = "</style><script>document.title = 'taken'</script><img src=x onerror=alert(1)>"


def defect(mask: np.ndarray) -> Instance:
    encoded = coco.encode(np.asfortranarray(mask))
    return Instance(
        type_raw="cut", type="cut", box=(10, 10, 30, 20), area_px=200, area_share=0.04, centroid=(20, 15),
        cells=("top left",), length_px=22, rle={"size": encoded["size"], "counts": encoded["counts"].decode()},
    )  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path) -> Benchmark:
    """Six pictures, of which the last has gone; questions with hostile texts."""
    folder = tmp_path / "bench"
    folder.mkdir()
    mask = np.zeros((60, 90), np.uint8)
    mask[10:20, 10:30] = 1
    samples = []
    for k in range(6):
        bad = k % 2 == 1
        samples.append(
            sample(f"s{k}", label="defective" if bad else "good", instances=(defect(mask),) if bad else ())
        )
        picture = np.full((60, 90, 3), 90 + 20 * k, np.uint8)
        if k < 5:
            cv2.imwrite(str(folder / f"s{k}.png"), picture)
    items = [
        verdict_item(f"{s.id}/a", s.id, "reject" if s.label == "defective" else "accept") for s in samples
    ]
    items += [
        item(f"{s.id}/t", s.id, "type", question=HOSTILE, options={"A": "cut", "B": HOSTILE}, answer="A")
        for s in samples
        if s.label == "defective"
    ]  # fmt: skip
    items += [item("s5/d", "s5", "description", form="text", options={}, answer="A cut at the top left.")]
    return write_benchmark(folder, samples, items)


def run(bench: Benchmark, folder: Path, model: str, wrong: int) -> Path:
    answers = []
    for number, one in enumerate(bench.items()):
        given = one.answer if number >= wrong or one.form == "text" else ("A" if one.answer == "B" else "B")
        answers.append(Answer(item=one.id, raw=f"I say {given} {HOSTILE}", given=given))
    answers[-2] = Answer(item=answers[-2].item, error="the endpoint gave HTML: <html>")
    return write_run(folder, bench, answers, model)


def test_models_stand_side_by_side_with_intervals_and_pictures(bench: Benchmark, tmp_path: Path) -> None:
    runs = [run(bench, tmp_path / name, name, wrong) for name, wrong in (("random", 5), ("patchcore", 2))]
    scores = render_benchmark(bench, runs, tmp_path / "page.html", resamples=50)
    page = (tmp_path / "page.html").read_text()
    assert list(scores) == ["random", "patchcore"]
    value = scores["patchcore"].figures["task/anomaly"].value
    assert value == pytest.approx(4 / 6)
    assert "<b>66.7 %</b>" in page
    assert "Compared with random" in page
    assert "+50.0" in page  # anomaly: 4 of 6 against 1 of 6
    assert page.count("data:image/webp") >= 2
    assert "cannot be shown" in page
    assert "the endpoint gave HTML: &lt;html&gt;" in page
    assert (tmp_path / "random" / "scores.json").is_file()


def test_texts_of_items_and_models_are_escaped(bench: Benchmark, tmp_path: Path) -> None:
    render_benchmark(bench, [run(bench, tmp_path / "run", HOSTILE, 1)], tmp_path / "page.html", resamples=0)
    page = (tmp_path / "page.html").read_text()
    assert "&lt;script&gt;document.title" in page
    assert len(re.findall("<script>", page)) == 1
    assert "<img src=x" not in page


def test_the_same_runs_give_the_same_page(bench: Benchmark, tmp_path: Path) -> None:
    folders = [run(bench, tmp_path / "run", "some", 1)]
    pages = []
    for name in ("one.html", "two.html"):
        render_benchmark(bench, folders, tmp_path / name, resamples=20)
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]


def test_two_runs_of_one_model_are_told_apart_by_their_folders(bench: Benchmark, tmp_path: Path) -> None:
    first, second = (run(bench, tmp_path / name, "some", 1) for name in ("one", "two"))
    assert list(render_benchmark(bench, [first, second], tmp_path / "p.html", resamples=0)) == [
        "some (one)",
        "some (two)",
    ]
    with pytest.raises(SpecsightError, match="name each run once"):
        render_benchmark(bench, [first, first], tmp_path / "p.html", resamples=0)


def test_the_verb(bench: Benchmark, tmp_path: Path) -> None:
    folder = run(bench, tmp_path / "run", "some", 2)
    arguments: list[Any] = [
        "benchmark",
        "report",
        bench.folder,
        folder,
        "-o",
        tmp_path / "page.html",
        "--resamples",
        0,
    ]
    result = CliRunner().invoke(cli, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0
    assert "some: accuracy" in result.output
    assert "(10 of 10 questions)" in result.output
    assert (tmp_path / "page.html").is_file()


def test_in_a_browser_nothing_of_an_item_runs_and_nothing_is_fetched(
    browser: Any, bench: Benchmark, tmp_path: Path
) -> None:
    folders = [
        run(bench, tmp_path / name, f"{name} {HOSTILE}", wrong) for name, wrong in (("random", 5), ("a", 1))
    ]
    render_benchmark(bench, folders, tmp_path / "page.html", resamples=20)
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get((tmp_path / "page.html").as_uri())
    assert browser.title == "Caps · Specsight"
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    address = (tmp_path / "page.html").as_uri()
    requested = [
        m["params"]["request"]["url"]
        for m in messages
        if m["method"] == "Network.requestWillBeSent" and m["params"]["documentURL"] == address
    ]
    assert [url for url in requested if not url.startswith("data:")] == [address]
    widths = browser.execute_script("return [...document.images].map(i => i.naturalWidth)")
    assert widths
    assert all(widths)
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    targets = browser.execute_script(
        "return [...document.querySelectorAll('nav a')].map(a => !!document.querySelector(a.getAttribute('href')))"
    )
    assert len(targets) > 5
    assert all(targets)


def test_every_number_that_scoring_gives_stands_in_a_table(tmp_path: Path) -> None:
    samples = [sample("g", conditions={"light": "dark"}), sample("h")]
    mask = np.zeros((60, 90), np.uint8)
    mask[10:20, 10:30] = 1
    samples += [
        sample(k, label="defective", instances=(defect(mask),), conditions={"light": k}) for k in "de"
    ]
    ids = {one.id: "reject" if one.label == "defective" else "accept" for one in samples}
    items = []
    for scenario in (None, "S1/plain", "S1/noun removed", "counterfactual/original", *CHANGED):
        items += [
            verdict_item(
                f"{id_}/{scenario}", id_, truth, scenario=scenario, pair=id_ if scenario in CF else None
            )
            for id_, truth in ids.items()
        ]
    items += [
        verdict_item(f"d/p/{k}", "d", truth, "part_scope", pair="p") for k, truth in enumerate(VERDICTS)
    ]
    items += [item(f"{k}/b", k, "location", form="box", options={}, answer="[1, 1, 9, 9]") for k in "de"]
    items += [item(f"{k}/t", k, "description", form="text", options={}, answer=f"A {k}ut.") for k in "de"]
    slots = Slots(
        decision="reject",
        types=("cut",),
        cells=("top left",),
        boxes=((1, 1, 9, 9),),
        severity="minor",
        count=1,
    )
    items += [item(f"{k}/r", k, "report", form="report", options={}, answer="{}", slots=slots) for k in "de"]
    bench = write_benchmark(tmp_path / "bench", samples, items)
    answers = []
    for one in items:
        given = slots.model_dump_json(exclude_none=True) if one.form == "report" else one.answer
        likelihoods = {"A": 0.0, "B": -1.0} if one.options else None
        answers += [
            Answer(item=one.id, given=given, rotation=k, likelihoods=likelihoods)
            for k in range(2 if one.options else 1)
        ]
    scores = score_run(bench, write_run(tmp_path / "run", bench, answers), resamples=0)
    names = {name for name in scores.figures if not name.startswith("chance/")}
    listed = {line.name for table in tables(names) for line in table.lines}
    assert names - listed == set()
    assert {"circular", "pairs", "change_auroc/S1/noun removed", "counterfactual/flip", "by/light/d"} <= names
    assert {"text/description/bleu", "grounding/consistency", "box/iou", "mmad", "letter/A/given"} <= names

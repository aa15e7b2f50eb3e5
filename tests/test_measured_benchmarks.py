"""The documents' page of items and their tables come from a benchmark's folder and its runs."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

pytest.importorskip("pycocotools")

from click.testing import CliRunner
from measured.benchmarks import ACROSS, TILE, _tables, write_page
from tests.support.small_benchmark import write_small_benchmark

from specsight.benchmark.files import Benchmark
from specsight.cli import cli


def test_the_page_shows_one_item_of_each_task_with_its_answer(tmp_path: Path) -> None:
    benchmark = write_small_benchmark(tmp_path)
    write_page(benchmark, tmp_path / "docs")
    page = (tmp_path / "docs" / "benchmark-items.md").read_text()
    tasks = {item.task for item in benchmark.items()}
    assert page.count("\n> ") == len(tasks) == 4
    assert "- **A. Yes.**" in page
    assert r"Is anything \<b\>wrong\</b\>?" in page
    assert "Answer: A bright scratch and a dent." in page
    sheet = cv2.imread(str(tmp_path / "docs" / "images" / "benchmark-items.webp"))
    assert sheet is not None
    assert sheet.shape == (TILE, ACROSS * TILE, 3)


def test_tables_print_the_scores_of_each_run(tmp_path: Path) -> None:
    write_small_benchmark(tmp_path)
    (tmp_path / "bench").rename(tmp_path / "caps")
    for model in ("random", "majority", "blind"):
        arguments = ["benchmark", "run", str(tmp_path / "caps"), "--model", model]
        done = CliRunner().invoke(cli, [*arguments, "-o", str(tmp_path / "caps-runs" / model)])
        assert done.exit_code == 0, done.output
    text = _tables(Benchmark(tmp_path / "caps"), tmp_path / "caps-runs")
    assert text.startswith("### caps: 3 pictures, 5 items")
    assert "| `random` | `majority` | `blind` |" in text
    assert "| Compared with blind | questions | by chance | `random` | `majority` |" in text
    assert "Anomaly" in text

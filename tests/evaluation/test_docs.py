"""The Python of docs/evaluation.md and docs/metrics.md runs as it stands there, on a small data set."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.synthetic_run import make_dataset

from specsight.metrics import Group, metric_of, metrics

DOCS = Path(__file__).parents[2] / "docs"


def code(page: str, containing: str) -> str:
    """The block of a page that contains a text."""
    blocks: list[str] = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    (block,) = [block for block in blocks if containing in block]
    return block


def test_an_evaluation_and_its_run_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_dataset(tmp_path)
    for containing in ("ss.evaluate", "RunFolder"):
        block = code("evaluation.md", containing).replace("data/bottle", str(data))
        block = block.replace("runs/bottle", str(tmp_path / "run"))
        # Smaller than the page's, for the test's sake.
        block = block.replace("shots=4, seeds=(0, 1, 2)", "shots=4, resolution=64, resamples=0")
        exec(block, {})  # noqa: S102 (our own page)
    printed = capsys.readouterr().out
    assert "4-shot: 4 good pictures learned from" in printed
    assert str(tmp_path / "run" / "report.html") in printed
    assert (
        len(re.findall(r"^plate/test/\w+/\d+ (good|defective) (accept|reject) [\d.]+$", printed, re.M)) == 14
    )


def test_a_further_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_entries", dict(metrics.items()))
    exec(code("metrics.md", "metrics.register"), {"my_function": lambda labels, scores: 0.5})  # noqa: S102 (our own page)
    metric = metric_of("image_ap_log")
    assert (metric.title, metric.group) == ("Image log-AP", Group.IMAGE_RANKING)
    assert metric.of_scores is not None

"""Panels are composed, become a benchmark, and are asked about place by place (S3)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from click.testing import CliRunner

from specsight.benchmark.files import Benchmark
from specsight.cli import cli
from specsight.synthetic.tyres import generate


def test_panels_of_tyres_are_asked_in_matched_pairs(tmp_path: Path) -> None:
    data = generate(tmp_path / "tyres", 40, 3, size=96, zones=["sidewall"], workers=1).manifest
    given = ["benchmark", "panels", str(data), "--spec", str(tmp_path / "tyres" / "specification.yaml")]
    panels = tmp_path / "panels"
    result = CliRunner().invoke(
        cli, [*given, "--columns", "2", "--cell", "64", "--count", "6", "-o", str(panels)]
    )
    assert result.exit_code == 0, result.output
    words = ["--spec", str(panels / "specification.yaml"), "-o", str(tmp_path / "bench")]
    result = CliRunner().invoke(cli, ["benchmark", "build", str(panels / "manifest.jsonl"), *words])
    assert result.exit_code == 0, result.output
    items = list(Benchmark(tmp_path / "bench").items())
    assert {item.scenario for item in items} == {"S3"}
    answers = Counter((item.pair, item.options[item.answer]) for item in items)
    assert set(answers.values()) == {1}
    assert len({pair for pair, _ in answers}) == len(items) / 2 >= 6
    assert all(
        len(item.scope.parts) == 1 and item.scope.parts[0] in (item.instruction or "") for item in items
    )

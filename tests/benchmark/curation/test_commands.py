"""`specsight benchmark curate` and what follows from it, as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.support.curated_caps import item, make

from specsight.benchmark.curation.decisions import Decision
from specsight.benchmark.curation.store import CurationStore
from specsight.benchmark.files import Benchmark
from specsight.cli import cli
from specsight.errors import SpecsightError


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(cli, ["benchmark", *map(str, arguments)], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.output


def test_a_table_goes_out_and_comes_back(tmp_path: Path) -> None:
    bench = make(tmp_path / "bench", [item(k) for k in range(4)]).folder
    table = tmp_path / "r1.csv"
    assert "4 items" in run("curate", bench, "--as", "r1", "--share", "1", "--to-csv", table)
    table.write_text(table.read_text().replace(",,,,,0\n", ",,accept,,minor,0\n"))
    assert "4 decisions" in run("curate", bench, "--as", "r1", "--from-csv", table)
    assert CurationStore(Benchmark(bench)).entry(0).decisions[0].decision.severity == "minor"
    said = run("curate", bench, "--status")
    assert "anomaly: 4 of 4 open" in said
    assert "nothing was judged by two persons" in said
    with pytest.raises(SpecsightError, match="--as"):
        run("curate", bench, "--to-csv", table)
    with pytest.raises(SpecsightError, match="--share 1"):
        run("curate", bench, "--share", "0.5", "--status")


def test_what_was_decided_is_released_as_the_next_version(tmp_path: Path) -> None:
    bench = make(tmp_path / "bench", [*(item(k) for k in range(3)), item(3, task="tolerance")])
    CurationStore(bench, share=0).save("r1", 0, Decision(action="accept"), 0)
    said = run("release", bench.folder, "-o", tmp_path / "next", "--keep-undecided", "--force", "a test")
    assert "version 1.1.0, 4 items: 1 accepted" in said
    assert "although a check fails: structure" in said
    assert "a test" in said
    assert Benchmark(tmp_path / "next").manifest.version == "1.1.0"

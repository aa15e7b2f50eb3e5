"""A real Ray cluster of this machine: results are those of one process, whatever worker or machine is lost."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support.factory import FITTED, photograph, refused, specsight

from specsight.engine import opened
from specsight.engine.ray_cluster import Ray
from specsight.errors import SpecsightError
from specsight.runs.folder import RunFolder

ray = pytest.importorskip("ray", reason="ray is not installed (extra ray)")
DERIVED = {"report.html", "metrics.json", "environment.json"}
"""What is made of the other files, with seconds and memory in it."""


@pytest.fixture(scope="module")
def engine() -> Iterator[Ray]:
    with opened("ray", workers=2) as made:
        assert isinstance(made, Ray)
        yield made


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and pictures of which two are scratched and one is none."""
    folder = tmp_path_factory.mktemp("line")
    photograph(folder / "good", 10)
    photograph(folder / "new", 14, 100, (101, 103))
    (folder / "new" / "105.png").write_bytes(b"no picture")
    specsight("fit", "--good", folder / "good", "-o", folder / "model", *FITTED)
    specsight("inspect", folder / "model", folder / "new", "-o", folder / "one")
    return folder


def content(run: Path) -> dict[str, Any]:
    """What a run folder holds, but for what is derived, and seconds."""
    files: dict[str, Any] = {
        str(file.relative_to(run)): file.read_bytes()
        for file in sorted(run.rglob("*"))
        if file.is_file() and file.name not in DERIVED
    }
    lines = [json.loads(one) for one in files["predictions.jsonl"].splitlines()]
    for one in lines:
        del one["seconds"]
    return {**files, "predictions.jsonl": lines}


def test_pictures_judged_by_two_workers_are_the_run_of_one_process(
    line: Path, engine: Ray, tmp_path: Path
) -> None:
    said = specsight("inspect", line / "model", line / "new", "-o", tmp_path / "many", "--engine", "ray")
    assert "13 judged" in said
    assert "1 could not be read" in said
    assert content(tmp_path / "many") == content(line / "one")
    assert RunFolder(tmp_path / "many").metrics()["counts"] == RunFolder(line / "one").metrics()["counts"]


def test_a_run_goes_on_under_another_engine(line: Path, engine: Ray, tmp_path: Path) -> None:
    out = tmp_path / "resumed"
    specsight("inspect", line / "model", line / "new", "-o", out, "--engine", "ray")
    lines = (out / "predictions.jsonl").read_bytes().splitlines(keepends=True)
    (out / "predictions.jsonl").write_bytes(b"".join(lines[:5]) + lines[5][:20])
    (out / "skipped.jsonl").unlink()
    specsight("inspect", line / "model", line / "new", "-o", out, "--engine", "ray")
    assert content(out) == content(line / "one")
    assert (out / "predictions.jsonl").read_bytes().startswith(b"".join(lines[:5]))


def _once_killed(folder: Path, piece: int) -> int:
    """Kills its own process as SIGKILL does, the first time that piece 5 is worked on."""
    if piece == 5 and not (folder / "killed").exists():
        (folder / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return piece * piece


def test_pieces_of_a_killed_worker_are_worked_on_again(engine: Ray, tmp_path: Path) -> None:
    assert list(engine.map(lambda: partial(_once_killed, tmp_path), range(20))) == [n * n for n in range(20)]
    assert (tmp_path / "killed").exists()


def _always_killed(piece: int) -> int:
    if piece == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return piece


def test_a_piece_that_kills_every_worker_ends_the_run_in_one_line(engine: Ray) -> None:
    results = engine.map(lambda: _always_killed, range(4))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(SpecsightError, match=r"a worker was lost 4 times .* run the same command again"):
        next(results)


def _mistaken(piece: int) -> int:
    if piece:
        raise SpecsightError(f"'{piece}.png' is no picture")
    return os.getpid()


def test_a_mistake_in_a_worker_is_the_same_line_here(engine: Ray) -> None:
    results = engine.map(lambda: _mistaken, range(3))
    assert next(results) != os.getpid()
    with pytest.raises(SpecsightError, match=r"^'1.png' is no picture$"):
        next(results)


def _slow(piece: int) -> tuple[int, str]:
    time.sleep(0.4)
    return piece, ray.get_runtime_context().get_node_id()


@pytest.mark.long
def test_pieces_of_a_removed_machine_are_worked_on_by_the_others(line: Path, tmp_path: Path) -> None:
    from ray.cluster_utils import Cluster

    if ray.is_initialized():
        ray.shutdown()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        lost = cluster.add_node(num_cpus=1)
        with opened("ray", cluster.address) as engine:
            assert isinstance(engine, Ray)
            assert engine.workers == 2
            results = engine.map(lambda: _slow, range(24))
            first = [next(results) for _ in range(4)]
            assert len({node for _, node in first}) == 2
            cluster.remove_node(lost, allow_graceful=False)
            assert [piece for piece, _ in [*first, *results]] == list(range(24))
            specsight("inspect", line / "model", line / "new", "-o", tmp_path / "run", "--engine", "ray")
        assert content(tmp_path / "run") == content(line / "one")
    finally:
        cluster.shutdown()


def test_an_engine_is_refused_in_one_line(line: Path, tmp_path: Path) -> None:
    inspect = ("inspect", line / "model", line / "new", "-o", tmp_path / "out")
    assert refused(*inspect, "--engine", "rya").startswith("unknown engine 'rya': did you mean 'ray'?")
    assert (
        refused(*inspect, "--engine-workers", 2)
        == "--engine-workers is for --engine ray: name that, or leave it out"
    )
    assert "give 1 or more" in refused(*inspect, "--engine", "ray", "--engine-workers", 0)
    assert not (tmp_path / "out" / "predictions.jsonl").exists()

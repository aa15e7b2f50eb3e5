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
from tests.support.capped_benchmark import item, sample, write_benchmark
from tests.support.factory import FITTED, photograph, refused, specsight
from tests.support.instructed_plates import make_plates
from tests.support.synthetic_run import make_dataset

from specsight.engine import opened
from specsight.engine.ray_cluster import Ray
from specsight.errors import SpecsightError
from specsight.evaluation.suite_catalogue import DETECTION, SUITES, Row, Suite
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
    return {**files, "predictions.jsonl": lines(run)}


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
    written = (out / "predictions.jsonl").read_bytes().splitlines(keepends=True)
    (out / "predictions.jsonl").write_bytes(b"".join(written[:5]) + written[5][:20])
    (out / "skipped.jsonl").unlink()
    specsight("inspect", line / "model", line / "new", "-o", out, "--engine", "ray")
    assert content(out) == content(line / "one")
    assert (out / "predictions.jsonl").read_bytes().startswith(b"".join(written[:5]))


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


@pytest.mark.long
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


def test_questions_answered_by_two_workers_are_the_answers_of_one_process(
    engine: Ray, tmp_path: Path
) -> None:
    photograph(tmp_path, 16, scratched=(15,))
    pictures = [sample(f"{n}", "test" if n > 13 else "train", "good", width=64, height=64) for n in range(16)]
    asked = [
        item(f"{n}/{way}", f"{n}", "test", "A", images=(f"{n}.png",)) for n in (14, 15) for way in range(3)
    ]
    write_benchmark(tmp_path / "bench", asked, pictures)
    run = ("benchmark", "run", tmp_path / "bench", "--data", tmp_path, "--model", "detector:patchcore")
    settings = ("--encoder", "filters", "--resolution", 64)
    specsight(*run, *settings, "-o", tmp_path / "one")
    specsight(*run, *settings, "-o", tmp_path / "many", "--engine", "ray")
    assert answers(tmp_path / "many") == answers(tmp_path / "one")
    assert ["error" in one for one in answers(tmp_path / "one")] == [False] * 6


def answers(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(one) for one in (run / "answers.jsonl").read_bytes().splitlines()]
    return [{name: value for name, value in one.items() if name != "seconds"} for one in lines]


def numbers(run: Path) -> dict[str, Any]:
    """Without what was spent."""
    found = RunFolder(run).metrics()
    return {name: value for name, value in found.items() if name not in {"seconds", "peak_mb"}}


@pytest.mark.long
def test_an_evaluation_with_instructions_under_two_seeds_is_that_of_one_process(
    engine: Ray, tmp_path: Path
) -> None:
    plates = make_plates(tmp_path / "plates")
    given = ("evaluate", "--data", plates, "--spec", plates / "specification.yaml", "--instructions")
    options = ("--encoder", "filters", "--resolution", 64, "--resamples", 20, "--seeds", "0,1", "--limit", 3)
    specsight(*given, *options, "-o", tmp_path / "one")
    specsight(*given, *options, "-o", tmp_path / "many", "--engine", "ray")
    assert evaluated(tmp_path / "many") == evaluated(tmp_path / "one")
    assert numbers(tmp_path / "many") == numbers(tmp_path / "one")


def evaluated(run: Path) -> dict[str, Any]:
    """As `content`; what a fit cost is not compared."""
    files = content(run)
    fits = json.loads(files.pop("fits.json"))
    for fit in fits.values():
        for spent in ("seconds", "training_seconds", "peak_mb"):
            fit.pop(spent, None)
    return {name: value for name, value in files.items() if not name.startswith("models/")} | {"fits": fits}


@pytest.mark.long
def test_cells_of_curve_stress_suite_and_products_are_those_of_one_process(
    engine: Ray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [Row("PatchCore", "patchcore", {"coreset_limit": 50}), Row("AnomalyDINO", "anomalydino")]
    monkeypatch.setitem(SUITES, "two", Suite(lambda config, encoders: rows, DETECTION))
    data = make_dataset(tmp_path / "data", "plate")
    make_dataset(tmp_path / "data", "lid")
    options = ("--encoder", "filters", "--resolution", 64, "--resamples", 20, "--limit", 3)
    for name, given in {
        "curve": ("--data", data, "--shots", "1,2"),
        "products": ("--data", tmp_path / "data"),
        "stress": ("--data", data, "--stress", "low_light", "--middle", "--detector", "patchcore,subspacead"),
        "suite": ("--data", data, "--suite", "two"),
    }.items():
        for engine_name in ("local", "ray"):
            out = tmp_path / name / engine_name
            specsight("evaluate", *given, *options, "-o", out, "--engine", engine_name)
        one, many = tmp_path / name / "local", tmp_path / name / "ray"
        runs = sorted(file.parent.relative_to(one) for file in one.rglob("predictions.jsonl"))
        assert runs == sorted(file.parent.relative_to(many) for file in many.rglob("predictions.jsonl"))
        assert len(runs) >= 2
        for run in runs:
            assert numbers(many / run) == numbers(one / run)
            assert lines(many / run) == lines(one / run)


def lines(run: Path) -> list[dict[str, Any]]:
    found = [json.loads(one) for one in (run / "predictions.jsonl").read_bytes().splitlines()]
    return [{name: value for name, value in one.items() if name != "seconds"} for one in found]


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

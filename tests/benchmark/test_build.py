"""A data set becomes a benchmark: sound, the same each time, going on after a kill, and saying what it did not make."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("pycocotools")
pytest.importorskip("mlcroissant")

from specsight.benchmark import ingest as ingest_module
from specsight.benchmark import items_file
from specsight.benchmark.build import BuildPlan, Built, build_benchmark
from specsight.benchmark.checks import check_benchmark, failures
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.making import make_items
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.datasets import load_dataset
from specsight.errors import SpecsightError
from specsight.ontology import read_ontology
from specsight.specification import load_specification
from specsight.synthetic.tyres import generate

CHECKS = ("structure", "truth", "letters", "lengths", "duplicates", "leakage", "pictures")


@pytest.fixture(scope="module")
def tyres(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tyres") / "set"
    generate(folder, 48, 3, size=128, zones=("sidewall",), workers=1)
    return folder


def _plan(tyres: Path) -> BuildPlan:
    return BuildPlan(name="tyres", specification=tyres / "specification.yaml")


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def whole(tyres: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The benchmark of these tyres, made without a break."""
    return build_benchmark(load_dataset(tyres), tmp_path_factory.mktemp("whole") / "bench", _plan(tyres))


def test_a_build_passes_its_checks_and_is_the_same_each_time(
    tyres: Path, whole: Built, tmp_path: Path
) -> None:
    again = build_benchmark(load_dataset(tyres), tmp_path / "bench", _plan(tyres))
    assert not again.left_out
    assert not whole.left_out
    benchmark, contents = again.benchmark, _content(tmp_path / "bench")
    assert contents == _content(whole.benchmark.folder)
    results = check_benchmark(benchmark, CHECKS)
    assert failures(results) == []
    counts = benchmark.manifest.counts
    assert counts["samples"] == 48
    assert counts["items"] == sum(count for name, count in counts.items() if "/" in name) > 150
    assert benchmark.manifest.synthetic
    assert b"not published yet" in contents["datasheet.md"]
    assert str(tyres).encode() not in b"".join(contents.values())


@pytest.mark.long
def test_a_killed_build_goes_on_to_the_same_bytes(tyres: Path, whole: Built, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    work = tmp_path / ".killed.building"
    command = [sys.executable, "-m", "specsight.cli", "benchmark", "build", str(tyres), "-o", str(out)]
    command += ["--spec", str(tyres / "specification.yaml"), "--name", "tyres"]
    process = subprocess.Popen(
        command, start_new_session=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    _wait(lambda: any(path.stat().st_size for path in work.glob("samples.jsonl*.partial")), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not out.exists()
    partial = next(work.glob("samples.jsonl*.partial"), None)
    before = partial.stat().st_size if partial else 0
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"saved: {out}" in done.stdout
    assert not work.exists()
    assert before <= (out / "samples.jsonl").stat().st_size
    assert _content(out) == _content(whole.benchmark.folder)


KILLED_WHILE_ASKING = """
import os, signal, sys
from pathlib import Path
from specsight.benchmark import build, items_file
from specsight.datasets import load_dataset

make, asked = items_file.make_items, []


def killed(sample, context):
    asked.append(sample.id)
    if len(asked) > 33:
        os.kill(os.getpid(), signal.SIGKILL)
    return make(sample, context)


items_file.EVERY, items_file.make_items = 5, killed
data = Path(sys.argv[1])
plan = build.BuildPlan(name="tyres", specification=data / "specification.yaml")
build.build_benchmark(load_dataset(data), Path(sys.argv[2]), plan)
"""


@pytest.mark.long
def test_a_build_killed_among_its_items_reads_and_asks_only_what_is_left(
    tyres: Path, whole: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED_WHILE_ASKING, str(tyres), str(out)]
    assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL
    items = tmp_path / ".killed.building" / "items.jsonl.partial"
    items.write_bytes(items.read_bytes() + b'{"id": "torn')
    asked: list[str] = []

    def counted(sample: BenchmarkSample, context: Context) -> list[Item]:
        asked.append(sample.id)
        return make_items(sample, context)

    def unread(*_: object, **__: object) -> None:
        raise AssertionError("samples are read again")

    monkeypatch.setattr(items_file, "make_items", counted)
    shutil.copytree(tmp_path / ".killed.building", tmp_path / ".other.building")
    build_benchmark(load_dataset(tyres), tmp_path / "other", replace(_plan(tyres), seed=1))
    assert len(asked) == 48, "items of another seed begin anew"
    asked.clear()
    monkeypatch.setattr(ingest_module, "_ingested", unread)
    built = build_benchmark(load_dataset(tyres), out, _plan(tyres))
    assert len(asked) == 48 - 30, "of 33 samples the last 3 were not kept"
    assert _content(out) == _content(whole.benchmark.folder)
    assert list(built.not_made.items()) == list(whole.not_made.items())


def _wait(there: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None and not there():
        time.sleep(0.002)
    assert there() or process.poll() == 0


def test_pictures_that_cannot_be_read_are_left_out_and_named(tyres: Path, tmp_path: Path) -> None:
    shutil.copytree(tyres, tmp_path / "set")
    first = load_dataset(tmp_path / "set").samples[0]
    first.image.write_bytes(b"no picture")
    built = build_benchmark(load_dataset(tmp_path / "set"), tmp_path / "bench", _plan(tyres))
    assert [one.id for one in built.left_out] == [first.id]
    assert built.benchmark.manifest.counts["samples"] == 47


def test_without_words_a_first_specification_is_made(tyres: Path, tmp_path: Path) -> None:
    built = build_benchmark(load_dataset(tyres), tmp_path / "bench", BuildPlan(name="tyre"))
    specification = load_specification(tmp_path / "bench" / "specification.yaml")
    present = {defect.type for sample in load_dataset(tyres).samples for defect in sample.defects}
    assert present <= {defect.name for defect in specification.defects}
    assert any("critical" in one for one in built.missing)


def test_types_are_called_as_the_specification_calls_them(tyres: Path, tmp_path: Path) -> None:
    words = (tyres / "specification.yaml").read_text()
    renamed = words.replace("- name: cut\n  phrases:\n", "- name: knife gash\n  phrases:\n  - cut\n")
    assert renamed != words
    (tmp_path / "own.yaml").write_text(renamed)
    plan = BuildPlan(name="tyres", specification=tmp_path / "own.yaml")
    benchmark = build_benchmark(load_dataset(tyres), tmp_path / "bench", plan).benchmark
    types = [(one.type_raw, one.type, one.superclass) for s in benchmark.samples() for one in s.instances]
    cuts = {named for named in types if named[0] == "cut"}
    assert cuts == {("cut", "knife gash", "surface damage")}
    specified = {defect.name for defect in load_specification(tmp_path / "own.yaml").defects}
    assert {type_ for _, type_, _ in types} <= specified
    known = read_ontology(benchmark.folder / "ontology.yaml").find("cut", "tyre touring sidewall")
    assert known is not None
    assert (known.name, len(known.causes)) == ("knife gash", 3)


def test_a_folder_that_is_there_is_kept(tyres: Path, tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    with pytest.raises(SpecsightError, match="is there already"):
        build_benchmark(load_dataset(tyres), tmp_path / "bench", _plan(tyres))

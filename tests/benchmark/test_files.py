"""A benchmark's folder: what is written is read again, and what is damaged is named by file and line."""

from pathlib import Path

import pytest

from specsight.benchmark.files import Benchmark, Manifest, line_of, read_lines, write_lines, write_manifest
from specsight.benchmark.records import BenchmarkSample, Item, Provenance
from specsight.errors import SpecsightError
from specsight.explain.slots import Slots

SAMPLE = BenchmarkSample(
    id="a", source="folder", licence="CC0", product="cap", split="test", label="good", group="a",
    image="a.png", sha256="0" * 64, width=8, height=6,
)  # fmt: skip
ITEM = Item(
    id="a/anomaly/0", task="anomaly", form="choice", sample="a", category="cap", images=("a.png",),
    question="Is anything wrong?", options={"A": "Yes", "B": "No"}, answer="B", slots=Slots(decision="accept"),
    provenance=(Provenance(source="dataset"),), licence="CC0", split="test", version="1.0.0",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_lines(tmp_path / "samples.jsonl", [SAMPLE, SAMPLE.model_copy(update={"id": "b"})])
    write_lines(tmp_path / "items.jsonl", [ITEM])
    manifest = Manifest(
        name="caps", version="1.0.0", made_by="0", data=".", layout="folder", build={"seed": 0},
        products=("cap",), licences=("CC0",), counts={"samples": 2, "items": 1},
    )  # fmt: skip
    write_manifest(tmp_path, manifest)
    return tmp_path


def test_what_is_written_is_read_again(folder: Path) -> None:
    benchmark = Benchmark(folder)
    assert [one.id for one in benchmark.samples()] == ["a", "b"]
    assert list(benchmark.items()) == [ITEM]
    assert benchmark.sample("b").product == "cap"
    assert set(benchmark.manifest.files) == {"samples.jsonl", "items.jsonl"}
    assert line_of(ITEM) == line_of(Item.model_validate_json(line_of(ITEM)))


def test_a_path_cannot_leave_the_data_folder(folder: Path) -> None:
    with pytest.raises(SpecsightError):
        Benchmark(folder).picture("../secret.png")


@pytest.mark.parametrize("line", ["{", '{"id": 1}', "[]", '{"id": "a", "task": "guess"}'])
def test_a_damaged_line_is_named(folder: Path, line: str) -> None:
    path = folder / "items.jsonl"
    path.write_text(line_of(ITEM) + line + "\n")
    with pytest.raises(SpecsightError, match=r"items\.jsonl', line 2"):
        list(read_lines(path, Item))


def test_a_folder_without_a_benchmark_says_so(tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="no benchmark"):
        Benchmark(tmp_path).manifest.name.strip()


def test_a_sample_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(SpecsightError, match="no sample 'c'"):
        Benchmark(folder).sample("c")

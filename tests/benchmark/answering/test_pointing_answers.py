"""LLaVA-ADS answers from evidence, and asks its language model where evidence does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.support.capped_benchmark import item, sample, write_benchmark
from tests.support.caps import cap

from specsight.benchmark.answering.contract import AnswererConfig
from specsight.benchmark.answering.naming import answerer_named
from specsight.benchmark.answering.running import read_run, run_benchmark
from specsight.benchmark.answers import Answer
from specsight.benchmark.files import Benchmark, read_lines
from specsight.errors import SpecsightError
from specsight.inspector import Inspector

pytest.importorskip("transformers")
RESOLUTION = 64
CELLS = {"A": "In the centre", "B": "At the top", "C": "Nowhere, there is no defect"}
PARTS = {"A": "Rim", "B": "Face", "C": "No part, there is no defect"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """Good caps and one with a dark bar at the top; nothing says where its parts are."""
    folder = tmp_path_factory.mktemp("caps") / "bench"
    folder.mkdir()
    samples = []
    for number in range(7):
        rgb, _ = cap(number)
        if number == 6:
            rgb[16:34, 40:90] = 0
        Image.fromarray(rgb).resize((64, 64)).save(folder / f"c{number}.png")
        split, label = ("test", "defective") if number == 6 else ("train", "good")
        samples.append(sample(f"c{number}", split, label, width=64, height=64))  # type: ignore[arg-type]
    given: dict[str, Any] = {"category": "cap", "images": ("c6.png",), "task": "location"}
    items = [
        item("c6/location/0", "c6", "test", "B", options=CELLS, **given),
        item("c6/location/1", "c6", "test", "A", options=PARTS, **given),
        item("c6/location/2", "c6", "test", "[0, 0, 9, 9]", form="box", options={}, **given),
    ]
    made = write_benchmark(folder, items, samples)
    (folder / "specification.yaml").write_text(
        "product: cap\nparts: [{name: rim}, {name: face}]\ndefects: [{name: stain}]\n"
    )
    return made


@pytest.fixture(scope="module", autouse=True)
def fitted_once() -> Iterator[None]:
    """Both ways of answering rest on the same fit."""
    patch = pytest.MonkeyPatch()
    made: dict[str, Inspector] = {}
    fit = Inspector.fit

    def once(*arguments: Any, **named: Any) -> Inspector:
        if named["detector"] not in made:
            made[named["detector"]] = fit(*arguments, **named)
        return made[named["detector"]]

    patch.setattr(Inspector, "fit", once)
    yield
    patch.undo()


def answered(
    bench: Benchmark, folder: Path, name: str = "pointing:bundled", **settings: str
) -> dict[str, Answer]:
    answerer = answerer_named(name, AnswererConfig(resolution=RESOLUTION, settings=settings))
    assert not run_benchmark(bench, name, answerer, folder).failed
    return {one.item: one for one in read_lines(folder / "answers.jsonl", Answer)}


@pytest.mark.long
def test_evidence_answers_and_the_language_model_where_nothing_found_tells(
    bench: Benchmark, tmp_path: Path
) -> None:
    given = answered(bench, tmp_path / "run")
    assert "Weighed" not in given["c6/location/0"].raw
    part = given["c6/location/1"]
    rejected = "reject" in part.raw
    assert ("Weighed by the language model" in part.raw) == rejected
    assert str(part.given) in ("AB" if rejected else "C")
    assert read_run(tmp_path / "run").protocol["answers"] == "evidence"


@pytest.mark.long
@pytest.mark.parametrize("name", ["pointing:bundled", "anomalygpt:bundled"])
def test_alone_it_weighs_every_choice_and_reads_boxes_from_its_map(
    name: str, bench: Benchmark, tmp_path: Path
) -> None:
    given = answered(bench, tmp_path / "run", name, answers="language-model")
    for name in ("c6/location/0", "c6/location/1"):
        one = given[name]
        assert one.likelihoods is not None
        assert one.given == max(one.likelihoods, key=one.likelihoods.__getitem__)
    assert str(given["c6/location/2"].given).startswith("[")


def test_who_answers_is_one_of_two() -> None:
    with pytest.raises(SpecsightError, match="evidence"):
        answerer_named("pointing:bundled", AnswererConfig(settings={"answers": "evidense"}))

"""A vision-language checkpoint answers a benchmark by its words or by the likelihoods of the letters."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.support.capped_benchmark import write_benchmark
from tests.support.language_checkpoints import save_causal
from tests.support.seeing_checkpoints import FAMILIES, save_seeing

from specsight.benchmark.answering.contract import AnswererConfig
from specsight.benchmark.answering.naming import answerer_named
from specsight.benchmark.answering.running import RunConfig, read_run, run_benchmark
from specsight.benchmark.answering.selecting import Selection
from specsight.benchmark.answers import Answer
from specsight.benchmark.files import read_lines
from specsight.errors import SpecsightError


def answers(folder: Path) -> list[Answer]:
    return list(read_lines(folder / "answers.jsonl", Answer))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint_answers_by_likelihood_and_by_words(family: str, tmp_path: Path) -> None:
    bench, name = (
        write_benchmark(tmp_path / "bench"),
        f"transformers:{save_seeing(tmp_path / 'model', family)}",
    )
    (bench.folder / "f.png").unlink()
    config = AnswererConfig(device="cpu", max_tokens=4, image_size=32, settings={"choose_by": "likelihood"})
    chosen = RunConfig(Selection(tasks=("anomaly",)), rotations=2)
    tally = run_benchmark(bench, name, answerer_named(name, config), tmp_path / "likely", chosen)
    given = answers(tmp_path / "likely")
    assert (len(given), sum(tally.failed.values())) == (6, 2)
    for one in given:
        if one.error is None:
            assert one.likelihoods is not None
            assert one.given == max(one.likelihoods, key=one.likelihoods.__getitem__)
    protocol = read_run(tmp_path / "likely").protocol
    assert (protocol["choose_by"], protocol["image_size"], protocol["prompt"]) == ("likelihood", 32, 1)
    words = AnswererConfig(device="cpu", max_tokens=4, image_size=32)
    run_benchmark(bench, name, answerer_named(name, words), tmp_path / "words", RunConfig(Selection(limit=1)))
    said = answers(tmp_path / "words")
    assert all(one.error is None and one.likelihoods is None for one in said if not one.item.startswith("f"))


def test_a_model_of_words_is_asked_without_pictures_or_refused(tmp_path: Path) -> None:
    folder = save_causal(tmp_path / "words")
    with pytest.raises(SpecsightError, match="choose_by=luck: give words or likelihood"):
        answerer_named(f"text:{folder}", AnswererConfig(settings={"choose_by": "luck"}))
    blind = answerer_named(f"text:{folder}", AnswererConfig(device="cpu", max_tokens=4))
    assert blind.protocol["order"] == "no pictures"
    with pytest.raises(SpecsightError, match="vision-language model"):
        answerer_named(f"transformers:{folder}")

"""Tables of what words do on photographs: their truth comes from outlines, their numbers from run folders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from measured import photographs, tgad
from measured.photographs import SETS, part_maps, write_photographs

from specsight.datasets import load_dataset
from specsight.images import load_picture
from specsight.runs.folder import RunFolder
from specsight.runs.instructed import Answer, Instructed
from specsight.runs.suite_record import SuiteRecord, SuiteRow
from specsight.specification import Instruction, load_specification


def line(number: int, pair: str, clause: dict[str, list[str]], truth: str, score: float) -> Instructed:
    """One answer; the threshold is 0.5, and without words the score is 1."""
    verdict = "reject" if score > 0.5 else "accept"
    answers = {"text": Answer(verdict, score, 0.5), "ignored": Answer("reject", 1.0, 0.5)}  # type: ignore[arg-type]
    clauses = Instruction.model_validate(clause).clauses
    return Instructed(0, "a", number, None, "scope", pair, "x", truth, False, clauses, (), answers)  # type: ignore[arg-type]


def record(folder: Path, **values: float) -> None:
    row = SuiteRow("patchcore", "methods", "patchcore", "patchcore", "protocol", "", values,
                   dict.fromkeys(values), dict.fromkeys(values, (None, None)))  # fmt: skip
    folder.mkdir(parents=True)
    SuiteRecord("instructions", "data", None, (0,), (row,)).write(folder)


def test_tables_print_the_numbers_of_runs(tmp_path: Path) -> None:
    of = SETS["bottle"]
    record(tmp_path / "bottle" / "parts", image_auroc=0.9, part_auroc_text=0.8, pairs_scope_text=0.75)
    record(tmp_path / "bottle" / "found", pairs_scope_text=0.5)
    record(tmp_path / "bottle" / "composed", image_auroc=0.7)
    run = RunFolder(tmp_path / "bottle" / "composed" / "patchcore")
    run.path.mkdir()
    both = {"scope": ["a"], "only": ["b"]}
    for one in (
        line(0, "p0", both, "reject", 0.9),
        line(1, "p0", both, "accept", 0.1),
        line(2, "p1", both, "reject", 0.9),
        line(3, "p1", both, "accept", 0.95),
        line(4, "p2", {"scope": ["a"]}, "accept", 2.0),
        line(5, "p2", {"scope": ["a"]}, "reject", 2.0),
    ):
        with (run.path / "instructions.jsonl").open("a") as file:
            file.write(json.dumps(one.to_json()) + "\n")
    text = tgad.tables([of], tmp_path, ["patchcore"])
    assert "## Matched pairs on photographs" in text
    assert "| MVTec AD bottle | by hand | patchcore | - | 75 % | - | - | - | - |" in text
    assert "| MVTec AD bottle | found | patchcore | - | 50 % | - | - | - | - |" in text
    assert "| MVTec AD bottle | patchcore | 0.900 | - | 0.800 | - | - |" in text
    # Place and type: of two acceptances one ranks below both rejections and one above.
    assert "| MVTec AD bottle | patchcore | 0.700 | - | 0.500 | 0 % of 1 | 50 % of 2 |" in text
    assert "S1" not in text


def test_prompts_are_tabulated_by_detector(tmp_path: Path) -> None:
    folder = tmp_path / "bottle"
    folder.mkdir()
    plain = {"words": "Inspect it.", "auroc": 0.9, "change": 0.0, "flipped": 0.0}
    other = {"words": "Look at it.", "auroc": 0.85, "change": -0.05, "flipped": 0.1}
    (folder / "prompts-patchcore.json").write_text(json.dumps({"plain": plain, "synonyms": other}))
    (folder / "specifications.json").write_text(json.dumps({"plain": plain}))
    text = tgad.tables([SETS["bottle"]], tmp_path, ["patchcore", "phrases"])
    assert "| MVTec AD bottle | plain: “Inspect it.” | 0.900 (+0.000; 0 %) | - |" in text
    assert "| MVTec AD bottle | synonyms | 0.850 (-0.050; 10 %) | - |" in text
    assert "| MVTec AD bottle | plain | 0.900 (+0.000) |" in text


@pytest.mark.long
@pytest.mark.parametrize("name", [*SETS])
def test_photographs_bring_pairs_and_part_maps(shared: Path, tmp_path: Path, name: str) -> None:
    of = SETS[name]
    specification = load_specification(of.specification)
    samples = load_dataset(write_photographs(of, tmp_path)).samples
    tested = [sample for sample in samples if sample.split == "test"]
    outlined = part_maps(name, specification)
    assert sum("train/" not in picture for picture in outlined) >= (70 if of.outlined_only else 10)
    assert [sample.label for sample in tested] == ["good"] * 10 + ["defective"] * 24
    assert all(bool(sample.instructions) == (sample.label == "defective") for sample in tested)
    assert all(sample.parts is not None for sample in tested) == of.outlined_only
    learned = [sample for sample in samples if sample.split == "train"]
    assert {sample.label for sample in learned} == {"good"}
    assert all((sample.parts is not None) == (name == "bottle") for sample in learned)
    outlined_sample = next(sample for sample in tested if sample.parts is not None)
    picture = load_picture(outlined_sample)
    assert picture.parts is not None
    assert set(np.unique(picture.parts)) <= {0, *outlined_sample.part_names}
    assert photographs.OUTLINED[0].is_dir()

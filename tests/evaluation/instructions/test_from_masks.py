"""Matched pairs from masks and parts: drawn shapes whose sizes and places are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from specsight.evaluation.instructions.from_masks import limits_around, pairs_of, with_pairs
from specsight.evaluation.instructions.regions import regions_of
from specsight.reading import read
from specsight.records import Defect, InstructedVerdict, Sample
from specsight.specification import Instruction, Specification, parse_specification

PLATE = parse_specification(
    """
product: plate
mm_per_px: 0.1
parts: [{name: left half}, {name: right half}]
defects:
- {name: scratch, phrases: [a scratch, a score mark]}
- {name: stain, phrases: [dirt]}
"""
)
PARTS = np.repeat(np.repeat(np.array([[1, 2]], np.uint8), 100, 0), 50, 1)


def sample_of(folder: Path, *boxes: tuple[str, tuple[int, int, int, int]]) -> Sample:
    """A picture of 100 × 100 pixels with rectangles (x0, y0, x1, y1) of given types."""
    picture = np.full((100, 100, 3), 200, np.uint8)
    defects = []
    for k, (type_, (x0, y0, x1, y1)) in enumerate(boxes):
        mask = np.zeros((100, 100), np.uint8)
        mask[y0:y1, x0:x1] = 255
        picture[mask > 0] = 30
        Image.fromarray(mask).save(folder / f"mask{k}.png")
        defects.append(Defect(type_, folder / f"mask{k}.png"))
    Image.fromarray(picture).save(folder / "picture.png")
    return Sample("plate/0", folder / "picture.png", "plate", label="defective", defects=tuple(defects))


def by_kind(pairs: tuple[InstructedVerdict, ...]) -> dict[str, dict[str, InstructedVerdict]]:
    return {kind: {p.verdict: p for p in pairs if p.kind == kind} for kind in {p.kind for p in pairs}}


def test_one_pair_of_each_kind(tmp_path: Path) -> None:
    sample = sample_of(tmp_path, ("scratch", (10, 20, 40, 21)))
    pairs = by_kind(pairs_of(sample, PLATE, PARTS, seed=3))
    assert set(pairs) == {"scope", "tolerance", "knowledge"}
    assert all(set(both) == {"accept", "reject"} for both in pairs.values())
    assert pairs["scope"]["reject"].clause == {"scope": ["left half"]}
    assert pairs["scope"]["accept"].clause == {"scope": ["right half"]}
    # 30 pixels of 0.1 mm, and the width of a line: √(30² + 1) × 0.1 = 3.0017 mm.
    assert pairs["tolerance"]["reject"].clause == {"tolerances": [{"defect": "scratch", "up_to_mm": 2.2}]}
    assert pairs["tolerance"]["accept"].clause == {"tolerances": [{"defect": "scratch", "up_to_mm": 3.8}]}
    assert pairs["knowledge"]["reject"].clause == {"only": ["scratch"]}
    assert pairs["knowledge"]["accept"].clause == {"only": ["stain"]}


def test_every_clause_is_one_and_every_pair_has_both_verdicts(tmp_path: Path) -> None:
    sample = sample_of(tmp_path, ("scratch", (10, 20, 40, 21)))
    texts = set()
    for seed in range(40):
        pairs = pairs_of(sample, PLATE, PARTS, seed=seed)
        assert [pairs[k].pair for k in (0, 2, 4)] == [pairs[k].pair for k in (1, 3, 5)] == ["p0", "p1", "p2"]
        for one in pairs:
            assert Instruction.model_validate(dict(one.clause)).clauses
            texts.add(one.text)
    assert len(texts) > 25


def test_the_plainest_sentences_are_read_as_the_clauses_they_stand_for(tmp_path: Path) -> None:
    sample = sample_of(tmp_path, ("scratch", (10, 20, 40, 21)))
    plain = {"Inspect the left half only.": "scope", "A scratch of up to 3.8 mm is acceptable.": "tolerances"}
    said = {p.text: p.clause for seed in range(60) for p in pairs_of(sample, PLATE, PARTS, seed=seed)}
    for text, field in plain.items():
        (read_of_it,) = getattr(read(text, PLATE), field)
        (meant,) = getattr(Instruction.model_validate(dict(said[text])), field)
        assert read_of_it.model_copy(update={"text": "", "confidence": 1.0}) == meant


def test_a_seed_and_a_sample_decide(tmp_path: Path) -> None:
    sample = sample_of(tmp_path, ("scratch", (10, 20, 40, 21)))
    assert pairs_of(sample, PLATE, PARTS, seed=1) == pairs_of(sample, PLATE, PARTS, seed=1)
    assert pairs_of(sample, PLATE, PARTS, seed=1) != pairs_of(sample, PLATE, PARTS, seed=2)


def test_a_part_that_a_defect_comes_near_is_not_called_clean(tmp_path: Path) -> None:
    sample = sample_of(tmp_path, ("scratch", (10, 20, 49, 21)))
    assert "scope" not in by_kind(pairs_of(sample, PLATE, PARTS))


def test_a_defect_that_straddles_has_no_home(tmp_path: Path) -> None:
    three = np.repeat(np.array([[1, 2, 3]], np.uint8), [40, 40, 20], 1).repeat(100, 0)
    parts = PLATE.model_copy(
        update={"parts": (*PLATE.parts, PLATE.parts[0].model_copy(update={"name": "c"}))}
    )
    sample = sample_of(tmp_path, ("scratch", (30, 20, 50, 24)))
    assert "scope" not in by_kind(pairs_of(sample, parts, three))
    sample = sample_of(tmp_path, ("scratch", (26, 20, 46, 24)))
    assert by_kind(pairs_of(sample, parts, three))["scope"]["reject"].clause == {"scope": ["left half"]}


@pytest.mark.parametrize(
    "boxes",
    [
        [("scratch", (10, 20, 40, 21)), ("scratch", (10, 60, 30, 61))],
        [("scratch", (0, 20, 30, 21))],
        [("burr", (10, 20, 40, 21))],
    ],
    ids=["two", "cut off by the picture's edge", "a type that the specification does not have"],
)
def test_no_limit_where_it_would_be_unclear(
    tmp_path: Path, boxes: list[tuple[str, tuple[int, int, int, int]]]
) -> None:
    assert "tolerance" not in by_kind(pairs_of(sample_of(tmp_path, *boxes), PLATE, PARTS))


def test_no_limit_without_a_scale_and_no_scope_without_parts(tmp_path: Path) -> None:
    sample = sample_of(tmp_path, ("scratch", (10, 20, 40, 21)))
    unknown = Specification.model_validate({**PLATE.model_dump(), "mm_per_px": None})
    assert set(by_kind(pairs_of(sample, unknown, None))) == {"knowledge"}
    assert set(by_kind(pairs_of(replace(sample, mm_per_px=0.2), unknown, None))) == {"knowledge", "tolerance"}


def test_good_pictures_and_those_with_instructions_stay_as_they_are(tmp_path: Path) -> None:
    sample = sample_of(tmp_path, ("scratch", (10, 20, 40, 21)))
    good = replace(sample, id="good", label="good", defects=())
    given = replace(
        sample, id="given", instructions=(InstructedVerdict("Inspect it.", "reject", "scope", "p0"),)
    )
    made = with_pairs([sample, good, given], PLATE, {sample.id: PARTS})
    assert [len(one.instructions) for one in made] == [6, 0, 1]


def test_boxes_are_cut_to_what_differs_from_the_reference(tmp_path: Path) -> None:
    sample = sample_of(tmp_path, ("scratch", (10, 20, 40, 21)))
    Image.fromarray(np.full((100, 100, 3), 200, np.uint8)).save(tmp_path / "reference.png")
    boxed = replace(sample, defects=(Defect("scratch", box=(5, 10, 60, 40)),))
    assert regions_of(boxed, (100, 100)) is None
    (region,) = regions_of(replace(boxed, reference=tmp_path / "reference.png"), (100, 100)) or []
    assert (region.mask.sum(), region.extent) == (30, pytest.approx(np.hypot(30, 1)))


@pytest.mark.parametrize(
    ("length", "limits"),
    [(3.0017, (2.2, 3.8)), (10.0, (7.0, 13.0)), (0.4, (0.3, 0.5)), (123.0, (90.0, 160.0))],
)
def test_limits_lie_a_quarter_around_a_length(length: float, limits: tuple[float, float]) -> None:
    assert limits_around(length) == limits
    assert limits[0] <= 0.75 * length + 1e-9
    assert limits[1] >= 1.25 * length - 1e-9


@pytest.mark.parametrize("name", ["bottle", "magnetic_tile", "deep_pcb"])
def test_photographs_have_pairs(shared: Path, name: str) -> None:
    import json

    from specsight.datasets import load_dataset
    from specsight.parts import drawn
    from specsight.specification import Shape, load_specification

    root = Path(__file__).resolve().parents[3]
    data = shared / "data" / ("mvtec_ad/bottle" if name == "bottle" else name)
    specification = load_specification(root / "examples" / f"{name}.yaml")
    samples = {s.image.relative_to(shared / "data").as_posix(): s for s in load_dataset(data).samples}
    parts = {}
    for line in (root / "tests" / "parts" / "outlined" / f"{name}.jsonl").read_text().splitlines():
        row = json.loads(line)
        values = np.zeros(row["size"][::-1], np.uint8)
        for k, part in enumerate(specification.parts, 1):
            shapes = [Shape.model_validate(shape) for shape in row["parts"].get(part.name, ())]
            values[drawn(shapes, values.shape)] = k
        parts[samples[row["picture"]].id] = values
    made = with_pairs([s for s in samples.values() if s.id in parts], specification, parts)
    kinds = {one.kind for sample in made for one in sample.instructions}
    assert {"knowledge"} <= kinds <= {"scope", "tolerance", "knowledge"}
    assert sum(len(sample.instructions) for sample in made) >= 10

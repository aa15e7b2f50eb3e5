"""Composed panels: cells whose colours and defects are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from specsight.datasets import load_dataset
from specsight.errors import SpecsightError
from specsight.evaluation.instructions.panels import Layout, write_panels
from specsight.images import defect_masks, load_picture
from specsight.records import Defect, Sample
from specsight.specification import Instruction, load_specification, parse_specification

PLATE = parse_specification("{product: steel plate, defects: [{name: scratch}, {name: stain}]}")
LAYOUT = Layout(2, 3, (20, 30), 4)


def plates(folder: Path) -> tuple[list[Sample], list[Sample]]:
    """Good plates are green, of odd shapes; each defect is a square of 10 pixels in the middle of 40."""
    folder.mkdir(exist_ok=True)
    good: list[Sample] = []
    tested: list[Sample] = []
    for k in range(21):
        pixels = np.full((40 + k, 60, 3), (0, 150 + k, 0), np.uint8)
        Image.fromarray(pixels).save(folder / f"good{k}.png")
        one = Sample(f"good{k}", folder / f"good{k}.png", "plate", label="good")
        (good if k < 18 else tested).append(one)
    for k, type_ in enumerate(("scratch", "stain")):
        pixels = np.full((40, 60, 3), (0, 150, 0), np.uint8)
        mask = np.zeros((40, 60), np.uint8)
        mask[16:26, 26:36] = 255
        pixels[mask > 0] = (200, 0, 50 * k)
        Image.fromarray(pixels).save(folder / f"{type_}.png")
        Image.fromarray(mask).save(folder / f"{type_}_mask.png")
        defect = Defect(type_, folder / f"{type_}_mask.png")
        tested.append(Sample(type_, folder / f"{type_}.png", "plate", label="defective", defects=(defect,)))
    return good, tested


def test_a_panel_is_a_sample_with_places_as_parts(tmp_path: Path) -> None:
    good, tested = plates(tmp_path / "plates")
    manifest = write_panels(good, tested, PLATE, tmp_path / "panels", LAYOUT, train=3, test=8, seed=1)
    samples = load_dataset(manifest).samples
    assert [(s.split, s.label) for s in samples[:3]] == [("train", "good")] * 3
    assert [s.label for s in samples[3:]] == ["good", "defective"] * 4
    assert len({s.group for s in samples}) == 11
    words = load_specification(tmp_path / "panels" / "specification.yaml")
    assert [part.name for part in words.parts] == [
        "upper left plate", "upper middle plate", "upper right plate",
        "lower left plate", "lower middle plate", "lower right plate",
    ]  # fmt: skip
    picture = load_picture(samples[4])
    assert picture.size == (2 * 24 + 4, 3 * 34 + 4) == LAYOUT.size
    assert picture.parts is not None
    assert np.array_equal(np.unique(picture.parts), range(7))
    for defect, mask in zip(samples[4].defects, defect_masks(samples[4], picture.size), strict=True):
        # Scaled by a half: a square of 5 pixels, in the cell that its part names.
        assert mask.sum() == 25
        (value,) = np.unique(picture.parts[mask])
        assert samples[4].part_names[int(value)] == defect.part
        assert (picture.rgb[mask][:, 0] > 150).all()


def test_verdicts_depend_on_place_and_type(tmp_path: Path) -> None:
    good, tested = plates(tmp_path / "plates")
    manifest = write_panels(good, tested, PLATE, tmp_path / "panels", LAYOUT, train=1, test=30, seed=2)
    asked = 0
    for sample in load_dataset(manifest).samples:
        there = {(defect.part, defect.type) for defect in sample.defects}
        assert bool(sample.instructions) == bool(there)
        assert len({part for part, _ in there}) == len(there) <= 3
        for one in sample.instructions:
            clauses = Instruction.model_validate(dict(one.clause))
            (scope,) = clauses.scope
            types = {clause.defect for clause in clauses.only}
            found = [type_ for part, type_ in there if part in scope.parts and (not types or type_ in types)]
            assert one.verdict == ("reject" if found else "accept")
            assert scope.parts[0] in one.text
            asked += 1
        for pair in ("p0", "p1", "p2") if there else ():
            assert {o.verdict for o in sample.instructions if o.pair == pair} == {"accept", "reject"}
    assert asked == 15 * 6


def test_a_seed_decides(tmp_path: Path) -> None:
    good, tested = plates(tmp_path / "plates")
    written = [
        write_panels(good, tested, PLATE, tmp_path / name, LAYOUT, train=1, test=4, seed=seed).read_text()
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    ]
    assert written[0] == written[1] != written[2]


def test_a_training_picture_is_part_of_one_panel(tmp_path: Path) -> None:
    good, tested = plates(tmp_path / "plates")
    write_panels(good, tested, PLATE, tmp_path / "panels", LAYOUT, train=40, test=2)
    panels = sorted((tmp_path / "panels" / "train").iterdir())
    shades = [load_picture(Sample("", file, "")).rgb[14::24, 19::34, 1].ravel() for file in panels]
    assert len(panels) == 3
    # Good plates differ by their green alone.
    assert sorted(np.concatenate(shades)) == list(range(150, 168))


def test_a_grid_that_cannot_be_named_is_refused() -> None:
    with pytest.raises(SpecsightError, match="4 × 3 pictures: give 1 to 3 rows"):
        Layout(4, 3)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    good, tested = plates(tmp_path / "plates")
    with pytest.raises(SpecsightError, match=r"good training pictures each, .* there are 18, 3 and 0"):
        write_panels(good, tested[:3], PLATE, tmp_path / "panels", LAYOUT)
    other = parse_specification("{product: plate, defects: [{name: burr}]}")
    with pytest.raises(SpecsightError, match="no defective picture shows one defect of a type"):
        write_panels(good, tested, other, tmp_path / "panels", LAYOUT, train=1, test=2)

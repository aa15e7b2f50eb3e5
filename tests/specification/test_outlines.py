"""Outlines in YAML: read and written alike, and an error names the line and what would be right there."""

from __future__ import annotations

from pathlib import Path

import pytest

from specsight.errors import SpecsightError
from specsight.specification import (
    Part,
    Shape,
    Specification,
    dump_yaml,
    load_specification,
    parse_specification,
)

BOTTLE = """product: bottle
reference: {picture: ok/0001.png, size: [900, 800]}
parts:
- name: rim
  outline:
  - ring: {centre: [450, 450.5], outer: 300, inner: 200}
- name: body
  outline:
  - polygon: [[1, 2], [3.5, 4], [5, 6]]
  - ellipse: {centre: [1, 2], radii: [3, 4], angle: 30}
"""


def test_outlines_are_written_as_they_are_read_points_in_brackets() -> None:
    bottle = parse_specification(BOTTLE)
    assert bottle.parts[1].outline[0] == Shape(polygon=((1, 2), (3.5, 4), (5, 6)))
    written = dump_yaml(bottle)
    assert "- polygon: [[1.0, 2.0], [3.5, 4.0], [5.0, 6.0]]\n" in written
    assert "size: [900, 800]\n" in written
    assert parse_specification(written) == bottle


@pytest.mark.parametrize(
    ("right", "wrong", "line", "words"),
    [
        ("[1, 2], [3.5", "[1], [3.5", 9, "expected [x, y], two numbers in pixels of the reference picture"),
        ("[1, 2], [3.5", "[a, 2], [3.5", 9, "expected [x, y], two numbers in pixels"),
        ("[1, 2], [3.5", "[.nan, 2], [3.5", 9, "expected [x, y], two numbers in pixels"),
        (", [5, 6]", "", 9, "give at least 3"),
        ("inner: 200", "inner: 400", 6, "inner (400) must be smaller than outer (300)"),
        ("outer: 300", "outr: 300", 6, "unknown key 'outr': did you mean 'outer'?"),
        ("outer: 300", "outer: big", 6, "expected a number, got 'big'"),
        ("- polygon", "- polgon", 9, "unknown key 'polgon': did you mean 'polygon'?"),
        ("radii: [3, 4]", "radii: [3]", 10, "expected [radius, radius]"),
        ("radii: [3, 4]", "radii: [3, -4]", 10, "must be greater than 0, got -4"),
        ("size: [900, 800]", "size: 900", 2, "expected [width, height]"),
        ("size: [900, 800]", "size: [90.5, 800]", 2, "expected a whole number, got 90.5"),
        (", size: [900, 800]", "", 2, "'size' is missing"),
        (
            "inner: 200}",
            "inner: 200}\n    polygon: [[1, 2], [3, 4], [5, 6]]",
            6,
            "one of polygon, ring and ellipse",
        ),
    ],
)
def test_an_error_names_the_line_and_the_way_out(right: str, wrong: str, line: int, words: str) -> None:
    assert right in BOTTLE
    with pytest.raises(SpecsightError) as error:
        parse_specification(BOTTLE.replace(right, wrong, 1), "s.yaml")
    assert str(error.value).startswith(f"s.yaml, line {line}:")
    assert words in str(error.value)


def test_outlines_and_their_picture_go_together() -> None:
    without = BOTTLE.replace("reference: {picture: ok/0001.png, size: [900, 800]}\n", "")
    with pytest.raises(
        SpecsightError, match="line 3: part 'rim' has an outline, and nothing says on which picture"
    ):
        parse_specification(without, "s.yaml")
    with pytest.raises(
        SpecsightError, match=r"line 2: reference 'a\.png' is named, and no part has an outline"
    ):
        parse_specification(
            "product: bottle\nreference: {picture: a.png, size: [9, 8]}\nparts: [{name: rim}]", "s"
        )
    assert Specification(product="bottle", parts=(Part(name="rim"),)).reference is None


def test_the_picture_is_found_beside_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "product.yaml").write_text(BOTTLE)
    read = load_specification(tmp_path / "product.yaml")
    assert read.reference is not None
    assert read.reference.picture == str(tmp_path / "ok" / "0001.png")
    elsewhere = tmp_path / "model.yaml"
    elsewhere.write_text(dump_yaml(read))
    assert load_specification(elsewhere) == read


def test_further_pictures_have_outlines_of_their_own(tmp_path: Path) -> None:
    further = (
        "further_references:\n- picture: ok/2.png\n  size: [90, 80]\n  outlines:\n    rim:\n"
        "    - ring: {centre: [4, 4], outer: 3}\n"
    )
    (tmp_path / "product.yaml").write_text(BOTTLE + further)
    read = load_specification(tmp_path / "product.yaml")
    (second,) = read.further_references
    assert second.picture == str(tmp_path / "ok" / "2.png")
    assert second.outlines["rim"][0].ring is not None
    assert parse_specification(dump_yaml(read)) == read
    with pytest.raises(SpecsightError, match="line 15: unknown part 'rin'"):
        parse_specification(BOTTLE + further.replace("rim", "rin"), "s.yaml")
    with pytest.raises(SpecsightError, match="line 16: unknown key 'rng'"):
        parse_specification(BOTTLE + further.replace("ring", "rng"), "s.yaml")
    with pytest.raises(SpecsightError, match="a further reference, and there is no first"):
        parse_specification("product: a\nparts: [{name: rim}]\n" + further, "s.yaml")

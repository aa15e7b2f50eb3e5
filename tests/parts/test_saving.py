"""Outlines are saved into the specification's YAML: the rest of it stays as it was, or nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from specsight.errors import SpecsightError
from specsight.parts import outlined
from specsight.parts.outlining import save_outlines
from specsight.specification import Ring, Shape, load_specification

WRITTEN = """# A cap, by the line's expert.
product: cap   # its noun
parts:
  - name: rim   # outer part
    phrases: [edge, "lip"]
  - name: face
tolerances:
  - {defect: scratch, up_to_mm: 0.4}  # agreed in May
"""
DISC = Shape(ring=Ring(centre=(10.04, 20), outer=8, inner=2.5))
TRIANGLE = Shape(polygon=((1, 2), (30.26, 4), (5, 6)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "words").mkdir()
    path = tmp_path / "words" / "cap.yaml"
    path.write_text(WRITTEN)
    return path


def test_comments_order_and_quotes_stay_and_the_picture_is_named_from_the_file(file: Path) -> None:
    picture = file.parent.parent / "good" / "1.png"
    words = save_outlines(file, picture, (64, 48), {"rim": (DISC,), "face": (TRIANGLE,)})
    text = file.read_text()
    for line in WRITTEN.splitlines():
        assert line in text
    assert "reference:\n  picture: ../good/1.png\n  size: [64, 48]\n" in text
    assert "- ring: {centre: [10, 20], outer: 8, inner: 2.5}\n" in text
    assert "- polygon: [[1, 2], [30.3, 4], [5, 6]]\n" in text
    assert words == load_specification(file)
    assert words.reference is not None
    assert Path(words.reference.picture).resolve() == picture
    assert words.parts[0].outline == (Shape(ring=Ring(centre=(10, 20), outer=8, inner=2.5)),)


def test_what_is_saved_again_takes_the_place_of_what_was_and_nothing_leaves_no_trace(file: Path) -> None:
    picture = file.parent / "1.png"
    save_outlines(file, picture, (64, 48), {"rim": (DISC,), "face": (TRIANGLE,)})
    words = save_outlines(file, picture, (64, 48), {"rim": (TRIANGLE,), "face": ()})
    assert [len(part.outline) for part in words.parts] == [1, 0]
    assert words.parts[0].outline[0].polygon is not None
    save_outlines(file, picture, (64, 48), {})
    assert file.read_text() == WRITTEN


def test_another_picture_becomes_a_further_reference(file: Path) -> None:
    first, second = file.parent / "1.png", file.parent / "2.png"
    save_outlines(file, first, (64, 48), {"rim": (DISC,)})
    save_outlines(file, second, (80, 60), {"rim": (TRIANGLE,), "label": (DISC,)})
    words = save_outlines(file, second, (80, 60), {"face": (DISC,), "label": (DISC,)})
    assert [(Path(one.picture).name, one.size, list(o)) for one, o in outlined(words)] == [
        ("1.png", (64, 48), ["rim"]),
        ("2.png", (80, 60), ["face", "label"]),
    ]
    assert [part.name for part in words.parts] == ["rim", "face", "label"]
    with pytest.raises(SpecsightError, match="first of several references"):
        save_outlines(file, first, (64, 48), {})
    assert not save_outlines(file, second, (80, 60), {}).further_references


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    words = save_outlines(tmp_path / "it's: new.yaml", tmp_path / "1.png", (64, 48), {"rim": (DISC,)})
    assert words.product == "it's: new"
    assert [part.name for part in words.parts] == ["rim"]


def test_a_file_that_would_be_no_specification_stays_as_it_is(file: Path) -> None:
    with pytest.raises(SpecsightError, match="a part 'rim' already, and 'edge' means"):
        save_outlines(file, file.parent / "1.png", (64, 48), {"edge": (DISC,)})
    assert file.read_text() == WRITTEN
    file.write_text("product: [")
    with pytest.raises(SpecsightError, match="not valid YAML"):
        save_outlines(file, file.parent / "1.png", (64, 48), {"rim": (DISC,)})
    assert file.read_text() == "product: ["


def test_a_link_stays_one(file: Path) -> None:
    link = file.with_name("link.yaml")
    link.symlink_to(file)
    save_outlines(link, file.with_name("good.png"), (100, 80), {"rim": (DISC,)})
    assert link.is_symlink()
    assert load_specification(file).parts[0].outline != ()


def test_a_part_that_is_removed_leaves_with_its_outlines_on_all_pictures(file: Path) -> None:
    first, second = file.parent / "1.png", file.parent / "2.png"
    save_outlines(file, first, (64, 48), {"rim": (DISC,), "label": (DISC,)})
    save_outlines(file, second, (80, 60), {"rim": (TRIANGLE,), "label": (DISC,)})
    words = save_outlines(file, first, (64, 48), {"rim": (DISC,), "label": None})
    assert "label" not in [part.name for part in words.parts]
    assert set(words.further_references[0].outlines) == {"rim"}
    again = save_outlines(file, first, (64, 48), {"rim": (DISC,), "Label": (DISC,)})
    assert "Label" in [part.name for part in again.parts]


def test_a_part_that_a_clause_needs_stays(tmp_path: Path) -> None:
    file = tmp_path / "cap.yaml"
    written = (
        "product: cap\nparts: [{name: rim}, {name: face}]\ndefects: [{name: dent}]\n"
        "tolerances:\n- {defect: dent, up_to_mm: 2, part: rim, text: Dents on the rim.}\n"
    )
    file.write_text(written)
    with pytest.raises(SpecsightError, match=r"'rim' is needed by 'Dents on the rim\.'"):
        save_outlines(file, tmp_path / "1.png", (64, 48), {"rim": None, "face": (DISC,)})
    assert file.read_text() == written

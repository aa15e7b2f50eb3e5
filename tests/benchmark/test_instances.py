"""Instances tell the truth of masks and boxes: pieces, places, lengths, parts, depth."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from specsight.benchmark.instances import (
    LEAST_TOUCHED,
    Planes,
    cells_of,
    instances_of,
    is_speck,
    mask_of,
    run_lengths,
)
from specsight.benchmark.records import Instance
from specsight.errors import SpecsightError
from specsight.records import Defect, Sample
from specsight.specification import Specification

SIZE = (90, 120)


@dataclass(frozen=True)
class Known:
    name: str
    superclass: str | None


class Names:
    def __init__(self, entries: Mapping[str, Known]) -> None:
        self._entries = entries

    def find(self, raw: str, product: str) -> Known | None:
        return self._entries.get(raw) if product == "cap" else None


def save(path: Path, values: NDArray[np.uint8]) -> Path:
    Image.fromarray(values).save(path)
    return path


def sample_with(folder: Path, mask: NDArray[np.bool_], **fields: Any) -> Sample:
    defect = Defect("big_dent", save(folder / "mask.png", mask.astype(np.uint8) * 255))
    image = save(folder / "image.png", np.zeros((*mask.shape, 3), np.uint8))
    return Sample("a", image, "cap", label="defective", defects=(replace(defect, **fields),))


def blank(*boxes: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    mask = np.zeros(SIZE, bool)
    for x0, y0, x1, y1 in boxes:
        mask[y0:y1, x0:x1] = True
    return mask


def found(sample: Sample, **planes: Any) -> tuple[Instance, ...]:
    return instances_of(sample, Planes(SIZE, **planes), None, None)


def test_each_piece_of_a_mask_is_an_instance_with_its_place_and_size(tmp_path: Path) -> None:
    mask = blank((2, 3, 12, 7), (100, 80, 101, 90))
    first, second = found(sample_with(tmp_path, mask))
    assert first.box == (2, 3, 12, 7)
    assert first.area_px == 40
    assert first.area_share == pytest.approx(40 / (90 * 120), abs=1e-8)
    assert first.centroid == (6.5, 4.5)
    assert first.cells == ("top left",)
    assert first.length_px == pytest.approx(np.hypot(10, 4), abs=0.01)
    assert first.length_mm is None
    assert (first.type_raw, first.type, first.superclass) == ("big_dent", "big dent", None)
    assert second.box == (100, 80, 101, 90)
    assert second.cells == ("bottom right",)
    both = sum(np.asarray(mask_of(one)) for one in (first, second)) > 0
    np.testing.assert_array_equal(both, mask)


def test_a_defect_that_its_set_measures_is_one_however_many_pieces_its_mask_has(tmp_path: Path) -> None:
    (one,) = found(sample_with(tmp_path, blank((2, 3, 12, 7), (100, 80, 101, 90)), size_mm=7.5, part="rim"))
    assert one.box == (2, 3, 101, 90)
    assert one.length_mm == 7.5
    assert one.part == "rim"
    assert one.cells == ("top left", "bottom right")


def test_the_centroid_of_a_bent_shape_lies_on_it(tmp_path: Path) -> None:
    mask = blank((10, 10, 60, 60)) & ~blank((12, 12, 58, 60))
    (one,) = found(sample_with(tmp_path, mask))
    x, y = one.centroid
    assert mask[int(y), int(x)]


def test_a_defect_across_the_seam_of_a_strip_is_one_and_as_long_as_it_is(tmp_path: Path) -> None:
    sample = sample_with(tmp_path, blank((0, 40, 6, 44), (110, 40, 120, 44)))
    assert len(found(sample)) == 2
    (one,) = found(replace(sample, circular=True))
    assert one.area_px == 64
    assert one.length_px == pytest.approx(np.hypot(16, 4), abs=0.01)
    assert one.centroid == (117.5, 41.5)


def test_types_severity_and_scale_come_from_ontology_and_specification(tmp_path: Path) -> None:
    words = Specification.model_validate(
        {
            "product": "cap",
            "mm_per_px": 0.5,
            "defects": [{"name": "big dent", "superclass": "shape", "severity": [
                {"level": "minor", "up_to_mm": 4}, {"level": "major"}]}],
        }
    )  # fmt: skip
    sample = sample_with(tmp_path, blank((2, 3, 12, 7)))
    names = Names({"big_dent": Known("dent", "deformation")})
    (one,) = instances_of(sample, Planes(SIZE), words, names)
    assert (one.type, one.superclass) == ("dent", "deformation")
    assert one.length_mm == pytest.approx(np.hypot(10, 4) / 2, abs=0.01)
    assert one.severity == "major"
    (other,) = instances_of(replace(sample, product="bottle"), Planes(SIZE), words, names)
    assert (other.type, other.superclass) == ("big dent", "shape")
    stated = replace(sample.defects[0], severity="harmless")
    (said,) = instances_of(replace(sample, defects=(stated,)), Planes(SIZE), words, names)
    assert said.severity == "harmless"


def test_shares_of_parts_and_the_part_that_most_of_it_lies_on(tmp_path: Path) -> None:
    parts = np.zeros(SIZE, np.uint8)
    parts[:, 4:] = 1
    parts[:, 8:] = 2
    sample = sample_with(tmp_path, blank((2, 3, 12, 7)))
    (one,) = found(sample, parts=parts, part_names={1: "rim", 2: "lid"})
    assert one.parts == {"rim": 0.4, "lid": 0.4}
    assert one.part in ("rim", "lid")
    beside = np.where(parts == 2, np.uint8(0), parts)
    (one,) = found(sample, parts=beside, part_names={1: "rim"})
    assert one.part is None


def test_a_box_is_narrowed_by_its_reference_and_stands_for_itself_without_one(tmp_path: Path) -> None:
    sample = sample_with(tmp_path, blank())
    picture = np.zeros((*SIZE, 3), np.uint8)
    picture[20:24, 30:38] = 255
    picture[80, 100] = 255
    boxed = replace(
        sample,
        image=save(tmp_path / "changed.png", picture),
        defects=(Defect("short", box=(28, 18, 40, 26)), Defect("open", box=(0, 0, 5, 5))),
    )
    changed, unchanged = found(replace(boxed, reference=sample.image))
    assert changed.box == (28, 18, 40, 26)
    assert (changed.area_px, changed.centroid) == (32, (33.5, 21.5))
    assert changed.rle is not None
    assert (unchanged.area_px, unchanged.rle) == (25, None)
    alone, _ = found(boxed)
    assert (alone.area_px, alone.rle) == (96, None)


def test_depth_is_told_against_the_slope_around_it_and_part_by_part(tmp_path: Path) -> None:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    depth = (250 + 0.05 * x + 0.02 * y).astype(np.float32)
    parts = np.ones(SIZE, np.uint8)
    depth[:, 60:] += 8
    parts[:, 60:] = 2
    mask = blank((50, 30, 70, 40))
    depth[mask] -= 1.5
    depth[35, 55] = np.nan
    sample = sample_with(tmp_path, mask)
    (one,) = found(sample, depth=depth, parts=parts, part_names={1: "block", 2: "groove"})
    assert one.depth is not None
    assert one.depth.mean == pytest.approx(1.5, abs=1e-3)
    assert one.depth.lowest == pytest.approx(1.5, abs=1e-3)
    (flat,) = found(sample, depth=np.full(SIZE, np.nan, np.float32))
    assert flat.depth is None


def test_what_shows_a_defect_is_said_defect_by_defect(tmp_path: Path) -> None:
    sample = sample_with(tmp_path, blank((2, 3, 12, 7)))
    (one,) = found(replace(sample, conditions={"visible": "rgb and depth"}))
    assert one.visible == "both"
    (one,) = found(replace(sample, conditions={"visible": "rgb; depth"}))
    assert one.visible is None


def test_crumbs_of_a_mask_are_told_from_defects(tmp_path: Path) -> None:
    crumb, defect = found(sample_with(tmp_path, blank((2, 3, 3, 4), (20, 20, 30, 30))))
    assert is_speck(crumb)
    assert not is_speck(defect)


def test_good_and_unmarked_samples_have_no_instances(tmp_path: Path) -> None:
    sample = sample_with(tmp_path, blank())
    assert found(sample) == ()
    assert found(replace(sample, label="good", defects=())) == ()
    assert found(replace(sample, defects=(Defect("dent"),))) == ()


def test_a_mask_of_another_size_is_named(tmp_path: Path) -> None:
    sample = sample_with(tmp_path, blank((2, 3, 12, 7)))
    with pytest.raises(SpecsightError, match=r"mask\.png.* is 90 x 120 but its picture is 50 x 60"):
        instances_of(sample, Planes((50, 60)), None, None)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40))
def test_run_lengths_hold_every_pixel(seed: int, height: int, width: int) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    mask[0, 0] = True
    instance = Instance(
        type_raw="dent", type="dent", box=(0, 0, width, height), area_px=int(mask.sum()), area_share=1.0,
        centroid=(0, 0), cells=("top left",), length_px=1.0, rle=run_lengths(mask),
    )  # fmt: skip
    np.testing.assert_array_equal(mask_of(Instance.model_validate_json(instance.model_dump_json())), mask)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_cells_are_named_by_share_and_mirror_with_the_mask(seed: int) -> None:
    mask = np.random.default_rng(seed).random((30, 30)) < 0.02
    mask[seed % 30, seed % 29] = True
    cells = cells_of(mask)
    assert cells
    swapped = {"left": "right", "right": "left"}
    mirrored = {" ".join(swapped.get(word, word) for word in cell.split()) for cell in cells}
    assert mirrored == set(cells_of(mask[:, ::-1]))


def test_cells_that_are_merely_touched_are_known_besides() -> None:
    mask = np.zeros((30, 30), bool)
    mask[2:8, 0:11] = True  # 60 of 66 pixels at the top left, 6 at the top
    mask[10, 0] = True  # and one at the left
    assert cells_of(mask) == ("top left",)
    assert cells_of(mask, LEAST_TOUCHED) == ("top left", "top", "left")

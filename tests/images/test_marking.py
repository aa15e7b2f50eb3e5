"""Which pixels of a mask count: labels, soft edges, JPEG, and what a defect or a manifest says itself."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from specsight.datasets import load_dataset
from specsight.images import defect_mask, marked
from specsight.records import Defect


def drawn() -> NDArray[np.uint8]:
    """A line of 5 px and a small spot, 255 on 0."""
    mask = np.zeros((160, 160), np.uint8)
    cv2.line(mask, (20, 20), (73, 36), 255, 5)
    cv2.circle(mask, (100, 100), 1, 255, -1)
    return mask


def as_jpeg(mask: NDArray[np.uint8], quality: int) -> NDArray[np.int32]:
    data = io.BytesIO()
    Image.fromarray(mask).save(data, "JPEG", quality=quality)
    return np.array(Image.open(data)).astype(np.int32)


def regions(mask: NDArray[np.bool_]) -> int:
    return int(cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0]) - 1


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_ringing_of_jpeg_is_neither_area_nor_region(quality: int) -> None:
    values, truth = as_jpeg(drawn(), quality), drawn() > 0
    assert (values > 0).sum() > 1.5 * truth.sum()
    assert np.array_equal(marked(values), truth)


def test_soft_edges_end_half_way() -> None:
    truth = drawn() > 0
    soft = cv2.resize(cv2.resize(drawn(), (80, 80), interpolation=cv2.INTER_AREA), (160, 160))
    assert abs(int(marked(soft.astype(np.int32)).sum()) - truth.sum()) <= 0.05 * truth.sum()
    assert regions(marked(soft.astype(np.int32))) == 2


@pytest.mark.parametrize("value", [1, 3, 31, 100, 255, 65535])
def test_one_value_beside_zero_is_marked_whatever_it_is(value: int) -> None:
    values = (drawn() > 0) * np.int32(value)
    assert np.array_equal(marked(values), drawn() > 0)


@pytest.mark.parametrize("labels", [(1, 2, 3), (1, 12, 20), (85, 170, 255), (20000, 40000, 60000)])
def test_labels_count_however_low_they_are(labels: tuple[int, ...]) -> None:
    values = np.zeros((60, 60), np.int32)
    for i, label in enumerate(labels):
        values[15 * i + 3 : 15 * i + 13, 5:50] = label
    assert np.array_equal(marked(values), values > 0)


def test_an_empty_mask_marks_nothing() -> None:
    assert not marked(np.zeros((4, 5), np.int32)).any()
    assert marked(np.zeros((0, 5), np.int32)).shape == (0, 5)


def test_what_a_defect_says_goes_before_the_rule(tmp_path: Path) -> None:
    values = np.zeros((20, 20), np.uint8)
    values[:10], values[10:, :3] = 40, 255
    Image.fromarray(values).save(tmp_path / "mask.png")

    def area(defect: Defect) -> int:
        return int(defect_mask(replace(defect, mask=tmp_path / "mask.png"), (20, 20)).sum())

    rules = (Defect("x", mask_above=0), Defect("x", mask_above=40), Defect("x", mask_value=40))
    assert [area(defect) for defect in rules] == [230, 30, 200]


def test_a_manifest_may_ask_for_everything_above_zero(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((160, 160, 3), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(drawn()).save(tmp_path / "a_mask.jpg", quality=75)
    (tmp_path / "manifest.csv").write_text(
        "id,image,label,type,mask,mask_above\n1,a.png,defective,x,a_mask.jpg,0\n2,a.png,defective,x,a_mask.jpg,\n"
    )
    every, default = (defect_mask(s.defects[0], (160, 160)).sum() for s in load_dataset(tmp_path).samples)
    assert every > 1.5 * default
    assert default == (drawn() > 0).sum()

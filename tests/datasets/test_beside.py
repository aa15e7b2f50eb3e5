"""Depth and other signals from folders of their own find their pictures by name, or are said to find none."""

from __future__ import annotations

from pathlib import Path

import pytest

from specsight.datasets.beside import with_signals
from specsight.errors import SpecsightError
from specsight.records import Sample


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    for file in ("new/a/1.png", "new/b/1.png", "new/b/2.png", "depth/a/1.tiff", "depth/b/1.npy", "ir/2.png"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    return [Sample(path.stem, path, "cap") for path in sorted((tmp_path / "new").rglob("*.png"))]


def test_files_are_joined_by_place_then_by_name(samples: list[Sample], tmp_path: Path) -> None:
    joined = with_signals(
        samples, tmp_path / "new", {"depth": tmp_path / "depth", "ir": tmp_path / "ir"}, 1000
    )
    assert [one.depth for one in joined.samples] == [
        tmp_path / "depth/a/1.tiff",
        tmp_path / "depth/b/1.npy",
        None,
    ]
    assert [one.depth_unit_mm for one in joined.samples] == [1000, 1000, 1]
    assert [dict(one.signals) for one in joined.samples] == [{}, {}, {"ir": tmp_path / "ir/2.png"}]
    assert [note.split(":")[0] for note in joined.notes] == [
        "1 picture(s) without depth",
        "2 picture(s) without ir",
    ]
    (one,) = with_signals(samples[:1], samples[0].image, {"depth": tmp_path / "depth/b/1.npy"}).samples
    assert one.depth == tmp_path / "depth/b/1.npy"


def test_what_finds_no_picture_is_refused(samples: list[Sample], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "depth/a/1.png").touch()
    for place, said in (
        ("empty", "no picture has depth"),
        ("gone", "there is no '.*gone' with depth"),
        ("ir/2.png", "one file of depth, and there are 3 pictures"),
        ("depth", "has two files of depth"),
    ):
        with pytest.raises(SpecsightError, match=said):
            with_signals(samples, tmp_path / "new", {"depth": tmp_path / place})


def test_a_picture_is_not_its_own_depth(samples: list[Sample], tmp_path: Path) -> None:
    for pictures, place in ((samples, tmp_path / "new"), (samples[:1], samples[0].image)):
        with pytest.raises(SpecsightError, match="its own depth"):
            with_signals(pictures, tmp_path / "new", {"depth": place})
    with pytest.raises(SpecsightError, match="a signal is called"):
        with_signals(samples, tmp_path / "new", {"../ir": tmp_path / "ir"})

"""A model whose framing its good parts chose: it says so, keeps it, and maps fit the picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from specsight.calibration import ThresholdConfig
from specsight.detectors import create_detector
from specsight.inspector import Inspector
from specsight.inspector.folds import judges_of_folds
from specsight.inspector.splits import split_good
from specsight.preparation import Framing
from specsight.records import Sample
from specsight.runs.judging import describe_fit


def bars(seed: int, cracked: bool = False) -> np.ndarray:
    """360 × 1000 pixels of lines 3 pixels apart; a crack is two pixels wide."""
    generator = np.random.default_rng(seed)
    lines = 120 + 45 * np.sin(2 * np.pi * np.arange(1000) / 3.2)
    grey = lines * np.ones((360, 1)) + generator.normal(0, 2, (360, 1000))
    if cracked:
        cv2.line(grey, (700, 200), (720, 230), 40, 2)
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.fixture(scope="module")
def inspector(tmp_path_factory: pytest.TempPathFactory) -> Inspector:
    folder = tmp_path_factory.mktemp("bars")
    for k in range(8):
        cv2.imwrite(str(folder / f"{k}.png"), bars(k))
    return Inspector.fit(
        folder, encoder="filters", resolution="auto", tile="auto", rotate=None, coreset_limit=500, holdout=3
    )


def test_good_parts_choose_how_finely_to_look(inspector: Inspector) -> None:
    framing = inspector.detector.framing
    assert (framing.resolution, framing.tile, framing.angles) == (360, 320, ())
    resolution, tile, angles = framing.reasons
    assert resolution.startswith("360 px, because")
    assert "0% at 360 px" in resolution
    assert tile.startswith("in 2 × 4 tiles of 320 px, because a framed picture has 360 × 1000 px")
    assert angles.startswith("not rotated")
    assert inspector.detector.parameters()["resolution"] == "auto", "a later fit chooses anew"
    assert inspector.seconds is not None
    assert inspector.seconds > 0


def test_score_map_and_finding_come_from_all_tiles(inspector: Inspector) -> None:
    good = [inspector.inspect(bars(seed)).score for seed in (20, 21)]
    found = inspector.inspect(bars(22, cracked=True))
    assert found.score > max(good)
    assert found.map is not None
    assert found.map.shape == (360, 1000)
    row, column = np.unravel_index(int(found.map.argmax()), found.map.shape)
    assert 190 <= row <= 240
    assert 690 <= column <= 730


def test_the_choice_is_saved_and_stated(inspector: Inspector, tmp_path: Path) -> None:
    inspector.save(tmp_path / "model")
    loaded = Inspector.load(tmp_path / "model")
    assert loaded.detector.framing == inspector.detector.framing
    assert loaded.inspect(bars(22, cracked=True)).score == inspector.inspect(bars(22, cracked=True)).score
    fit = describe_fit(loaded)
    assert fit.resolution == 360
    assert fit.framing == "360 px, in tiles of 320 px"
    assert fit.framing_reasons == inspector.detector.framing.reasons


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # Up to 8 good parts are rotated: 9 are not, and a fold of 7 or 8 would be.
        ("subspacead", {"resolution": 64}),
        pytest.param(
            "patchcore", {"resolution": "auto", "tile": "auto", "rotate": None}, marks=pytest.mark.long
        ),
    ],
)
def test_every_fold_looks_as_the_fitted_detector_does(
    tmp_path: Path, name: str, parameters: dict[str, object]
) -> None:
    """Lines too fine for 320 px in five of nine parts: without two of these, most parts would choose 320 px."""
    samples = []
    for k in range(9):
        rgb = bars(k)[:, :360] if k < 5 else cv2.GaussianBlur(bars(k)[:, :360], (0, 0), 9)
        cv2.imwrite(str(tmp_path / f"{k}.png"), rgb)
        samples.append(Sample(f"{k}", tmp_path / f"{k}.png", "bars", split="train", label="good"))
    split = split_good(samples, [], [], ThresholdConfig(folds=5), seed=0, costly=False)
    assert len(split.folds) == 5
    detector = create_detector(name, encoder="filters", **parameters).fit(samples)
    judges = [judge for judge, _ in judges_of_folds(detector, split, [], None)]
    assert [judge.framing for judge in judges] == [detector.framing] * 5

    def alone(fold: Sequence[tuple[Sample, int]]) -> Framing:
        """The framing that the good parts without this fold would choose."""
        left_out = {sample.id for sample, _ in fold}
        one = create_detector(name, encoder="filters", **parameters)
        return one.fit([sample for sample in samples if sample.id not in left_out]).framing

    assert any(alone(fold) != detector.framing for fold in split.folds), "otherwise this shows nothing"

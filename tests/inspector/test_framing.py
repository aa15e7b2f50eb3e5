"""A model whose framing its good parts chose: it says so, keeps it, and maps fit the picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from specsight.inspector import Inspector
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

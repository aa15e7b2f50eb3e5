"""Relief of depth and drawings of other channels beside the picture: light, scale, what is unknown, outlines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from specsight.features.shading import relief
from specsight.records import Sample
from specsight.report.channels import channels_of
from specsight.report.pictures import PREDICTION, Drawing, composite

SIDE = 64


def bump() -> np.ndarray:
    """A dome of 2 mm on a tilted plane 300 mm away."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    dome = 2 * np.exp(-((x - 32) ** 2 + (y - 32) ** 2) / 60)
    return (300 + 0.05 * x - dome).astype(np.float32)


def test_relief_is_lit_from_the_upper_left_and_its_scale_is_in_mm_over_the_form() -> None:
    drawn = relief(bump())
    assert abs(drawn.low) < 0.1
    assert 1.5 < drawn.high < 2.1
    grey = drawn.rgb.astype(float).mean(axis=2)
    assert grey[26, 26] > grey[38, 38] + 20
    assert abs(grey[5, 5] - grey[58, 58]) < 10  # the tilt is no relief


def test_unknown_pixels_are_hatched_whatever_the_size(tmp_path: Path) -> None:
    depth = bump()
    depth[:16] = np.nan
    np.save(tmp_path / "d.npy", depth)
    np.save(tmp_path / "ir.npy", bump())
    np.save(tmp_path / "half.npy", bump()[::2])
    Image.fromarray(np.full((SIDE, SIDE, 3), 90, np.uint8)).save(tmp_path / "a.png")
    signals = {"ir": tmp_path / "ir.npy", "light_1": tmp_path / "a.png", "uv": tmp_path / "half.npy"}
    sample = Sample("a", tmp_path / "a.png", "plate", depth=tmp_path / "d.npy", signals=signals)
    channels = dict(channels_of(sample, (SIDE, SIDE), 1))
    assert list(channels) == ["depth", "ir", "light_1"]  # what does not fit is not drawn
    found = np.zeros((SIDE, SIDE), bool)
    found[28:36, 28:36] = True
    drawing = Drawing(
        np.zeros((SIDE, SIDE, 3), np.uint8), np.zeros((SIDE, SIDE), np.float32), found, None, channels
    )
    panels = drawing.panels(128)
    assert list(panels) == ["original", "heat", "contours", "channel depth", "channel ir", "channel light_1"]
    panel = panels["channel depth"]
    assert panel.shape[0] > 128  # the scale below it
    assert len(np.unique(panel[:28].reshape(-1, 3), axis=0)) == 2
    for name in ("channel depth", "channel ir"):
        assert (panels[name][:128] == PREDICTION).all(axis=2).any()
    assert composite(panels).shape[1] == 3 * 128 + 2 * 8

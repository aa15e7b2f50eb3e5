"""Small renderings of every maker beside those of `golden_pictures.png`: a change of pictures is noticed.

Trained weights and published numbers depend on the pictures. The last bit of cosine and exponential differs between
processors, so a few values may differ by a grey level, and a pixel at a threshold by more. After a change that is
meant: `python tests/synthetic/test_golden_pictures.py` writes the file anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from specsight.synthetic.defects import synthesise
from specsight.synthetic.scenes.blocks import render_block
from specsight.synthetic.scenes.objects import render_object
from specsight.synthetic.scenes.scene import render_scene
from specsight.synthetic.scenes.vessels import render_vessel
from specsight.synthetic.tyres import render, sample_tyre_scene
from specsight.synthetic.tyres.conditions import LightKind
from specsight.synthetic.tyres.geometry import Zone

GOLDEN = Path(__file__).with_name("golden_pictures.png")
SIDE, ACROSS = 64, 5
DEFECTS = ("crack", "contamination", "dent", "draem", "nsa", "hole")
SCENES = {"scene": render_scene, "block": render_block, "vessel": render_vessel, "object": render_object}
TYRES: dict[Zone, tuple[LightKind, str]] = {
    "tread": ("grazing", "crack"),
    "sidewall": ("diffuse", "stain"),
    "bead": ("dark_field", "cut"),
}
NAMES = (*DEFECTS, *SCENES, *(f"{zone} {plane}" for zone in TYRES for plane in ("rgb", "normals")))


def rendering(name: str) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8."""
    if name in DEFECTS:
        good = render_scene(np.random.default_rng(0), SIDE).rgb
        return synthesise(np.random.default_rng(7), good, name).rgb
    if name in SCENES:
        return SCENES[name](np.random.default_rng(11), SIDE).rgb
    zone, plane = name.split()
    light, defect = TYRES[cast("Zone", zone)]
    picture = render(
        sample_tyre_scene((5,), cast("Zone", zone), light, size=SIDE, wanted=(defect,)), (defect,)
    )
    if plane == "rgb":
        return picture.rgb
    return np.round(127.5 + 127.5 * picture.normals).astype(np.uint8)


def tile(name: str) -> tuple[slice, slice]:
    row, column = divmod(NAMES.index(name), ACROSS)
    return slice(row * SIDE, (row + 1) * SIDE), slice(column * SIDE, (column + 1) * SIDE)


@pytest.mark.parametrize("name", NAMES)
def test_renderings_are_those_of_the_golden_file(name: str) -> None:
    sheet = cv2.imread(str(GOLDEN))
    assert sheet is not None
    golden = sheet[..., ::-1][tile(name)]
    difference = np.abs(rendering(name).astype(int) - golden)
    assert (difference > 0).mean() < 0.02, "more than a rounding here and there"
    assert (difference > 1).mean() < 0.002, "more than a pixel at a threshold"


if __name__ == "__main__":
    rows = -(-len(NAMES) // ACROSS)
    sheet = np.zeros((rows * SIDE, ACROSS * SIDE, 3), np.uint8)
    for name in NAMES:
        sheet[tile(name)] = rendering(name)
    cv2.imwrite(str(GOLDEN), sheet[..., ::-1])

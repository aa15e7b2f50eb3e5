"""Every tensor of a pass is made on the tower's device: checked on torch's "meta" device, which has shapes but no
values and refuses, as a GPU does, to mix with tensors of the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from tests.support.reading_checkpoints import FAMILIES as READING
from tests.support.vision_checkpoints import FAMILIES as VISION
from tests.support.vision_checkpoints import save_vision

from specsight.encoders import load_encoder
from specsight.encoders.passes.value_attention import two_paths
from specsight.encoders.passes.windows import window_passes
from specsight.encoders.preprocessing import Preprocessing
from specsight.encoders.pretrained import PretrainedEncoder
from specsight.encoders.towers import ConvolutionalTower, TokenTower, vision_tower

PREPROCESSING = Preprocessing(1 / 255, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))


@pytest.mark.parametrize("family", [*VISION, *READING])
def test_passes_stay_on_the_device_of_their_tower(family: str, tmp_path: Path) -> None:
    folder = save_vision(family, tmp_path) if family in VISION else READING[family](tmp_path)
    encoder = load_encoder(folder, "cpu")
    assert isinstance(encoder, PretrainedEncoder)
    model, projection = encoder.vision.model.to("meta"), encoder.vision.projection.to("meta")
    tower = vision_tower("moved", model, projection, PREPROCESSING)
    pixels = tower.pixels(np.zeros((1, 2 * tower.stride, 3 * tower.stride, 3), np.uint8))
    with torch.inference_mode():
        found = [pixels, tower.pooled(pixels), *tower.outputs(pixels, tower.taps).values()]
        if encoder.reads:
            found += [tower.joint(pixels), tower.joint_patches(pixels)]
        if encoder.reads and isinstance(tower, TokenTower):
            pooled, levels = two_paths(tower, pixels, 1.0, 2)
            found += [pooled, *(tower.joint_grid(level, pixels) for level in levels)]
            found += window_passes(tower, pixels, 2)
        if isinstance(tower, ConvolutionalTower):
            assert tower.taps[-1].module is not None
            found.append(tower.entering(pixels, tower.taps[-1].module))
    assert tower.device == torch.device("meta")
    assert {tensor.device for tensor in found} == {tower.device}

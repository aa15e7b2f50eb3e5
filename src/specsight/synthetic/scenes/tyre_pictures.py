"""Pictures of the tyre line with their truth, rendered once into files: the line is too slow to render every batch.

One model of the line is never used here, nor seeds below `FIRST_SEED`: zero-shot numbers on tyres are measured on the
tread pattern and lettering of that model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.errors import UnreadableFile
from specsight.progress import track
from specsight.specification.synonyms import GENERAL
from specsight.storage import write_bytes
from specsight.synthetic.tyres.defects import KINDS
from specsight.synthetic.tyres.geometry import MODELS, PART_NAMES
from specsight.synthetic.tyres.rendering import Rendered, render_pair
from specsight.synthetic.tyres.scene import sample_tyre_scene

HELD_OUT_MODEL = "winter"
FIRST_SEED = 50_000_000
NOT_VISIBLE = 255
"""In a type map: changed, but hardly visible in RGB (a low blister under diffuse light); left out of training."""


@dataclass(frozen=True)
class TyrePicture:
    """`types` (H, W) uint8: 0 good, 1 + index into `names`, or NOT_VISIBLE; `parts` (H, W) uint8 by `PART_NAMES`."""

    rgb: NDArray[np.uint8]
    types: NDArray[np.uint8]
    parts: NDArray[np.uint8]
    names: tuple[str, ...]


class TyrePictures:
    """Pictures `start` to `stop` below `folder`; those missing are rendered when the object is made."""

    def __init__(self, folder: Path, start: int, stop: int, size: int, names: tuple[str, ...]) -> None:
        self._folder, self._indices, self._names = folder, range(start, stop), names
        for index in track(self._indices, "rendering tyres"):
            if not self._path(index).is_file():
                self._write(index, size)

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, number: int) -> TyrePicture:
        index = self._indices[number]
        stacked = cv2.imdecode(np.frombuffer(self._path(index).read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
        if stacked is None:
            raise UnreadableFile(f"'{self._path(index)}' is no picture: delete it, and it is rendered again")
        side = stacked.shape[1]
        rgb, truth = np.ascontiguousarray(stacked[:side, :, ::-1]), stacked[side:]
        return TyrePicture(rgb, truth[..., 0], truth[..., 1], self._names)

    def _write(self, index: int, size: int) -> None:
        rng = np.random.default_rng((FIRST_SEED, index))
        models = [name for name in MODELS if name != HELD_OUT_MODEL]
        types = [str(name) for name in rng.choice(list(KINDS), int(rng.integers(1, 3)), replace=False)]
        scene = sample_tyre_scene((FIRST_SEED, index), model=str(rng.choice(models)), size=size, wanted=types)
        good, bad = render_pair(scene, types)
        picture = good if rng.random() < 0.3 else bad
        truth = np.stack([self._types(picture), picture.parts, np.zeros_like(picture.parts)], 2)
        stacked = np.concatenate([picture.rgb[..., ::-1], truth])
        write_bytes(self._path(index), cv2.imencode(".png", np.ascontiguousarray(stacked))[1].tobytes())

    def _types(self, picture: Rendered) -> NDArray[np.uint8]:
        types = np.zeros(picture.parts.shape, np.uint8)
        for defect in picture.defects:
            in_rgb = "rgb" in defect.visible
            types[defect.mask] = (
                1 + self._names.index(GENERAL.spelling(defect.type)) if in_rgb else NOT_VISIBLE
            )
        return types

    def _path(self, index: int) -> Path:
        return self._folder / f"{index:05d}.png"


def part_thing(value: int) -> str:
    """The object of `sentences.THINGS` that a part of the tyre is."""
    name = PART_NAMES.get(value, "")
    return {"bead ring": "bead"}.get(name, name)

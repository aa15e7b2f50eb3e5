"""Crops of natural photographs, jittered in scale, rotation and colour: the richest textures at hand.

Photographs are decoded once, and kept small enough for memory; a fixed share of them is held out for validation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.datasets.files import pictures_in
from specsight.errors import SpecsightError
from specsight.images import IMAGE_SUFFIXES, picture_size, read_rgb

HELD_OUT = 100


class Photographs:
    """The pictures directly inside a folder: about 100 of them (of 1,000 every tenth), at most half, are held out, the
    others are for training. Raises SpecsightError for fewer than two."""

    def __init__(self, folder: Path, held_out: bool = False, limit: int | None = None) -> None:
        if not folder.is_dir():
            raise SpecsightError(f"'{folder}' is no folder: give a folder of photographs to learn from")
        paths = pictures_in(folder)
        if len(paths) < 2:
            found = "one photograph only" if paths else "no photographs"
            endings = ", ".join(sorted(IMAGE_SUFFIXES))
            raise SpecsightError(
                f"'{folder}' holds {found}: put two or more directly into it ({endings}), one "
                "to learn from and one to be held out"
            )
        step = max(2, len(paths) // HELD_OUT)
        chosen = [path for index, path in enumerate(paths) if (index % step == 0) == held_out][:limit]
        self._paths = chosen
        self._decoded: dict[int, NDArray[np.uint8]] = {}

    def check(self) -> None:
        """Raise UnreadableFile for the first that is no picture by its head; none is decoded."""
        for path in self._paths:
            picture_size(path)

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, decoded when first asked for."""
        if index not in self._decoded:
            self._decoded[index] = read_rgb(self._paths[index])
        return self._decoded[index]

    def __getstate__(self) -> dict[str, Any]:
        """Travels to worker processes without its pixels."""
        return {"_paths": self._paths, "_decoded": {}}

    def crop(self, rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
        """A (side, side, 3) uint8 piece of a random photograph: zoomed 0.6–3 ×, often turned, mirrored, recoloured."""
        picture = self[int(rng.integers(len(self)))]
        height, width = picture.shape[:2]
        smallest = side / min(height, width)
        scale = max(smallest, float(np.exp(rng.uniform(np.log(0.6), np.log(3.0)))))
        angle = float(rng.choice([0, 90, 180, 270])) if rng.random() < 0.4 else float(rng.normal(0, 12))
        centre = rng.uniform(0.2, 0.8, 2) * (width, height)
        turn = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), angle, scale)
        turn[:, 2] += side / 2 - centre
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        piece = cv2.warpAffine(picture, turn, (side, side), flags=method, borderMode=cv2.BORDER_REFLECT_101)
        if rng.random() < 0.5:
            piece = piece[:, ::-1]
        return recolour(rng, np.ascontiguousarray(piece))


def recolour(rng: np.random.Generator, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Random gamma, gain per channel, saturation and, one time in five, grey."""
    kind = rng.random()
    if kind < 0.35:
        return rgb
    levels = np.arange(256, dtype=np.float32) / 255
    gamma, gains = np.exp(rng.normal(0, 0.3)), np.exp(rng.normal(0, 0.15, 3))
    table = np.clip(levels[:, None] ** gamma * gains * np.exp(rng.normal(0, 0.12)) * 255, 0, 255)
    result = cv2.LUT(rgb, table.astype(np.uint8)[None])
    if kind > 0.8:
        grey = cv2.cvtColor(result, cv2.COLOR_RGB2GRAY)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
    if kind > 0.6:
        hsv = cv2.cvtColor(result, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(np.int16) + int(rng.integers(0, 180))) % 180
        hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(0.3, 1.6), 0, 255).astype(np.uint8)
        result = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return np.asarray(result, np.uint8)

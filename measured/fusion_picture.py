"""The picture of docs/fusion.md: colours, relief, map and what each modality shows alone, of a few defective tyres."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.features.surface import surface_of
from specsight.records import Judgement, Picture

GAP = 6
TITLES = ("colours", "relief", "map", "colour alone: red, depth alone: blue")
LOW, HIGH = -3.0, 3.0
"""Logits between which a map is drawn from nothing to full."""


def save_picture(file: Path, shown: list[tuple[Picture, Judgement, NDArray[np.bool_], float | None]]) -> None:
    """Write a row per picture: the picture, its judgement, the mask of its defects, mm per pixel."""
    rows = [_row(*one) for one in shown]
    gap = np.full((GAP, rows[0].shape[1], 3), 255, np.uint8)
    header = np.full((26, rows[0].shape[1], 3), 255, np.uint8)
    width = (rows[0].shape[1] + GAP) // len(TITLES)
    for k, title in enumerate(TITLES):
        place = (k * width + 4, 18)
        cv2.putText(header, title, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1, cv2.LINE_AA)
    whole = [header]
    for row in rows:
        whole += [row, gap]
    cv2.imwrite(str(file), np.concatenate(whole[:-1])[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


def _row(
    picture: Picture, judgement: Judgement, mask: NDArray[np.bool_], mm_per_px: float | None
) -> NDArray[np.uint8]:
    assert picture.depth is not None
    light = np.array([-0.5, -0.5, 0.7]) / np.linalg.norm([-0.5, -0.5, 0.7])
    shade = surface_of(picture.depth, mm_per_px).normals @ light
    relief = np.repeat((np.clip(shade, 0, 1) * 255).astype(np.uint8)[..., None], 3, 2)
    grey = np.repeat(picture.rgb.mean(-1, keepdims=True), 3, 2) * 0.6
    found = _strength(judgement.map)[..., None]
    drawn = grey * (1 - found) + found * np.array([255, 190, 0])
    red, blue = (_strength(judgement.alone[name])[..., None] for name in ("rgb", "depth"))
    shares = (
        grey * (1 - np.maximum(red, blue)) + red * np.array([235, 40, 40]) + blue * np.array([40, 90, 255])
    )
    outline, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    panels = []
    for pixels in (picture.rgb, relief, drawn, shares):
        panel = np.ascontiguousarray(np.clip(pixels, 0, 255).astype(np.uint8))
        cv2.drawContours(panel, outline, -1, (255, 255, 255), 1)
        panels += [panel, np.full((panel.shape[0], GAP, 3), 255, np.uint8)]
    return np.concatenate(panels[:-1], axis=1)


def _strength(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.clip((logits - LOW) / (HIGH - LOW), 0, 1) * 0.85, np.float32)

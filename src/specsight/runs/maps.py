"""Anomaly maps as bytes on disk: the map of a picture as TIFF, bit for bit or smaller, and its maps by type, small and
in half precision.

In and out: (H, W) float32, higher = more anomalous.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from specsight.errors import SpecsightError

TYPE_SIDE = 128
"""Shorter side of type maps on disk in pixels: their grids are coarser still, and there is one for every type."""

INSTRUCTED_SIDE = 320
"""Shorter side of what is kept of an instruction, in pixels: it is drawn, not measured."""


def encode_map(map_: NDArray[np.float32], side: int | None = None) -> bytes:
    """(H, W) float32 → a compressed TIFF: of the same bits, or scaled by area means to a shorter side of `side` pixels
    where that is larger."""
    buffer = io.BytesIO()
    if side is not None and min(map_.shape) > side:
        size = _scaled(map_.shape, side)
        map_ = np.asarray(cv2.resize(map_, size[::-1], interpolation=cv2.INTER_AREA), np.float32)
    # Level 1: a bilinear map shrinks little more at higher levels, and takes far longer.
    tifffile.imwrite(buffer, map_.astype(np.float32), compression="zlib", compressionargs={"level": 1})
    return buffer.getvalue()


def read_map(file: Path, size: tuple[int, int]) -> NDArray[np.float32]:
    """The map in `file`, (H, W) float32, enlarged to `size` where it was written smaller.

    Raises `SpecsightError` where it cannot be read or is not of `size` or its proportions.
    """
    try:
        map_ = np.asarray(tifffile.imread(file), dtype=np.float32)
    except Exception as error:  # tifffile raises whatever its parser trips over
        raise SpecsightError(f"cannot read the map '{file}': run again into another --out") from error
    if map_.ndim == 2 and 0 < min(map_.shape) < min(size) and map_.shape == _scaled(size, min(map_.shape)):
        return np.asarray(cv2.resize(map_, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
    if map_.shape != size:
        raise SpecsightError(f"the map '{file}' is {map_.shape}, not {size}: run again into another --out")
    return map_


def encode_labels(labels: NDArray[np.uint8]) -> bytes:
    """(H, W) numbers of labels → a PNG, its shorter side at most `INSTRUCTED_SIDE` pixels."""
    if min(labels.shape) > INSTRUCTED_SIDE:
        height, width = _scaled(labels.shape, INSTRUCTED_SIDE)
        labels = np.asarray(cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
    done, data = cv2.imencode(".png", labels)
    if not done:
        raise ValueError(f"cannot encode labels of {labels.shape} as PNG")
    return bytes(data.tobytes())


def read_labels(file: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The numbers of labels in `file`, (H, W) of `size`. Raises `SpecsightError` where it cannot be read."""
    try:
        labels = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error) as error:
        raise SpecsightError(f"cannot read '{file}': run again into another --out") from error
    if labels is None or labels.ndim != 2 or labels.dtype != np.uint8 or max(labels.shape) > max(size):
        raise SpecsightError(f"'{file}' is damaged: run again into another --out")
    return np.asarray(cv2.resize(labels, size[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)


def _scaled(size: tuple[int, ...], side: int) -> tuple[int, int]:
    """(H, W) in proportion, its shorter side `side` pixels."""
    height, width = size
    shorter = min(height, width)
    # Whole numbers, so that reading finds the size that writing gave.
    return (height * side + shorter // 2) // shorter, (width * side + shorter // 2) // shorter


def encode_type_maps(type_maps: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Type → (H, W) map, scaled by area means until its shorter side is at most `TYPE_SIDE`, as safetensors."""
    from safetensors.numpy import save

    scaled = {}
    for name, map_ in type_maps.items():
        height, width = map_.shape
        scale = min(1.0, TYPE_SIDE / min(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        scaled[name] = cv2.resize(map_, size, interpolation=cv2.INTER_AREA).astype(np.float16)
    return bytes(save(scaled))


def read_type_maps(file: Path) -> dict[str, NDArray[np.float32]]:
    """Type → (h, w) float32 map. Raises `SpecsightError` where the file cannot be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return {name: m.astype(np.float32) for name, m in load(file.read_bytes()).items()}
    except (OSError, SafetensorError) as error:
        raise SpecsightError(
            f"cannot read the maps by type '{file}': run again into another --out"
        ) from error

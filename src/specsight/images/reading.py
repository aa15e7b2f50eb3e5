"""Samples on disk → arrays: masks, depth and part maps, each of the size of its picture.

Everything is upright. EXIF turns a picture; a mask, depth or part map that was drawn on the stored pixels and knows
nothing of the turn is turned with it, which its size tells where the picture is turned by 90° and is not square. In
every other case it is taken as drawn on the picture as a person sees it. Sizes are (H, W). Nothing is resized here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError, UnreadableFile, WrongSize
from specsight.images.colours import stored_orientation
from specsight.images.decoding import opened, orientation_of, turned
from specsight.images.deep import decode_deep, is_deep
from specsight.images.depth import read_depth
from specsight.images.marking import marked
from specsight.images.tiff import WHITE_IS_ZERO, first_page, is_tiff, read_tags, stored_values
from specsight.records import Defect, Sample

IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".pnm", ".jp2",
     ".avif", ".hif", ".heic", ".heif"}
)  # fmt: skip
"""Lower-case endings of the files that are taken for pictures."""

Size = tuple[int, int]


def read_mask(path: str | Path, max_pixels: int | None = None) -> NDArray[np.int32]:
    """Stored values of a mask, (H, W) int32, upright, never interpolated or scaled.

    Palette masks give their indices (their grey values where the palette is grey), colour masks their brightest
    channel, fully transparent pixels 0. Where 0 is white (some TIFF), values count from the other end.
    """
    path = Path(path)
    tags = read_tags(path, max_pixels) if is_tiff(path) else None
    if tags is not None and tags.deep:
        with first_page(path, max_pixels) as page:
            values = stored_values(path, page)
        if tags.photometric == WHITE_IS_ZERO and values.dtype == np.uint16:
            values = 65535 - values
        alpha, colours = None, values.shape[2] - tags.extra
        if tags.alpha:
            alpha = values[..., colours : colours + 1]
        return turned(_one_channel(values[..., :colours], path, alpha), tags.orientation)
    with opened(path, max_pixels) as image:
        alpha = None
        if image.mode == "P" and not _grey_palette(image):
            values = np.asarray(image)
        elif tags is None and is_deep(image, path):
            deep = decode_deep(image, path)
            values, alpha = deep.values, deep.alpha
        elif image.mode in ("P", "CMYK", "PA"):
            values = np.asarray(image.convert("RGB"))
        else:
            values = np.asarray(image)
            if values.ndim == 3 and values.shape[2] in (2, 4):
                values, alpha = values[..., :-1], values[..., -1:]
        if tags is not None and not tags.alpha and tags.extra:
            alpha = None
        return turned(_one_channel(values, path, alpha), orientation_of(image))


def defect_mask(defect: Defect, size: Size, image: Path | None = None) -> NDArray[np.bool_]:
    """Pixels (H, W) of one defect on a picture of `size`, whose file `image` says how it is turned.

    Raises WrongSize, which names both sizes, for a mask of another size.
    """
    if defect.mask is None:
        return _box_mask(defect, size)
    return _select(defect, _mask_of_size(defect.mask, size, image))


def defect_masks(sample: Sample, size: Size) -> list[NDArray[np.bool_]]:
    """One mask (H, W) per defect of `sample`, in order; a shared mask file is read once."""
    files = {d.mask: _mask_of_size(d.mask, size, sample.image) for d in sample.defects if d.mask is not None}
    return [_select(d, files[d.mask]) if d.mask else _box_mask(d, size) for d in sample.defects]


def anomaly_mask(sample: Sample, size: Size) -> NDArray[np.bool_]:
    """Union (H, W) of the defects; all False for a good part. Ask `masks_known` first where masks may be missing."""
    if sample.label != "good" and not sample.defects:
        raise SpecsightError(
            f"sample '{sample.id}' ({sample.label}) has no masks: leave it out of pixel metrics"
        )
    union = np.zeros(size, bool)
    for mask in defect_masks(sample, size):
        union |= mask
    return union


def masks_known(sample: Sample) -> bool:
    """Whether the true defect pixels are known: good parts, and parts whose every defect has a mask or a box."""
    if sample.label == "good":
        return True
    return bool(sample.defects) and all(d.mask is not None or d.box is not None for d in sample.defects)


def depth_of(
    sample: Sample, size: Size, orientation: int, max_pixels: int | None = None
) -> NDArray[np.float32] | None:
    """Depth (H, W) in mm of a sample whose picture is of `size` and stored under `orientation`; None where it has none.

    Raises WrongSize, and UnreadableFile for a file that cannot be read.
    """
    if sample.depth is None:
        return None
    depth = read_depth(sample.depth, sample.depth_range, max_pixels, sample.depth_unit_mm)
    return of_size("depth", sample.depth, depth, size, orientation)


def parts_of(
    sample: Sample, size: Size, orientation: int, max_pixels: int | None = None
) -> NDArray[np.uint8] | None:
    """Part map (H, W) of a sample, as `depth_of`. Raises UnreadableFile for values over 255, too."""
    if sample.parts is None:
        return None
    values = of_size("part map", sample.parts, read_mask(sample.parts, max_pixels), size, orientation)
    if values.max(initial=0) > 255:
        raise UnreadableFile(f"part map '{sample.parts}' holds values over 255: number parts 1 to 255")
    return values.astype(np.uint8)


def of_size(what: str, path: Path, values: NDArray[Any], size: Size, orientation: int) -> NDArray[Any]:
    """`values`, turned as their picture is where they were drawn on it as it is stored."""
    if values.shape[:2] == size:
        return values
    if values.shape[:2] == size[::-1] and orientation in (5, 6, 7, 8):
        return turned(values, orientation)
    raise WrongSize(
        f"{what} '{path}' is {values.shape[0]} x {values.shape[1]} but its picture is {size[0]} x {size[1]} "
        "(rows x columns): bring both to one size"
    )


def _grey_palette(image: Any) -> bool:
    entries = np.asarray(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    return bool((entries == entries[:, :1]).all())


def _one_channel(values: NDArray[Any], path: Path, alpha: NDArray[Any] | None) -> NDArray[np.int32]:
    if values.dtype.kind == "f" and not np.array_equal(values, np.round(values)):
        raise UnreadableFile(f"mask '{path}' holds fractions: save whole numbers (PNG, 8 or 16 bit)")
    if values.ndim == 3:
        if alpha is not None:
            values = values * (alpha > 0)
        values = values.max(axis=2)
    return values.astype(np.int32)


def _mask_of_size(path: Path, size: Size, image: Path | None) -> NDArray[np.int32]:
    values = read_mask(path)
    turns = image is not None and values.shape == size[::-1] != size
    return of_size("mask", path, values, size, stored_orientation(image) if image and turns else 1)


def _select(defect: Defect, values: NDArray[np.int32]) -> NDArray[np.bool_]:
    if defect.mask_value is not None:
        return np.asarray(values == defect.mask_value)
    return marked(values) if defect.mask_above is None else np.asarray(values > defect.mask_above)


def _box_mask(defect: Defect, size: Size) -> NDArray[np.bool_]:
    if defect.box is None:
        raise SpecsightError(
            f"defect '{defect.type}' has neither mask nor box: leave it out of pixel metrics"
        )
    x0, y0, x1, y1 = defect.box
    inside = np.zeros(size, bool)
    inside[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
    if not inside.any():
        raise SpecsightError(
            f"box {defect.box} of defect '{defect.type}' is empty or outside the picture of {size[0]} x {size[1]} "
            "(rows x columns): correct the box"
        )
    return inside

"""Samples on disk → arrays: colours, masks, depth, and the `Picture` of a sample.

Everything is upright (EXIF orientation applied to pictures, masks, parts and depth alike), so a mask belongs to the
picture as a person sees it. Sizes are (H, W). Nothing is resized here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError, UnreadableFile
from specsight.images.decoding import (
    MAX_PIXELS,
    bits_per_sample,
    check_file,
    check_pixels,
    decode_deep,
    opened,
    unreadable,
    upright,
)
from specsight.images.marking import marked
from specsight.records import Defect, Picture, Sample

IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".pnm", ".jp2"}
)
"""Lower-case endings of the files that are taken for pictures."""

Size = tuple[int, int]


def read_rgb(path: str | Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """Colours of a picture, (H, W, 3) uint8, upright.

    16-bit values are divided by 257 and rounded (65535 → 255), whatever range they use. Grey and palette pictures
    become RGB, CMYK is converted without a profile, transparency is laid on white. Of several frames the first counts.
    Raises `UnreadableFile` for anything else: empty, truncated, no picture, over `max_pixels`, floating point.
    """
    path = Path(path)
    with opened(path, max_pixels) as image:
        if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
            raise UnreadableFile(
                f"'{path}' holds {image.mode}-mode values without a fixed range: save it as 8 or 16 bit"
            )
        if bits_per_sample(image, path) == 16:
            pixels = decode_deep(path) if image.format in ("PNG", "TIFF") else np.asarray(image)
            return upright(_eight_bit_rgb(pixels), image)
        if image.has_transparency_data:
            pixels = np.asarray(image.convert("RGBA"))
            return upright(_eight_bit_rgb(pixels), image)
        return upright(np.array(image.convert("RGB")), image)


def read_mask(path: str | Path, max_pixels: int = MAX_PIXELS) -> NDArray[np.int32]:
    """Stored values of a mask, (H, W) int32, upright, never interpolated or scaled.

    Palette masks give their indices (their grey values where the palette is grey), colour masks their brightest
    channel, fully transparent pixels 0.
    """
    path = Path(path)
    with opened(path, max_pixels) as image:
        if image.mode == "P" and not _grey_palette(image):
            values = np.asarray(image)
        elif bits_per_sample(image, path) == 16 and image.format in ("PNG", "TIFF"):
            values = decode_deep(path)
        elif image.mode in ("P", "CMYK", "PA"):
            values = np.asarray(image.convert("RGB"))
        else:
            values = np.asarray(image)
        return upright(_one_channel(values, path), image)


def defect_mask(defect: Defect, size: Size) -> NDArray[np.bool_]:
    """Pixels (H, W) of one defect on a picture of `size`; another size of the mask is an error naming both."""
    if defect.mask is None:
        return _box_mask(defect, size)
    return _select(defect, _mask_of_size(defect.mask, size))


def defect_masks(sample: Sample, size: Size) -> list[NDArray[np.bool_]]:
    """One mask (H, W) per defect of `sample`, in order; a shared mask file is read once."""
    files = {d.mask: _mask_of_size(d.mask, size) for d in sample.defects if d.mask is not None}
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


def read_depth(
    path: str | Path, depth_range: tuple[float, float] | None = None, max_pixels: int = MAX_PIXELS
) -> NDArray[np.float32]:
    """Depth (H, W) float32 in the file's unit; NaN where unknown.

    TIFF or .npy with three channels: an organised x, y, z cloud, of which z counts; (0, 0, 0) is unknown. Floating
    point: as it is. Integers with `depth_range` (minimum, maximum): their full range is spread over it. Integers
    without: as they are, and 0 is unknown, as depth cameras write it. Infinite values are unknown too.
    """
    path = Path(path)
    check_file(path)
    suffix = path.suffix.lower()
    if suffix == ".npy":
        raw = _read_npy(path, max_pixels)
    elif suffix in (".tif", ".tiff"):
        raw = _read_tiff(path, max_pixels)
    else:
        with opened(path, max_pixels) as image:
            deep = bits_per_sample(image, path) == 16 and image.format == "PNG"
            raw = upright(decode_deep(path) if deep else np.asarray(image), image)
    return _depth(raw, depth_range, path)


def load_picture(sample: Sample, max_pixels: int = MAX_PIXELS) -> Picture:
    """Pixels of a sample: colours, and depth and part map where it has them, all of one size."""
    rgb = read_rgb(sample.image, max_pixels)
    size = (rgb.shape[0], rgb.shape[1])
    depth = parts = None
    if sample.depth is not None:
        depth = read_depth(sample.depth, sample.depth_range, max_pixels)
        _check_size("depth", sample.depth, (depth.shape[0], depth.shape[1]), size)
    if sample.parts is not None:
        values = _mask_of_size(sample.parts, size, "part map")
        if values.max(initial=0) > 255:
            raise UnreadableFile(f"part map '{sample.parts}' holds values over 255: number parts 1 to 255")
        parts = values.astype(np.uint8)
    return Picture(rgb=rgb, depth=depth, parts=parts, circular=sample.circular)


def _eight_bit_rgb(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """(H, W) or (H, W, 1..4) of 8 or 16 bit → (H, W, 3) uint8, transparency laid on white."""
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.dtype != np.uint8:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    colours = pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., :1].repeat(3, axis=2)
    if pixels.shape[2] in (2, 4):
        alpha = pixels[..., -1:].astype(np.uint32)
        colours = ((colours * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(colours)


def _grey_palette(image: Any) -> bool:
    entries = np.asarray(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    return bool((entries == entries[:, :1]).all())


def _one_channel(values: NDArray[Any], path: Path) -> NDArray[np.int32]:
    if values.dtype.kind == "f" and not np.array_equal(values, np.round(values)):
        raise UnreadableFile(f"mask '{path}' holds fractions: save whole numbers (PNG, 8 or 16 bit)")
    if values.ndim == 3:
        if values.shape[2] in (2, 4):
            values = values[..., :-1] * (values[..., -1:] > 0)
        values = values.max(axis=2)
    return values.astype(np.int32)


def _mask_of_size(path: Path, size: Size, what: str = "mask") -> NDArray[np.int32]:
    values = read_mask(path)
    _check_size(what, path, (values.shape[0], values.shape[1]), size)
    return values


def _check_size(what: str, path: Path, found: Size, picture: Size) -> None:
    if found == picture:
        return
    turned = (
        " (the picture is stored turned, with an EXIF note: turn its mask too)"
        if found == picture[::-1]
        else ""
    )
    raise SpecsightError(
        f"{what} '{path}' is {found[0]} x {found[1]} but its picture is {picture[0]} x {picture[1]} "
        f"(rows x columns){turned}: bring both to one size"
    )


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


def _read_npy(path: Path, max_pixels: int) -> NDArray[Any]:
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
        if stored.ndim >= 2:
            check_pixels(path, stored.shape[0], stored.shape[1], max_pixels)
        return np.array(stored)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(path, error) from error


def _read_tiff(path: Path, max_pixels: int) -> NDArray[Any]:
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            check_pixels(path, page.shape[0], page.shape[1], max_pixels)
            # tifffile decodes LZW only with a further package; OpenCV brings libtiff along.
            return decode_deep(path) if page.compression == tifffile.COMPRESSION.LZW else page.asarray()
    except SpecsightError:
        raise
    except Exception as error:  # a damaged TIFF surfaces as struct.error, IndexError, TiffFileError, ...
        raise unreadable(path, error) from error


def _depth(raw: NDArray[Any], depth_range: tuple[float, float] | None, path: Path) -> NDArray[np.float32]:
    if raw.ndim == 3 and raw.shape[2] == 1:
        raw = raw[..., 0]
    if raw.ndim not in (2, 3) or (raw.ndim == 3 and raw.shape[2] != 3) or raw.dtype.kind not in "fiu":
        raise UnreadableFile(
            f"depth '{path}' is {raw.shape} {raw.dtype}: expected (H, W), or (H, W, 3) for x, y, z"
        )
    if raw.ndim == 3:
        depth = np.where((raw == 0).all(axis=2), np.nan, raw[..., 2]).astype(np.float32)
    elif raw.dtype.kind == "f":
        depth = raw.astype(np.float32)
    elif depth_range is not None:
        low, high = depth_range
        depth = (raw / np.iinfo(raw.dtype).max * (high - low) + low).astype(np.float32)
    else:
        depth = np.where(raw == 0, np.nan, raw).astype(np.float32)
    depth[~np.isfinite(depth)] = np.nan
    return depth

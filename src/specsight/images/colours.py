"""A picture file → RGB of 8 bits, upright, by one set of rules at every depth.

White of a 16-bit file is 2^bits - 1: the bits that are asked for (one number for a whole set, see `common_bits`), else
those of the file itself. Transparency is laid on white. Channels that are neither colour nor transparency are left
out. CMYK is converted without a profile. What a person should know of a file is in `Colours.notes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from specsight.errors import UnreadableFile
from specsight.images.decoding import opened, orientation_of, turned
from specsight.images.deep import DeepPixels, bits_that_hold, decode_deep, is_deep
from specsight.images.tiff import TiffTags, decode_tiff, is_tiff, read_tags

BAND = 1 << 22
"""Pixels that are converted at a time: intermediate copies stay small beside the picture."""
FULL = 16
"""Bits of a 16-bit file that uses its whole range."""
MORE_PICTURES = "further pictures in the file (previews) were left out"


@dataclass(frozen=True)
class Colours:
    """Colours of a picture, and what is known of how they were stored."""

    rgb: NDArray[np.uint8]
    """(H, W, 3), upright."""
    orientation: int = 1
    """EXIF orientation under which the picture is stored, which `rgb` has obeyed."""
    notes: tuple[str, ...] = ()
    """What was left out or decided, in words that name no file: pictures with the same note can be counted."""


def read_rgb(path: str | Path, bits: int | None = None, max_pixels: int | None = None) -> NDArray[np.uint8]:
    """Colours of a picture, (H, W, 3) uint8, upright; see `read_colours`."""
    return read_colours(path, bits, max_pixels).rgb


def read_colours(path: str | Path, bits: int | None = None, max_pixels: int | None = None) -> Colours:
    """Colours of a picture with notes.

    Parameters: `bits`, 8 to 16: what 16-bit files use of their range, 12 making 4095 white; larger values are clipped.
    None: what the file states (TIFF BitsPerSample or MaxSampleValue, PNG sBIT), else the smallest of 8, 10, 12, 14 and
    16 that holds its largest value. `max_pixels`: in place of the limit of `set_max_megapixels`.
    Raises UnreadableFile for anything that is no such picture: empty, truncated, several pages, over the limit,
    floating point, HEIC without pillow-heif.
    """
    path = Path(path)
    tags = read_tags(path, max_pixels) if is_tiff(path) else None
    if tags is not None and tags.deep:
        return _of_deep(decode_tiff(path, tags, max_pixels), bits)
    with opened(path, max_pixels) as image:
        if tags is None and is_deep(image, path):
            deep, orientation = decode_deep(image, path), orientation_of(image)
        else:
            return _of_eight_bits(image, tags, path)
    colours = _of_deep(deep, bits)
    return Colours(turned(colours.rgb, orientation), orientation, colours.notes)


def stored_orientation(path: Path) -> int:
    """EXIF orientation, 1 to 8, under which a picture is stored. Raises UnreadableFile as `read_colours` does."""
    if is_tiff(path):
        return read_tags(path).orientation
    with opened(path, load=False) as image:
        return orientation_of(image)


def picture_size(path: Path) -> tuple[int, int]:
    """(H, W) of a picture in pixels, upright, from its header. Raises UnreadableFile where there is none."""
    lying = stored_orientation(path) >= 5
    with opened(path, load=False) as image:
        return (image.width, image.height) if lying else (image.height, image.width)


def picture_width(path: Path) -> int:
    """Columns of a picture, upright, from its header. Raises UnreadableFile where there is none."""
    return picture_size(path)[1]


def common_bits(paths: Iterable[Path]) -> int | None:
    """Bits that the 16-bit pictures of one set use: the most that any of them does; None where no file is that deep.

    Unreadable files are passed over: whoever reads them says so.
    """
    found: list[int] = []
    for path in paths:
        try:
            deep = _deep_pixels(path)
        except UnreadableFile:
            continue
        if deep is not None:
            found.append(own_bits(deep))
    return max(found, default=None)


def own_bits(deep: DeepPixels) -> int:
    """Bits that one file uses: what it states, unless a value is larger; else what its largest value takes."""
    if deep.bits is not None:
        return deep.bits if deep.largest < 2**deep.bits else FULL
    return bits_that_hold(deep.largest)


def _deep_pixels(path: Path) -> DeepPixels | None:
    """The values of a file with more than 8 bits; None for others, which are not decoded."""
    if is_tiff(path):
        tags = read_tags(path)
        return decode_tiff(path, tags) if tags.deep else None
    with opened(path, load=False) as image:
        return decode_deep(image, path) if is_deep(image, path) else None


def _of_deep(deep: DeepPixels, bits: int | None) -> Colours:
    used = own_bits(deep) if bits is None else bits
    white = 2**used - 1
    notes = list(deep.notes)
    if used < FULL:
        notes.append(f"16-bit files hold {used}-bit data: {white} is white")
    if deep.largest > white:
        notes.append(f"values above {white}, which is white in this set, were clipped")
    table = _to_eight_bits(white)
    colours = 255 - table if deep.inverted else table
    opacity = None if deep.alpha is None else _to_eight_bits(2 ** bits_that_hold(int(deep.alpha.max())) - 1)
    height, width = deep.values.shape[:2]
    rgb = np.empty((height, width, 3), np.uint8)
    for rows in _bands(height, width):
        band = colours[deep.values[rows]]
        if deep.cmyk:
            band = np.asarray(Image.fromarray(band, "CMYK").convert("RGB"))
        if deep.alpha is not None and opacity is not None:
            band = _on_white(band, opacity[deep.alpha[rows]], deep.premultiplied)
        rgb[rows] = band  # one grey channel spreads over three
    return Colours(turned(rgb, deep.orientation), deep.orientation, tuple(notes))


def _of_eight_bits(image: Image.Image, tags: TiffTags | None, path: Path) -> Colours:
    notes = list(tags.notes) if tags else []
    if image.format == "MPO" and getattr(image, "n_frames", 1) > 1:
        notes.append(MORE_PICTURES)
    if image.mode == "F" or image.mode.startswith("I"):
        raise UnreadableFile(f"'{path}' holds {image.mode}-mode values: save it as 8 or 16 bit")
    transparent = image.has_transparency_data and (tags is None or tags.alpha or tags.extra == 0)
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    for rows in _bands(image.height, image.width):
        band = image.crop((0, rows.start, image.width, rows.stop))
        if transparent:
            pixels = np.asarray(band.convert("RGBA"))
            rgb[rows] = _on_white(pixels[..., :3], pixels[..., 3:])
        elif image.mode in ("LA", "La"):
            rgb[rows] = np.asarray(band.getchannel(0))[..., None]
        else:
            rgb[rows] = np.asarray(band.convert("RGB"))
    orientation = orientation_of(image)
    return Colours(turned(rgb, orientation), orientation, tuple(notes))


def _to_eight_bits(white: int) -> NDArray[np.uint8]:
    """Value of 16 bits → value of 8 bits, (65536,); `white` and above is 255, between is rounded."""
    values = np.minimum(np.arange(1 << 16, dtype=np.int64), white)
    return ((values * 255 + white // 2) // white).astype(np.uint8)


def _on_white(
    colours: NDArray[np.uint8], alpha: NDArray[np.uint8], premultiplied: bool = False
) -> NDArray[np.uint8]:
    """Lay colours (H, W, C) of an opacity (H, W, 1) on white."""
    opaque = alpha.astype(np.uint16)
    lit = colours.astype(np.uint16) * 255 if premultiplied else colours * opaque
    return np.asarray(np.minimum((lit + 255 * (255 - opaque) + 127) // 255, 255), np.uint8)


def _bands(height: int, width: int) -> Iterable[slice]:
    step = max(1, BAND // max(width, 1))
    return (slice(start, min(start + step, height)) for start in range(0, height, step))

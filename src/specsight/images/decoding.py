"""Files → arrays as stored: opens, checks, decodes and turns upright; every damaged file is an `UnreadableFile`.

Knows neither colours nor masks: `reading` gives the arrays their meaning.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from specsight.errors import SpecsightError, UnreadableFile

MAX_PIXELS = 200_000_000
"""Pictures with more pixels are refused before they are decoded (decompression bombs)."""

FORMATS = ("PNG", "JPEG", "BMP", "DIB", "TIFF", "WEBP", "GIF", "PPM", "JPEG2000")
"""What is opened at all. Formats that run a program (EPS) or fetch other files stay shut."""

_ORIENTATION, _BITS_PER_SAMPLE = 0x0112, 258
_opening = threading.Lock()


@contextmanager
def opened(path: Path, max_pixels: int) -> Iterator[Image.Image]:
    """The decoded picture, not yet upright; raises UnreadableFile on any failure."""
    check_file(path)
    try:
        with path.open("rb") as file, _open_header(file) as image:
            check_pixels(path, image.height, image.width, max_pixels)
            image.load()
            yield image
    except SpecsightError:
        raise
    except UnidentifiedImageError as error:
        raise UnreadableFile(
            f"'{path}' is not a picture, whatever its name says: replace or remove it"
        ) from error
    # Decoders leak struct.error, zlib.error, SyntaxError, IndexError, ... on damaged files.
    except Exception as error:
        raise unreadable(path, error) from error


def check_file(path: Path) -> None:
    """Refuse what is no file, or an empty one, with its own message."""
    try:
        if not path.is_file():
            raise UnreadableFile(f"there is no file '{path}': check the path")
        if path.stat().st_size == 0:
            raise UnreadableFile(f"'{path}' is empty (0 bytes): replace or remove it")
    except OSError as error:
        raise UnreadableFile(f"'{path}' cannot be read ({error.strerror}): check the path") from error


def check_pixels(path: Path, height: int, width: int, max_pixels: int) -> None:
    """Refuse a picture over the limit, from its header alone."""
    if height * width > max_pixels:
        raise UnreadableFile(
            f"'{path}' has {height} x {width} = {height * width:,} pixels, more than the limit of {max_pixels:,}: "
            "cut or shrink it, or raise max_pixels"
        )


def unreadable(path: Path, error: BaseException) -> UnreadableFile:
    """The one-line error for a file whose decoder gave up."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return UnreadableFile(f"'{path}' cannot be read ({reason}): replace or remove it")


def bits_per_sample(image: Image.Image, path: Path) -> int:
    """Bits of one stored colour value. Pillow cuts 16-bit colours down to 8 without a word, hence the question."""
    if image.format == "PNG":
        with path.open("rb") as file:
            return file.read(25)[24]  # IHDR: signature 8, length 4, type 4, width 4, height 4, bit depth 1
    if image.format == "TIFF":
        return int(max(np.atleast_1d(image.tag_v2.get(_BITS_PER_SAMPLE, 1))))  # type: ignore[attr-defined]
    return 16 if image.mode.startswith("I") else 8


def decode_deep(path: Path) -> NDArray[Any]:
    """Pixels of a 16-bit (or deeper) file at full depth: (H, W) or (H, W, C), colours in RGB(A) order."""
    import cv2

    data = np.frombuffer(path.read_bytes(), np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise UnreadableFile(f"'{path}' cannot be read (unknown variant of its format): save it as 8-bit PNG")
    if pixels.ndim == 3:
        pixels = np.concatenate((pixels[..., 2::-1], pixels[..., 3:]), axis=2)
    return np.asarray(pixels)


def upright(pixels: NDArray[Any], image: Image.Image) -> NDArray[Any]:
    """Turn and mirror `pixels` (H, W, ...) as the EXIF orientation asks, as every viewer does."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except (ValueError, SyntaxError, KeyError, TypeError, OSError):
        return pixels  # damaged EXIF beside sound pixels: nothing to obey
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _open_header(file: Any) -> Image.Image:
    """Pillow's own limit (a warning, then an error, at fixed sizes) is set aside while we apply ours."""
    with _opening:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            return Image.open(file, formats=FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = limit

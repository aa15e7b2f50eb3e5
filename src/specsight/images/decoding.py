"""Files → decoded pictures: opens, checks, limits and turns upright; every damaged file is an `UnreadableFile`.

Knows neither colours nor masks: `colours`, `reading` and `depth` give the pixels their meaning.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError, features

from specsight.errors import MissingExtra, SpecsightError, UnreadableFile, require

MAX_PIXELS = 100_000_000
"""Pictures with more pixels are refused before they are decoded, unless `set_max_megapixels` says otherwise."""

MOST_CHANNELS = 4
"""Channels of a picture as large as the limit; smaller ones may have more. Zeros compress a thousandfold, so that the
size of a file says nothing."""

LARGEST = 1_000_000_000
"""Pixels above which no way out is offered: a damaged or malicious header."""

FORMATS = ("PNG", "JPEG", "BMP", "DIB", "TIFF", "WEBP", "GIF", "PPM", "JPEG2000", "AVIF", "HEIF")
"""What is opened at all. Formats that run a program (EPS) or fetch other files stay shut."""

HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
AVIF_BRANDS = frozenset({b"avif", b"avis"})

_ORIENTATION = 0x0112
_opening = threading.Lock()
_limit = MAX_PIXELS


def set_max_megapixels(megapixels: float) -> None:
    """Refuse pictures of more than so many million pixels, in this process from now on; 100 unless it is called.

    Inspecting a picture takes some 25 bytes of memory a pixel. Raises SpecsightError for a number not above 0.
    """
    global _limit
    if not 0 < megapixels < float("inf"):
        raise SpecsightError(f"--max-megapixels {megapixels} must be above 0")
    _limit = round(megapixels * 1e6)


def max_megapixels() -> float:
    """The limit that holds in this process, which others that it starts are given."""
    return _limit / 1e6


@contextmanager
def opened(path: Path, max_pixels: int | None = None, load: bool = True) -> Iterator[Image.Image]:
    """The decoded picture, not yet upright (not yet decoded without `load`).

    Raises UnreadableFile on any failure, and for a file of more pictures than one.
    """
    check_file(path)
    try:
        with path.open("rb") as file:
            _check_container(path, file)
            with _open_header(file) as image:
                check_pixels(path, image.height, image.width, max_pixels)
                if image.format not in ("TIFF", "MPO"):
                    # TIFF: `tiff` counts its pages. MPO: further pictures are previews of the same photograph.
                    check_pages(path, getattr(image, "n_frames", 1))
                if load:
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


def check_pixels(
    path: str | Path, height: int, width: int, max_pixels: int | None = None, channels: int = 1
) -> None:
    """Refuse a picture over the limit, from its header alone: in pixels, or in values, `MOST_CHANNELS` for each pixel
    of the limit."""
    limit = _limit if max_pixels is None else max_pixels
    if height * width <= limit and height * width * channels > MOST_CHANNELS * limit:
        raise UnreadableFile(
            f"'{path}' has {height} x {width} pixels of {channels} channels, more values than the limit of "
            f"{MOST_CHANNELS * limit:,}: leave some channels out, or shrink it"
        )
    if height * width > limit:
        allow = f", or allow more with --max-megapixels {-(-height * width // 1_000_000)}"
        raise UnreadableFile(
            f"'{path}' has {height} x {width} = {height * width:,} pixels, more than the limit of {limit:,}: cut or "
            f"shrink it{allow if height * width <= LARGEST else ''}"
        )


def check_pages(path: Path, count: int) -> None:
    """Refuse a file of several pictures: a part whose second page was never looked at is not a good part."""
    if count > 1:
        raise UnreadableFile(
            f"'{path}' holds {count} pictures (pages or frames), and one is expected: save each as a file of its own"
        )


def unreadable(path: Path, error: BaseException) -> UnreadableFile:
    """The one-line error for a file whose decoder gave up."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return UnreadableFile(f"'{path}' cannot be read ({reason}): replace or remove it")


def orientation_of(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 (upright) where there is none."""
    try:
        stored = image.getexif().get(_ORIENTATION, 1)
    except (ValueError, SyntaxError, KeyError, TypeError, OSError):
        return 1  # damaged EXIF beside sound pixels: nothing to obey
    return stored if stored in range(1, 9) else 1


def turned(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn and mirror stored `pixels` (H, W, ...) as an EXIF orientation asks, as every viewer does."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _check_container(path: Path, file: Any) -> None:
    """Let Pillow read HEIC and AVIF, or say what is missing for it."""
    start = file.read(12)
    file.seek(0)
    if start[4:8] != b"ftyp":
        return
    if start[8:12] in HEIC_BRANDS:
        try:
            require("pillow_heif", "heic").register_heif_opener()
        except MissingExtra as error:
            raise UnreadableFile(f"'{path}' is HEIC, and {error}") from error
    elif start[8:12] in AVIF_BRANDS and not features.check("avif"):
        raise UnreadableFile(
            f"'{path}' is AVIF, which this build of Pillow does not read: pip install -U pillow"
        )


def _open_header(file: Any) -> Image.Image:
    """Pillow's own limit (a warning, then an error, at fixed sizes) is set aside while we apply ours."""
    with _opening:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            known = [name for name in FORMATS if name != "HEIF" or name in Image.OPEN]
            return Image.open(file, formats=known)
        finally:
            Image.MAX_IMAGE_PIXELS = limit

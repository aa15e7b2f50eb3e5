"""What a TIFF holds, by its tags, and its values where they have more than 8 bits.

The 8-bit kinds are decoded by Pillow; what it leaves open (which channels are colours, how many pages there are,
which value is white) is answered here. Tags are those of TIFF 6.0 (Adobe, 1992).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError, UnreadableFile
from specsight.images.decoding import check_file, check_pages, check_pixels, unreadable
from specsight.images.deep import BITS, DeepPixels, decode_with_opencv

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED = 0, 1, 2, 3, 5
COLOURS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, SEPARATED: 4, 6: 3, 8: 3}
"""Photometric interpretation → channels that are colours; 6 is YCbCr, 8 is CIE Lab."""
GREY = (WHITE_IS_ZERO, BLACK_IS_ZERO)
NONE, LZW = 1, 5
WITHOUT_CODECS = frozenset({NONE, 8, 32946})
"""Compressions that tifffile undoes by itself: none, and two numbers of Deflate."""
UNSIGNED, UNDEFINED = 1, 4
PREVIEW, MASK = 1, 4
"""Bits of NewSubfileType."""
EXTRA_CHANNELS = "channels beyond the colours that are no transparency (infra-red?) were left out"
PREVIEWS = "smaller pages (previews) were left out"


@dataclass(frozen=True)
class TiffTags:
    """What the tags of the first page say."""

    bits: int
    number: int
    """SampleFormat: 1 whole numbers, 2 signed ones, 3 floating point."""
    photometric: int
    extra: int
    """Channels beyond the colours."""
    alpha: bool
    """Whether the first of them is transparency."""
    premultiplied: bool
    largest: int | None
    """MaxSampleValue, where it is given."""
    orientation: int
    notes: tuple[str, ...]

    @property
    def deep(self) -> bool:
        """Whether values have more than 8 bits, or are no whole numbers at all."""
        return self.bits > 8 or self.number not in (UNSIGNED, UNDEFINED)


def is_tiff(path: Path) -> bool:
    """Whether a file is a TIFF, by its first bytes."""
    check_file(path)
    try:
        with path.open("rb") as file:
            return file.read(4) in MAGIC
    except OSError as error:
        raise unreadable(path, error) from error


@contextmanager
def first_page(path: Path, max_pixels: int | None = None) -> Iterator[Any]:
    """The first page as tifffile has it.

    Raises UnreadableFile for damage, for further pages that are no previews, and for too many pixels.
    """
    import tifffile

    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # the error below says it in one line
    check_file(path)
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            check_pixels(path, page.imagelength, page.imagewidth, max_pixels, page.samplesperpixel)
            check_pages(path, page.imagedepth * sum(_of_size(other, page) for other in _pages(path, file)))
            yield page
    except SpecsightError:
        raise
    except Exception as error:  # a damaged TIFF surfaces as struct.error, IndexError, TiffFileError, ...
        raise unreadable(path, error) from error


def read_tags(path: Path, max_pixels: int | None = None) -> TiffTags:
    """Tags of the first page. Raises UnreadableFile for channels of which nobody can say what colours they are."""
    with first_page(path, max_pixels) as page:
        tags = page.tags
        bits = int(np.max(page.bitspersample))
        photometric = int(page.photometric)
        samples, colours = int(page.samplesperpixel), COLOURS.get(photometric, 0)
        if colours == 0 or samples < colours or (photometric in GREY and samples > 2):
            raise UnreadableFile(
                f"'{path}' holds {samples} channels that are not named as colours (photometric interpretation "
                f"{photometric}): save the one that counts as grey, or three as RGB"
            )
        extra = [int(kind) for kind in np.atleast_1d(page.extrasamples)] if page.extrasamples else []
        alpha = samples > colours and bool(extra) and extra[0] in (1, 2)
        notes = [EXTRA_CHANNELS] if samples - colours - alpha > 0 else []
        notes += [PREVIEWS] if len(page.parent.pages) > 1 else []
        largest = tags.get("MaxSampleValue")
        return TiffTags(
            bits=bits,
            number=int(page.sampleformat or UNSIGNED),
            photometric=photometric,
            extra=samples - colours,
            alpha=alpha,
            premultiplied=alpha and extra[0] == 1,
            largest=None if largest is None else int(np.max(largest.value)),
            orientation=page_orientation(page),
            notes=tuple(notes),
        )


def decode_tiff(path: Path, tags: TiffTags, max_pixels: int | None = None) -> DeepPixels:
    """Values of a TIFF whose `tags` are deep. Raises UnreadableFile where they have no fixed range."""
    if tags.number not in (UNSIGNED, UNDEFINED) or tags.bits > 16:
        kind = {2: "signed", 3: "floating-point"}.get(tags.number, f"{tags.bits}-bit")
        raise UnreadableFile(f"'{path}' holds {kind} values without a fixed range: save it as 8 or 16 bit")
    with first_page(path, max_pixels) as page:
        values = stored_values(path, page).astype(np.uint16, copy=False)
        if tags.photometric == PALETTE:
            colours = np.asarray(page.colormap, np.uint16)
            return DeepPixels(colours[:, values[..., 0]].transpose(1, 2, 0), bits=16, notes=tags.notes)
    count = COLOURS[tags.photometric]
    if tags.photometric not in (*GREY, RGB, SEPARATED):
        raise UnreadableFile(
            f"'{path}' holds {tags.bits}-bit colours that are not RGB: save it as RGB, 8 or 16 bit"
        )
    stated = tags.bits if tags.bits < 16 else None
    if stated is None and tags.largest:
        stated = next((bits for bits in BITS if tags.largest < 2**bits), None)
    return DeepPixels(
        values[..., :count],
        values[..., count : count + 1] if tags.alpha else None,
        stated,
        inverted=tags.photometric == WHITE_IS_ZERO,
        cmyk=tags.photometric == SEPARATED,
        premultiplied=tags.premultiplied,
        orientation=tags.orientation,
        notes=tags.notes,
    )


def stored_values(path: Path, page: Any) -> NDArray[Any]:
    """Values of a page, (H, W, C), whatever way they are compressed; planes are put together.

    tifffile undoes most compressions only with imagecodecs (26 MB): without it OpenCV, which brings libtiff along,
    decodes those whose channels lie together.
    """
    planar = page.samplesperpixel > 1 and int(page.planarconfig) == 2
    bits = int(np.max(page.bitspersample))
    if find_spec("imagecodecs") is None and (
        page.compression not in WITHOUT_CODECS or bits not in (8, 16, 32, 64)
    ):
        if planar:
            raise UnreadableFile(
                f"'{path}' is compressed plane by plane ({page.compression.name}): pip install imagecodecs, or save "
                "it uncompressed"
            )
        values = decode_with_opencv(path)
        # OpenCV spreads 10, 12 and 14 bits over 16.
        return values >> (16 - bits) if 8 < bits < 16 else values
    values = np.asarray(page.asarray())
    if planar:
        values = np.moveaxis(values.reshape(-1, page.imagelength, page.imagewidth), 0, -1)
    return values.reshape(page.imagelength, page.imagewidth, -1)


def page_orientation(page: Any) -> int:
    """Orientation of a page, 1 to 8 as in EXIF; 1 (upright) where it says none."""
    tag = page.tags.get("Orientation")
    return int(tag.value) if tag is not None and tag.value in range(1, 9) else 1


def _pages(path: Path, file: Any) -> Iterator[Any]:
    """Pages of an open TIFF, which links each to the next; tifffile follows a chain that closes on itself for ever."""
    visited: set[int] = set()
    for page in file.pages:
        if page.offset in visited:
            raise UnreadableFile(
                f"'{path}' cannot be read (its pages lead back to one another): replace or remove it"
            )
        visited.add(page.offset)
        yield page


def _of_size(other: Any, page: Any) -> bool:
    """Whether a page is a picture beside the first: neither smaller nor marked as a preview or a mask."""
    if other is page:
        return True
    kind = int(getattr(other, "subfiletype", 0) or 0)
    smaller = other.imagelength * other.imagewidth < page.imagelength * page.imagewidth
    return not (kind & (PREVIEW | MASK)) and not smaller

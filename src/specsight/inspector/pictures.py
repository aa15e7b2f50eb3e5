"""What a caller may give as a picture → a `Sample` with what is known of it, and its pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.errors import SpecsightError, UnreadableFile
from specsight.records import Picture, Sample

PictureLike = str | Path | bytes | NDArray[np.uint8] | Sample
"""A path, an encoded file as bytes, (H, W, 3) uint8 in RGB, or a `Sample`."""
GIVEN = "picture"
"""Id of a picture that was given without a name."""


def read_picture(
    given: PictureLike, product: str, bits: int | None = None, needs_depth: bool = False
) -> tuple[Sample, Picture]:
    """Pixels of what was given, and the sample that says what is known of it (`product` where it does not).

    `bits` is what 16-bit files use of their range (`Sample.bits`), where that was learned; `needs_depth` refuses a
    sample without usable depth. Raises UnreadableFile for files and bytes that hold no picture, and SpecsightError for
    arrays of another shape or type and for anything else.
    """
    if isinstance(given, Sample):
        if not isinstance(given.image, Path):
            raise SpecsightError(
                f"sample '{given.id}' must name its picture by a Path, got {type(given.image).__name__}"
            )
        return given, images.load_picture(_with_bits(given, bits), needs_depth)
    if isinstance(given, str | Path):
        sample = Sample(Path(given).stem, Path(given), product)
        return sample, images.load_picture(_with_bits(sample, bits))
    unnamed = Sample(GIVEN, Path(), product)
    if isinstance(given, bytes):
        return unnamed, _decode(given, bits)
    if isinstance(given, np.ndarray):
        return unnamed, Picture(_checked(given))
    raise SpecsightError(
        f"a picture must be a path, bytes, an array (H, W, 3) of uint8, or a Sample, got {type(given).__name__}"
    )


def _with_bits(sample: Sample, bits: int | None) -> Sample:
    return sample if bits is None else replace(sample, bits=bits)


def _decode(content: bytes, bits: int | None) -> Picture:
    """Encoded bytes go the same way as files do, so that every format is read alike."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / GIVEN
        path.write_bytes(content)
        try:
            return images.load_picture(Sample(GIVEN, path, "", bits=bits))
        except UnreadableFile as error:
            raise UnreadableFile(str(error).replace(f"'{path}'", "the given bytes")) from error


def _checked(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise SpecsightError(
            f"a picture must be an array (H, W, 3) of uint8 in RGB, got {pixels.shape} {pixels.dtype}: "
            "convert it, for example with np.stack([grey] * 3, axis=2)"
        )
    images.check_pixels("picture", pixels.shape[0], pixels.shape[1])
    return np.ascontiguousarray(pixels)

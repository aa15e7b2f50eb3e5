"""Files with more than 8 bits a value → values at full depth, and what they mean. Pillow cuts colours down to 8 bits.

In: PNG, PPM and JPEG 2000 (TIFF: `tiff`). Out: `DeepPixels`. Which value is white is decided in `colours`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from specsight.errors import UnreadableFile

BITS = (8, 10, 12, 14, 16)
"""What cameras deliver in 16-bit files."""

_CODESTREAM = b"\xff\x4f\xff\x51"
"""JPEG 2000: start of codestream, and of the segment that says how deep its components are."""


@dataclass(frozen=True)
class DeepPixels:
    """Values of 9 to 16 bits as stored, not yet upright."""

    values: NDArray[np.uint16]
    """(H, W, 1) grey, (H, W, 3) RGB, or (H, W, 4) where `cmyk`."""
    alpha: NDArray[np.uint16] | None = None
    """(H, W, 1), where the file has transparency; its largest value is opaque."""
    bits: int | None = None
    """What the file says of its range; None: nothing."""
    inverted: bool = False
    """0 is white."""
    cmyk: bool = False
    premultiplied: bool = False
    """Colours are already multiplied by `alpha`."""
    orientation: int = 1
    notes: tuple[str, ...] = ()

    @property
    def largest(self) -> int:
        """Largest colour value."""
        return int(self.values.max(initial=0))


def bits_that_hold(value: int) -> int:
    """The smallest of `BITS` whose range holds `value`."""
    return next(bits for bits in BITS if value < 2**bits)


def is_deep(image: Image.Image, path: Path) -> bool:
    """Whether a PNG, PPM or JPEG 2000 stores more than 8 bits a value."""
    if image.format == "PNG":
        with path.open("rb") as file:
            # Signature 8, length 4, type 4 (IHDR), width 4, height 4; then the bit depth.
            return file.read(25)[24] == 16
    if image.format == "JPEG2000":
        with path.open("rb") as file:
            start = file.read(1 << 20)
        segment = start.find(_CODESTREAM)
        # SIZ: two markers of 2 bytes, then 38 bytes before the depth of the first component, minus one.
        return segment >= 0 and len(start) > segment + 42 and (start[segment + 42] & 0x7F) >= 8
    # PPM: Pillow spreads every smaller range over 16 bits (grey) or 8 bits (colours), as the format defines it.
    return image.format == "PPM" and (image.mode == "I" or _ppm_white(path) == 65535)


def decode_deep(image: Image.Image, path: Path) -> DeepPixels:
    """Values of a file that `is_deep`. Raises UnreadableFile for a variant that cannot be read."""
    if image.mode == "I":
        return DeepPixels(np.asarray(image).clip(0, 65535).astype(np.uint16)[..., None], bits=16)
    values = decode_with_opencv(path).astype(np.uint16, copy=False)
    alpha = None
    if values.shape[2] in (2, 4):
        values, alpha = values[..., :-1], values[..., -1:]
    key = image.info.get("transparency")
    if alpha is None and isinstance(key, int | tuple):
        # PNG's one transparent colour, which OpenCV does not apply to grey pictures.
        alpha = np.where((values == np.array(key, np.uint16)).all(axis=2, keepdims=True), 0, 65535)
        alpha = alpha.astype(np.uint16)
    bits = _significant_bits(path) if image.format == "PNG" else 16 if image.format == "PPM" else None
    return DeepPixels(values, alpha, bits)


def decode_with_opencv(path: Path) -> NDArray[Any]:
    """Values (H, W, C) of a file that OpenCV reads at full depth, colours in RGB(A) order."""
    import cv2

    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # the error below says it in one line
    try:
        pixels: Any = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if pixels is None:
        raise UnreadableFile(f"'{path}' cannot be read (unknown variant of its format): save it as PNG")
    if pixels.ndim == 2:
        return np.asarray(pixels[..., None])
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(pixels.shape[2])
    return np.asarray(pixels[..., order] if order else pixels)


def _significant_bits(path: Path) -> int | None:
    """What the sBIT chunk of a PNG says: the largest over its channels; None without one.

    The standard has such values scaled up to 16 bits, and cameras do not: `colours` sees which it is.
    """
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"sBIT":
                return max((bits for bits in file.read(min(length, 4)) if 8 <= bits <= 16), default=None)
            if kind in (b"IDAT", b"IEND"):
                return None
            file.seek(length + 4, 1)
    return None


def _ppm_white(path: Path) -> int:
    """The largest value that the header of a PPM names; 0 where it cannot be read."""
    with path.open("rb") as file:
        start = file.read(4096)
    words = [word for line in start.split(b"\n")[:64] for word in line.partition(b"#")[0].split()]
    return int(words[3]) if len(words) > 3 and words[3].isdigit() else 0

"""What a caller may give as a picture, and beside it → a `Sample` with what is known of it, and its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.detectors import Needs
from specsight.errors import SpecsightError, UnreadableFile, WrongSize
from specsight.records import DEPTH, NORMALS, XYZ, Picture, Sample, wrong_signals

PictureLike = str | Path | bytes | NDArray[np.uint8] | Sample
"""A path, an encoded file as bytes, (H, W, 3) uint8 in RGB, or a `Sample`."""
ChannelsLike = str | Path | bytes | NDArray[Any]
"""A path, an encoded file as bytes, or an array: depth (H, W) in mm, another signal as `Picture.signals` has it."""
NPY = b"\x93NUMPY"
"""How arrays that NumPy saved begin."""
GIVEN = "picture"
"""Id of a picture that was given without a name."""
SENT = "the given file"
"""What messages call it where it was given as bytes."""
COLOURS_ALONE = Needs()


def read_picture(
    given: PictureLike,
    product: str,
    bits: int | None = None,
    needs: Needs = COLOURS_ALONE,
    depth: ChannelsLike | None = None,
    signals: Mapping[str, ChannelsLike] | None = None,
) -> tuple[Sample, Picture]:
    """Pixels of what was given, and the sample that says what is known of it (`product` where it does not).

    `bits` is what 16-bit files use of their range (`Sample.bits`), where that was learned; `needs` says which
    modalities are refused, and which noted, where they are missing (`images.load_picture`); `depth` and `signals` are
    given beside the picture, in place of those that a sample names. Encoded bytes are read as files are. Raises
    UnreadableFile for files and bytes that hold no picture, and SpecsightError for arrays of another shape or type and
    for anything else.
    """
    if wrong := wrong_signals(name for name in signals or () if name != NORMALS):
        raise SpecsightError(wrong)
    beside = {**(signals or {}), **({} if depth is None else {DEPTH: depth})}
    encoded = {name: value for name, value in beside.items() if isinstance(value, bytes)}
    if not isinstance(given, bytes) and not encoded:
        return _read(given, product, bits, needs, beside)
    with TemporaryDirectory() as folder:
        files = {name: _file(Path(folder), name, value) for name, value in encoded.items()}
        path = Path(folder) / GIVEN
        named: PictureLike = given
        if isinstance(given, bytes):
            path.write_bytes(given)
            named = Sample(GIVEN, path, product)
        try:
            sample, picture = _read(named, product, bits, needs, {**beside, **files})
        except UnreadableFile as error:
            raise type(error)(_unnamed(str(error), path, files)) from error
    if sample.image == path:
        return Sample(GIVEN, Path(), product), picture
    return _forgotten(sample, files), picture


def _read(
    given: PictureLike, product: str, bits: int | None, needs: Needs, beside: Mapping[str, ChannelsLike]
) -> tuple[Sample, Picture]:
    """As `read_picture`, without encoded bytes."""
    if isinstance(given, str | Path):
        given = Sample(Path(given).stem, Path(given), product)
    if not isinstance(given, Sample):
        return Sample(GIVEN, Path(), product), _with_channels(_pixels(given), beside, needs)
    if not isinstance(given.image, Path):
        raise SpecsightError(
            f"sample '{given.id}' must name its picture by a Path, got {type(given.image).__name__}"
        )
    files = {name: Path(value) for name, value in beside.items() if isinstance(value, str | Path)}
    arrays = {name: value for name, value in beside.items() if name not in files}
    sample = replace(
        given,
        depth=files.pop(DEPTH, given.depth),
        normals=files.pop(NORMALS, given.normals),
        signals={**given.signals, **files},
    )
    uses = tuple(name for name in needs.uses if name not in arrays)
    picture = images.load_picture(_with_bits(sample, bits), needs.depth and DEPTH not in arrays, uses=uses)
    return sample, _with_channels(picture, arrays, needs) if arrays else picture


def _file(folder: Path, name: str, content: bytes) -> Path:
    """A channel's bytes as a file, with the ending that its reader goes by; a picture's file has none."""
    path = folder / f"{name}{'.npy' if content.startswith(NPY) else '.file'}"
    path.write_bytes(content)
    return path


def _forgotten(sample: Sample, channels: Mapping[str, Path]) -> Sample:
    """The sample without the files that were there to be read once."""
    gone = set(channels.values())
    return replace(
        sample,
        depth=None if sample.depth in gone else sample.depth,
        normals=None if sample.normals in gone else sample.normals,
        signals={name: path for name, path in sample.signals.items() if path not in gone},
    )


def _unnamed(reason: str, picture: Path, channels: Mapping[str, Path]) -> str:
    """An error that says what was given in place of the files that nobody else knows of."""
    for name, path in channels.items():
        reason = reason.replace(f"{name} '{path}'", f"the given {name}").replace(
            f"'{path}'", f"the given {name}"
        )
    return reason.replace(f"'{picture}'", SENT)


def _with_channels(picture: Picture, beside: Mapping[str, ChannelsLike], needs: Needs) -> Picture:
    """`picture` with files and arrays beside it, as it would be read from disk with them."""
    channels = {name: _channels(name, value, picture.size) for name, value in beside.items()}
    depth = channels.pop(DEPTH, picture.depth)
    whole = replace(picture, depth=depth, signals={**picture.signals, **channels})
    return images.settled(whole, needs.uses)


def _channels(name: str, given: ChannelsLike, size: tuple[int, int]) -> NDArray[Any]:
    where = f"{name} '{given}'" if isinstance(given, str | Path) else name
    if isinstance(given, str | Path):
        given = images.read_depth(given) if name == DEPTH else images.read_signal(name, given)
    if not isinstance(given, np.ndarray) or given.dtype.kind not in "fiu" or given.ndim not in (2, 3):
        raise SpecsightError(f"{name} must be a path or an array of numbers, (H, W) or (H, W, C)")
    if given.shape[:2] != size or (name == DEPTH and given.ndim == 3):
        raise WrongSize(
            f"{where} is {' x '.join(map(str, given.shape))} but its picture is {size[0]} x {size[1]} "
            "(rows x columns): bring both to one size"
        )
    if images.is_light(name):
        return given
    return images.plausible(given) if name in (DEPTH, XYZ) else given.astype(np.float32)


def _pixels(given: object) -> Picture:
    if isinstance(given, np.ndarray):
        return Picture(_checked(given))
    raise SpecsightError(
        f"a picture must be a path, bytes, an array (H, W, 3) of uint8, or a Sample, got {type(given).__name__}"
    )


def _with_bits(sample: Sample, bits: int | None) -> Sample:
    return sample if bits is None else replace(sample, bits=bits)


def _checked(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise SpecsightError(
            f"a picture must be an array (H, W, 3) of uint8 in RGB, got {pixels.shape} {pixels.dtype}: "
            "convert it, for example with np.stack([grey] * 3, axis=2)"
        )
    images.check_pixels("picture", pixels.shape[0], pixels.shape[1])
    return np.ascontiguousarray(pixels)

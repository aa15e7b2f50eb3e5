"""How a picture must be rotated and shifted to lie like a reference picture: registration.

In: a picture and a `Reference`. Out: an `Alignment`, or why there is none. Rotations are searched by phase correlation
(Kuglin & Hines 1975), half whitened, on small grey pictures; the best is refined by the enhanced correlation
coefficient (Evangelidis & Psarakis 2008; `cv2.findTransformECC`), which no even change of light disturbs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.images.alignment import Alignment
from specsight.images.cells import Size

SIDE = 160
"""Pixels of the longer side at which pictures are registered."""
COARSE = 64
"""The same for the search of rotations."""
STEP = 5.0
"""Degrees between the rotations that are searched."""
CANDIDATES = 4
"""Rotations that are compared in detail."""
WHITENING = 0.5
"""0: correlation, which large bright areas decide; 1: phase correlation, which noise decides."""
ITERATIONS = 40
LARGEST = 32_000
"""Pixels of the longer side that can be aligned (a limit of OpenCV)."""
NEAR_DEGREES, NEAR_SHIFT = 1.0, 0.01
"""A picture found to lie this near to the reference, and to agree no better for it, lies like it."""
UNMOVED = Alignment(0.0, (0.0, 0.0))
ASPECT = 0.02
"""By how much of it a picture's aspect may differ from the reference's."""

Grey = NDArray[np.float32]


@dataclass(frozen=True)
class Reference:
    """The picture that others are registered to, small and grey, and how far they may lie from it."""

    size: Size
    grey: bytes
    """(h, w) uint8 of `size`, row by row."""
    degrees: float = 180.0
    """By which pictures may be rotated against it, at most."""
    shift: float = 0.25
    """By which they may be shifted against it, at most, in shares of the longer side."""

    @classmethod
    def of(cls, rgb: NDArray[np.uint8]) -> Reference:
        """The reference that a picture (H, W, 3) makes."""
        scale = SIDE / max(rgb.shape[:2])
        size = (max(1, round(rgb.shape[0] * scale)), max(1, round(rgb.shape[1] * scale)))
        return cls(size, small_grey(rgb, size).round().astype(np.uint8).tobytes())

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """`grey` as (h, w)."""
        return np.frombuffer(self.grey, np.uint8).reshape(self.size)


@dataclass(frozen=True)
class Registration:
    """How a picture lies against a reference."""

    alignment: Alignment | None
    """None: it could not be registered, and `reason` says why."""
    agreement: float = 0.0
    """Correlation of the aligned picture and the reference where both show something, in [-1, 1]."""
    before: float = 0.0
    """The same of the picture as it lies."""
    reason: str = ""


def register(rgb: NDArray[np.uint8], reference: Reference) -> Registration:
    """Find how a picture (H, W, 3) lies against the reference.

    It is not registered where it has another aspect, where the search does not converge, where it would lie further
    away than the reference allows, and where it would agree less than as it lies.
    """
    height, width = rgb.shape[:2]
    aspect = (height / width) / (reference.size[0] / reference.size[1])
    if abs(aspect - 1) > ASPECT + 1 / min(reference.size) or max(height, width) > LARGEST:
        return Registration(None, reason="it has another shape")
    grey, target = small_grey(rgb, reference.size), reference.pixels.astype(np.float32)
    before = _agreement(grey, target, np.eye(2, 3))
    matrix = _refined(grey, target, _searched(grey, reference))
    if matrix is None:
        return Registration(None, before=before, reason="no rotation and shift brings it to the reference")
    alignment = Alignment.of_matrix(matrix, reference.size)
    after = _agreement(grey, target, alignment.matrix(reference.size))
    turned, moved = abs(alignment.degrees), math.hypot(*alignment.shift)
    if turned > reference.degrees or moved > reference.shift:
        reason = f"it would lie further away ({turned:.0f}°, {moved:.0%} of its side) than good parts do"
        return Registration(None, after, before, reason)
    if after > before:
        return Registration(alignment, after, before)
    if turned < NEAR_DEGREES and moved < NEAR_SHIFT:
        return Registration(UNMOVED, before, before)
    return Registration(None, after, before, "it agrees best with the reference as it lies")


def small_grey(rgb: NDArray[np.uint8], size: Size) -> Grey:
    """A picture (H, W, 3) as grey levels of `size`, averaged over areas."""
    import cv2

    small = cv2.resize(rgb, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)


@dataclass(frozen=True)
class _Bank:
    """The reference in every rotation that is searched, as spectra."""

    grey: Grey
    window: Grey
    angles: tuple[float, ...]
    spectra: NDArray[np.complex64]
    """(angles, h, w // 2 + 1), conjugate and half whitened."""


@lru_cache(maxsize=8)
def _bank(reference: Reference) -> _Bank:
    import cv2

    scale = COARSE / max(reference.size)
    size = (max(8, round(reference.size[0] * scale)), max(8, round(reference.size[1] * scale)))
    grey = np.asarray(
        cv2.resize(reference.pixels.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_AREA),
        np.float32,
    )
    window = np.outer(np.hanning(size[0] + 2)[1:-1], np.hanning(size[1] + 2)[1:-1]).astype(np.float32)
    steps = int(min(reference.degrees, 180 - STEP) // STEP)
    angles = [STEP * k for k in range(-steps, steps + 1)] + ([180.0] if reference.degrees >= 180 else [])
    centred = grey - grey.mean()
    spectra = []
    for angle in angles:
        turn = Alignment(-angle, (0.0, 0.0)).matrix(size)
        turned = cv2.warpAffine(centred, turn, size[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        spectra.append(_whitened(np.fft.rfft2(turned * window)).conj())
    return _Bank(grey, window, tuple(angles), np.stack(spectra).astype(np.complex64))


def _searched(grey: Grey, reference: Reference) -> NDArray[np.float64]:
    """The map (2, 3), as `Alignment.matrix` gives it, of the best rotation among those searched and its shift."""
    import cv2

    bank = _bank(reference)
    height, width = bank.grey.shape
    small = np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    spectrum = _whitened(np.fft.rfft2((small - small.mean()) * bank.window))
    surfaces = np.fft.irfft2(spectrum * bank.spectra, s=(height, width), axes=(1, 2)).reshape(
        len(bank.angles), -1
    )
    peaks = surfaces.argmax(1)
    best = np.argsort(-surfaces.max(1), kind="stable")[:CANDIDATES]
    candidates = [UNMOVED]
    for number in best:
        down, across = divmod(int(peaks[number]), width)
        shift = (_wrapped(down, height) / max(height, width), _wrapped(across, width) / max(height, width))
        candidates.append(Alignment(bank.angles[number], shift))
    agreements = [_agreement(small, bank.grey, one.matrix((height, width))) for one in candidates]
    return candidates[int(np.argmax(agreements))].matrix(reference.size)


def _refined(grey: Grey, target: Grey, start: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The map (2, 3) near `start` that correlates most; None where it is not found.

    The picture is aligned by `start` first: OpenCV reads an angle off its sine, which says nothing beyond 90°.
    """
    import cv2

    size, flags = target.shape[::-1], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    started = cv2.warpAffine(grey, start, size, flags=flags)
    shown = np.asarray(cv2.warpAffine(np.ones_like(grey), start, size, flags=flags) > 0.99, np.uint8)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ITERATIONS, 1e-4)
    try:
        _, found = cv2.findTransformECC(
            target, started, np.eye(2, 3, dtype=np.float32), cv2.MOTION_EUCLIDEAN, criteria, shown, 5
        )
    except cv2.error:
        return None
    return np.asarray(start @ np.vstack([found, [0, 0, 1]]), np.float64)


def _whitened(spectrum: NDArray[Any]) -> NDArray[Any]:
    amplitude = np.abs(spectrum)
    return np.asarray(spectrum / (amplitude**WHITENING + 1e-6 * amplitude.max() ** WHITENING + 1e-12))


def _wrapped(position: int, length: int) -> int:
    return position - length if position > length // 2 else position


def _agreement(grey: Grey, target: Grey, matrix: NDArray[np.float64]) -> float:
    """Correlation of the aligned picture with the reference where it shows something; -1 where that is under half."""
    import cv2

    flags, size = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, target.shape[::-1]
    aligned = cv2.warpAffine(grey, matrix, size, flags=flags)
    shown = cv2.warpAffine(np.ones_like(grey), matrix, size, flags=flags) > 0.99
    if shown.mean() < 0.5:
        return -1.0
    first, second = aligned[shown] - aligned[shown].mean(), target[shown] - target[shown].mean()
    norm = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / norm if norm > 0 else 0.0

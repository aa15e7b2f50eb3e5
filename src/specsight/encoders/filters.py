"""`filters`: a bank of hand-made filters as an encoder. No weights, no torch; the default until trained weights exist.

On each octave of a pyramid: amplitudes of steerable quadrature pairs (Freeman & Adelson 1991, second derivative of a
Gaussian and its Hilbert transform), centre-surround differences in an opponent colour space, and rotation-invariant
uniform local binary patterns (Ojala et al. 2002); averaged over cells of 8 or 16 pixels, with compressed contrast.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.encoders.contract import Encoder, EncoderFamily, encoders
from specsight.encoders.layer import Features, Layer
from specsight.encoders.placement import pooling_weights
from specsight.errors import SpecsightError
from specsight.images.cells import Region

FILTERS = "filters"
VERSION = 1
"""Raised whenever the same picture yields other features, so that saved detectors notice."""
ORIENTATIONS = 6
OCTAVES = 3
FLOOR = 0.02
"""Contrast, as a share of full scale, that counts as noise: responses compress logarithmically above it."""
COLOUR_WEIGHT = 4.0
"""Local means are linear in intensity; this brings them to the spread of the compressed responses."""
PATTERN_WEIGHT = 2.0
"""The same for pattern frequencies, which lie in [0, 1]."""
PATTERN_MARGIN = 0.01
"""A neighbour counts as brighter only by this much, so that flat noisy areas share one pattern."""

Plane = NDArray[np.float32]
Kernel = tuple[Plane, Plane]
"""Taps along a row and down a column."""


class FilterBank(Encoder):
    """Hand-made features at strides 8 and 16. Each picture is encoded by itself."""

    name = FILTERS
    multiple = 16
    default_layers = ("stride8", "stride16")

    def __init__(self) -> None:
        import cv2

        # OpenCV filters and resizes, numpy does the rest.
        self.runtime_version = f"{np.__version__}, OpenCV {cv2.__version__}"
        self.fingerprint = hashlib.sha256(f"filters {VERSION}".encode()).hexdigest()
        blank = _responses(np.zeros((16, 16, 3), np.uint8))
        self.available = tuple(Layer(f"stride{s}", s, len(_pool(blank, (16, 16), s))) for s in (8, 16))

    def layers(self, images: NDArray[np.uint8], which: Sequence[str] | None = None) -> list[Features]:
        """Dense features (B, D, h, w) of framed pictures (B, H, W, 3), one per name in `which`."""
        wanted = [self.layer(name) for name in (self.default_layers if which is None else which)]
        self.check_images(images)
        size = (images.shape[1], images.shape[2])
        responses = [_responses(image) for image in images]
        return [np.stack([_pool(r, size, layer.stride) for r in responses]) for layer in wanted]

    def embed_images(self, images: NDArray[np.uint8], inside: Region | None = None) -> Features:
        """Mean and deviation over the picture of every stride-8 feature, (B, D)."""
        (features,) = self.layers(images, ["stride8"])
        weights = pooling_weights(self.cells("stride8", features), (images.shape[1], images.shape[2]), inside)
        mean = (features * weights).sum((2, 3))
        squared = (np.square(features - mean[:, :, None, None]) * weights).sum((2, 3))
        return np.concatenate([mean, np.sqrt(squared)], axis=1)


def _responses(image: NDArray[np.uint8]) -> list[tuple[Plane, Plane]]:
    """Per octave: contrast responses (H', W', C) in units of `FLOOR`, and linear ones (means, patterns)."""
    import cv2

    level = _opponent(image)
    octaves = []
    for octave in range(OCTAVES):
        surround = cv2.GaussianBlur(level, (0, 0), 2.0, borderType=cv2.BORDER_REFLECT_101)
        difference = (
            cv2.GaussianBlur(level, (0, 0), 1.0, borderType=cv2.BORDER_REFLECT_101) - surround
        ) / FLOOR
        lightness = np.ascontiguousarray(level[..., 0])
        contrast = [_amplitudes(lightness), np.maximum(difference, 0), np.maximum(-difference, 0)]
        linear = [PATTERN_WEIGHT * _patterns(lightness)]
        if octave == OCTAVES - 1:
            linear.append(COLOUR_WEIGHT * level)
        octaves.append((np.concatenate(contrast, axis=2), np.concatenate(linear, axis=2)))
        level = cv2.pyrDown(level, borderType=cv2.BORDER_REFLECT_101)
    return octaves


def _pool(octaves: Sequence[tuple[Plane, Plane]], size: tuple[int, int], stride: int) -> Features:
    """Responses of all octaves averaged over cells of `stride` pixels, contrasts compressed: (D, h, w)."""
    import cv2

    cells = (size[1] // stride, size[0] // stride)
    pooled = []
    for contrast, linear in octaves:
        pooled.append(np.log1p(_resized(cv2, contrast, cells)))
        pooled.append(_resized(cv2, linear, cells))
    return np.ascontiguousarray(np.concatenate(pooled, axis=2).transpose(2, 0, 1))


def _opponent(image: NDArray[np.uint8]) -> Plane:
    """(H, W, 3): lightness, red against green, blue against yellow; lightness in [0, 1]."""
    mixing = np.array([[1 / 3, 1 / 3, 1 / 3], [0.5, -0.5, 0], [-0.25, -0.25, 0.5]], np.float32) / 255
    return np.asarray(image.astype(np.float32) @ mixing.T, np.float32)


def _amplitudes(lightness: Plane) -> Plane:
    """Quadrature amplitude at each orientation, (H, W, ORIENTATIONS), in units of `FLOOR`."""
    import cv2

    height, width = lightness.shape
    border = cv2.BORDER_REFLECT_101
    even, odd = (
        np.stack([cv2.sepFilter2D(lightness, cv2.CV_32F, *kernel, borderType=border) for kernel in basis])
        for basis in (_EVEN, _ODD)
    )
    amplitude = np.hypot(_STEER_EVEN @ even.reshape(3, -1), _STEER_ODD @ odd.reshape(4, -1))
    return np.ascontiguousarray((amplitude / FLOOR).T).reshape(height, width, ORIENTATIONS)


def _patterns(lightness: Plane) -> Plane:
    """One-hot rotation-invariant uniform local binary pattern of the 8 neighbours, (H, W, 10)."""
    padded = np.pad(lightness, 1, mode="reflect")
    height, width = lightness.shape
    bits = [
        padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] > lightness + PATTERN_MARGIN
        for dy, dx in ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
    ]
    count = sum(bit.astype(np.uint8) for bit in bits)
    changes = sum((a != b).astype(np.uint8) for a, b in zip(bits, [*bits[1:], bits[0]]))
    code = np.where(changes <= 2, count, 9)
    return np.asarray(code[..., None] == np.arange(10, dtype=np.uint8), np.float32)


def _resized(cv2: Any, responses: Plane, cells: tuple[int, int]) -> Plane:
    """Averages over cells: (H, W, C) → (h, w, C) for `cells` = (w, h)."""
    if (responses.shape[1], responses.shape[0]) == cells:
        return responses
    return np.asarray(cv2.resize(responses, cells, interpolation=cv2.INTER_AREA), np.float32)


def _steerable() -> tuple[list[Kernel], list[Kernel]]:
    """Separable kernels that span the second derivative of a Gaussian (3) and its Hilbert partner (4)."""
    x = np.arange(-4, 5) * 0.67
    gauss = np.exp(-(x**2))
    g_1, g_2 = x * gauss, 0.9213 * (2 * x**2 - 1) * gauss
    h_2, h_3 = 0.9780 * (x**2 - 0.7515) * gauss, 0.9780 * (x**3 - 2.254 * x) * gauss
    # Sampling leaves the even taps a small mean; without it, responses to a flat area are exactly zero.
    g_2 -= gauss * g_2.sum() / gauss.sum()
    norm = np.sqrt(np.abs(np.outer(g_2, gauss)).sum())
    even = [(g_2, gauss), (1.843 * g_1, g_1), (gauss, g_2)]
    odd = [(h_3, gauss), (h_2, g_1), (g_1, h_2), (gauss, h_3)]
    return [_taps(k, norm) for k in even], [_taps(k, norm) for k in odd]


def _taps(kernel: tuple[NDArray[np.float64], NDArray[np.float64]], norm: float) -> Kernel:
    across, down = kernel
    return (across / norm).astype(np.float32), (down / norm).astype(np.float32)


def _steering() -> tuple[Plane, Plane]:
    """Weights of the basis responses at each orientation: (ORIENTATIONS, 3) and (ORIENTATIONS, 4)."""
    angle = np.arange(ORIENTATIONS) * np.pi / ORIENTATIONS
    c, s = np.cos(angle), np.sin(angle)
    even = np.stack([c**2, -2 * c * s, s**2], axis=1)
    odd = np.stack([c**3, -3 * c**2 * s, 3 * c * s**2, -(s**3)], axis=1)
    return even.astype(np.float32), odd.astype(np.float32)


_EVEN, _ODD = _steerable()
_STEER_EVEN, _STEER_ODD = _steering()


def load_filters(name: str, device: str) -> FilterBank:
    """The filter bank. Raises SpecsightError for a device other than the CPU."""
    if device not in ("auto", "cpu"):
        raise SpecsightError(f"encoder '{name}' runs on the CPU, not on '{device}': use device auto or cpu")
    return FilterBank()


encoders.register(FILTERS)(
    EncoderFamily(
        "hand-made bank of oriented, colour and contrast filters; no weights, no torch", load_filters
    )
)

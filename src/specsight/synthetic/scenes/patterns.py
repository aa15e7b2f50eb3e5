"""Random patterns of materials: brushing, weaving, cells, gratings, growth rings, any spectrum.

All functions take (rng, shape (H, W)) and give float32 of zero mean and unit deviation. Lengths are pixels, angles
radians.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight.synthetic.fields import Field, Shape, cloud, grain, octaves, position_along, standardise


def fractal(rng: np.random.Generator, shape: Shape, size: float, count: int = 4, gain: float = 0.6) -> Field:
    """At most `count` clouds of halving size and of `gain` times the amplitude, none finer than a pixel."""
    visible = sum(size / 2**k >= 1 for k in range(count))
    return standardise(octaves(lambda k: cloud(rng, shape, size / 2**k, exact=True), visible, gain))


def spectral(rng: np.random.Generator, shape: Shape) -> Field:
    """Noise with a random spectrum: a power law times one or two oriented bands."""
    rows = np.fft.fftfreq(shape[0]).astype(np.float32)[:, None]
    columns = np.fft.rfftfreq(shape[1]).astype(np.float32)[None]
    radius = np.sqrt(rows**2 + columns**2) + np.float32(0.01)
    envelope = radius ** np.float32(-rng.uniform(0.3, 2.2))
    for _ in range(int(rng.integers(0, 3))):
        angle, frequency = rng.uniform(0, np.pi), rng.uniform(0.03, 0.3)
        along = np.abs(np.cos(angle) * columns + np.sin(angle) * rows)
        across = -np.sin(angle) * columns + np.cos(angle) * rows
        spread, narrow = rng.uniform(0.005, 0.06), rng.uniform(0.01, 0.2)
        band = np.exp(-(((along - frequency) / spread) ** 2) - (across / narrow) ** 2)
        envelope = envelope + np.float32(rng.uniform(1, 10)) * band.astype(np.float32) * envelope.mean()
    spectrum = np.fft.rfft2(grain(rng, shape))
    return standardise(np.fft.irfft2(spectrum * envelope, s=shape))


def streaks(rng: np.random.Generator, shape: Shape, length: float, angle: float) -> Field:
    """Noise smeared over `length` pixels along `angle` (radians): brushing, grinding, drawing."""
    reach = max(3, int(length)) | 1
    side = int(np.hypot(*shape)) + reach
    noise = rng.standard_normal((side, side // 4 + 2), dtype=np.float32)
    lines = cv2.resize(cv2.blur(noise, (max(1, reach // 4), 1)), (side, side), interpolation=cv2.INTER_LINEAR)
    return standardise(_turned(lines, angle, shape))


def grating(rng: np.random.Generator, shape: Shape, period: float, angle: float) -> Field:
    """A wave train of `period` pixels, from sinusoidal to square, slightly wavy."""
    phase = position_along(shape, angle, np.float32) * np.float32(2 * np.pi / period) + np.float32(
        rng.uniform(0, 6.3)
    )
    if rng.random() < 0.5:
        phase += np.float32(rng.uniform(0, 0.8)) * cloud(rng, shape, rng.uniform(20, 80), exact=True)
    wave = np.sin(phase)
    return standardise(np.tanh(wave * np.float32(rng.uniform(0.5, 6))))


def weave(rng: np.random.Generator, shape: Shape, period: float, angle: float) -> Field:
    """Threads over and under each other, `period` pixels apart."""
    u = position_along(shape, angle, np.float32) * np.float32(np.pi / period)
    v = position_along(shape, angle + np.pi / 2, np.float32) * np.float32(
        np.pi / (period * rng.uniform(0.8, 1.25))
    )
    over = np.cos(u) * np.cos(v) > 0
    threads = np.where(over, np.abs(np.sin(u)), np.abs(np.sin(v))).astype(np.float32)
    return standardise(threads + np.float32(rng.uniform(0, 0.25)) * grain(rng, shape))


def cells(rng: np.random.Generator, shape: Shape, size: float) -> tuple[Field, NDArray[np.int32]]:
    """Voronoi cells of about `size` pixels: distance to the nearest seed, and the cell's number."""
    seeds = np.full(shape, 255, np.uint8)
    count = max(2, int(shape[0] * shape[1] / size**2))
    seeds[rng.integers(0, shape[0], count), rng.integers(0, shape[1], count)] = 0
    distance, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    return standardise(distance), labels


def dots(rng: np.random.Generator, shape: Shape, period: float, angle: float) -> Field:
    """A regular lattice of dots or holes."""
    u = np.cos(position_along(shape, angle, np.float32) * np.float32(2 * np.pi / period))
    v = np.cos(
        position_along(shape, angle + rng.choice([np.pi / 2, np.pi / 3]), np.float32)
        * np.float32(2 * np.pi / period)
    )
    return standardise(np.tanh((u * v - np.float32(rng.uniform(0.1, 0.6))) * np.float32(rng.uniform(2, 8))))


def rings(rng: np.random.Generator, shape: Shape, period: float) -> Field:
    """Growth rings of wood: a distorted distance from an axis far or near."""
    rows, columns = np.indices(shape, dtype=np.float32, sparse=True)
    centre = rng.uniform(-1.5, 2.5, 2) * shape
    stretch = rng.uniform(0.05, 1.0)
    distance = np.hypot((rows - centre[0]) * stretch, columns - centre[1]).astype(np.float32)
    distance += np.float32(period * rng.uniform(0.3, 1.5)) * fractal(rng, shape, rng.uniform(30, 90), 3)
    phase = (distance / np.float32(period)) % 1
    return standardise(phase ** np.float32(rng.uniform(0.7, 3)))


def _turned(field: Field, angle: float, shape: Shape) -> Field:
    """The middle (H, W) of a larger field turned by `angle`."""
    height, width = field.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -np.degrees(angle), 1.0)
    turn[:, 2] += (shape[1] - width) / 2, (shape[0] - height) / 2
    turned: Field = cv2.warpAffine(
        field, turn, shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return turned

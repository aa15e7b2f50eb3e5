"""Pictures as networks take them: scaled, varied as cameras and lamps vary them, and standardised.

In: pictures (B, H, W, 3) uint8. Out: pixels (B, 3, H, W) on a device, stored channels last. What a network learns from
is varied once for teacher and student alike, where they are, so that every look at a rendered picture is another one.
"""

from __future__ import annotations

import torch
from torch import Tensor

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""ImageNet's, of R, G and B in [0, 1]."""
GAIN, CHANNEL_GAIN, OFFSET = 0.12, 0.05, 0.03
"""Standard deviations: of the logarithms of a picture's gain and of its channels' own, and of what is added to all."""
GAMMA, CONTRAST = 0.12, 0.2
"""Standard deviations of the logarithms of a picture's exponent and of its contrast about its own mean."""
NOISE = 0.02
"""Highest standard deviation of a sensor's noise; each picture's lies between zero and this."""


def scaled(pictures: Tensor, device: torch.device) -> Tensor:
    """(B, H, W, 3) uint8 → (B, 3, H, W) in [0, 1] on `device`."""
    moved = pictures.to(device, non_blocking=True)
    return (moved.permute(0, 3, 1, 2).float() / 255).contiguous(memory_format=torch.channels_last)


def varied(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Pixels in [0, 1] under other exposures, tone curves, contrasts, white balances and black levels, and noisy.

    `generator`: on the device of the pixels.
    """

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, device=pixels.device)

    count = len(pixels)
    gains = (GAIN * normal(count, 1, 1, 1) + CHANNEL_GAIN * normal(count, 3, 1, 1)).exp()
    noise = NOISE * torch.rand((count, 1, 1, 1), generator=generator, device=pixels.device)
    grain = noise * normal(*pixels.shape)
    curved = pixels ** (GAMMA * normal(count, 1, 1, 1)).exp()
    mean = curved.mean((1, 2, 3), keepdim=True)
    pixels = mean + (curved - mean) * (CONTRAST * normal(count, 1, 1, 1)).exp()
    return (pixels * gains + OFFSET * normal(count, 1, 1, 1) + grain).clamp(0, 1)


def standardised(pixels: Tensor) -> Tensor:
    """Pixels in [0, 1] with ImageNet's mean and deviation, stored channels last."""
    mean = torch.tensor(MEAN, device=pixels.device).view(1, 3, 1, 1)
    deviation = torch.tensor(DEVIATION, device=pixels.device).view(1, 3, 1, 1)
    return ((pixels - mean) / deviation).contiguous(memory_format=torch.channels_last)


def normalise(pictures: Tensor, device: torch.device) -> Tensor:
    """(B, H, W, 3) uint8 → what a network takes, (B, 3, H, W), as they are."""
    return standardised(scaled(pictures, device))


def varied_pixels(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """(B, H, W, 3) uint8 → what a network takes, varied at random, on the generator's device."""
    return standardised(varied(scaled(pictures, generator.device), generator))

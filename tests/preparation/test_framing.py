"""What good pictures say of how they are to be looked at: fine structure, length, pose."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from specsight.encoders import load_encoder
from specsight.images.rotation import rotated
from specsight.preparation import ANGLES, Choices, Framing, propose_framing
from specsight.preparation.detail import lost_detail
from specsight.preparation.framing import choose_angles, choose_resolution, choose_tile
from specsight.records import Picture

FILTERS = load_encoder("filters")


def ruled(seed: int, size: tuple[int, int], period: float, noise: float = 2) -> Picture:
    """A dark part with soft edges and lines of a period in pixels, on an even ground; half the picture each way."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    part = (abs(y - size[0] / 2) < size[0] / 4) & (abs(x - size[1] / 2) < size[1] / 4)
    share = cv2.GaussianBlur(part.astype(np.float32), (0, 0), 4)
    lines = 90 + 40 * np.sin(2 * np.pi * x / period)
    grey = share * lines + (1 - share) * 200 + generator.normal(0, noise, size)
    return Picture(np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2))


def test_lines_are_lost_where_a_pixel_holds_a_period_of_them() -> None:
    """Lines of 4 px on 512 rows: gone at 128 px, less than half there at 256 px, nearly whole at 480 px."""
    at_128, at_256, at_480 = lost_detail(ruled(0, (512, 512), 4).rgb, [128, 256, 480], cell=12.8)
    assert at_128 == pytest.approx(1, abs=0.03)
    assert 0.5 < at_256 < 0.9
    assert at_480 < 0.15
    assert lost_detail(ruled(0, (512, 512), 4).rgb, [512, 640], cell=12.8) == [0, 0], "not shrunk"


@pytest.mark.parametrize("noise", [0, 2, 8])
def test_noise_is_no_detail(noise: float) -> None:
    even = np.random.default_rng(1).normal(128, noise, (400, 400))
    rgb = np.repeat(np.clip(even, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    assert lost_detail(rgb, [100, 200], cell=10) == [0, 0]
    coarse, fine = (lost_detail(ruled(2, (400, 400), period, noise).rgb, [160], 10)[0] for period in (24, 4))
    assert coarse < 0.1 < 0.6 < fine


def test_the_resolution_is_the_least_that_keeps_the_structure() -> None:
    def chosen(period: float, side: int = 800) -> int:
        pictures = [ruled(k, (side, side), period) for k in range(3)]
        return choose_resolution(pictures, FILTERS, 320)[0]

    assert chosen(40) == 320
    assert chosen(3) == 640, "never more than twice the standard"
    assert chosen(3, side=500) == 500, "never finer than the pictures"
    assert chosen(3, side=200) == 320, "smaller pictures are enlarged as ever"
    resolution, why = choose_resolution([ruled(0, (800, 800), 40)], FILTERS, 320)
    assert why.startswith(f"{resolution} px, because 0% of the detail") or "because 1%" in why


def test_long_frames_are_looked_at_in_tiles() -> None:
    assert choose_tile([ruled(0, (320, 600), 20)], 320) == (
        0,
        "in one piece, because a framed picture has 320 × 600 px",
    )
    side, why = choose_tile([ruled(k, (500, 1250), 20) for k in range(2)], 500)
    assert side == 320
    assert why.startswith("in 2 × 5 tiles of 320 px, because a framed picture has 500 × 1250 px")
    assert why.endswith("looking takes about 4.0 times as long as at 320 px in one piece")


def hand(seed: int, degrees: float) -> Picture:
    """An asymmetric part on an even ground."""
    picture = np.full((128, 128, 3), 210, np.uint8)
    cv2.rectangle(picture, (20, 56), (108, 70), (40, 40, 40), -1)
    cv2.rectangle(picture, (20, 30), (36, 70), (90, 40, 40), -1)
    noisy = picture + np.random.default_rng(seed).normal(0, 2, picture.shape)
    return rotated(Picture(np.clip(noisy, 0, 255).astype(np.uint8)), degrees)


def test_rotations_are_used_where_parts_lie_in_any() -> None:
    aligned, why = choose_angles([hand(k, 0) for k in range(4)], FILTERS, 128)
    assert aligned == ()
    assert why.endswith("they lie in one pose")
    turned, why = choose_angles([hand(k, angle) for k, angle in enumerate((0, 45, 135, 270))], FILTERS, 128)
    assert turned == ANGLES
    assert "they lie in any rotation" in why


def test_a_texture_without_direction_is_not_rotated() -> None:
    def grains(seed: int) -> Picture:
        grey = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, (128, 128)), (0, 0), 2)
        return Picture(np.repeat(np.clip(128 + 150 * grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2))

    angles, why = choose_angles([grains(k) for k in range(4)], FILTERS, 128)
    assert angles == ()
    assert why.endswith("they have no direction")


def test_what_is_given_stays_and_a_proposal_depends_on_nothing_else() -> None:
    pictures = [ruled(k, (500, 1250), 3) for k in range(3)]
    given = Framing(resolution=128, tile=64)
    assert propose_framing(pictures, FILTERS, given, Choices(False, False, False, False)) == given
    everything = propose_framing(pictures, FILTERS, Framing(128))
    assert everything.resolution > 128
    assert len(everything.reasons) == 4
    assert propose_framing(pictures, FILTERS, Framing(128)) == everything
    assert propose_framing([], FILTERS).resolution == 320

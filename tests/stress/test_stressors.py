"""What each stressor does to a picture, in the unit of its level; what stays, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from specsight.errors import SpecsightError
from specsight.records import Picture
from specsight.stress import apply, hidden, seed_of, stressors
from specsight.stress.blur import disc, streak
from specsight.stress.linear import light_of, stored

SIZE = (96, 128)
UNKNOWN = 60
"""Pixels of the depth that are unknown before any stress."""


def picture(grey: int | None = None) -> Picture:
    """Random middle tones, or one grey, over a tilted plane of depth in mm with an unknown corner; two parts."""
    rng = np.random.default_rng(3)
    rgb = rng.integers(60, 150, (*SIZE, 3)) if grey is None else np.full((*SIZE, 3), grey)
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    depth = (200 + 0.031 * rows + 0.017 * columns + rng.normal(0, 0.01, SIZE)).astype(np.float32)
    depth[:6, :10] = np.nan
    parts = np.ones(SIZE, np.uint8)
    parts[:, 64:] = 2
    return Picture(rgb.astype(np.uint8), depth, parts)


@pytest.mark.parametrize("name", list(stressors))
def test_level_0_changes_nothing_and_every_level_is_the_same_each_time(name: str) -> None:
    clean, one = picture(), stressors[name]
    assert apply(clean, name, 0, 5) is clean
    assert one.middle in one.levels
    assert list(one.levels) == sorted(one.levels)
    assert max(one.levels) <= one.most
    assert clean.depth is not None
    before = clean.rgb.copy(), clean.depth.copy()
    # The lowest blur is less than a pixel of so small a picture.
    for level in one.levels[-2:]:
        first, again = (apply(clean, name, level, seed_of("tyre_1")) for _ in range(2))
        np.testing.assert_array_equal(first.rgb, again.rgb)
        if first.depth is not None and again.depth is not None:
            np.testing.assert_array_equal(first.depth, again.depth)
        assert first.parts is clean.parts
        assert ("rgb" in one.touches) == (not np.array_equal(first.rgb, clean.rgb))
        same = first.depth is not None and np.array_equal(first.depth, clean.depth, equal_nan=True)
        assert ("depth" in one.touches) != same
    np.testing.assert_array_equal(clean.rgb, before[0])
    np.testing.assert_array_equal(clean.depth, before[1])


@pytest.mark.parametrize("name", ["specular", "low_light", "occlusion", "depth_dropout"])
def test_another_seed_gives_another_picture(name: str) -> None:
    one, other = (apply(picture(), name, stressors[name].middle, seed_of(id_)) for id_ in ("a", "b"))
    assert one.depth is not None
    assert other.depth is not None
    same = np.array_equal(one.depth, other.depth, equal_nan=True)
    assert not (same and np.array_equal(one.rgb, other.rgb))


@pytest.mark.parametrize("level", [2.0, 5.0, 10.0])
def test_highlights_saturate_the_stated_share_and_brighten_around_it(level: float) -> None:
    clean = picture()
    made = apply(clean, "specular", level, 7).rgb
    assert (made == 255).all(axis=2).sum() == pytest.approx(SIZE[0] * SIZE[1] * level / 100, abs=8)
    assert (made >= clean.rgb).all()
    # Far from the lobes nothing is lightened.
    assert np.array_equal(made, clean.rgb) is False
    assert (made == clean.rgb).all(axis=2).mean() > 0.2


def test_a_stronger_highlight_covers_the_weaker_one() -> None:
    weak, strong = ((apply(picture(), "specular", level, 7).rgb == 255).all(axis=2) for level in (2, 10))
    assert (strong | ~weak).all()


@pytest.mark.parametrize("grey", [40, 128, 200])
@pytest.mark.parametrize("gamma", [2.0, 2.75, 3.5])
def test_low_light_darkens_the_mean_tone_by_the_stated_gamma(grey: int, gamma: float) -> None:
    made = apply(picture(grey), "low_light", gamma, 7).rgb.astype(float)
    # The mean of light, in which noise has no bias: shot noise is drawn on light, not on stored values.
    assert light_of(made.astype(np.uint8)).mean() == pytest.approx(
        light_of(np.array([round(grey * 2 ** (1 - gamma))], np.uint8))[0], rel=0.1, abs=2e-4
    )
    assert made.std() > 0


def test_middle_grey_is_darkened_by_the_plain_power() -> None:
    half = np.full((*SIZE, 3), 64, np.uint8)
    half[:, 64:] = 191
    made = apply(Picture(half), "low_light", 2, 7).rgb.astype(float)
    assert made[:, :64].mean() == pytest.approx(255 * (64 / 255) ** 2, abs=1)
    assert made[:, 64:].mean() == pytest.approx(255 * (191 / 255) ** 2, abs=1)


def test_shot_noise_is_worst_in_the_shadows() -> None:
    half = np.full((*SIZE, 3), 60, np.uint8)
    half[:, 64:] = 180
    light = light_of(apply(Picture(half), "low_light", 2, 7).rgb)
    dark, bright = (side.std() / side.mean() for side in (light[:, :64], light[:, 64:]))
    assert dark > 3 * bright
    electrons = 4000 * light[:, 64:].mean()
    assert bright == pytest.approx(np.sqrt(electrons + 16) / electrons, rel=0.1)


@pytest.mark.parametrize("level", [5.0, 10.0, 20.0])
def test_occlusion_covers_the_stated_share_and_says_where(level: float) -> None:
    clean = picture()
    made, behind = apply(clean, "occlusion", level, 7), hidden(SIZE, "occlusion", level, 7)
    assert behind is not None
    assert behind.sum() == pytest.approx(SIZE[0] * SIZE[1] * level / 100, abs=8)
    rows, columns = np.flatnonzero(behind.any(1)), np.flatnonzero(behind.any(0))
    assert behind[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    assert made.depth is not None
    assert clean.depth is not None
    np.testing.assert_array_equal(made.depth[~behind], clean.depth[~behind])
    assert np.isnan(made.depth[behind]).all()
    # A matt surface without the part's texture.
    assert made.rgb[behind].std() < clean.rgb[behind].std() / 2


def test_only_what_lies_behind_something_is_hidden() -> None:
    assert hidden(SIZE, "occlusion", 0, 7) is None
    assert hidden(SIZE, "low_light", 2, 7) is None


@pytest.mark.parametrize("name", ["defocus", "motion_blur"])
def test_blur_keeps_an_even_picture_and_the_sum_of_light(name: str) -> None:
    even = picture(90)
    np.testing.assert_array_equal(apply(even, name, stressors[name].middle, 7).rgb, even.rgb)
    point = np.zeros((*SIZE, 3), np.uint8)
    point[48, 64] = 255
    made = light_of(apply(Picture(point), name, 6, 7).rgb)
    assert made.sum() == pytest.approx(3, rel=0.05)


def test_blur_is_as_wide_as_stated() -> None:
    point = np.zeros((*SIZE, 3), np.uint8)
    point[48, 64] = 255
    # 96 pixels: 6.25 % are 6 of them.
    lit = apply(Picture(point), "defocus", 6.25, 7).rgb[..., 0] > 0
    assert np.ptp(np.flatnonzero(lit.any(0))) + 1 == 7
    assert lit.sum() == pytest.approx(np.pi * 9, rel=0.35)
    moved = apply(Picture(point), "motion_blur", 6.25, 7).rgb[..., 0] > 0
    assert moved.any(1).sum() == 1
    assert moved.any(0).sum() == 7
    for kernel in (disc(6), streak(6), disc(0.2), streak(0.2)):
        assert kernel.sum() == pytest.approx(1)
    assert streak(0.2).tolist() == [[1.0]]


def test_a_strip_that_closes_in_itself_is_blurred_across_its_ends() -> None:
    point = np.zeros((*SIZE, 3), np.uint8)
    point[48, 0] = 255
    open_, closed = (
        apply(Picture(point, circular=circular), "motion_blur", 6.25, 7).rgb for circular in (False, True)
    )
    assert not open_[:, -3:].any()
    assert closed[48, -3:].all()


def test_jpeg_loses_more_the_lower_its_quality() -> None:
    clean = picture()
    losses = [
        np.abs(apply(clean, "jpeg", level, 7).rgb.astype(float) - clean.rgb).mean() for level in (50, 75, 90)
    ]
    assert 0 < losses[0] < losses[1] < losses[2]


@pytest.mark.parametrize("level", [10.0, 30.0, 60.0])
def test_dropout_loses_the_stated_share_of_what_was_measured(level: float) -> None:
    clean, made = picture(), apply(picture(), "depth_dropout", level, 7)
    assert clean.depth is not None
    assert made.depth is not None
    known = np.isfinite(clean.depth)
    assert np.isnan(made.depth).sum() == UNKNOWN + round(known.sum() * level / 100)
    kept = np.isfinite(made.depth)
    np.testing.assert_array_equal(made.depth[kept], clean.depth[kept])


@pytest.mark.parametrize("step", [0.1, 0.25, 0.5])
def test_quantised_depth_lies_on_steps_of_the_stated_mm(step: float) -> None:
    clean, made = picture().depth, apply(picture(), "depth_quantisation", step, 7).depth
    assert clean is not None
    assert made is not None
    steps = made[np.isfinite(made)].astype(np.float64) / step
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    assert np.nanmax(np.abs(made - clean)) <= step / 2 + 1e-4
    assert np.isnan(made).sum() == UNKNOWN


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("circular", [False, True])
def test_misregistration_shifts_depth_by_the_stated_pixels(seed: int, circular: bool) -> None:
    plain = picture()
    clean = Picture(plain.rgb, plain.depth, circular=circular)
    made = apply(clean, "misregistration", 4, seed).depth
    assert made is not None
    assert clean.depth is not None
    shifts = [(4, 0), (-4, 0), (0, 4), (0, -4)]
    moved = [np.roll(clean.depth, shift, (0, 1)) for shift in shifts]
    known = np.isfinite(made)
    (which,) = [i for i, one in enumerate(moved) if np.array_equal(one[known], made[known])]
    lost = 0 if circular and which >= 2 else 4 * (SIZE[1] if which < 2 else SIZE[0])
    assert np.isnan(made).sum() == pytest.approx(lost + UNKNOWN, abs=UNKNOWN)


def test_stressors_compose() -> None:
    both = apply(apply(picture(), "occlusion", 10, 7), "depth_dropout", 50, 7)
    behind = hidden(SIZE, "occlusion", 10, 7)
    assert behind is not None
    assert both.depth is not None
    assert np.isnan(both.depth[behind]).all()
    assert np.isfinite(both.depth).mean() == pytest.approx(0.45, abs=0.01)


def test_seeds_of_pictures_differ_and_stay() -> None:
    assert seed_of("tyre_000001", 0) == 3740578538
    assert len({seed_of(f"tyre_{i}", seed) for i in range(50) for seed in range(3)}) == 150


def test_light_and_stored_values_are_each_others_inverse() -> None:
    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(stored(light_of(values)), values)


@pytest.mark.parametrize(
    ("name", "level", "said"),
    [
        ("lowlight", 2, "did you mean 'low_light'"),
        ("low_light", 9, "level 9 of 'low_light': choose 0, or a number from 1 to 6 (gamma)"),
        ("low_light", 0.5, "level 0.5"),
        ("occlusion", -1, "a number from 0 to 50"),
        ("misregistration", 1.5, "a whole number"),
        ("depth_dropout", float("nan"), "level nan"),
    ],
)
def test_a_mistake_is_told_in_one_line(name: str, level: float, said: str) -> None:
    with pytest.raises(SpecsightError) as error:
        apply(picture(), name, level, 0)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["depth_dropout", "depth_quantisation", "misregistration"])
def test_depth_of_a_picture_without_depth_cannot_be_stressed(name: str) -> None:
    with pytest.raises(SpecsightError, match=f"'{name}' acts on depth, and this picture has none"):
        apply(Picture(picture().rgb), name, stressors[name].middle, 0)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
def test_the_smallest_pictures_and_levels_are_stressed(size: tuple[int, int]) -> None:
    depth = np.linspace(200, 201, size[0] * size[1], dtype=np.float32).reshape(size)
    tiny = Picture(np.full((*size, 3), 90, np.uint8), depth)
    lost = apply(tiny, "depth_dropout", 60, 0)
    assert lost.depth is not None
    assert np.isnan(lost.depth).any()
    assert hidden(size, "occlusion", 1e-300, 0) is not None

"""Acceptable variation: on the body alone, the same for the same seed, and of the physics that tells it from damage."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from specsight.synthetic.scenes import gleams, traces
from specsight.synthetic.scenes.body import Body
from specsight.synthetic.scenes.materials import surface
from specsight.synthetic.scenes.variation import VARIATIONS, Vary, vary, vary_photograph
from specsight.synthetic.scenes.vessels import render_vessel

SHAPE = (72, 96)
EVERYWHERE = {"falloff"}
"""Kinds that belong to the camera rather than to the body."""


def grey(value: float = 0.4) -> np.ndarray:
    return np.full((*SHAPE, 3), value, np.float32)


def disc() -> Body:
    canvas = np.zeros(SHAPE, np.uint8)
    cv2.circle(canvas, (50, 36), 30, 255, -1)
    return Body.of_cover(canvas / np.float32(255), round=True)


def bodies() -> list[Body]:
    return [
        Body.whole(np.random.default_rng(0), SHAPE),
        disc(),
        Body.of_cover(disc().cover, round=False, turn=0.3),
    ]


@pytest.mark.parametrize("name", list(VARIATIONS))
def test_each_kind_repeats_keeps_to_its_body_and_leaves_its_input(name: str) -> None:
    draw, changed = VARIATIONS[name][0], 0
    for seed in range(6):
        for body in bodies():
            pixels = surface(np.random.default_rng(seed), SHAPE).pixels
            before = pixels.copy()
            varied, again = (draw(np.random.default_rng(seed), pixels, body) for _ in range(2))
            assert np.array_equal(varied, again)
            assert np.array_equal(pixels, before)
            assert varied.shape == pixels.shape
            assert varied.dtype == np.float32
            assert varied.min() > -0.6
            assert varied.max() < 2
            if name not in EVERYWHERE:
                # Light and shade of a soft relief reach some pixels over its border.
                outside = cv2.dilate(body.cover, np.ones((21, 21))) == 0
                assert np.allclose(varied[outside], pixels[outside], atol=1e-5)
            changed += int(np.abs(varied - pixels).max() > 0.01)
    assert changed >= 12, "most of the time something can be seen"


@pytest.mark.parametrize("draw", [gleams.glints, gleams.streaks, gleams.lamp, gleams.caustics])
def test_mirrored_light_only_brightens_a_dark_surface(draw: Vary) -> None:
    for seed in range(10):
        assert (draw(np.random.default_rng(seed), grey(0.2), disc()) >= np.float32(0.2) - 1e-6).all()


def test_glints_saturate() -> None:
    brightest = [gleams.glints(np.random.default_rng(seed), grey(), disc()).max() for seed in range(20)]
    assert np.mean(np.array(brightest) > 0.85) > 0.7


def test_a_shadow_only_dims_and_keeps_the_texture() -> None:
    pixels = surface(np.random.default_rng(1), SHAPE).pixels
    for seed in range(10):
        shaded = gleams.cast_shadow(np.random.default_rng(seed), pixels, disc())
        ratio = shaded / pixels
        assert ratio.max() <= 1 + 1e-6
        assert ratio.min() > 0.4
        assert np.allclose(ratio[..., 0], ratio[..., 2], atol=1e-4)


def test_a_seam_on_a_flat_body_is_straight_and_runs_to_the_border() -> None:
    body = Body.whole(np.random.default_rng(0), SHAPE)
    for seed in range(10):
        changed = np.abs(traces.seam(np.random.default_rng(seed), grey(), body) - 0.4).max(axis=2) > 0.01
        rows, columns = np.nonzero(changed)
        if rows.size < 20:
            continue
        across = np.linalg.svd(np.stack([rows - rows.mean(), columns - columns.mean()]))[1][1] / np.sqrt(
            rows.size
        )
        assert across < 2.5
        assert rows.min() == 0 or columns.min() == 0 or rows.max() == 71 or columns.max() == 95


def test_vary_draws_on_average_as_many_kinds_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def count(name: str) -> Vary:
        return lambda rng, pixels, body: (calls.append(name), pixels)[1]

    for name in list(VARIATIONS):
        monkeypatch.setitem(VARIATIONS, name, (count(name), VARIATIONS[name][1]))
    rng, body = np.random.default_rng(0), disc()
    for _ in range(300):
        before = len(calls)
        vary(rng, grey(), body, 2.5)
        assert len(set(calls[before:])) == len(calls[before:])
    assert 2.2 < len(calls) / 300 < 2.8
    assert set(calls) == set(VARIATIONS)
    assert np.array_equal(vary(rng, grey(), body, 0.0), grey())


def test_photographs_stay_pictures_of_eight_bits() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), np.uint8)
    assert np.array_equal(vary_photograph(np.random.default_rng(0), rgb, 0.0), rgb)
    first, again = (vary_photograph(np.random.default_rng(1), rgb, 4.0) for _ in range(2))
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, rgb)


def test_a_vessel_has_a_ground_a_wall_around_and_what_is_within() -> None:
    for seed in range(8):
        scene = render_vessel(np.random.default_rng(seed), 96)
        wall, inside = scene.regions == 1, scene.regions == 2
        assert [words.thing for words in scene.words] == ["", "vessel", "vessel"]
        assert wall.any()
        assert inside.any()
        filled = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        assert not (filled & (scene.regions == 0)).any()

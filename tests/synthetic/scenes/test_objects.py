"""Small objects: whole on their ground, named by words that sentences know, with structure that repeats exactly."""

from __future__ import annotations

import numpy as np
import pytest

from specsight.synthetic.fields import position_along
from specsight.synthetic.scenes.objects import FORMS, render_object

SHAPE = (120, 120)


@pytest.mark.parametrize("name", list(FORMS))
def test_every_form_lies_whole_within_its_axes(name: str) -> None:
    u, v = (
        position_along(SHAPE, angle, np.float32) / np.float32(48) - np.float32(1.25)
        for angle in (0, np.pi / 2)
    )
    for seed in range(6):
        form = FORMS[name](np.random.default_rng(seed), u, v, 1 / 48)
        for field in (form.cover, form.height, form.tone):
            assert field.shape == SHAPE
            assert field.dtype == np.float32
            assert np.isfinite(field).all()
        assert form.cover.min() >= 0
        assert form.cover.max() == 1
        assert form.tone.min() >= 0
        border = np.concatenate([form.cover[0], form.cover[-1], form.cover[:, 0], form.cover[:, -1]])
        assert border.max() == 0


def test_the_legs_of_a_chip_repeat() -> None:
    u, v = (
        position_along((400, 400), angle, np.float32) / np.float32(180) - np.float32(1.1)
        for angle in (0, np.pi / 2)
    )
    for seed in range(5):
        cover = FORMS["chip"](np.random.default_rng(seed), u, v, 1 / 180).cover
        row = int(np.flatnonzero((cover > 0.5).any(axis=1))[0]) + 5  # Through the upper legs.
        starts = np.flatnonzero(np.diff((cover[row] > 0.5).astype(int)) == 1)
        assert len(starts) >= 3
        assert np.ptp(np.diff(starts)) <= 1


def test_objects_repeat_and_stand_on_their_ground() -> None:
    for seed in range(10):
        first, again = (render_object(np.random.default_rng(seed), 96) for _ in range(2))
        assert np.array_equal(first.rgb, again.rgb)
        assert first.words[0].thing == ""
        assert first.words[1].thing in FORMS
        assert 0.02 < (first.regions == 1).mean() < 0.8

"""Synthetic defects: the mask is exactly what changed, within the product, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specsight.errors import SpecsightError
from specsight.specification.synonyms import PHRASES
from specsight.synthetic.defects import SyntheticDefect, synthesise, synthesisers
from specsight.synthetic.defects.edges import _beyond
from specsight.synthetic.defects.painting import SMALLEST, VISIBLE
from specsight.synthetic.fields import perlin

NAMES = list(synthesisers)


def surface(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    """A noisy grey-brown picture with a bright disc."""
    rng = np.random.default_rng(seed)
    rgb = rng.normal((130, 120, 105), 12, (height, width, 3))
    rows, columns = np.indices((height, width))
    rgb[(rows - height / 2) ** 2 + (columns - width / 2) ** 2 < (height / 3) ** 2] += 60
    return np.clip(rgb, 0, 255).astype(np.uint8)


def changed(good: np.ndarray, defect: SyntheticDefect) -> np.ndarray:
    return np.abs(good.astype(int) - defect.rgb.astype(int)).max(axis=2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(4))
def test_the_mask_is_exactly_what_visibly_changed(name: str, seed: int) -> None:
    good = surface(seed)
    defect = synthesise(np.random.default_rng(seed), good, name)
    change = changed(good, defect)
    assert np.array_equal(defect.mask, change > 0)
    assert change[defect.mask].min() >= VISIBLE
    assert defect.mask.sum() >= SMALLEST
    assert not defect.mask.all()
    assert defect.rgb.dtype == np.uint8


@pytest.mark.parametrize("name", NAMES)
def test_nothing_changes_outside_the_product(name: str) -> None:
    good = surface(1)
    where = np.zeros(good.shape[:2], bool)
    where[20:80, 30:100] = True
    defect = synthesise(np.random.default_rng(5), good, name, where)
    assert not (defect.mask & ~where).any()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_defect_and_another_seed_another(name: str) -> None:
    good = surface(2)
    first, again, other = (synthesise(np.random.default_rng(seed), good, name) for seed in (9, 9, 10))
    assert np.array_equal(first.rgb, again.rgb)
    assert first.text == again.text
    assert not np.array_equal(first.rgb, other.rgb)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 10**6), st.integers(32, 140), st.integers(32, 140))
def test_any_size_and_seed(name: str, seed: int, height: int, width: int) -> None:
    good = surface(seed, height, width)
    try:
        defect = synthesise(np.random.default_rng(seed), good, name)
    except SpecsightError:
        return  # An error, not a picture without a visible defect.
    assert defect.rgb.shape == good.shape
    assert np.array_equal(defect.mask, changed(good, defect) > 0)


def test_the_picture_given_is_left_alone() -> None:
    good = surface(3)
    before = good.copy()
    synthesise(np.random.default_rng(0), good, "crack")
    assert np.array_equal(good, before)


def test_the_sentence_names_the_type_and_the_place() -> None:
    good, where = surface(4), np.zeros((96, 128), bool)
    where[:30, :40] = True
    defect = synthesise(np.random.default_rng(1), good, "hole", where)
    assert defect.text.endswith("at the top left")
    assert any(defect.text.startswith(phrase) for phrase in PHRASES["hole"])
    assert defect.parameters["x"] < 1 / 3


def test_typed_names_are_the_phrases_types() -> None:
    untyped = {"draem", "cutpaste", "cutpaste scar", "nsa"}
    assert set(NAMES) - untyped <= set(PHRASES)


@pytest.mark.parametrize(
    ("rgb", "name", "where", "message"),
    [
        (np.zeros((96, 96, 3), np.uint8), "crak", None, "did you mean 'crack'"),
        (np.zeros((8, 96, 3), np.uint8), "crack", None, "at least 16 px"),
        (np.zeros((96, 96), np.uint8), "crack", None, r"\(H, W, 3\)"),
        (np.zeros((96, 96, 3), np.uint8), "crack", np.zeros((96, 96), bool), "non-empty"),
        (np.zeros((96, 96, 3), np.uint8), "uneven", None, "no visible 'uneven'"),
    ],
)
def test_mistakes_are_reported(rgb: np.ndarray, name: str, where: np.ndarray | None, message: str) -> None:
    with pytest.raises(SpecsightError, match=message):
        synthesise(np.random.default_rng(0), rgb, name, where)


def test_perlin_noise_vanishes_on_its_lattice_and_stays_bounded() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        noise = perlin(rng, (64, 64))
        assert abs(noise[0, 0]) < 1e-6
        assert np.abs(noise).max() <= 1.0 + 1e-5


def test_a_break_of_a_rim_reaches_its_border() -> None:
    """A bite is out of the outer or the inner border of a ring, never an island within its wall."""
    rows, columns = np.indices((128, 128))
    radius = np.hypot(rows - 64, columns - 64)
    ring = (radius < 58) & (radius > 34)
    good = np.where(ring[..., None], 150, 20).astype(np.uint8) * np.ones((1, 1, 3), np.uint8)
    border = ring & ((radius > 56) | (radius < 36))
    for seed in range(20):
        mask = synthesise(np.random.default_rng(seed), good, "break", ring).mask
        assert (mask & border).any()
        assert not (mask & ~ring).any()


def test_where_a_piece_is_gone_the_nearest_outside_goes_on() -> None:
    """A wall between black on the left and white on the right: a broken piece shows the side it broke from."""
    pixels = np.full((64, 64, 3), 0.5, np.float32)
    pixels[:, :24], pixels[:, 40:] = 0, 1
    outside = np.ones((64, 64), bool)
    outside[:, 24:40] = False
    beyond = _beyond(pixels, outside, 3.0)
    assert beyond[:, 24:29].max() < 0.1
    assert beyond[:, 35:40].min() > 0.9

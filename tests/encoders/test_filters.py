"""The weight-free filter bank and the cache of features on disk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specsight.encoders import Encoder, Features, load_encoder
from specsight.encoders.cache import CachedEncoder
from specsight.encoders.filters import ORIENTATIONS, FilterBank
from specsight.errors import SpecsightError

BANK = FilterBank()


def stripes(angle: float, period: float = 6.0, side: int = 96) -> np.ndarray:
    """A grating whose intensity changes along `angle` (degrees from the x axis towards the bottom)."""
    y, x = np.mgrid[:side, :side]
    turned = np.deg2rad(angle)
    wave = np.sin(2 * np.pi * (x * np.cos(turned) + y * np.sin(turned)) / period)
    return np.repeat((128 + 90 * wave).astype(np.uint8)[None, :, :, None], 3, axis=3)


def energies(image: np.ndarray) -> np.ndarray:
    """Mean response of each orientation at the finest octave: the first channels of a layer."""
    return np.asarray(BANK.layers(image, ["stride8"])[0][0, :ORIENTATIONS, 2:-2, 2:-2].mean((1, 2)))


@pytest.mark.parametrize("k", range(ORIENTATIONS))
def test_each_orientation_answers_its_own_grating_most(k: int) -> None:
    # The bank's kernels are correlated, not convolved, and image rows run downwards.
    by_angle = [energies(stripes(angle)) for angle in (k * 180 / ORIENTATIONS, -k * 180 / ORIENTATIONS)]
    assert k in {int(np.argmax(e)) for e in by_angle}


def test_amplitude_ignores_phase() -> None:
    x = np.arange(96) + np.zeros((96, 1))
    waves = [
        np.repeat(
            (128 + 90 * np.sin(2 * np.pi * x / 6 + phase)).astype(np.uint8)[None, :, :, None], 3, axis=3
        )
        for phase in (0.0, 1.0, 2.0)
    ]
    first, *others = (energies(wave) for wave in waves)
    for other in others:
        np.testing.assert_allclose(other, first, rtol=0.05, atol=0.02)


def test_flat_pictures_have_no_contrast() -> None:
    grids = BANK.layers(np.full((1, 64, 64, 3), 77, np.uint8))
    for grid in grids:
        assert np.isfinite(grid).all()
        np.testing.assert_allclose(grid[0, :ORIENTATIONS], 0, atol=1e-3)


def test_colour_is_seen_where_lightness_is_equal() -> None:
    red, green = np.zeros((1, 32, 32, 3), np.uint8), np.zeros((1, 32, 32, 3), np.uint8)
    red[..., 0], green[..., 1] = 120, 120
    assert np.abs(BANK.layers(red)[0] - BANK.layers(green)[0]).max() > 1


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 10_000))
def test_any_multiple_of_sixteen_and_any_batch(rows: int, columns: int, seed: int) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (2, 16 * rows, 16 * columns, 3), dtype=np.uint8)
    grids = BANK.layers(images)
    for layer, grid in zip(BANK.available, grids):
        assert grid.shape == (
            2,
            layer.channels,
            images.shape[1] // layer.stride,
            images.shape[2] // layer.stride,
        )
        np.testing.assert_array_equal(grid[1:], BANK.layers(images[1:], [layer.name])[0])
    assert np.isfinite(BANK.embed_images(images)).all()


def test_pictures_of_wrong_shape_or_size_are_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 16"):
        BANK.layers(np.zeros((1, 20, 32, 3), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        BANK.layers(np.zeros((1, 32, 32, 3), np.float32))


def test_filters_need_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['transformers'] = None\n"
        "import numpy as np; from specsight.encoders import load_encoder\n"
        "print(len(load_encoder('filters').layers(np.zeros((1, 32, 32, 3), np.uint8))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2"


def test_learned_encoders_name_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SpecsightError, match=r"pip install 'specsight\[models\]'"):
        load_encoder("somebody/something")


class Counted(FilterBank):
    """Counts the pictures it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded = 0

    def layers(self, images: np.ndarray, which: Sequence[str] | None = None) -> list[Features]:
        self.encoded += len(images)
        return super().layers(images, which)


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 32, 48, 3), dtype=np.uint8)


def test_cache_gives_the_same_features_and_spares_the_encoder(tmp_path: Path) -> None:
    counted = Counted()
    cached: Encoder = CachedEncoder(counted, tmp_path)
    images = pictures(3)
    expected = BANK.layers(images)
    for _ in range(2):
        for grid, right in zip(cached.layers(images), expected):
            np.testing.assert_array_equal(grid, right)
    assert counted.encoded == 3
    assert (cached.name, cached.fingerprint) == (counted.name, counted.fingerprint)
    np.testing.assert_array_equal(cached.embed_images(images), BANK.embed_images(images))
    np.testing.assert_array_equal(cached.embed_images(images), BANK.embed_images(images))


def test_cache_tells_layers_shapes_and_encoders_apart(tmp_path: Path) -> None:
    counted = Counted()
    cached = CachedEncoder(counted, tmp_path)
    image = pictures(1)
    deep = cached.layers(image, ["stride16"])[0]
    shallow = cached.layers(image, ["stride8"])[0]
    assert deep.shape != shallow.shape
    same_bytes = image.reshape(1, 48, 32, 3)
    assert cached.layers(same_bytes, ["stride8"])[0].shape != shallow.shape
    other = Counted()
    other.fingerprint = "another"
    before = other.encoded
    CachedEncoder(other, tmp_path).layers(image)
    assert other.encoded == before + 1


def test_a_damaged_entry_is_computed_anew(tmp_path: Path) -> None:
    counted = Counted()
    cached = CachedEncoder(counted, tmp_path)
    image = pictures(1)
    expected = cached.layers(image)
    for path in tmp_path.rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:40])
    for grid, right in zip(cached.layers(image), expected):
        np.testing.assert_array_equal(grid, right)
    assert counted.encoded == 2


def test_the_cache_stays_within_its_limit(tmp_path: Path) -> None:
    limit = 400_000
    cached = CachedEncoder(FilterBank(), tmp_path, limit)
    for image in pictures(128):
        cached.layers(image[None])
    assert 0 < sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors")) <= limit


def test_an_encoder_without_words_stays_without_words_behind_the_cache(tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="has no text tower"):
        CachedEncoder(FilterBank(), tmp_path).embed_patches(pictures(1))

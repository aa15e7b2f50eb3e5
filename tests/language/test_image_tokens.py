"""Where image tokens lie on pictures, in every family: a spot changes the tokens that lie on it most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from numpy.typing import NDArray
from tests.support.language_checkpoints import save_causal
from tests.support.seeing_checkpoints import FAMILIES, save_seeing

from specsight.errors import SpecsightError
from specsight.language import Message, load_language_model
from specsight.language.image_tokens import image_positions, picture_tokens
from specsight.language.vision import VisionLanguageModel

Picture = NDArray[np.uint8]
SIZES = ((60, 60), (40, 90), (110, 45), (33, 200))
PLACES = ((0.2, 0.3), (0.7, 0.6))


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> VisionLanguageModel:
    found = load_language_model(
        f"vision:{save_seeing(tmp_path_factory.mktemp('seeing'), request.param)}", "cpu"
    )
    assert isinstance(found, VisionLanguageModel)
    return found


def plain(size: tuple[int, int]) -> Picture:
    return np.full((*size, 3), 120, np.uint8)


def spotted(size: tuple[int, int], place: tuple[float, float]) -> tuple[Picture, NDArray[np.float64]]:
    """A bright square of a sixth of the shorter side, and its centre in pixels."""
    picture, half = plain(size), max(2, min(size) // 12)
    y, x = (round(share * side) for share, side in zip(place, size))
    picture[y - half : y + half, x - half : x + half] = (255, 240, 20)
    return picture, np.array([y, x], np.float64)


def features(model: VisionLanguageModel, pictures: list[Picture]) -> NDArray[np.float32]:
    """The features (N, D) that take the places of a conversation's image tokens."""
    inputs = model.inputs([Message("user", "?", tuple(pictures))])
    given = {k: v for k, v in inputs.items() if k not in ("input_ids", "attention_mask", "mm_token_type_ids")}
    with torch.inference_mode():
        found = model.network.get_image_features(**given).pooler_output
    flat = torch.cat([one.reshape(-1, one.shape[-1]) for one in found])
    assert len(flat) == len(image_positions(model.network, inputs))
    return np.asarray(flat.numpy())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("place", PLACES)
def test_a_spot_changes_the_tokens_that_lie_on_it(
    model: VisionLanguageModel, size: tuple[int, int], place: tuple[float, float]
) -> None:
    picture, centre = spotted(size, place)
    changed = np.linalg.norm(features(model, [picture]) - features(model, [plain(size)]), axis=1)
    inputs = model.inputs([Message("user", "?", (picture,))])
    found = picture_tokens(model.network, model.processor, [size], inputs)
    assert found is not None
    assert len(changed) == found[0].count
    for grid in found[0].grids:
        row, column = np.unravel_index(int(changed[grid.tokens].argmax()), grid.tokens.shape)
        at = np.array([grid.cells.centres(0)[row], grid.cells.centres(1)[column]])
        half = max(2, min(size) // 12)
        assert (np.abs(at - centre) <= np.array(grid.cells.stride) / 2 + half).all(), (grid.cells, at, centre)


def test_of_several_pictures_each_has_its_own_tokens(model: VisionLanguageModel) -> None:
    sizes = [(50, 80), (90, 40)]
    spot, centre = spotted(sizes[1], (0.3, 0.6))
    changed = np.linalg.norm(
        features(model, [plain(sizes[0]), spot]) - features(model, [plain(size) for size in sizes]), axis=1
    )
    inputs = model.inputs([Message("user", "?", (plain(sizes[0]), spot))])
    found = picture_tokens(model.network, model.processor, sizes, inputs)
    assert found is not None
    first = found[0].count
    assert len(changed) == first + found[1].count
    assert changed[:first].max() < 1e-4 < changed[first:].max()
    grid = found[1].grids[-1]
    row, column = np.unravel_index(int(changed[first:][grid.tokens].argmax()), grid.tokens.shape)
    at = np.array([grid.cells.centres(0)[row], grid.cells.centres(1)[column]])
    assert (np.abs(at - centre) <= np.array(grid.cells.stride) / 2 + 4).all()


def test_attention_is_that_of_the_last_token_to_the_image_tokens(model: VisionLanguageModel) -> None:
    """As a pass over the whole conversation gives it, which needs memory by the square of its length."""
    picture, _ = spotted((40, 90), (0.3, 0.4))
    conversation = [Message("user", "Is it good? ", (picture,))]
    usual = model.network.config.get_text_config()._attn_implementation
    (grids,) = model.attention(conversation)
    assert model.network.config.get_text_config()._attn_implementation == usual
    inputs = model.inputs(conversation)
    with model._attending_openly(), torch.inference_mode():
        layers = model.network(**inputs, output_attentions=True).attentions
    expected = torch.stack([one[0, :, -1].mean(0) for one in layers]).mean(0).numpy()
    expected = expected[image_positions(model.network, inputs)]
    found = picture_tokens(model.network, model.processor, [(40, 90)], inputs)
    assert found is not None
    for grid, tokens in zip(grids, found[0].grids):
        np.testing.assert_allclose(grid.shares, expected[tokens.tokens], rtol=1e-4, atol=1e-6)
    assert 0 < sum(float(grid.shares.sum()) for grid in grids) < 1


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (30, 900), (900, 30), (97, 64)])
def test_every_pixel_of_a_picture_of_any_shape_lies_on_a_token(
    model: VisionLanguageModel, size: tuple[int, int]
) -> None:
    (grids,) = model.attention([Message("user", "Is it good? ", (plain(size),))])
    cells = grids[0].cells
    for axis in (0, 1):
        ends = cells.centres(axis)[[0, -1]] + np.array([-0.5, 0.5]) * cells.stride[axis]
        assert ends[0] <= 1e-6
        assert ends[1] >= size[axis] - 1e-6
    assert all(grid.shares.shape == grid.cells.size for grid in grids)


def test_layers_are_chosen_by_their_depth(model: VisionLanguageModel) -> None:
    picture, _ = spotted((40, 90), (0.3, 0.4))
    conversation = [Message("user", "Is it good? ", (picture,))]
    (both,), (first,), (last,) = (
        model.attention(conversation, depth) for depth in ((0.0, 1.0), (0.0, 0.5), (0.9, 1.0))
    )
    np.testing.assert_allclose(both[0].shares, (first[0].shares + last[0].shares) / 2, rtol=1e-4, atol=1e-7)
    assert np.abs(first[0].shares - last[0].shares).max() > 1e-4
    with pytest.raises(SpecsightError, match=r"shares 0 <= first <= last <= 1, got 0\.7 and 0\.2"):
        model.attention(conversation, (0.7, 0.2))


def test_a_model_of_words_alone_tells_no_attention(tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match="does not tell how it attends to pictures"):
        load_language_model(save_causal(tmp_path), "cpu").attention([Message("user", "a")])

"""Tokens that point, on every family of vision-language checkpoints: where they are read, what they learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from numpy.typing import NDArray
from tests.support.seeing_checkpoints import FAMILIES, save_seeing

from specsight.errors import SpecsightError
from specsight.language import Message
from specsight.language.image_tokens import image_positions
from specsight.language.pointing.adapters import learning
from specsight.language.pointing.checkpoints import Example, PointingCheckpoint
from specsight.language.pointing.tokens import SEG_DEFECT, SEG_NORMAL
from specsight.language.vision import VisionLanguageModel
from specsight.language.visual_grids import depths, visual_grids, watching

Picture = NDArray[np.uint8]
SIZES = ((40, 90), (110, 45))


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_seeing(tmp_path_factory.mktemp("seeing"), request.param)


@pytest.fixture(scope="module")
def model(folder: Path) -> PointingCheckpoint:
    return PointingCheckpoint.load(str(folder), "cpu", levels=2, width=16)


@pytest.fixture
def untrained(folder: Path) -> PointingCheckpoint:
    """One that may be changed."""
    return PointingCheckpoint.load(str(folder), "cpu", levels=2, width=16)


def spotted(
    size: tuple[int, int], place: tuple[float, float] = (0.3, 0.6)
) -> tuple[Picture, NDArray[np.bool_]]:
    """A bright square on grey, and its mask."""
    picture, mask, half = np.full((*size, 3), 120, np.uint8), np.zeros(size, bool), max(2, min(size) // 8)
    y, x = (round(share * side) for share, side in zip(place, size))
    mask[y - half : y + half, x - half : x + half] = True
    picture[mask] = (255, 240, 20)
    return picture, mask


def example(size: tuple[int, int] = (40, 90)) -> Example:
    picture, mask = spotted(size)
    answer = f"Yes: spot{SEG_DEFECT}, hole{SEG_DEFECT}{SEG_NORMAL}"
    return Example(picture, "What is wrong?", answer, np.stack([mask, np.zeros_like(mask)]))


def good(size: tuple[int, int] = (40, 90)) -> Example:
    picture = np.full((*size, 3), 120, np.uint8)
    return Example(picture, "What is wrong?", f"No.{SEG_NORMAL}", np.zeros((0, *size), bool))


@pytest.mark.parametrize("size", [*SIZES, (60, 60)])
def test_what_the_tower_sees_lies_where_it_is(folder: Path, size: tuple[int, int]) -> None:
    """A spot changes the cells on it most, at every depth; cells cover the picture at about its aspect."""
    seeing = VisionLanguageModel(str(folder), "cpu")
    picture, mask = spotted(size)
    found = []
    for shown in (picture, np.full_like(picture, 120)):
        inputs = seeing.inputs([Message("user", "?", (shown,))])
        with watching(seeing.network, 2) as watched, torch.inference_mode():
            seeing.network(**inputs)
        found.append(visual_grids(watched, seeing.network, seeing.processor, [size], inputs)[0])
    cells = found[0].cells
    centre = np.argwhere(mask).mean(0) + 0.5
    half = max(2, min(size) // 8)
    assert len(found[0].levels) == 2
    for with_spot, without in zip(found[0].levels, found[1].levels):
        changed = (with_spot - without).norm(dim=0).numpy()
        assert changed.shape == cells.size
        row, column = np.unravel_index(int(changed.argmax()), changed.shape)
        at = np.array([cells.centres(0)[row], cells.centres(1)[column]])
        assert (np.abs(at - centre) <= np.array(cells.stride) / 2 + half).all()
    for axis in (0, 1):
        ends = cells.centres(axis)[[0, -1]] + np.array([-0.5, 0.5]) * cells.stride[axis]
        assert ends[0] <= 1e-6
        assert ends[1] >= size[axis] - 1e-6
    assert (cells.size[0] < cells.size[1]) == (size[0] < size[1])


def test_depths_are_even_and_end_with_the_last_block() -> None:
    assert depths(24, 4) == [5, 11, 17, 23]
    assert depths(3, 2) == [1, 2]
    assert depths(2, 4) == [0, 1]


def test_tokens_start_from_their_words_and_are_read_at_their_own_places(model: PointingCheckpoint) -> None:
    seeing = model.seeing
    table = seeing.network.get_input_embeddings()
    for token, word in ((SEG_DEFECT, "defect"), (SEG_NORMAL, "normal")):
        (number,) = seeing.pieces(token)
        own, pieces = (table(torch.tensor(one))[None] for one in (number, seeing.pieces(word)))
        torch.testing.assert_close(own[0], pieces[0].mean(0))
    one = example()
    answer = model.tokens(one.answer)
    read = model.read(one.conversation, answer)
    inputs = seeing.extended(seeing.inputs(one.conversation), answer)
    numbers = inputs["input_ids"][0]
    expected = [*seeing.pieces(SEG_DEFECT) * 2, *seeing.pieces(SEG_NORMAL)]
    assert numbers[list(read.positions)].tolist() == expected
    assert min(read.positions) > image_positions(seeing.network, inputs).max()
    states = seeing.network(**inputs, output_hidden_states=True).hidden_states[-1][0]
    torch.testing.assert_close(torch.cat([read.defects, read.normal]), states[list(read.positions)])


def test_a_token_is_read_in_use_as_in_training(model: PointingCheckpoint) -> None:
    """What stands behind it changes nothing, so that an answer being written points as one that is learned from."""
    one = example()
    whole, end = model.tokens(one.answer), int(model.seeing.tokenizer.eos_token_id)
    learned, used = model.read(one.conversation, [*whole, end]), model.read(one.conversation, whole)
    assert learned.positions == used.positions
    torch.testing.assert_close(learned.defects, used.defects, rtol=1e-4, atol=1e-4)
    first = whole[: whole.index(*model.seeing.pieces(SEG_DEFECT)) + 1]
    torch.testing.assert_close(
        model.read(one.conversation, first).defects, learned.defects[:1], rtol=1e-4, atol=1e-4
    )


def test_a_few_steps_lower_every_loss_of_a_batch(untrained: PointingCheckpoint) -> None:
    model = untrained
    batch = [example(), good()]
    parameters = learning(model)
    names = {name.split(".")[0] for name in parameters}
    assert names == {"network", "heads"}
    assert not any("vision" in name or "visual" in name for name in parameters)
    assert sum("lora" in name for name in parameters) == 2 * 2 * 2  # two layers, q and v, A and B
    before = {name: one.detach().clone() for name, one in model.network.named_parameters()}
    optimizer = torch.optim.AdamW(parameters.values(), lr=1e-2)
    history = []
    for _ in range(8):
        optimizer.zero_grad()
        total, losses = model.loss(batch)
        total.backward()
        optimizer.step()
        history.append((float(total.detach()), losses))
    (first, at_first), (last, at_last) = history[0], history[-1]
    assert last < 0.9 * first
    assert all(at_last[name] < at_first[name] for name in ("words", "focal", "dice"))
    changed = {name for name, one in model.network.named_parameters() if not torch.equal(one, before[name])}
    assert changed <= {name.removeprefix("network.") for name in parameters}
    assert any("token_adapter" in name for name in changed)
    one = batch[0]
    map_ = model.point(one.conversation, one.answer)[0]
    assert map_[one.masks[0]].mean() > map_[~one.masks[0]].mean()


@pytest.mark.parametrize("size", SIZES)
def test_maps_have_the_size_of_their_picture_and_one_is_made_for_each_token(
    model: PointingCheckpoint, size: tuple[int, int]
) -> None:
    one = example(size)
    maps = model.point(one.conversation, one.answer)
    assert maps.shape == (2, *size)
    assert maps.dtype == np.float32
    np.testing.assert_array_equal(maps, model.point(one.conversation, one.answer))
    said = model.say(one.conversation, longest=4)
    assert said.maps.shape[1:] == size
    assert SEG_DEFECT not in said.text
    assert model.point(one.conversation, "No.").shape == (0, *size)


def test_tokens_in_a_question_point_nowhere(model: PointingCheckpoint) -> None:
    picture, _ = spotted((40, 90))
    asked = [Message("user", f"Look {SEG_DEFECT} here", (picture,))]
    assert model.point(asked, f"No.{SEG_NORMAL}").shape == (0, 40, 90)
    assert model.point(asked, f"Yes.{SEG_DEFECT}{SEG_NORMAL}").shape == (1, 40, 90)


@pytest.mark.parametrize("folder", ["llava"], indirect=True)
def test_the_heads_start_the_same_for_a_seed(folder: Path) -> None:
    one = example()
    maps = [
        PointingCheckpoint.load(str(folder), "cpu", levels=2, width=16, seed=seed).point(
            one.conversation, one.answer
        )
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(maps[0], maps[1])
    assert not np.array_equal(maps[0], maps[2])


@pytest.mark.parametrize("folder", ["llava"], indirect=True)
def test_what_does_not_fit_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture, mask = spotted((40, 90))
    with pytest.raises(ValueError, match=r"1 \[SEG_DEFECT\] needs masks \(1, H, W\)"):
        Example(picture, "?", f"{SEG_DEFECT}{SEG_NORMAL}", mask)
    with pytest.raises(ValueError, match=r"needs one \[SEG_NORMAL\]"):
        Example(picture, "?", SEG_DEFECT, mask[None])
    from specsight.language import visual_grids as grids

    monkeypatch.setattr(grids, "PATCHES", {})
    with pytest.raises(SpecsightError, match="it is not known where a vision-language model of the family"):
        PointingCheckpoint.load(str(folder), "cpu")

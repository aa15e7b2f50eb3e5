"""A language model that reads a map: maps by words and references, prompts of a map, answers that follow it."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from specsight.errors import SpecsightError

if TYPE_CHECKING:
    from specsight.language.map_prompts.model import MapPrompted
    from specsight.language.map_prompts.reader import MapReader

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
CHANNELS, JOINT, HIDDEN = (6, 10), 8, 32
TEXTS = ["Is anything wrong with the part?", "Yes, there is a cut at the top left.", "No, nothing is wrong."]


@pytest.fixture(scope="module")
def model() -> MapPrompted:
    """A tiny model at random."""
    import transformers

    from specsight.language.map_prompts.model import MapPrompted
    from specsight.language.pointing.model import PointingModel, Shape
    from specsight.language.pointing.tokens import add_tokens
    from specsight.recipes.language.tokenizer import build_tokenizer

    torch.manual_seed(0)
    tokenizer = build_tokenizer(TEXTS, 400, 256)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=HIDDEN, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=256, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        attn_implementation="sdpa",
    )  # fmt: skip
    language = transformers.LlamaForCausalLM(config)
    add_tokens(tokenizer, language)
    speaker = PointingModel(language, tokenizer, Shape(CHANNELS, JOINT, 16))
    return MapPrompted(speaker).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def folder(model: MapPrompted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from specsight.language.map_prompts.model import save_prompted

    encoder: Any = SimpleNamespace(name="colours", fingerprint="0" * 64, default_layers=("fine", "deep"))
    path = tmp_path_factory.mktemp("saved") / "model"
    save_prompted(model, encoder, "bundled", path)
    return path


@pytest.fixture(scope="module")
def reader(folder: Path) -> MapReader:
    from specsight.language.map_prompts.reader import MapReader

    return MapReader.load(str(folder), "cpu")


def grids(height: int = 8, width: int = 8) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = ((2 * height, 2 * width), (height, width))
    return [rng.normal(size=(c, *size)).astype(np.float32) for c, size in zip(CHANNELS, sizes)]


def unit(seed: int, count: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, JOINT)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def test_a_map_by_words_is_the_mean_of_scaled_cosines(model: MapPrompted) -> None:
    decoder, (fine, deep) = model.decoder, (torch.from_numpy(one)[None] for one in grids(1, 1))
    defect, good = (torch.from_numpy(unit(k, 1)) for k in (1, 2))
    found = decoder([fine, deep], torch.tensor([0]), defect, good)
    expected = torch.zeros(2, 2)
    for index, (grid, level) in enumerate(zip((fine, deep), decoder.levels)):
        cells = torch.nn.functional.normalize(level(grid)[0].flatten(1), dim=0)
        cosines = ((defect - good) @ cells).view(grid.shape[-2:])
        expected += (decoder.log_scales[index].exp() * cosines + decoder.biases[index]) / 2
    torch.testing.assert_close(found[0], expected)


def test_sentences_and_pictures_do_not_change_one_another(model: MapPrompted) -> None:
    first, second = ([torch.from_numpy(one)[None] for one in grids(*size)] for size in ((4, 4), (4, 4)))
    second = [one.flip(-1) for one in second]
    both = [torch.cat(pair) for pair in zip(first, second)]
    defects, good = torch.from_numpy(unit(1, 3)), torch.from_numpy(unit(2, 1)).expand(3, -1)
    together = model.decoder(both, torch.tensor([1, 0, 1]), defects, good)
    for row, own in enumerate((second, first, second)):
        alone = model.decoder(own, torch.tensor([0]), defects[row : row + 1], good[:1])
        torch.testing.assert_close(together[row], alone[0])


def test_cells_far_from_good_ones_are_more_suspicious(reader: MapReader) -> None:
    shown, defects, good = grids(), unit(1, 2), unit(2, 1)[0]
    near = [np.zeros(grid.shape[1:], np.float32) for grid in shown]
    far = [one.copy() for one in near]
    far[1][3, 4] = 0.8
    rise = reader.maps(shown, defects, good, far) - reader.maps(shown, defects, good, near)
    assert np.unravel_index(int(rise[0].argmax()), rise[0].shape) == (6, 8)
    assert rise.min() == 0
    np.testing.assert_allclose(rise[0], rise[1], atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (16, 40), (64, 64)])
def test_prompts_of_an_even_map_do_not_depend_on_its_size(model: MapPrompted, size: tuple[int, int]) -> None:
    from specsight.language.map_prompts.maps import PROMPTS

    found = model.prompts(torch.full((1, *size), 0.5))
    assert found.shape == (1, 2 * PROMPTS, HIDDEN)
    torch.testing.assert_close(found, model.prompts(torch.full((1, 32, 32), 0.5)))


def test_a_single_cell_of_a_large_map_reaches_the_prompt_of_its_third(model: MapPrompted) -> None:
    from specsight.language.map_prompts.maps import PROMPTS

    even = torch.full((1, 128, 128), -8.0)
    spotted = even.clone()
    spotted[0, 3, 120] = 8.0
    change = (model.prompts(spotted) - model.prompts(even)).abs().amax(-1)[0]
    assert change[:PROMPTS].max() == 0  # learned ones
    told = change[PROMPTS:].view(3, 3)
    assert told[0, 2] > 1e-4
    assert told[2].max() == 0
    assert told[:, 0].max() == 0


def test_answers_follow_the_map_whatever_made_it(reader: MapReader) -> None:
    from specsight.language.pointing.pointer import SUSPICION

    seen = reader.eyes(grids())
    calm = np.full((1, 16, 16), -6, np.float32)
    alarming = calm.copy()
    alarming[0, 2:5, 2:5] = 6
    answers = [
        (
            reader.wrong({**seen, SUSPICION: one}, "part"),
            *reader.weigh({**seen, SUSPICION: one}, "Why?", ["cut", "No"]),
        )
        for one in (calm, alarming, calm)
    ]
    assert answers[0] == answers[2]
    assert all(first != second for first, second in zip(answers[0], answers[1]))
    said = reader.say({**seen, SUSPICION: alarming}, "What is wrong?", longest=5)
    assert len(said.margins) == len(said.types)


def test_a_long_picture_is_as_wrong_as_its_worst_window(reader: MapReader) -> None:
    from specsight.language.pointing.pointer import SUSPICION

    seen = reader.eyes(grids(8, 24))
    logits = np.random.default_rng(1).normal(0, 4, (1, 16, 48)).astype(np.float32)
    thirds = [
        {
            name: one[..., k * one.shape[2] // 3 : (k + 1) * one.shape[2] // 3]
            for name, one in {**seen, SUSPICION: logits}.items()
        }
        for k in range(3)
    ]
    whole = reader.wrong({**seen, SUSPICION: logits}, "part")
    assert whole == pytest.approx(max(reader.wrong(one, "part") for one in thirds), abs=1e-5)


def test_a_saved_model_is_the_same(model: MapPrompted, reader: MapReader) -> None:
    for name, tensor in model.decoder.state_dict().items():
        torch.testing.assert_close(reader.prompted.decoder.state_dict()[name], tensor, atol=1e-2, rtol=1e-2)
    for name, tensor in model.prompts.state_dict().items():
        torch.testing.assert_close(reader.prompted.prompts.state_dict()[name], tensor, atol=1e-3, rtol=1e-2)


def test_missing_and_damaged_files_are_told(folder: Path, tmp_path: Path) -> None:
    from specsight.language.map_prompts.model import MAPS
    from specsight.language.map_prompts.reader import MapReader

    with pytest.raises(SpecsightError, match="no such folder"):
        MapReader.load(str(tmp_path / "nowhere"), "cpu")
    copy = tmp_path / "model"
    shutil.copytree(folder, copy)
    (copy / MAPS).write_bytes(b"nothing")
    with pytest.raises(SpecsightError, match="damaged: get the model folder again"):
        MapReader.load(str(copy), "cpu")
    (copy / MAPS).unlink()
    with pytest.raises(SpecsightError, match="no language model that reads maps"):
        MapReader.load(str(copy), "cpu")


def test_an_encoder_that_does_not_read_has_no_maps_by_words(model: MapPrompted) -> None:
    from specsight.language.map_prompts.model import MapPrompted
    from specsight.language.pointing.model import PointingModel, Shape

    blind = PointingModel(model.speaker.language, model.speaker.layout.tokenizer, Shape(CHANNELS, 0, 16))
    with pytest.raises(SpecsightError, match="need an encoder that reads"):
        MapPrompted(blind)

"""Learned tokens in front of words, and value-value attention beside a tower's own: every family against itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import torch
from tests.support.colour_encoder import ColourEncoder
from tests.support.reading_checkpoints import FAMILIES, PATCH, save_dual

from specsight.encoders import Encoder, load_encoder
from specsight.encoders.cache import CachedEncoder
from specsight.encoders.filters import FilterBank
from specsight.encoders.passes.prompting import PromptedText, can_be_prompted, prompted
from specsight.encoders.passes.value_attention import embed_by_values, first_block, levels_of, value_attention
from specsight.encoders.pretrained import PretrainedEncoder
from specsight.encoders.towers import TokenTower
from specsight.errors import SpecsightError


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PretrainedEncoder]:
    made = {name: load_encoder(save(tmp_path_factory.mktemp(name))) for name, save in FAMILIES.items()}
    return {name: encoder for name, encoder in made.items() if isinstance(encoder, PretrainedEncoder)}


def of_words(encoder: PretrainedEncoder, words: str) -> torch.Tensor:
    assert encoder.text is not None
    ids = encoder.text.tokenizer(words, add_special_tokens=False)["input_ids"]
    return prompted(encoder, "plate", len(ids)).vectors(ids)


def noise(*size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("learned", "words"),
    [("a photo of a", "plate"), ("a close up photo of a", "damaged plate"), ("red", "hole")],
)
def test_the_vectors_of_real_words_read_as_their_sentence(
    family: str, learned: str, words: str, encoders: dict[str, PretrainedEncoder]
) -> None:
    encoder = encoders[family]
    context = of_words(encoder, learned)
    found = prompted(encoder, words, len(context))(context)
    assert_allclose(found.numpy(), encoder.embed_texts([f"{learned} {words}"])[0], atol=1e-6)
    assert float(found.norm()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_deep_tokens_stand_where_the_first_learned_ones_stood(
    family: str, encoders: dict[str, PretrainedEncoder]
) -> None:
    """Deep vectors equal to what the tower itself has there change nothing; others do, whatever the first ones were."""
    encoder = encoders[family]
    prompt, context = prompted(encoder, "damaged plate", 4), of_words(encoder, "a photo of a")
    after: list[torch.Tensor] = []
    hook = prompt.blocks[0].register_forward_hook(
        lambda module, given, output: after.append(output[0] if isinstance(output, tuple) else output)
    )
    plain = prompt(context)
    hook.remove()
    same = after[0][0, prompt.start : prompt.start + 2][None]
    assert_allclose(prompt(context, same).numpy(), plain.numpy(), atol=1e-6)
    other = prompt(context, torch.zeros_like(same))
    assert float((other - plain).abs().max()) > 1e-4


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_reach_every_learned_token_and_are_right(
    family: str, encoders: dict[str, PretrainedEncoder]
) -> None:
    prompt = prompted(encoders[family], "damaged plate", 3)
    generator = torch.Generator().manual_seed(1)
    context = (0.5 * torch.randn(3, prompt.width, generator=generator)).requires_grad_()
    deep = (0.5 * torch.randn(2, 2, prompt.width, generator=generator)).requires_grad_()
    target = torch.randn(len(prompt(context)), generator=generator)
    gradients = torch.autograd.grad(prompt(context, deep) @ target, (context, deep))
    assert (gradients[1].flatten(1).norm(dim=1) > 0).all()
    with torch.no_grad():
        for tensor, gradient in zip((context, deep), gradients):
            step = torch.randn(tensor.shape, generator=generator)
            moved = [
                float(prompt(*(t + s * step if t is tensor else t for t in (context, deep))) @ target)
                for s in (1e-2, -1e-2)
            ]
            slope = float((gradient * step).sum())
            assert (moved[0] - moved[1]) / 2e-2 == pytest.approx(slope, rel=0.02, abs=2e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_prompting_leaves_the_tower_as_it_was(family: str, encoders: dict[str, PretrainedEncoder]) -> None:
    encoder = encoders[family]
    before = encoder.embed_texts(["a damaged plate"])
    prompt = prompted(encoder, "damaged plate", 4)
    with pytest.raises(RuntimeError):
        prompt(torch.zeros(4, prompt.width + 1))
    prompt(torch.zeros(4, prompt.width), torch.zeros(1, 2, prompt.width))
    assert_array_equal(encoder.embed_texts(["a damaged plate"]), before)


def test_a_prompt_longer_than_the_tower_reads_is_refused(encoders: dict[str, PretrainedEncoder]) -> None:
    with pytest.raises(
        SpecsightError, match=r"make 34 tokens, and this text tower reads 32: learn at most 28"
    ):
        prompted(encoders["clip"], "damaged plate", 30)
    with pytest.raises(SpecsightError, match="a prompt needs words"):
        prompted(encoders["siglip"], " ", 3)


def test_encoders_say_whether_they_can_be_prompted(
    encoders: dict[str, PretrainedEncoder], tmp_path: Path
) -> None:
    assert all(can_be_prompted(encoder) for encoder in encoders.values())
    cached = CachedEncoder(encoders["dual"], tmp_path)
    assert can_be_prompted(cached)
    assert isinstance(prompted(cached, "plate", 2), PromptedText)
    assert not can_be_prompted(ColourEncoder())
    with pytest.raises(SpecsightError, match="'colours' takes no learned tokens in front of words"):
        prompted(ColourEncoder(), "plate", 2)
    with pytest.raises(SpecsightError, match="'filters' has no text tower"):
        prompted(FilterBank(), "plate", 2)


def test_words_narrower_than_the_blocks_cannot_be_prompted(tmp_path: Path) -> None:
    folder = save_dual(tmp_path)
    model = transformers.VisionTextDualEncoderModel.from_pretrained(folder)
    albert = transformers.AlbertConfig(
        vocab_size=80,
        embedding_size=8,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=32,
    )
    narrow = transformers.VisionTextDualEncoderModel(
        vision_model=model.vision_model, text_model=transformers.AlbertModel(albert)
    )
    narrow.save_pretrained(folder)
    encoder = load_encoder(folder)
    assert encoder.embed_texts(["a plate"]).shape == (1, 512)
    assert not can_be_prompted(encoder)
    with pytest.raises(SpecsightError, match="takes no learned tokens in front of words: choose one with"):
        prompted(encoder, "plate", 2)


def test_value_attention_computed_by_hand() -> None:
    """Two heads of two channels, three tokens: softmax(V Vᵀ / √2) V by head, then the output projection."""
    values = np.array([[1.0, 0.0, 2.0, 0.0], [0.0, 1.0, 0.0, 2.0], [1.0, 1.0, 0.0, 0.0]])
    output = np.arange(16.0).reshape(4, 4) / 10
    expected = np.zeros((3, 4))
    for head in (slice(0, 2), slice(2, 4)):
        v = values[:, head]
        weights = np.exp(v @ v.T / np.sqrt(2))
        expected[:, head] = weights / weights.sum(1, keepdims=True) @ v
    assert expected[0, :2] == pytest.approx([0.80222, 0.59889], abs=1e-4)

    attention: Any = torch.nn.Module()
    attention.num_heads = 2
    attention.v_proj, attention.out_proj = torch.nn.Identity(), torch.nn.Linear(4, 4)
    attention.out_proj.weight.data = torch.tensor(output, dtype=torch.float32)
    attention.out_proj.bias.data = torch.full((4,), 0.5)
    with torch.no_grad():
        found = value_attention(attention, torch.tensor(values[None], dtype=torch.float32))[0]
    assert_allclose(found.numpy(), expected @ output.T + 0.5, atol=1e-5)


@pytest.mark.parametrize(
    ("depth", "share", "first", "levels"),
    [
        (24, 19 / 24, 6, {1: (24,), 4: (6, 12, 18, 24)}),
        (12, 19 / 24, 3, {1: (12,), 4: (3, 6, 9, 12)}),
        (3, 19 / 24, 2, {1: (3,), 4: (2, 3)}),
        (4, 1e-3, 4, {2: (4,)}),
        (2, 1.0, 1, {2: (1, 2)}),
    ],
)
def test_which_blocks_have_a_second_path(
    depth: int, share: float, first: int, levels: dict[int, tuple[int, ...]]
) -> None:
    assert first_block(depth, share) == first
    for count, places in levels.items():
        assert levels_of(depth, share, count) == places


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_the_second_path_of_one_block_and_of_two(family: str, encoders: dict[str, PretrainedEncoder]) -> None:
    """x̂ = x₂ + A₃(norm(x₂)) beside the last block; one block earlier, x̂ = x₁ + A₂(norm(x₁)) + A₃(norm(x₂))."""
    encoder, images = encoders[family], noise(1, 2 * PATCH, 3 * PATCH)
    assert isinstance(encoder.vision, TokenTower)
    tower, project = encoder.vision.model, encoder.vision.project_patches
    with torch.no_grad():
        states = tower(
            pixel_values=encoder.vision.pixels(images),
            interpolate_pos_encoding=True,
            output_hidden_states=True,
        ).hidden_states

        def added(block: int) -> torch.Tensor:
            layer, tokens = tower.encoder.layers[block - 1], states[block - 1]
            heads = []
            for values in layer.self_attn.v_proj(layer.layer_norm1(tokens))[0].split(8, dim=1):
                heads.append(torch.softmax(values @ values.T / 8**0.5, 1) @ values)
            output: torch.Tensor = layer.self_attn.out_proj(torch.cat(heads, 1))[None]
            return output

        for share, path in ((0.1, states[2] + added(3)), (2 / 3, states[1] + added(2) + added(3))):
            expected = project(path[:, -6:])[0].T.reshape(-1, 2, 3)
            pooled, (patches,) = embed_by_values(encoder, images, share, 1)
            assert_allclose(patches[0], expected.numpy(), atol=1e-5)
            assert_allclose(pooled, encoder.embed_images(images), atol=1e-6)


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_levels_and_batch_mates(family: str, encoders: dict[str, PretrainedEncoder]) -> None:
    encoder, images = encoders[family], noise(2, 3 * PATCH, 2 * PATCH)
    pooled, levels = embed_by_values(encoder, images, 1.0, 3)
    assert [level.shape[2:] for level in levels] == [(3, 2)] * 3
    assert_allclose(np.linalg.norm(levels[0], axis=1), 1, atol=1e-5)
    pooled_alone, levels_alone = embed_by_values(encoder, images[1:], 1.0, 3)
    assert_array_equal(pooled[1:], pooled_alone)
    for level, one in zip(levels, levels_alone):
        assert_array_equal(level[1:], one)
    assert_array_equal(embed_by_values(encoder, images, 1.0, 1)[1][0], levels[2])


@pytest.mark.parametrize("encoder", ["dual", "colours"])
def test_without_attention_patches_are_as_they_are(
    encoder: str, encoders: dict[str, PretrainedEncoder]
) -> None:
    reader: Encoder = ColourEncoder() if encoder == "colours" else encoders["dual"]
    images = noise(2, 64, 96)
    pooled, (patches,) = embed_by_values(reader, images, 0.5, 4)
    assert_array_equal(pooled, reader.embed_images(images))
    assert_array_equal(patches, reader.embed_patches(images))


def test_the_cache_keeps_paths_apart(encoders: dict[str, PretrainedEncoder], tmp_path: Path) -> None:
    encoder, images = encoders["clip"], noise(2, 2 * PATCH, 3 * PATCH)
    cached = CachedEncoder(encoder, tmp_path)
    for _ in range(2):
        for share, levels in ((1.0, 3), (0.5, 1)):
            expected, found = (embed_by_values(e, images, share, levels) for e in (encoder, cached))
            assert_array_equal(found[0], expected[0])
            assert len(found[1]) == len(expected[1])
            for one, other in zip(found[1], expected[1]):
                assert_array_equal(one, other)

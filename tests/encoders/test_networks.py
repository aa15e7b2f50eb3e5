"""Our own networks against `transformers`, which reads the same folders: same tokens, same features, same gradients."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tests.support.reading_checkpoints import save_clip, save_dual

from specsight.encoders import BUNDLED, JOINT, load_encoder
from specsight.encoders.checkpoint import SHIPPED
from specsight.encoders.networks.dual_encoder import DualEncoder
from specsight.encoders.networks.tokenizer import FileTokenizer
from specsight.encoders.pretrained import PretrainedEncoder
from specsight.encoders.text_tower import TextTower
from specsight.errors import SpecsightError

TEXTS = [
    "a crack on the tread",
    "",
    "  a hole,in the bottle  ",
    "SCRATCH\nand\tStain!",
    "[SEP] red [PAD] </s>",
    "straße, café 漢字 😀",
    "unbelievably-longwordthatnobodyknows",
    " ".join(["blue spot"] * 60),
]
SAME = 1e-5
"""Both run the same arithmetic; kernels of other processors may add in another order."""


@pytest.fixture(scope="module", params=["bundled", "tiny"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "bundled":
        return SHIPPED
    folder = save_dual(tmp_path_factory.mktemp("tiny"))
    _draw_statistics(folder)
    return folder


@pytest.fixture(scope="module")
def ours(folder: Path) -> PretrainedEncoder:
    return loaded(folder)


@pytest.fixture(scope="module")
def theirs(folder: Path) -> Any:
    return transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    return transformers.AutoTokenizer.from_pretrained(folder)


def loaded(folder: Path) -> PretrainedEncoder:
    encoder = load_encoder(folder, "cpu")
    assert isinstance(encoder, PretrainedEncoder)
    return encoder


def text_tower(encoder: PretrainedEncoder) -> TextTower:
    assert encoder.text is not None
    return encoder.text


def test_a_process_that_loads_the_bundled_encoder_does_not_import_transformers() -> None:
    code = (
        f"import sys; from specsight.encoders import load_encoder; encoder = load_encoder({BUNDLED!r})\n"
        "encoder.embed_texts(['a crack']); encoder.placements\n"
        "print([name for name in ('transformers', 'torch._dynamo') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


def test_features_are_those_of_transformers(ours: PretrainedEncoder, theirs: Any) -> None:
    assert isinstance(ours.towers.model, DualEncoder)
    assert ours.towers.model.state_dict().keys() == theirs.state_dict().keys()
    images = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3), np.uint8)
    with torch.inference_mode():
        pixels = ours.vision.pixels(images)
        expected = theirs.vision_model(pixel_values=pixels, output_hidden_states=True)
        found = ours.vision.run(pixels)
        joint = theirs.visual_projection(expected.last_hidden_state.permute(0, 2, 3, 1))
    assert_allclose(found.last_hidden_state, expected.last_hidden_state, atol=SAME)
    assert_allclose(found.pooler_output, expected.pooler_output, atol=SAME)
    names = [layer.name for layer in ours.available]
    stages = expected.hidden_states[-len(names) :]
    for grid, stage in zip(ours.layers(images, names), stages, strict=True):
        assert_allclose(grid, stage, atol=SAME)
    patches = torch.nn.functional.normalize(joint, dim=-1).permute(0, 3, 1, 2)
    assert_allclose(ours.embed_patches(images), patches, atol=SAME)


def test_one_pass_that_measures_where_cells_lie_yields_what_each_method_does(ours: PretrainedEncoder) -> None:
    images = np.random.default_rng(1).integers(0, 256, (1, 64, 96, 3), np.uint8)
    grids = ours.all_grids(images)
    names = [layer.name for layer in ours.available]
    assert list(grids) == [*names, JOINT]
    for name, grid in zip(names, ours.layers(images, names), strict=True):
        assert_allclose(grids[name], grid, atol=SAME)
    assert_allclose(grids[JOINT], ours.embed_patches(images), atol=SAME)


def test_sentences_are_read_as_transformers_reads_them(
    ours: PretrainedEncoder, theirs: Any, tokenizer: Any
) -> None:
    """Alone, where nothing is masked, and beside longer ones, where padding is."""
    longest = theirs.config.text_config.max_position_embeddings
    for texts in (TEXTS[:1], TEXTS):
        tokens = tokenizer(texts, padding=True, truncation=True, max_length=longest, return_tensors="pt")
        inputs = {name: tokens[name] for name in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            expected = theirs.text_model(**inputs)
            found = text_tower(ours).model(**inputs)
            joint = theirs.text_projection(expected.pooler_output)
        assert_allclose(found.last_hidden_state, expected.last_hidden_state, atol=SAME)
        assert_allclose(ours.embed_texts(texts), torch.nn.functional.normalize(joint, dim=-1), atol=SAME)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"add_special_tokens": False},
        {"return_special_tokens_mask": True},
        {"truncation": True, "max_length": 6},
        {"truncation": True, "max_length": 12, "padding": "longest", "return_tensors": "pt"},
        {"truncation": True, "max_length": 12, "padding": "max_length", "return_tensors": "pt"},
    ],
)
def test_tokens_are_those_of_transformers(
    options: dict[str, Any], ours: PretrainedEncoder, tokenizer: Any
) -> None:
    own = text_tower(ours).tokenizer
    assert isinstance(own, FileTokenizer)
    for texts in (TEXTS, *([] if "padding" in options else TEXTS)):
        found, expected = own(texts, **options), tokenizer(texts, **options)
        for name, numbers in found.items():
            assert (
                np.array_equal(numbers, expected[name]) if "padding" in options else numbers == expected[name]
            )
    for name in ("pad_token_id", "unk_token_id", "eos_token_id"):
        assert getattr(own, name) == getattr(tokenizer, name)


def test_gradients_are_those_of_transformers(ours: PretrainedEncoder, theirs: Any) -> None:
    """Of the last block, which is fine-tuned, through pooling and a mask."""
    inputs = text_tower(ours).tokens(["a crack", "a hole on the bottle"])
    own = text_tower(ours).model
    gradients = []
    for model, block in (
        (own, own.encoder["layer"][-1]),
        (theirs.text_model, theirs.text_model.encoder.layer[-1]),
    ):
        weights = list(block.requires_grad_(True).parameters())
        gradients.append(torch.autograd.grad(model(**inputs).pooler_output.square().sum(), weights))
        block.requires_grad_(False)
    for found, expected in zip(*gradients, strict=True):
        assert_allclose(found, expected, atol=SAME * max(1.0, float(expected.abs().max())))


def _set(part: str | None, **values: Any) -> Callable[[Path], None]:
    """Change values of `config.json`, or of one part of it."""

    def change(folder: Path) -> None:
        content = json.loads((folder / "config.json").read_text())
        (content if part is None else content[part]).update(values)
        (folder / "config.json").write_text(json.dumps(content))

    return change


def _settings(**values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / "tokenizer_config.json").read_text())
        (folder / "tokenizer_config.json").write_text(json.dumps({**content, **values}))

    return change


@pytest.mark.parametrize(
    "change",
    [
        _set("vision_config", hidden_act="gelu"),
        _set("vision_config", downsample_in_first_stage=True),
        _set("text_config", hidden_act="relu"),
        _settings(tokenizer_class="BertTokenizerFast"),
        _settings(add_prefix_space=True),
    ],
)
def test_what_differs_from_our_networks_is_read_by_transformers(
    change: Callable[[Path], None], tmp_path: Path
) -> None:
    change(save_dual(tmp_path))
    encoder = loaded(tmp_path)
    assert isinstance(encoder.towers.model, transformers.VisionTextDualEncoderModel)
    images = np.full((1, 64, 64, 3), 90, np.uint8)
    assert np.isfinite(encoder.embed_patches(images)).all()


def test_other_families_are_read_by_transformers(tmp_path: Path) -> None:
    assert isinstance(loaded(save_clip(tmp_path)).towers.model, transformers.CLIPModel)


def test_weights_that_are_damaged_missing_or_of_another_shape_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    whole = save_dual(tmp_path / "whole")
    weights = load_file(whole / "model.safetensors")

    def refused(name: str, match: str, **changed: Any) -> None:
        folder = tmp_path / name
        shutil.copytree(whole, folder)
        kept = {key: value for key, value in {**weights, **changed}.items() if value is not None}
        save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
        if name == "cut":
            (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:200])
        with pytest.raises(SpecsightError, match=match) as caught:
            load_encoder(folder)
        assert "\n" not in str(caught.value)

    refused("cut", "cannot be loaded")
    pooler = "text_model.pooler.dense.weight"
    refused("without pooler", rf"lacks 1 of its weights \(first: '{pooler}'\)", **{pooler: None})
    shape = r"'logit_scale' is \(2,\) in its weights, and \(\) by its config\.json"
    refused("shape", shape, logit_scale=torch.zeros(2))


def test_a_damaged_tokenizer_is_named(tmp_path: Path) -> None:
    (save_dual(tmp_path) / "tokenizer.json").write_text('{"version": "1.0"}')
    with pytest.raises(SpecsightError, match=r"tokenizer\.json' is damaged: get the checkpoint anew"):
        load_encoder(tmp_path)


def test_a_tokenizer_is_written_as_it_was_read(tmp_path: Path, ours: PretrainedEncoder, folder: Path) -> None:
    text_tower(ours).tokenizer.save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / name).read_text("utf-8") == (folder / name).read_text("utf-8")


def _draw_statistics(folder: Path) -> None:
    """Give the batch normalisations of a random checkpoint means and deviations that count."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    generator = torch.Generator().manual_seed(0)
    for name, value in weights.items():
        if name.endswith(("running_mean", "running_var", "normalization.bias", "normalization.weight")):
            weights[name] = 0.5 + torch.rand(value.shape, generator=generator)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

"""What is particular to each family of checkpoints, tiny and randomly initialised; for the rest see test_contract."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tests.support.vision_checkpoints import CONVOLUTIONAL, VIT, save_vision
from tests.support.vision_checkpoints import FAMILIES as VISION

from specsight.encoders import Encoder, load_encoder
from specsight.encoders.pretrained import PretrainedEncoder
from specsight.errors import SpecsightError

TEXT = {
    "vocab_size": 16,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 8,
}
WORDS = ["<pad>", "<unk>", "<end>", "a", "cut", "scratch", "on", "the", "tread"]


def _joint(kind: str) -> Any:
    configuration = {"clip": transformers.CLIPConfig, "siglip": transformers.SiglipConfig}[kind]
    model = {"clip": transformers.CLIPModel, "siglip": transformers.SiglipModel}[kind]
    text = {**TEXT, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 2}
    extra = {"projection_dim": 12} if kind == "clip" else {}
    return model(configuration(text_config=text, vision_config=VIT, **extra))


JOINT = ("clip", "siglip")
FAMILIES = (*VISION, *JOINT)


def _add_tokenizer(folder: Path) -> None:
    import tokenizers

    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: k for k, word in enumerate(WORDS)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A <end>", special_tokens=[("<end>", 2)]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", eos_token="<end>"
    ).save_pretrained(folder)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {name: save_vision(name, tmp_path_factory.mktemp(name)) for name in VISION}
    for name in JOINT:
        torch.manual_seed(0)
        folders[name] = tmp_path_factory.mktemp(name)
        _joint(name).eval().save_pretrained(folders[name], safe_serialization=True)
        _add_tokenizer(folders[name])
    return folders


@pytest.fixture(scope="module")
def encoders(checkpoints: dict[str, Path]) -> dict[str, Encoder]:
    return {name: load_encoder(folder) for name, folder in checkpoints.items()}


def images_of(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("family", CONVOLUTIONAL)
def test_convolutional_layers_are_the_last_hidden_state_of_each_stride(
    family: str, encoders: dict[str, Encoder], checkpoints: dict[str, Path]
) -> None:
    encoder = encoders[family]
    assert [layer.stride for layer in encoder.available] == [4, 8, 16, 32]
    assert encoder.default_layers == ("stride8", "stride16")
    images = images_of(1, 64, 96)
    model = transformers.AutoModel.from_pretrained(checkpoints[family]).eval()
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = torch.tensor(((images / 255 - mean) / deviation).transpose(0, 3, 1, 2), dtype=torch.float32)
    with torch.no_grad():
        hidden = model(pixel_values=pixels, output_hidden_states=True).hidden_states
    for layer, grid in zip(encoder.available, encoder.layers(images, [la.name for la in encoder.available])):
        last = [h for h in hidden if h.shape[2] == 64 // layer.stride][-1]
        np.testing.assert_allclose(grid, last.numpy(), atol=1e-5)


@pytest.mark.parametrize("family", [f for f in FAMILIES if f not in CONVOLUTIONAL])
def test_token_blocks_are_the_hidden_states_without_class_and_registers(
    family: str, encoders: dict[str, Encoder], checkpoints: dict[str, Path]
) -> None:
    encoder = encoders[family]
    assert [layer.name for layer in encoder.available] == ["block1", "block2", "block3", "output"]
    images = np.full((1, 32, 32, 3), 90, np.uint8)
    images[:, 8:20, 4:30] = (200, 30, 60)
    model = transformers.AutoModel.from_pretrained(checkpoints[family]).eval()
    tower = getattr(model, "vision_model", model)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = torch.tensor(((images / 255 - mean) / deviation).transpose(0, 3, 1, 2), dtype=torch.float32)
    with torch.no_grad():
        result = tower(pixel_values=pixels, output_hidden_states=True)
    grids = encoder.layers(images, ["block1", "output"])
    for grid, tokens in ((grids[0], result.hidden_states[1]), (grids[1], result.last_hidden_state)):
        expected = tokens[:, -16:].numpy().reshape(1, 4, 4, 16).transpose(0, 3, 1, 2)
        np.testing.assert_allclose(grid, expected, atol=1e-5)


def test_the_pass_stops_behind_the_deepest_layer_asked_for(encoders: dict[str, Encoder]) -> None:
    encoder = encoders["resnet"]
    assert isinstance(encoder, PretrainedEncoder)
    reached: list[int] = []
    stages = encoder.vision.model.encoder.stages
    handles = [
        stage.register_forward_hook(lambda *_, k=k: reached.append(k)) for k, stage in enumerate(stages)
    ]
    encoder.layers(images_of(1, 64, 64), ["stride16", "stride8"])
    for handle in handles:
        handle.remove()
    assert reached == [0, 1, 2]


@pytest.mark.parametrize("family", JOINT)
def test_pictures_patches_and_sentences_share_a_space(family: str, encoders: dict[str, Encoder]) -> None:
    encoder = encoders[family]
    texts = encoder.embed_texts(["a cut", "a scratch on the tread"])
    patches = encoder.embed_patches(images_of(1, 32, 48))
    assert texts.shape[1] == encoder.embed_images(images_of(1, 32, 48)).shape[1] == patches.shape[1]
    assert patches.shape[2:] == (4, 6)
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(patches, axis=1), 1, atol=1e-5)
    # Companions in the batch, which lengthen the padding, must not move a sentence.
    np.testing.assert_allclose(texts[0], encoder.embed_texts(["a cut"])[0], atol=1e-5)
    assert encoder.embed_texts([]).shape == (0, texts.shape[1])


def test_patches_in_the_joint_space_do_not_mix_in_the_last_block(encoders: dict[str, Encoder]) -> None:
    """With every token attending to itself, equal tokens before the last block give equal patches behind it."""
    patches = encoders["siglip"].embed_patches(np.full((1, 32, 32, 3), 128, np.uint8))
    tokens = encoders["siglip"].layers(np.full((1, 32, 32, 3), 128, np.uint8), ["block2"])[0]
    near = np.linalg.norm(tokens[0, :, 0, 0] - tokens[0, :, 1, 1])
    far = np.linalg.norm(patches[0, :, 0, 0] - patches[0, :, 1, 1])
    assert far < 10 * near + 1e-4


def test_an_encoder_without_words_says_so(encoders: dict[str, Encoder]) -> None:
    with pytest.raises(SpecsightError, match="has no text tower"):
        encoders["vit"].embed_texts(["a cut"])


def test_preprocessing_comes_from_the_checkpoint(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "other"
    shutil.copytree(checkpoints["vit"], folder)
    (folder / "preprocessor_config.json").write_text('{"do_normalize": false, "rescale_factor": 0.5}')
    images = images_of(1, 16, 16)
    assert not np.allclose(
        load_encoder(folder).layers(images)[0], load_encoder(checkpoints["vit"]).layers(images)[0]
    )
    for content in ('{"image_mean": [1, 2]}', "[" * 100_000):
        (folder / "preprocessor_config.json").write_text(content)
        with pytest.raises(SpecsightError, match=r"preprocessor_config\.json' is damaged"):
            load_encoder(folder)


def test_weights_that_can_run_code_are_refused(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    folder.mkdir()
    shutil.copy(checkpoints["vit"] / "config.json", folder)
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(SpecsightError, match=r"'pytorch_model\.bin', which can run code"):
        load_encoder(folder)


def test_a_truncated_checkpoint_is_reported_in_one_line(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    shutil.copytree(checkpoints["resnet"], folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(SpecsightError, match="cannot be loaded") as caught:
        load_encoder(folder)
    assert "\n" not in str(caught.value)


def test_missing_weights_are_never_drawn_at_random(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "holes"
    shutil.copytree(checkpoints["resnet"], folder)
    weights = load_file(folder / "model.safetensors")
    weights.pop(next(key for key in sorted(weights) if key.endswith("convolution.weight")))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SpecsightError, match="lacks 1 of its weights"):
        load_encoder(folder)


@pytest.mark.parametrize(
    "name", ["./no/such/folder", "/no/such/folder", "no spaces allowed", "too/many/parts"]
)
def test_names_that_can_be_no_hub_id(name: str) -> None:
    with pytest.raises(SpecsightError, match="no such folder"):
        load_encoder(name)


def test_a_hub_id_without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def offline(*_: Any, **__: Any) -> str:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(SpecsightError, match="could not be fetched from the hub") as caught:
        load_encoder("facebook/dinov2-nowhere")
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match=r"no config\.json"):
        load_encoder(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(SpecsightError, match="is a file"):
        load_encoder(tmp_path / "file")


def test_a_family_without_a_plain_grid_is_refused(tmp_path: Path) -> None:
    model = transformers.SwinModel(
        transformers.SwinConfig(
            image_size=32, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[1, 1], window_size=4
        )
    )
    model.save_pretrained(tmp_path)
    with pytest.raises(SpecsightError, match="neither a convolutional model nor a ViT"):
        load_encoder(tmp_path)


def test_unknown_layer_gets_a_suggestion(encoders: dict[str, Encoder]) -> None:
    with pytest.raises(SpecsightError, match="did you mean 'stride16'"):
        encoders["resnet"].layers(images_of(1, 64, 64), ["stride_16"])


@pytest.mark.shared
def test_real_checkpoint_tells_photographs_apart(shared: Path) -> None:
    from specsight.images import read_rgb, shorter_side

    encoder = load_encoder(shared / "encoders" / "mobilenet_v2_imagenet")
    assert [(layer.stride, layer.channels) for layer in encoder.available] == [
        (4, 24),
        (8, 32),
        (16, 96),
        (32, 320),
    ]
    folder = shared / "data" / "imagenet_samples"
    found = sorted(folder.glob("*.jpg"))[:40:4]
    pooled = np.concatenate(
        [encoder.embed_images(shorter_side(read_rgb(p), 224, 32, max_aspect=1.0)[0][None]) for p in found]
    )
    mirrored = np.concatenate(
        [
            encoder.embed_images(
                np.ascontiguousarray(shorter_side(read_rgb(p), 224, 32, max_aspect=1.0)[0][None, :, ::-1])
            )
            for p in found
        ]
    )
    originals, mirrored = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (pooled, mirrored))
    # A mirrored photograph is nearer to its original than to any other one.
    assert ((mirrored @ originals.T).argmax(1) == np.arange(len(found))).all()

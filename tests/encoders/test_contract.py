"""The encoder contract, held by every kind of encoder, with and without a cache, and by the passes over it."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.support.colour_encoder import ColourEncoder
from tests.support.reading_checkpoints import FAMILIES as READING
from tests.support.vision_checkpoints import FAMILIES as VISION
from tests.support.vision_checkpoints import save_vision

from specsight.encoders import BUNDLED, FILTERS, Encoder, Features, Images, load_encoder
from specsight.encoders import encoders as families
from specsight.encoders.cache import CachedEncoder
from specsight.encoders.passes.prompting import can_be_prompted, prompted
from specsight.encoders.passes.split import split
from specsight.encoders.passes.value_attention import embed_by_values
from specsight.encoders.passes.windows import embed_windows
from specsight.encoders.runtimes.names import GRAPHS
from specsight.errors import SpecsightError

NAMED = {name: load_encoder(name, "cpu") for name in families}
"""Those of every registered family."""
EXPORTED = {
    f"{BUNDLED} by {runtime}": runtime
    for runtime, library in GRAPHS.items()
    if find_spec(library) and find_spec("onnx")
}
"""The bundled encoder as a graph, and what runs it."""
KINDS = (*NAMED, *VISION, *READING, *EXPORTED, "colours")
WITHOUT_TEXT = (*(name for name, encoder in NAMED.items() if not encoder.reads), *VISION)
READERS = tuple(kind for kind in KINDS if kind not in WITHOUT_TEXT)
NETWORKS = (*(name for name, encoder in NAMED.items() if encoder.towers), *VISION, *READING)

Method = Callable[[Encoder, Images], list[Features]]


def _by_values(encoder: Encoder, images: Images) -> list[Features]:
    pooled, patches = embed_by_values(encoder, images, 1.0, 2)
    return [pooled, *patches]


METHODS: dict[str, Method] = {
    "layers": lambda encoder, images: encoder.layers(images, [layer.name for layer in encoder.available]),
    "default layers": lambda encoder, images: encoder.layers(images),
    "images": lambda encoder, images: [encoder.embed_images(images)],
}
JOINT_METHODS: dict[str, Method] = {
    "patches": lambda encoder, images: [encoder.embed_patches(images)],
    "windows": lambda encoder, images: embed_windows(encoder, images, (1, 2)),
    "values": _by_values,
    "trunk": lambda encoder, images: list(split(encoder).trunk(images)),
}


def methods(kind: str) -> dict[str, Method]:
    """What an encoder of this kind can do with images."""
    return METHODS if kind in WITHOUT_TEXT else {**METHODS, **JOINT_METHODS}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    saved = {family: save_vision(family, tmp_path_factory.mktemp(family)) for family in VISION}
    return {**saved, **{family: save(tmp_path_factory.mktemp(family)) for family, save in READING.items()}}


@pytest.fixture(scope="module")
def encoders(folders: dict[str, Path]) -> dict[str, Encoder]:
    checkpoints = {family: load_encoder(folder, "cpu") for family, folder in folders.items()}
    exported = {kind: load_encoder(BUNDLED, "cpu", runtime) for kind, runtime in EXPORTED.items()}
    return {**NAMED, **checkpoints, **exported, "colours": ColourEncoder()}


def noise(encoder: Encoder, count: int = 2, rows: int = 2, columns: int = 3) -> Images:
    """Images that are not square, the smallest cell being that of the deepest layer."""
    size = (count, rows * encoder.multiple, columns * encoder.multiple, 3)
    return np.random.default_rng(3).integers(0, 256, size, dtype=np.uint8)


def equal(found: list[Features], expected: list[Features]) -> None:
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected):
        assert_array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_layers_of_images_that_are_not_square(kind: str, encoders: dict[str, Encoder]) -> None:
    encoder = encoders[kind]
    images = noise(encoder)
    names = [layer.name for layer in encoder.available]
    for layer, grid in zip(encoder.available, encoder.layers(images, names), strict=True):
        rows, columns = images.shape[1] // layer.stride, images.shape[2] // layer.stride
        assert grid.shape == (2, layer.channels, rows, columns)
        assert grid.dtype == np.float32
        assert np.isfinite(grid).all()
    assert set(encoder.default_layers) <= set(names)
    equal(encoder.layers(images), encoder.layers(images, encoder.default_layers))
    with pytest.raises(SpecsightError, match="has no layer 'stripe8'"):
        encoder.layer("stripe8")


@pytest.mark.parametrize("kind", KINDS)
def test_pooled_embeddings(kind: str, encoders: dict[str, Encoder]) -> None:
    encoder = encoders[kind]
    pooled = encoder.embed_images(noise(encoder))
    assert pooled.ndim == 2
    assert len(pooled) == 2
    assert pooled.dtype == np.float32
    assert not np.array_equal(pooled[0], pooled[1])
    if encoder.reads:
        assert_allclose(np.linalg.norm(pooled, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", READERS)
def test_images_patches_and_sentences_share_a_space(kind: str, encoders: dict[str, Encoder]) -> None:
    encoder = encoders[kind]
    assert encoder.reads
    images, texts = noise(encoder), encoder.embed_texts(["a crack", "a red plate without damage"])
    width = texts.shape[1]
    assert texts.shape[0] == 2
    assert encoder.embed_images(images).shape == (2, width)
    patches = encoder.embed_patches(images)
    rows, columns = patches.shape[2:]
    assert patches.shape[:2] == (2, width)
    assert rows * 3 == columns * 2
    for size, windows in zip((1, 2), embed_windows(encoder, images, (1, 2)), strict=True):
        assert windows.shape == (2, width, rows - size + 1, columns - size + 1)
    pooled, levels = embed_by_values(encoder, images, 1.0, 2)
    assert pooled.shape == (2, width)
    assert {level.shape for level in levels} == {patches.shape}
    for embedded in (texts, patches, windows, *levels):
        assert embedded.dtype == np.float32
        assert_allclose(np.linalg.norm(embedded, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", READERS)
def test_the_two_pieces_of_a_split_make_the_whole(kind: str, encoders: dict[str, Encoder]) -> None:
    """The tail repeats the encoder's last block outside it: same sums, in another order of batches and memory."""
    encoder = encoders[kind]
    images, pieces = noise(encoder), split(encoder)
    with torch.inference_mode():
        output = pieces.tail(*map(torch.from_numpy, pieces.trunk(images)))
    assert_allclose(output.patches.numpy(), encoder.embed_patches(images), atol=1e-5)
    if encoder.towers is not None:
        assert_allclose(output.pooled.numpy(), encoder.embed_images(images), atol=1e-5)
    assert output.activations.shape[0] == len(images)


@pytest.mark.parametrize("kind", WITHOUT_TEXT)
def test_encoders_that_do_not_read_say_so(kind: str, encoders: dict[str, Encoder], tmp_path: Path) -> None:
    for encoder in (encoders[kind], CachedEncoder(encoders[kind], tmp_path)):
        assert not encoder.reads
        assert not can_be_prompted(encoder)
        with pytest.raises(SpecsightError, match="has no text tower"):
            encoder.embed_texts(["a crack"])
        with pytest.raises(SpecsightError, match="has no text tower"):
            prompted(encoder, "plate", 2)
        for method in JOINT_METHODS.values():
            with pytest.raises(SpecsightError, match="has no text tower"):
                method(encoder, noise(encoder))


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_another_shape_type_or_size_are_refused(
    kind: str, encoders: dict[str, Encoder], tmp_path: Path
) -> None:
    side = encoders[kind].multiple
    images = noise(encoders[kind])
    bad: tuple[Any, ...] = (
        images[0],
        images[..., :2],
        images.astype(np.float32),
        images[:, : side + 1],
        images[:0],
    )
    for encoder in (encoders[kind], CachedEncoder(encoders[kind], tmp_path)):
        for method in methods(kind).values():
            for wrong in bad:
                with pytest.raises(ValueError, match=r"images must be|sides must be multiples"):
                    method(encoder, wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_features_depend_on_their_image_alone(kind: str, encoders: dict[str, Encoder]) -> None:
    encoder = encoders[kind]
    images = noise(encoder, 3)
    for method in methods(kind).values():
        together = method(encoder, images)
        for k in range(len(images)):
            equal([arrays[k : k + 1] for arrays in together], method(encoder, images[k : k + 1]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_weights_give_the_same_features(
    kind: str, encoders: dict[str, Encoder], folders: dict[str, Path]
) -> None:
    encoder = encoders[kind]
    if kind in EXPORTED:
        again: Encoder = load_encoder(BUNDLED, "cpu", EXPORTED[kind])
    else:
        again = ColourEncoder() if kind == "colours" else load_encoder(folders.get(kind, Path(kind)), "cpu")
    assert again.fingerprint == encoder.fingerprint
    assert again.runtime_fingerprint == encoder.runtime_fingerprint
    for method in methods(kind).values():
        equal(method(again, noise(encoder)), method(encoder, noise(encoder)))
    if encoder.reads:
        assert_array_equal(again.embed_texts(["a crack"]), encoder.embed_texts(["a crack"]))


@pytest.mark.parametrize("kind", [*VISION, *READING])
def test_one_changed_weight_or_setting_changes_the_fingerprint(
    kind: str, encoders: dict[str, Encoder], folders: dict[str, Path], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "copy"
    shutil.copytree(folders[kind], folder)
    assert load_encoder(folder, "cpu").fingerprint == encoders[kind].fingerprint
    weights = load_file(folder / "model.safetensors")
    next(tensor for tensor in weights.values() if tensor.is_floating_point()).view(-1)[0] += 1
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    changed = load_encoder(folder, "cpu")
    assert changed.fingerprint != encoders[kind].fingerprint
    assert changed.runtime_fingerprint == encoders[kind].runtime_fingerprint
    (folder / "preprocessor_config.json").write_text('{"image_mean": [0, 0, 0]}')
    assert load_encoder(folder, "cpu").fingerprint not in (
        changed.fingerprint,
        encoders[kind].fingerprint,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_runs_is_apart_from_what_was_learned(kind: str, encoders: dict[str, Encoder]) -> None:
    encoder = encoders[kind]
    assert encoder.device == "cpu"
    assert encoder.runtime == EXPORTED.get(kind, "torch" if kind in NETWORKS else "numpy")
    prints = {encoder.runtime_fingerprint}
    for setting in ({"device": "cuda:0"}, {"dtype": "float16"}, {"runtime": "x"}, {"runtime_version": "0"}):
        other = copy.copy(encoder)
        vars(other).update(setting)
        assert other.fingerprint == encoder.fingerprint
        prints.add(other.runtime_fingerprint)
    assert len(prints) == 5
    first, second = copy.copy(encoder), copy.copy(encoder)
    first.device, second.device = "cuda:0", "cuda:1"
    assert first.runtime_fingerprint == second.runtime_fingerprint


@pytest.mark.parametrize("kind", KINDS)
def test_a_cache_changes_nothing(kind: str, encoders: dict[str, Encoder], tmp_path: Path) -> None:
    encoder = encoders[kind]
    cached = CachedEncoder(encoder, tmp_path)
    for name in ("name", "fingerprint", "runtime_fingerprint", "available", "default_layers", "multiple"):
        assert getattr(cached, name) == getattr(encoder, name)
    assert (cached.reads, cached.device, cached.towers) == (encoder.reads, encoder.device, encoder.towers)
    images = noise(encoder)
    for method in methods(kind).values():
        expected = method(encoder, images)
        equal(method(cached, images), expected)
        entries = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
        equal(method(cached, images), expected)
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")} == entries
    assert can_be_prompted(cached) == can_be_prompted(encoder)
    if encoder.reads:
        assert_array_equal(cached.embed_texts(["a crack"]), encoder.embed_texts(["a crack"]))


def test_a_cache_is_not_shared_by_runtimes(encoders: dict[str, Encoder], tmp_path: Path) -> None:
    encoder = copy.copy(encoders["resnet"])
    CachedEncoder(encoder, tmp_path).embed_images(noise(encoder, 1))
    encoder.device = "cuda:0"
    CachedEncoder(encoder, tmp_path).embed_images(noise(encoder, 1))
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2


@pytest.mark.parametrize("kind", NETWORKS)
def test_passes_leave_no_hooks_behind(kind: str, encoders: dict[str, Encoder]) -> None:
    encoder = encoders[kind]
    assert encoder.towers is not None
    modules = list(encoder.towers.model.modules())
    for method in methods(kind).values():
        method(encoder, noise(encoder))
    if can_be_prompted(encoder):
        prompt = prompted(encoder, "plate", 2)
        prompt(torch.zeros(2, prompt.width), torch.zeros(1, 1, prompt.width))
    assert len(modules) > 1
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in modules)


@pytest.mark.parametrize("kind", READERS)
def test_the_tail_has_weights_of_its_own(kind: str, encoders: dict[str, Encoder]) -> None:
    encoder = encoders[kind]
    before = encoder.embed_patches(noise(encoder))
    tail = split(encoder).tail
    for parameter in tail.parameters():
        assert not parameter.requires_grad
        parameter.zero_()
    assert_array_equal(encoder.embed_patches(noise(encoder)), before)


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("device", ["cuda:99", "tpu", "cuda:x"])
def test_a_device_that_is_not_there_names_the_way_out(name: str, device: str) -> None:
    with pytest.raises(SpecsightError, match=r"did you mean|'auto'|auto or cpu|auto, ") as caught:
        load_encoder(name, device)
    assert f"'{device}'" in str(caught.value)


def test_automatic_choice_of_a_device() -> None:
    expected = "cuda:0" if torch.cuda.is_available() else "cpu"
    assert load_encoder(BUNDLED).device == load_encoder(BUNDLED, "auto").device == expected
    assert load_encoder(FILTERS).device == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", [BUNDLED, *VISION, *READING])
def test_a_gpu_gives_nearly_the_same(
    kind: str, encoders: dict[str, Encoder], folders: dict[str, Path]
) -> None:
    """Within the rounding of TF32, which convolutions use there: ten bits of mantissa."""
    on_cpu, on_gpu = encoders[kind], load_encoder(folders.get(kind, Path(kind)), "cuda")
    assert on_gpu.fingerprint == on_cpu.fingerprint
    assert on_gpu.runtime_fingerprint != on_cpu.runtime_fingerprint
    images = noise(on_cpu)
    for method in methods(kind).values():
        for found, expected in zip(method(on_gpu, images), method(on_cpu, images), strict=True):
            assert found.dtype == np.float32
            assert_allclose(found, expected, atol=0.01 * np.abs(expected).max(initial=1))
    if on_cpu.reads:
        assert_allclose(on_gpu.embed_texts(["a crack"]), on_cpu.embed_texts(["a crack"]), atol=0.01)
        readings = []
        for encoder in (on_cpu, on_gpu):
            prompt = prompted(encoder, "plate", 2)
            context = prompt.vectors([3, 4]).requires_grad_()
            embedded = prompt(context)
            (gradient,) = torch.autograd.grad(embedded[0], context)
            assert float(gradient.norm()) > 0
            readings.append(embedded.detach().numpy())
        assert_allclose(readings[1], readings[0], atol=0.01)

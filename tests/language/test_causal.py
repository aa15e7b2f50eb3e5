"""Causal language models of `transformers`: numbers against the model's logits; checkpoints that are refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import torch
from tests.support.language_checkpoints import CONTEXT, byte_tokenizer, save_causal, save_family

from specsight.errors import SpecsightError
from specsight.language import Message, load_language_model

QUESTION = [Message("user", "Is a blister a defect?")]
LAYOUTS = {
    "plain": "User:\nIs a blister a defect?\n\nAssistant:\n",
    "chat": "<turn>user\nIs a blister a defect?</s><turn>assistant\n",
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: save_causal(tmp_path_factory.mktemp(kind), chat=kind == "chat") for kind in LAYOUTS}


@pytest.fixture
def copy(folders: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(folders["plain"], tmp_path / "copy"))


def tokens(text: str, begin: bool = False) -> list[int]:
    return [0] * begin + byte_tokenizer()(text, add_special_tokens=False)["input_ids"]


def logits(folder: Path, numbers: list[int]) -> torch.Tensor:
    reference = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        return reference(input_ids=torch.tensor([numbers])).logits[0].double()


@pytest.mark.parametrize("kind", LAYOUTS)
def test_likelihoods_are_those_of_the_models_logits(folders: dict[str, Path], kind: str) -> None:
    options = ["yes", "no", "perhaps a cut"]
    values = load_language_model(folders[kind], "cpu").likelihoods(QUESTION, options)
    for option, value in zip(options, values):
        prompt, continuation = tokens(LAYOUTS[kind], kind == "plain"), tokens(option)
        rows = logits(folders[kind], prompt + continuation)
        expected = 0.0
        for place, token in enumerate(continuation, len(prompt) - 1):
            shifted = rows[place] - rows[place].max()
            expected += float(shifted[token] - torch.exp(shifted).sum().log())
        assert value == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", LAYOUTS)
def test_the_likeliest_tokens_are_generated(folders: dict[str, Path], kind: str) -> None:
    numbers = tokens(LAYOUTS[kind], kind == "plain")
    begin = len(numbers)
    while len(numbers) < begin + 10 and numbers[-1] != 1:
        numbers.append(int(logits(folders[kind], numbers)[-1].argmax()))
    answer = byte_tokenizer().decode(numbers[begin:], skip_special_tokens=True)
    assert load_language_model(folders[kind], "cpu").generate(QUESTION, 10) == answer


@pytest.mark.parametrize("family", ["gpt2", "qwen3", "gemma2", "mamba"])
def test_families_generate_and_weigh_as_their_logits_say(tmp_path: Path, family: str) -> None:
    folder = save_family(tmp_path, family)
    model = load_language_model(folder, "cpu")
    prompt = tokens(LAYOUTS["plain"], True)
    numbers = list(prompt)
    while len(numbers) < len(prompt) + 6 and numbers[-1] != 1:
        numbers.append(int(logits(folder, numbers)[-1].argmax()))
    assert model.generate(QUESTION, 6) == byte_tokenizer().decode(
        numbers[len(prompt) :], skip_special_tokens=True
    )
    option = tokens("no cut")
    rows = torch.log_softmax(logits(folder, prompt + option), 1)[len(prompt) - 1 : -1]
    expected = sum(float(row[token]) for row, token in zip(rows, option))
    assert model.likelihoods(QUESTION, ["no cut"])[0] == pytest.approx(expected, abs=1e-4)
    assert model.hidden_states(QUESTION).shape == (len(prompt), 32)


def test_each_token_is_read_once(folders: dict[str, Path]) -> None:
    model = load_language_model(folders["plain"], "cpu")
    lengths: list[int] = []

    def count(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, torch.nn.Embedding):
            lengths.append(inputs[0].shape[1])

    with torch.nn.modules.module.register_module_forward_pre_hook(count):
        model.generate(QUESTION, 5)
    assert lengths == [len(tokens(LAYOUTS["plain"], True)), 1, 1, 1, 1]


def test_settings_of_the_checkpoint_change_no_answer(folders: dict[str, Path], copy: Path) -> None:
    (copy / "generation_config.json").write_text(
        '{"do_sample": true, "temperature": 9.0, "repetition_penalty": 5.0, "eos_token_id": 1}'
    )
    answers = [
        load_language_model(folder, "cpu").generate(QUESTION, 10) for folder in (copy, folders["plain"])
    ]
    assert answers[0] == answers[1]


def test_hidden_states_are_the_last_layers(folders: dict[str, Path]) -> None:
    numbers = tokens(LAYOUTS["plain"], True)
    states = load_language_model(folders["plain"], "cpu").hidden_states(QUESTION)
    assert states.shape == (len(numbers), 32)
    reference = transformers.LlamaModel.from_pretrained(folders["plain"]).eval()
    with torch.no_grad():
        expected = reference(input_ids=torch.tensor([numbers])).last_hidden_state[0]
    np.testing.assert_allclose(states, expected.numpy(), atol=1e-5)


def test_a_finished_conversation_opens_no_turn(folders: dict[str, Path]) -> None:
    finished = [*QUESTION, Message("assistant", "Yes.")]
    states = load_language_model(folders["chat"], "cpu").hidden_states(finished)
    layout = "<turn>user\nIs a blister a defect?</s><turn>assistant\nYes.</s>"
    assert len(states) == len(tokens(layout))


def test_a_conversation_that_a_template_does_not_know_is_refused(folders: dict[str, Path]) -> None:
    model = load_language_model(folders["chat"], "cpu")
    with pytest.raises(
        SpecsightError, match=r"the chat template of language model '.*' refuses .* no system role"
    ):
        model.generate([Message("system", "Be brief."), *QUESTION], 3)


def test_a_conversation_that_is_too_long_is_refused(folders: dict[str, Path]) -> None:
    model = load_language_model(folders["plain"], "cpu")
    long = [Message("user", "x" * CONTEXT)]
    requests: list[Callable[[], object]] = [
        lambda: model.generate(long, 1),
        lambda: model.likelihoods(long, ["a"]),
        lambda: model.hidden_states(long),
    ]
    for ask in requests:
        with pytest.raises(
            SpecsightError, match=rf"tokens, but language model '.*' takes {CONTEXT}: shorten it"
        ):
            ask()
    with pytest.raises(SpecsightError, match=r"with max_tokens=250 has 2\d\d tokens"):
        model.generate(QUESTION, 250)


def test_only_safetensors_are_read(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(
        SpecsightError, match=r"no \*\.safetensors \(found 'pytorch_model\.bin', which can run code"
    ):
        load_language_model(copy)


def test_a_folder_without_tokenizer_is_refused(copy: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (copy / name).unlink()
    with pytest.raises(
        SpecsightError, match=r"language model '.*' has no usable tokenizer beside its weights: add"
    ):
        load_language_model(copy)


def test_what_is_no_causal_language_model_is_refused(tmp_path: Path) -> None:
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    transformers.ViTModel(transformers.ViTConfig(**size)).save_pretrained(tmp_path / "vit")
    with pytest.raises(SpecsightError, match=r"language model '.*vit' cannot be loaded"):
        load_language_model(tmp_path / "vit")
    with pytest.raises(SpecsightError, match="no such folder; give a checkpoint folder or a hub id"):
        load_language_model(tmp_path / "absent")


def test_a_checkpoint_that_lacks_weights_is_refused(copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    weights.pop("model.layers.1.mlp.up_proj.weight")
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SpecsightError, match="lacks 1 of its weights"):
        load_language_model(copy)


def test_no_memory_is_asked_for_by_sizes_that_no_file_holds(copy: Path) -> None:
    import json

    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(
        json.dumps({**config, "hidden_size": 2**20, "intermediate_size": 2**22})
    )
    with pytest.raises(SpecsightError, match=r"weights by its config\.json, and its files hold [\d,]+: get"):
        load_language_model(copy)


def test_the_fingerprint_follows_weights_and_wording(folders: dict[str, Path], copy: Path) -> None:
    same = load_language_model(copy, "cpu").fingerprint
    assert same == load_language_model(folders["plain"], "cpu").fingerprint
    (copy / "chat_template.jinja").write_text("{{ messages[0].content }}")
    assert load_language_model(copy, "cpu").fingerprint != same


def test_a_device_that_is_not_there_is_refused(folders: dict[str, Path]) -> None:
    with pytest.raises(SpecsightError, match="unknown device 'tpu'"):
        load_language_model(folders["plain"], "tpu")

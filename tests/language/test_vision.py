"""Vision-language checkpoints of every family: what they say depends on their pictures, and on nothing beside them."""

from __future__ import annotations

import json
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
from specsight.language import LanguageModel, Message, load_language_model

RNG = np.random.default_rng(0)
WIDE: NDArray[np.uint8] = RNG.integers(0, 256, (30, 70, 3)).astype(np.uint8)
DARK: NDArray[np.uint8] = np.full((50, 40, 3), 9, np.uint8)


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_seeing(tmp_path_factory.mktemp("seeing"), request.param)


@pytest.fixture(scope="module")
def model(folder: Path) -> LanguageModel:
    return load_language_model(f"vision:{folder}", "cpu")


def asked(*pictures: NDArray[np.uint8], text: str = "Which? ") -> list[Message]:
    return [Message("system", "You inspect."), Message("user", text, pictures)]


def test_pictures_and_their_order_change_what_is_likely(model: LanguageModel) -> None:
    said = [
        model.likelihoods(asked(*shown), ["A", "B"]) for shown in ((WIDE, DARK), (DARK, WIDE), (WIDE,), ())
    ]
    assert len({tuple(one) for one in said}) == 4
    assert said[0] == model.likelihoods(asked(WIDE, DARK), ["A", "B"])


def test_an_option_weighs_the_same_alone_and_whatever_its_length(model: LanguageModel) -> None:
    options = ["A", "B", "no defect", "no"]
    together = model.likelihoods(asked(WIDE), options)
    assert together == [model.likelihoods(asked(WIDE), [option])[0] for option in options]
    assert together[2] < together[3] < 0


def test_likelihoods_are_those_of_the_next_token(model: LanguageModel) -> None:
    """All tokens' chances sum to one, and the likeliest is what is generated."""
    tokens = [bytes([code]).decode() for code in range(33, 127)]
    chances = np.exp(model.likelihoods(asked(DARK), tokens))
    assert 0 < chances.sum() <= 1 + 1e-5
    said = model.generate(asked(DARK), 1)
    if said in tokens:
        assert tokens[int(chances.argmax())] == said


def test_generating_leaves_the_process_randomness_alone(model: LanguageModel) -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    first = model.generate(asked(WIDE), 8, seed=5)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first == model.generate(asked(WIDE), 8, seed=5)


def test_what_does_not_fit_is_refused(model: LanguageModel) -> None:
    with pytest.raises(SpecsightError, match=r"tokens, but vision-language model .* takes 4096: show fewer"):
        model.generate(asked(WIDE, text="x" * 5000), 8)


def test_sampling_settings_of_a_checkpoint_change_nothing(
    folder: Path, tmp_path: Path, model: LanguageModel
) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    settings = json.loads((copy / "generation_config.json").read_text())
    (copy / "generation_config.json").write_text(
        json.dumps({**settings, "do_sample": True, "temperature": 9.0, "repetition_penalty": 5.0, "top_k": 2})
    )
    other = load_language_model(f"vision:{copy}", "cpu")
    assert other.generate(asked(WIDE), 8) == model.generate(asked(WIDE), 8)
    assert other.generate(asked(WIDE), 8, seed=1) == model.generate(asked(WIDE), 8, seed=1)
    assert other.fingerprint != model.fingerprint


def test_checkpoints_of_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match=r"vision-language model '.*causal' cannot be loaded"):
        load_language_model(f"vision:{save_causal(tmp_path / 'causal')}", "cpu")


def copied(folder: Path, to: Path, *without: str) -> Path:
    to.mkdir()
    for path in folder.iterdir():
        if path.name not in without:
            (to / path.name).write_bytes(path.read_bytes())
    return to


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (("chat_template.jinja",), "has no chat template"),
        (("preprocessor_config.json",), "no usable processor beside its weights"),
        (("tokenizer.json",), "tokenizer"),
    ],
)
def test_missing_files_are_named(folder: Path, tmp_path: Path, missing: tuple[str, ...], words: str) -> None:
    with pytest.raises(SpecsightError, match=words) as told:
        load_language_model(f"vision:{copied(folder, tmp_path / 'copy', *missing)}", "cpu")
    assert "\n" not in str(told.value)


def test_a_processor_that_no_file_names_is_that_of_the_configuration(folder: Path, tmp_path: Path) -> None:
    copy = copied(folder, tmp_path / "copy")
    for name in ("processor_config.json", "preprocessor_config.json"):
        said = json.loads((copy / name).read_text())
        (copy / name).write_text(json.dumps({k: v for k, v in said.items() if k != "processor_class"}))
    assert load_language_model(f"vision:{copy}", "cpu").hidden_states(asked(WIDE)).ndim == 2


def test_an_image_processor_for_torchvision_alone_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers")
    import transformers

    def refuse(*_: object, **__: object) -> None:
        raise ImportError("X requires the Torchvision library\nbut it was not found")

    monkeypatch.setattr(transformers.AutoImageProcessor, "from_pretrained", refuse)
    with pytest.raises(
        SpecsightError, match=r"for torchvision alone, which is not installed: pip install"
    ) as told:
        load_language_model(f"vision:{folder}", "cpu")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("family", "file", "changed"),
    [
        ("llava", "processor_config.json", {"patch_size": 14}),
        ("llava_onevision", "processor_config.json", {"num_image_tokens": 25}),
        ("qwen2_vl", "preprocessor_config.json", {"merge_size": 1}),
        ("smolvlm", "processor_config.json", {"image_seq_len": 9}),
        ("internvl", "processor_config.json", {"image_seq_length": 16}),
    ],
)
def test_image_tokens_and_features_that_do_not_match_are_told(
    family: str, file: str, changed: dict[str, int], tmp_path: Path
) -> None:
    path = save_seeing(tmp_path / "model", family) / file
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
    with pytest.raises(
        SpecsightError,
        match=r"writes \d+ image tokens for pictures that have \d+ features: .*do not belong together",
    ):
        load_language_model(f"vision:{tmp_path / 'model'}", "cpu")

"""Vision-language checkpoints of two families: what they say depends on their pictures, and on nothing beside them."""

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


def test_checkpoints_of_other_kinds_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match=r"vision-language model '.*causal' cannot be loaded"):
        load_language_model(f"vision:{save_causal(tmp_path / 'causal')}", "cpu")
    for missing, words in (
        ("chat_template.jinja", "has no chat template"),
        ("processor_config.json", "processor"),
    ):
        copy = tmp_path / missing
        copy.mkdir()
        for path in folder.iterdir():
            if path.name != missing:
                (copy / path.name).write_bytes(path.read_bytes())
        with pytest.raises(SpecsightError, match=words):
            load_language_model(f"vision:{copy}", "cpu")

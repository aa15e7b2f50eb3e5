"""What every registered language model promises, whichever adapter brings it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from tests.support.chat_server import chat_server
from tests.support.language_checkpoints import save_causal
from tests.support.seeing_checkpoints import save_seeing

from specsight import language
from specsight.errors import MissingExtra, SpecsightError
from specsight.language import LanguageModel, Message, language_models, load_language_model

EXAMPLES: dict[str, Callable[[Path, ExitStack], str]] = {
    "transformers": lambda folder, stack: f"transformers:{save_causal(folder)}",
    "vision": lambda folder, stack: f"vision:{save_seeing(folder, 'llava')}",
    "pointing": lambda folder, stack: f"pointing:{Path(language.__file__).parent / 'pointing' / 'bundled'}",
    "endpoint": lambda folder, stack: f"endpoint:{stack.enter_context(chat_server()).url}",
}
"""Adapter → the name of a small model, built in a folder, or of one that runs until the stack is left. An
adapter that is not here is loaded by its bare name."""
LARGE = ("smollm2",)
"""Real models of half a gigabyte: their adapters are tested with small files elsewhere."""
QUESTION = [Message("system", "You inspect tyres."), Message("user", "Is a blister a defect?")]


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.long] * (name in LARGE)) for name in language_models],
)
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LanguageModel]:
    example = EXAMPLES.get(request.param, lambda folder, stack: request.param)
    with ExitStack() as stack:
        name = example(tmp_path_factory.mktemp("model"), stack)
        try:
            model = load_language_model(name, device="cpu")
        except MissingExtra as error:
            pytest.skip(str(error))
        yield model


def asked(model: LanguageModel) -> list[Message]:
    """The question, with a picture where the model sees: some speak of pictures alone."""
    if not model.sees:
        return QUESTION
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    return [QUESTION[0], Message("user", QUESTION[1].text, (picture,))]


def test_answers_are_deterministic_and_end_where_they_should(model: LanguageModel) -> None:
    answer = model.generate(asked(model), max_tokens=12)
    assert answer == model.generate(asked(model), max_tokens=12)
    assert len(answer) > 4
    ending = answer[2:4]
    stopped = model.generate(asked(model), max_tokens=12, stop=["\0 never", ending])
    assert stopped == answer[: answer.index(ending)]
    assert len(model.generate(asked(model), max_tokens=1)) < len(answer)


def test_sampled_answers_depend_on_the_seed_alone(model: LanguageModel) -> None:
    answers = [model.generate(asked(model), max_tokens=24, seed=seed) for seed in (1, 2, 3, 1)]
    assert answers[0] == answers[3]
    assert len(set(answers)) > 1


def test_an_option_is_weighed_by_itself(model: LanguageModel) -> None:
    if not model.weighs:
        with pytest.raises(SpecsightError, match="gives no likelihoods"):
            model.likelihoods(asked(model), ["yes"])
        return
    options = ["yes", "no", "perhaps it is"]
    together = model.likelihoods(asked(model), options)
    assert together == [model.likelihoods(asked(model), [option])[0] for option in options]
    assert together[::-1] == model.likelihoods(asked(model), options[::-1])
    assert all(np.isfinite(value) and value < 0 for value in together)
    assert model.likelihoods(asked(model), []) == []


def test_a_longer_option_is_less_likely_than_its_beginning(model: LanguageModel) -> None:
    if not model.weighs:
        pytest.skip(f"{model.name} gives no likelihoods")
    short, long = model.likelihoods(asked(model), ["no", "no defect"])
    assert long < short


def test_hidden_states_are_finite_features_per_token(model: LanguageModel) -> None:
    if not model.embeds:
        with pytest.raises(SpecsightError, match="gives no hidden states"):
            model.hidden_states(asked(model))
        return
    states = model.hidden_states(asked(model))
    assert states.dtype == np.float32
    assert states.ndim == 2
    assert np.isfinite(states).all()
    np.testing.assert_array_equal(states, model.hidden_states(asked(model)))
    more = model.hidden_states([*asked(model), Message("assistant", "It is."), Message("user", "Why?")])
    assert len(more) > len(states)
    assert more.shape[1] == states.shape[1]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda m: m.generate([], 3), "at least one message"),
        (lambda m: m.generate([*QUESTION, Message("assistant", "Yes.")], 3), "the assistant has spoken last"),
        (lambda m: m.generate(QUESTION, 0), "max_tokens must be at least 1, got 0"),
        (lambda m: m.generate(QUESTION, 3, stop=[""]), "a string to stop at must not be empty"),
        (lambda m: m.likelihoods(QUESTION, ["yes", ""]), "an option must not be empty|gives no likelihoods"),
    ],
)
def test_what_cannot_be_conversation_is_refused(
    model: LanguageModel, ask: Callable[[LanguageModel], object], words: str
) -> None:
    with pytest.raises(SpecsightError, match=words):
        ask(model)


def test_pictures_are_read_or_refused(model: LanguageModel) -> None:
    conversation = [Message("user", "What is shown?", (np.zeros((56, 56, 3), np.uint8),))]
    requests: list[Callable[[], object]] = [lambda: model.generate(conversation, 3)]
    if model.weighs:
        requests.append(lambda: model.likelihoods(conversation, ["a"]))
    if model.embeds:
        requests.append(lambda: model.hidden_states(conversation))
    for ask in requests:
        if model.sees:
            assert ask() is not None
        else:
            with pytest.raises(
                SpecsightError, match="does not see: leave the pictures out, or choose a vision"
            ):
                ask()


def test_a_model_says_what_it_is(model: LanguageModel) -> None:
    assert model.name
    assert len(model.fingerprint) >= 32
    assert set(model.fingerprint) <= set("0123456789abcdef")


def test_messages_are_checked() -> None:
    with pytest.raises(ValueError, match="role must be one of system, user, assistant, got 'operator'"):
        Message("operator", "hello")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"images must be \(H, W, 3\) uint8, got \(4, 4\) uint8"):
        Message("user", "this", (np.zeros((4, 4), np.uint8),))


def test_an_adapter_is_named_before_the_model(tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match=r"language model '.*absent': no such folder"):
        load_language_model(f"transformers:{tmp_path / 'absent'}")
    folder = save_causal(tmp_path / "model")
    assert load_language_model(folder, "cpu").name == str(folder)

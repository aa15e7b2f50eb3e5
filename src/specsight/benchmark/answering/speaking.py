"""Language models as answerers, with pictures or without: a checkpoint on this machine, or an endpoint by its address.

`transformers:FOLDER` is a vision-language checkpoint, `endpoint:URL#MODEL` an endpoint, `text:NAME` any language model
that is shown no picture (the blind row of a language model).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from specsight.benchmark.answering.contract import (
    Answerer,
    AnswererConfig,
    CannotAnswer,
    Question,
    Reply,
    answerers,
)
from specsight.benchmark.answering.prompting import conversation, prompt_protocol
from specsight.errors import SpecsightError
from specsight.language import LanguageModel, load_language_model

if TYPE_CHECKING:
    from specsight.language.endpoint import Endpoint

GIVE_UP = 20
"""Items in a row whose endpoint says nothing, after which a run ends: it would say nothing of the others either."""
TIMEOUT, RETRIES, BUDGET = 120.0, 4, 900.0
"""Seconds of an attempt, further attempts, and seconds of a question in all: nobody waits for the single answer."""
BY_WORDS, BY_LIKELIHOOD = "words", "likelihood"
ENDPOINT_SETTINGS = {
    "price_read": "price of a million tokens read",
    "price_written": "price of a million tokens written",
    "timeout": "seconds of an attempt",
    "retries": "of a request",
    "budget": "seconds of a question with all attempts and pauses",
    "per_minute": "requests at most",
    "temperature": "a number, or default for models that take no other",
    "check_pictures": "false: do not ask once without pictures whether they arrive",
}
LOCAL_SETTINGS = {"choose_by": f"{BY_WORDS}, or {BY_LIKELIHOOD} of the letters"}


class SpeakingAnswerer(Answerer):
    """A language model on this machine. A choice is made by its words, or by the likelihoods of the letters."""

    takes = frozenset({"device", "max_tokens", "image_size", "shots"})

    def __init__(self, model: LanguageModel, config: AnswererConfig, pictures: bool) -> None:
        who = f"language model '{model.name}'"
        config.check_settings(who, LOCAL_SETTINGS)
        if pictures and not model.sees:
            raise SpecsightError(f"{who} does not see: name it text:… to ask it without pictures")
        self.model, self.config, self.pictures = model, config, pictures
        self.choose_by = config.settings.get("choose_by", BY_WORDS)
        if self.choose_by not in (BY_WORDS, BY_LIKELIHOOD):
            raise SpecsightError(f"--set choose_by={self.choose_by}: give {BY_WORDS} or {BY_LIKELIHOOD}")

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The prompt, and how an answer is taken."""
        return {
            **prompt_protocol(self.config.image_size, self.pictures),
            "max_tokens": self.config.max_tokens,
            "choose_by": self.choose_by,
        }

    @property
    def fingerprint(self) -> str:
        """Of the model."""
        return self.model.fingerprint

    def answer(self, question: Question) -> Reply:
        """What the model says, or its likeliest letter."""
        messages = conversation(question, self.config.image_size, self.pictures)
        if question.form == "choice" and self.choose_by == BY_LIKELIHOOD:
            letters = list(question.options)
            weights = dict(zip(letters, self.model.likelihoods(messages, letters)))
            return Reply(max(weights, key=lambda letter: weights[letter]), weights)
        return Reply(self.model.generate(messages, self.config.max_tokens))


@dataclass(frozen=True)
class Prices:
    """Of a million tokens."""

    read: float
    written: float

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Prices | None:
        """None where no price is given. Raises SpecsightError for one of the two alone."""
        given = [settings.get(name) for name in ("price_read", "price_written")]
        if given == [None, None]:
            return None
        if None in given:
            raise SpecsightError(
                "--set price_read and price_written go together: give both, 0 where there is none"
            )
        read, written = (_number(name, value) for name, value in zip(("price_read", "price_written"), given))
        return cls(read, written)

    def cost(self, tokens_read: int | None, tokens_written: int | None) -> float | None:
        """None where the tokens are not known."""
        if tokens_read is None or tokens_written is None:
            return None
        return (tokens_read * self.read + tokens_written * self.written) / 1e6


class EndpointAnswerer(Answerer):
    """A model behind an address; several questions may be under way at once."""

    takes = frozenset({"max_tokens", "image_size", "shots"})
    parallel: ClassVar[bool] = True

    def __init__(self, name: str, config: AnswererConfig, pictures: bool = True) -> None:
        from specsight.language.endpoint import Endpoint
        from specsight.language.pacing import attempt_seconds

        config.check_settings(f"endpoint:{name}", ENDPOINT_SETTINGS)
        settings = config.settings
        self.prices = Prices.of(settings)
        rate = settings.get("per_minute")
        warmth = settings.get("temperature", 0)
        self._temperature = None if warmth == "default" else _number("temperature", warmth)
        self.model: Endpoint = Endpoint(
            name,
            timeout=_number("timeout", settings.get("timeout", attempt_seconds(TIMEOUT))),
            retries=int(_number("retries", settings.get("retries", RETRIES))),
            budget=_number("budget", settings.get("budget", BUDGET)),
            per_minute=None if rate is None else _number("per_minute", rate),
            rest=0,  # `GIVE_UP` ends a run, and no item is to fail unasked
            check_pictures=_switch("check_pictures", settings.get("check_pictures", True)),
            temperature="default" if self._temperature is None else self._temperature,
        )
        self.config, self.pictures = config, pictures
        self._silent = 0
        self._lock = threading.Lock()

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The prompt; prices, pace and retries change no answer."""
        return {
            **prompt_protocol(self.config.image_size, self.pictures),
            "max_tokens": self.config.max_tokens,
            "temperature": self._temperature,
        }

    @property
    def fingerprint(self) -> str:
        """Of address and model name: nobody knows which weights stand behind them."""
        return self.model.fingerprint

    def answer(self, question: Question) -> Reply:
        """What the model says, with tokens and their cost."""
        from specsight.language.endpoint import EndpointRefuses, EndpointSilent

        messages = conversation(question, self.config.image_size, self.pictures)
        try:
            completion = self.model.complete(messages, self.config.max_tokens)
        except EndpointRefuses as error:
            raise CannotAnswer(str(error)) from error
        except EndpointSilent as error:
            if self.model.stopped:
                raise CannotAnswer(str(error)) from error
            if self._count(silent=True) >= GIVE_UP:
                raise CannotAnswer(f"{error}; {GIVE_UP} items in a row: run it again to go on") from error
            raise
        self._count(silent=False)
        read, written = completion.tokens_read, completion.tokens_written
        return Reply(
            completion.text,
            tokens_read=read,
            tokens_written=written,
            cost=self.prices.cost(read, written) if self.prices else None,
        )

    def stop(self) -> None:
        """Send no request more."""
        self.model.stop()

    def _count(self, silent: bool) -> int:
        with self._lock:
            self._silent = self._silent + 1 if silent else 0
            return self._silent


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise SpecsightError(f"--set {name}={value}: give a number from 0")
    return float(value)


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise SpecsightError(f"--set {name}={value}: give true or false")
    return value


def _named(rest: str, example: str) -> str:
    if not rest:
        raise SpecsightError(f"--model {example.partition(':')[0]}: name the model, such as {example}")
    return rest


@answerers.register("transformers")
def checkpoint(rest: str, config: AnswererConfig) -> Answerer:
    """`transformers:FOLDER`."""
    name = _named(rest, "transformers:checkpoints/smolvlm")
    return SpeakingAnswerer(load_language_model(f"vision:{name}", config.device), config, pictures=True)


@answerers.register("endpoint")
def endpoint(rest: str, config: AnswererConfig) -> Answerer:
    """`endpoint:URL#MODEL`."""
    return EndpointAnswerer(_named(rest, "endpoint:http://localhost:8000/v1#qwen2-vl"), config)


@answerers.register("text")
def without_pictures(rest: str, config: AnswererConfig) -> Answerer:
    """`text:NAME`."""
    name = _named(rest, "text:checkpoints/qwen3-0.6b")
    kind, _, address = name.partition(":")
    if kind == "endpoint":
        return EndpointAnswerer(address, config, pictures=False)
    return SpeakingAnswerer(load_language_model(name, config.device), config, pictures=False)

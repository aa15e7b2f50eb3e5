"""A model behind an address that speaks the chat-completions protocol of OpenAI, as vLLM, Ollama and llama.cpp do.

`endpoint:URL#MODEL`: the URL ends where "/chat/completions" would begin ("http://localhost:8000/v1"); MODEL may be left
out where the server has one. The key, where one is needed, is the environment variable SPECSIGHT_ENDPOINT_KEY. The
client is `openai`, which its protocol's authors keep: it repeats what fails for a while (408, 409, 429, 5xx, a cut or
stalled connection), waits as long as "Retry-After" says, and reads proxies' settings.
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError, excerpt, require
from specsight.language.contract import LanguageModel, Message, language_models

KEY = "SPECSIGHT_ENDPOINT_KEY"
TIMEOUT = 120.0
"""Seconds that a server may be silent for."""
RETRIES = 4
LENGTHS = ("max_tokens", "max_completion_tokens")
"""What servers call the longest answer: the older name, and the newer one, which some models insist on."""
LARGEST_PICTURES = 64 * 2**20
"""Bytes of all pictures of a conversation, encoded."""


class EndpointRefuses(SpecsightError):
    """The endpoint answers nothing whatever is asked: a wrong address, key or model name."""


class EndpointSilent(SpecsightError):
    """No connection, or no answer in time, after all retries."""


@dataclass(frozen=True)
class Completion:
    """One answer, and what it took."""

    text: str
    tokens_read: int | None
    tokens_written: int | None


@language_models.register("endpoint")
class Endpoint(LanguageModel):
    """A model behind an address; it sees, as far as the model there does.

    Parameters: `name` is URL#MODEL; `timeout` in seconds; `retries` of a request and requests `per_minute` at
    most (None: as many as are asked); `temperature` without a seed (None: the server's own, for models that take no
    other). Raises SpecsightError for what is no address, and
    `EndpointRefuses` where the server cannot be asked which models it has.
    """

    sees = True
    weighs = False
    embeds = False

    def __init__(
        self,
        name: str,
        device: str = "auto",
        timeout: float = TIMEOUT,
        retries: int = RETRIES,
        per_minute: float | None = None,
        temperature: float | None = 0.0,
    ) -> None:
        openai = require("openai", "endpoint")
        url, _, model = name.partition("#")
        if not url.startswith(("http://", "https://")) or "@" in url:
            raise SpecsightError(
                f"endpoint '{url.rpartition('@')[2]}': give http(s)://HOST:PORT/v1#MODEL; a key goes into {KEY}"
            )
        if timeout <= 0 or retries < 0 or (per_minute is not None and per_minute <= 0):
            raise SpecsightError("timeout and requests per minute must be positive, and retries at least 0")
        self._client = openai.OpenAI(
            base_url=url, api_key=os.environ.get(KEY) or "none", timeout=timeout, max_retries=retries
        )
        self._url, self._retries = url.rstrip("/"), retries
        self._pace, self._temperature = _Pace(per_minute), temperature
        self._length = LENGTHS[0]
        self.model = model or self._only_model()
        self.name = f"endpoint:{self._url}#{self.model}"
        self.fingerprint = hashlib.sha256(self.name.encode()).hexdigest()

    def complete(
        self, messages: Sequence[Message], max_tokens: int, stop: Sequence[str] = (), seed: int | None = None
    ) -> Completion:
        """As `generate`, with the numbers of tokens that the server counts.

        Raises `EndpointRefuses` and `EndpointSilent`, and SpecsightError for anything else that is no answer.
        """
        self.check(messages, answered=True)
        options: dict[str, Any] = {} if self._temperature is None else {"temperature": self._temperature}
        if seed is not None:
            options = {"temperature": 1, "seed": seed}
        if stop:
            options["stop"] = list(stop)
        body = [_turn(message) for message in messages]
        for left in range(self._retries, -1, -1):
            self._pace.wait()
            try:
                return _read(self._send(body, max_tokens, options))
            except _NoAnswer as error:
                if not left:
                    raise SpecsightError(f"{self.name}: {error}") from error
        raise AssertionError("the last attempt returns or raises")

    def _generate(
        self, messages: Sequence[Message], max_tokens: int, stop: tuple[str, ...], seed: int | None
    ) -> str:
        text = self.complete(messages, max_tokens, stop, seed).text
        return text[: min((text.index(ending) for ending in stop if ending in text), default=None)]

    def _likelihoods(self, messages: Sequence[Message], options: tuple[str, ...]) -> list[float]:
        raise AssertionError("refused before")

    def _hidden_states(self, messages: Sequence[Message]) -> NDArray[np.float32]:
        raise AssertionError("refused before")

    def _send(self, body: list[dict[str, Any]], max_tokens: int, options: dict[str, Any]) -> Any:
        import openai

        try:
            return self._client.chat.completions.create(
                model=self.model,
                messages=body,
                **{self._length: max_tokens},
                **options,
            )
        except (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError) as error:
            raise EndpointRefuses(
                f"{self.name} refuses: {_said(error)}; check the address, the model's name and {KEY}"
            ) from error
        except openai.BadRequestError as error:
            if self._length == LENGTHS[0] and LENGTHS[1] in str(error):
                # Newer servers have another name for the same limit, and say so.
                self._length = LENGTHS[1]
                return self._send(body, max_tokens, options)
            raise SpecsightError(f"{self.name} answered {error.status_code}: {_said(error)}") from error
        except openai.APITimeoutError as error:
            raise EndpointSilent(f"{self.name} did not answer in time, {self._retries + 1} times") from error
        except openai.APIConnectionError as error:
            raise EndpointSilent(
                f"{self.name} cannot be reached: {_said(error.__cause__ or error)}"
            ) from error
        except openai.APIStatusError as error:
            raise SpecsightError(f"{self.name} answered {error.status_code}: {_said(error)}") from error
        except (openai.APIError, ValueError) as error:  # what is no JSON, or JSON of another shape
            raise _NoAnswer(f"the answer cannot be read: {_said(error)}") from error

    def _only_model(self) -> str:
        """The name of the server's model. Raises `EndpointRefuses` where it has several, or does not say."""
        try:
            names = sorted(model.id for model in self._client.models.list())
        except Exception as error:  # whatever stands behind an address that was mistyped
            raise EndpointRefuses(
                f"endpoint '{self._url}' does not say which models it has ({_said(error)}): give URL#MODEL"
            ) from error
        if len(names) != 1:
            raise EndpointRefuses(
                f"endpoint '{self._url}' has {len(names)} models ({excerpt(', '.join(names))}): give URL#MODEL"
            )
        return str(names[0])


class _NoAnswer(Exception):
    """Something came that is no answer; the next attempt may bring one."""


class _Pace:
    """Requests spread evenly over time, whichever thread sends them."""

    def __init__(self, per_minute: float | None) -> None:
        self._gap = 0.0 if per_minute is None else 60 / per_minute
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Sleep until it is this request's turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
        time.sleep(turn - now)


def _read(completion: Any) -> Completion:
    """The answer in what the server sent. Raises `_NoAnswer` where there is none."""
    if isinstance(completion, str):
        raise _NoAnswer(f"the answer is no JSON: {excerpt(' '.join(completion.split()))}")
    try:
        text = completion.choices[0].message.content
        usage = completion.usage
        counts = (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)
    except (AttributeError, IndexError, TypeError) as error:
        raise _NoAnswer("the answer holds no message") from error
    if not isinstance(text, str):
        raise _NoAnswer("the answer holds no text")
    read, written = (count if isinstance(count, int) and count >= 0 else None for count in counts)
    return Completion(text, read, written)


def _turn(message: Message) -> dict[str, Any]:
    """A message as the protocol has it: pictures first, as data URLs."""
    if not message.images:
        return {"role": message.role, "content": message.text}
    urls = [_data_url(image) for image in message.images]
    if sum(map(len, urls)) > LARGEST_PICTURES:
        raise SpecsightError(
            f"the pictures of a question take more than {LARGEST_PICTURES >> 20} MB: show them smaller"
        )
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"role": message.role, "content": [*pictures, {"type": "text", "text": message.text}]}


def _data_url(image: NDArray[np.uint8]) -> str:
    """A picture as PNG, which loses nothing."""
    import cv2

    _, encoded = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    return f"data:image/png;base64,{base64.b64encode(encoded.tobytes()).decode()}"


def _said(error: BaseException) -> str:
    return excerpt(" ".join(str(error).split()) or type(error).__name__)

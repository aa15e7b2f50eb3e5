"""A model behind an address that speaks the chat-completions protocol of OpenAI, as vLLM, Ollama and llama.cpp do.

`endpoint:URL#MODEL`: the URL ends where "/chat/completions" would begin ("http://localhost:8000/v1"); MODEL may be left
out where the server has one. The key, where one is needed, is the environment variable SPECSIGHT_ENDPOINT_KEY. What
fails for a while (408, 409, 425, 429, 5xx, a cut or stalled connection, half an answer) is asked again, after as long
as "Retry-After" says, within the time that a question may take in all.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError, excerpt
from specsight.language.chat_client import KEY, ChatClient, Late, Status, Trouble, Unreachable
from specsight.language.chat_messages import Completion, NoAnswer, completion_of, turn_of
from specsight.language.contract import LanguageModel, Message, language_models
from specsight.language.pacing import TIME, Pace, Rest, attempt_seconds, pause, retry_after

TIMEOUT, RETRIES = 60.0, 2
"""A person waits for the answer."""
REST = 60.0
"""Seconds for which a silent server is not asked: a line of pictures must not wait for it at each."""
BUDGET_SHARE = 2.0
"""A question may take so many times the time of one attempt, where nothing else is said."""
GRACE = 20.0
"""Seconds that answers which are paid for are still waited for where a person has stopped."""
LISTING = 10.0
"""Seconds that a server may take to list its models."""
LENGTHS = ("max_tokens", "max_completion_tokens")
"""What servers call the longest answer: the older name, and the newer one, which some models insist on."""
PASSING = frozenset({408, 409, 425, 429})
"""Codes below 500 that another attempt may end."""
AWAY = frozenset({408, 429, 502, 503, 504})
"""Codes that say nothing of the question: the server, or what stands before it, answers nobody now."""
UNPAID = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})


class EndpointRefuses(SpecsightError):
    """The endpoint answers nothing whatever is asked: a wrong address, key or model name, an account without money, or
    a pause that is longer than a question may take."""


class EndpointSilent(SpecsightError):
    """No connection, no answer in time, or a server that is too busy, after all attempts."""


@language_models.register("endpoint")
class Endpoint(LanguageModel):
    """A model behind an address; it sees, as far as the model there does.

    Parameters: `name` is URL#MODEL; `timeout` in seconds of one attempt, whatever the server does meanwhile (None: what
    SPECSIGHT_ENDPOINT_TIMEOUT says, else 60); `retries` after the first attempt; `budget` in seconds of a question
    with all its attempts and pauses (None: twice the timeout); requests `per_minute` at most (None: as many as are
    asked); `temperature` without a seed: a number, "default" for the server's own, None for 0 where the model takes it,
    else the server's own; `check_pictures`: once, ask a question with pictures again without them, and refuse a server
    that counts as many tokens, for it leaves pictures out and its model answers blindly; `rest` in seconds for which a
    server that was silent three times in a row is not asked (0: it is). Raises SpecsightError for what is no address,
    and `EndpointRefuses` where the server cannot be asked which models it has.
    """

    sees = True
    weighs = False
    embeds = False

    def __init__(
        self,
        name: str,
        device: str = "auto",
        timeout: float | None = None,
        retries: int = RETRIES,
        budget: float | None = None,
        per_minute: float | None = None,
        temperature: float | str | None = None,
        check_pictures: bool = True,
        rest: float = REST,
    ) -> None:
        url, _, model = name.partition("#")
        if not url.startswith(("http://", "https://")) or "@" in url:
            raise SpecsightError(
                f"endpoint '{url.rpartition('@')[2]}': give http(s)://HOST:PORT/v1#MODEL; a key goes into {KEY}"
            )
        self._timeout = attempt_seconds(TIMEOUT) if timeout is None else timeout
        self._budget = BUDGET_SHARE * self._timeout if budget is None else budget
        if (
            self._timeout <= 0
            or self._budget <= 0
            or retries < 0
            or (per_minute is not None and per_minute <= 0)
        ):
            raise SpecsightError(
                "timeout, budget and requests per minute must be positive, and retries at least 0"
            )
        self._url, self._retries = url.rstrip("/"), retries
        self._pace, self._rest = Pace(per_minute), Rest(rest)
        self._client = ChatClient(url)
        self._length = LENGTHS[0]
        self._insists = temperature is not None
        self._temperature = None if temperature == "default" else 0.0 if temperature is None else temperature
        self._arriving = threading.Lock()
        self._arrive = not check_pictures
        self._listed: list[str] | None = None
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
        left = self._rest.left()
        if left:
            raise EndpointSilent(
                f"{self.name} was silent {Rest.AFTER} times in a row: it is asked again in {left:.0f} s"
            )
        try:
            completion = self._patiently(messages, max_tokens, stop, seed)
        except EndpointSilent:
            self._rest.note(silent=True)
            raise
        self._rest.note(silent=False)
        if any(message.images for message in messages):
            self._check_pictures(messages, completion)
        return completion

    def stop(self) -> None:
        """Send nothing more: whatever waits ends with `EndpointSilent`, and what is under way after `GRACE` seconds."""
        self._pace.stop()
        self._client.give_up(GRACE)

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._pace.stopped

    def _generate(
        self, messages: Sequence[Message], max_tokens: int, stop: tuple[str, ...], seed: int | None
    ) -> str:
        return self.complete(messages, max_tokens, stop, seed).text

    def _likelihoods(self, messages: Sequence[Message], options: tuple[str, ...]) -> list[float]:
        raise AssertionError("refused before")

    def _hidden_states(self, messages: Sequence[Message]) -> NDArray[np.float32]:
        raise AssertionError("refused before")

    def _patiently(
        self, messages: Sequence[Message], max_tokens: int, stop: Sequence[str] = (), seed: int | None = None
    ) -> Completion:
        """The answer to a request, in as many attempts as it may take."""
        turns = [turn_of(message) for message in messages]

        def body() -> dict[str, Any]:
            asked: dict[str, Any] = {"model": self.model, "messages": turns, self._length: max_tokens}
            if seed is not None:
                asked |= {"temperature": 1, "seed": seed}
            elif self._temperature is not None:
                asked["temperature"] = self._temperature
            return {**asked, "stop": list(stop)} if stop else asked

        deadline = time.monotonic() + self._budget
        attempt = 0
        while True:
            attempt += 1
            if not self._pace.wait(deadline):
                raise self._no_turn()
            asked = body()
            try:
                seconds = max(0.001, min(self._timeout, deadline - time.monotonic()))
                return completion_of(self._client.complete(asked, seconds), max_tokens)
            except Trouble as trouble:
                if self._adapted(asked, trouble):
                    attempt -= 1
                    continue
                wait = self._wait(trouble, attempt)
                late = time.monotonic() + wait >= deadline
                if attempt > (0 if self._rest.tired else self._retries) or late or not self._pace.sleep(wait):
                    raise self._told(trouble, attempt) from trouble

    def _wait(self, trouble: Trouble, attempt: int) -> float:
        """Seconds before the next attempt. Raises the error that is told where there shall be none."""
        if not isinstance(trouble, Status):
            if isinstance(trouble, NoAnswer):
                raise SpecsightError(f"{self.name}: {trouble}") from trouble
            return pause(attempt, None)
        unknown = self._unknown_model() if trouble.code in (400, 404, 422) else ""
        if trouble.code in (401, 402, 403, 404) or trouble.kind in UNPAID or unknown:
            raise EndpointRefuses(
                f"{self.name} refuses ({trouble.code}): {trouble.words}; check the address, the model's name{unknown} "
                f"and {KEY}"
            ) from trouble
        if trouble.code not in PASSING and trouble.code < 500:
            raise self._told(trouble, 1) from trouble
        asked = retry_after(trouble.headers)
        if asked is not None:
            self._pace.hold(asked)  # all threads: they would be told the same
            if asked > self._budget:
                raise self._no_turn() from trouble
        return pause(attempt, asked)

    def _adapted(self, asked: dict[str, Any], trouble: Trouble) -> bool:
        """Whether the server said that it takes the request in another form, which is used from now on."""
        if not isinstance(trouble, Status) or trouble.code not in (400, 422):
            return False
        if LENGTHS[0] in asked and LENGTHS[1] in trouble.words:
            self._length = LENGTHS[1]
            return True
        if asked.get("temperature") == 0 and "temperature" in trouble.words and not self._insists:
            self._temperature = None
            return True
        return False

    def _told(self, trouble: Trouble, attempts: int) -> SpecsightError:
        """What a person is told after the last attempt."""
        times = f" (asked {attempts} times)" if attempts > 1 else ""
        if isinstance(trouble, Late):
            return EndpointSilent(
                f"{self.name} did not answer in time: {trouble}{times}; {TIME} gives slower servers more seconds"
            )
        if isinstance(trouble, Status):
            kind = EndpointSilent if trouble.code in AWAY else SpecsightError
            return kind(f"{self.name} answered {trouble.code}: {trouble.words}{times}")
        kind = EndpointSilent if isinstance(trouble, Unreachable) else SpecsightError
        return kind(f"{self.name}: {trouble}{times}")

    def _no_turn(self) -> SpecsightError:
        """Why no request goes out before the question's time is over."""
        if self._pace.stopped:
            return EndpointSilent(f"{self.name}: nothing more is asked")
        held = self._pace.held()
        if held > self._budget:
            return EndpointRefuses(
                f"{self.name} asks for a pause of {math.ceil(held):,} s, and a question may take {self._budget:g} s: "
                "ask again after that"
            )
        return EndpointSilent(
            f"{self.name}: no turn came within {self._budget:g} s: ask less at once, or give it more"
        )

    def _only_model(self) -> str:
        """The name of the server's model. Raises `EndpointRefuses` where it has several, or does not say."""
        try:
            names = self._client.models(min(LISTING, self._timeout))
        except Trouble as error:
            raise EndpointRefuses(
                f"endpoint '{self._url}' does not say which models it has ({error}): give URL#MODEL"
            ) from error
        if len(names) != 1:
            raise EndpointRefuses(
                f"endpoint '{self._url}' has {len(names)} models ({excerpt(', '.join(names))}): give URL#MODEL"
            )
        self._listed = names
        return names[0]

    def _unknown_model(self) -> str:
        """The server's models in brackets, where it says them and the one asked for is not among them."""
        if self._listed is None:
            try:
                self._listed = self._client.models(min(LISTING, self._timeout))
            except Trouble:
                self._listed = [self.model]
        return (
            "" if self.model in self._listed else f" (it has: {excerpt(', '.join(self._listed)) or 'none'})"
        )

    def _check_pictures(self, messages: Sequence[Message], seen: Completion) -> None:
        """Raise `EndpointRefuses` where the server counts as many tokens without the pictures; asked once.

        Servers of models that do not see answer all the same, and say nothing of it. A server that counts no tokens, or
        does not answer to words alone, is believed.
        """
        with self._arriving:
            if self._arrive:
                return
            words = [Message(message.role, message.text) for message in messages]
            try:
                alone = self._patiently(words, 1).tokens_read
            except SpecsightError:
                alone = None
            if alone is not None and alone == seen.tokens_read:
                raise EndpointRefuses(
                    f"{self.name} counts {alone} tokens with a picture as without it: its server leaves pictures out; "
                    "ask a model that sees, or ask without pictures"
                )
            self._arrive = True

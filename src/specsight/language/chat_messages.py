"""Conversations as chat completions has them, and answers with their tokens as they come back."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError, excerpt
from specsight.language.chat_client import Trouble, Unreadable
from specsight.language.contract import Message

LONGEST_TOKEN = 100
"""Characters: what is longer by this for each token heeds no limit."""
LARGEST_PICTURES = 64 * 2**20
"""Bytes of all pictures of a conversation, encoded."""


@dataclass(frozen=True)
class Completion:
    """One answer, and what it took."""

    text: str
    tokens_read: int | None
    tokens_written: int | None


class NoAnswer(Trouble):
    """The server has finished, and another attempt would end the same way."""


def completion_of(answer: Any, max_tokens: int) -> Completion:
    """The answer of at most `max_tokens` in what the server sent.

    Raises `Unreadable` where there is none, and `NoAnswer` where none will come.
    """
    if isinstance(answer, dict) and answer.get("error"):  # some servers say so with the code of a success
        raise Unreadable(f"the answer is an error: {excerpt(str(answer['error']))}")
    try:
        choice = answer["choices"][0]
        text = choice["message"].get("content")
        reason, refusal = choice.get("finish_reason"), choice["message"].get("refusal")
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise Unreadable("the answer holds no message") from error
    if isinstance(refusal, str) and refusal and not text:
        text = refusal
    if not text and reason == "length":
        raise NoAnswer("the answer's tokens were used up before its first word: allow longer answers")
    if not text and reason == "content_filter":
        raise NoAnswer("the server's content filter left nothing of the answer")
    if not isinstance(text, str):
        raise Unreadable("the answer holds no text")
    if len(text) > LONGEST_TOKEN * max_tokens:
        raise NoAnswer(f"the answer has {len(text):,} characters, and {max_tokens} tokens were allowed")
    usage = answer.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    read, written = (_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    return Completion(text, read, written)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def turn_of(message: Message) -> dict[str, Any]:
    """A message as the protocol has it: pictures first, as data URLs."""
    text = message.text.encode("utf-8", "replace").decode()  # a lone surrogate is no text for JSON
    if not message.images:
        return {"role": message.role, "content": text}
    urls = [_data_url(image) for image in message.images]
    if sum(map(len, urls)) > LARGEST_PICTURES:
        raise SpecsightError(
            f"the pictures of a question take more than {LARGEST_PICTURES >> 20} MB: show them smaller"
        )
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"role": message.role, "content": [*pictures, {"type": "text", "text": text}]}


def _data_url(image: NDArray[np.uint8]) -> str:
    """A picture as PNG, which loses nothing."""
    import cv2

    _, encoded = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    return f"data:image/png;base64,{base64.b64encode(encoded.tobytes()).decode()}"

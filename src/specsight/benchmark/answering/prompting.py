"""How a language model is asked: the words around a question, and its pictures. `PROMPT` is part of a run's protocol.

In: a `Question`. Out: a conversation. Good references come first, the picture that is asked about last; what goes
around the words of the item is the same for every model. No path, id or file name enters.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.benchmark.answering.contract import Question
from specsight.benchmark.tasks import Form
from specsight.errors import UnreadableFile
from specsight.language import Message
from specsight.records import Sample

VERSION = 1
"""Rises with every change of the words below: numbers under another prompt are others."""
ROLE = (
    "You inspect industrial products. You answer questions about one picture of a product. Rely on what the picture "
    "shows, and on the instruction where one is given."
)
REFERENCES = {
    1: "Picture 1 shows a good part of the same kind.",
    2: "Pictures 1 to {n} show good parts of the same kind.",
}
QUERY = "Picture {n} is the one to inspect."
ONLY_QUERY = "The picture is the one to inspect."
DEPTH = "Picture {n} is its depth, brighter where it is nearer."
FURTHER = "Picture {n} belongs to the question."
INSTRUCTION = "Instruction: {text}"
OPTIONS = "Options:\n{text}"
FORMS: Mapping[Form, str] = {
    "choice": "Answer with the letter of the right option alone.",
    "choices": "Answer with the letters of all right options alone, such as: A, C.",
    "box": "Answer with the four numbers [x0, y0, x1, y1] alone.",
    "point": "Answer with the two numbers [x, y] alone.",
    "text": "Answer in one or two sentences.",
    "report": "Answer with the JSON object alone.",
}
PERCENTILES = (1, 99)
"""Of the known depths: what black and white stand for."""


def prompt_protocol(image_size: int, pictures: bool) -> Mapping[str, Any]:
    """What is said of the prompt in a run."""
    words = [ROLE, REFERENCES, QUERY, ONLY_QUERY, DEPTH, FURTHER, INSTRUCTION, OPTIONS, dict(FORMS)]
    digest = hashlib.sha256(json.dumps([VERSION, words]).encode()).hexdigest()
    return {
        "prompt": VERSION,
        "prompt_digest": digest[:16],
        "role": ROLE,
        "order": "references, query, depth" if pictures else "no pictures",
        "image_size": image_size if pictures else None,
    }


def conversation(question: Question, image_size: int, pictures: bool = True) -> list[Message]:
    """The system's and the user's message.

    Parameters: `image_size` is the longer side in pixels of any picture, at most. Raises UnreadableFile where a picture
    is gone or broken.
    """
    lines = [] if not pictures else [_introduction(question)]
    if question.instruction:
        lines.append(INSTRUCTION.format(text=question.instruction))
    lines.append(question.text)
    if question.options:
        listed = "\n".join(f"{letter}. {text}" for letter, text in question.options.items())
        lines.append(OPTIONS.format(text=listed))
    lines.append(FORMS[question.form])
    shown = tuple(_shown(question, image_size)) if pictures else ()
    return [Message("system", ROLE), Message("user", "\n".join(lines), shown)]


def _introduction(question: Question) -> str:
    count = len(question.references)
    said = [REFERENCES[min(count, 2)].format(n=count)] if count else []
    single = not count and not question.more_images
    said.append(ONLY_QUERY if single else QUERY.format(n=count + 1))
    for number, path in enumerate(question.more_images, count + 2):
        said.append((DEPTH if path == question.picture.depth else FURTHER).format(n=number))
    return " ".join(said)


def _shown(question: Question, size: int) -> Sequence[NDArray[np.uint8]]:
    """All pictures, at most `size` pixels long."""
    found = [_picture(path) for path in question.references]
    found.append(_picture(question.picture.image))
    for path in question.more_images:
        found.append(
            _depth(question.picture.image, path) if path == question.picture.depth else _picture(path)
        )
    return [smaller(one, size) for one in found]


def _picture(path: Path) -> NDArray[np.uint8]:
    return images.load_picture(Sample("picture", path, "")).rgb


def _depth(image: Path, path: Path) -> NDArray[np.uint8]:
    """Depth as grey, brighter where it is nearer (larger values); black where it is not known."""
    depth = images.load_picture(Sample("picture", image, "", depth=path), True).depth
    known = np.isfinite(depth) if depth is not None else np.zeros(0, bool)
    if depth is None or not known.any():
        raise UnreadableFile(f"'{path}' holds no depth")
    low, high = np.percentile(depth[known], PERCENTILES)
    grey = np.where(known, (depth - low) / max(float(high - low), 1e-9), 0).clip(0, 1)
    return np.repeat((255 * grey).round().astype(np.uint8)[..., None], 3, axis=2)


def smaller(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The picture with a longer side of at most `size` pixels; smaller ones stay as they are."""
    height, width = image.shape[:2]
    factor = size / max(height, width)
    if factor >= 1:
        return image
    target = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(cv2.resize(image, target, interpolation=cv2.INTER_AREA), np.uint8)

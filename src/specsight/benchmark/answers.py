"""What a model answered, as lines of `answers.jsonl`, and the folder of one run over a benchmark.

run.json         `Run`: the benchmark and its version, the model and its fingerprint, how it was asked
answers.jsonl    one `Answer` per line, appended as they come, so that a killed run goes on where it was
scores.json      the numbers, made by `benchmark.scoring`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specsight.benchmark.records import Record

RUN = "run.json"
ANSWERS = "answers.jsonl"
SCORES = "scores.json"


class Answer(Record):
    """What came of asking one item once."""

    item: str
    raw: str = ""
    """The model's words."""
    given: str | None = None
    """The answer in the form of the item (`Item.answer`), letters as in the item whatever order was shown; None: the
    words hold no answer, or there was an error. It is wrong then, and counted as invalid."""
    rotation: int = 0
    """By how many places the options were shifted when they were shown (circular-option accuracy)."""
    error: str | None = None
    """Why there is no answer: a time-out, a picture that is gone, ..."""
    likelihoods: Mapping[str, float] | None = None
    """Letter → log-likelihood, where the model gives them."""
    seconds: float = 0.0
    tokens_read: int | None = None
    tokens_written: int | None = None
    cost: float | None = None
    """In the currency of the price that was given."""


class Run(Record):
    """One model over one benchmark."""

    benchmark: str
    version: str
    digest: str
    """Of `items.jsonl`: answers to other items are not mixed with these."""
    model: str
    """As it was asked for."""
    fingerprint: str = ""
    protocol: Mapping[str, Any]
    """Everything else that the answers depend on: prompt, resolution, shots, rotations, seed, which items."""

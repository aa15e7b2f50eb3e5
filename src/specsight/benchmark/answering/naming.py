"""A model's name, as it is given to `benchmark run`, → its answerer."""

from __future__ import annotations

from specsight.benchmark.answering.contract import Answerer, AnswererConfig, answerers


def answerer_named(name: str, config: AnswererConfig | None = None) -> Answerer:
    """The answerer called `name`: one of `answerers`, with ":" and what it needs to know behind it.

    Raises SpecsightError for an unknown name and for what the answerer cannot use.
    """
    kind, _, rest = name.partition(":")
    return answerers[kind](rest, config or AnswererConfig())

"""A model's name, as it is given to `benchmark run`, → its answerer."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from specsight.benchmark.answering.contract import Answerer, AnswererConfig, answerers
from specsight.errors import SpecsightError, did_you_mean
from specsight.storage import CHECKSUMS


def answerer_named(name: str, config: AnswererConfig | None = None) -> Answerer:
    """The answerer called `name`: one of `answerers`, with ":" and what it needs to know, an address, or a folder.

    Raises SpecsightError for an unknown name and for what the answerer cannot use.
    """
    config = config or AnswererConfig()
    made = _made(name, config)
    plain = AnswererConfig()
    for one in fields(config):
        if one.name in ("seed", "settings") or one.name in made.takes:
            continue
        if getattr(config, one.name) != getattr(plain, one.name):
            raise SpecsightError(f"--{one.name.replace('_', '-')} has no effect on '{name}': leave it out")
    return made


def _made(name: str, config: AnswererConfig) -> Answerer:
    kind, _, rest = name.partition(":")
    if kind in answerers or kind in answerers.broken:
        return answerers[kind](rest, config)
    if kind in ("http", "https"):
        return answerers["endpoint"](name, config)
    if (Path(name) / CHECKSUMS).is_file():
        return answerers["model"](name, config)
    raise SpecsightError(
        f"--model {name}: no answerer is called '{kind}' and no saved model lies there; {did_you_mean(kind, answerers)}"
    )

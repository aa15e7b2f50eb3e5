"""The name of an engine → the engine, for as long as it is used."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from specsight.engine.contract import Engine
from specsight.engine.local import LOCAL
from specsight.errors import SpecsightError, did_you_mean

ENGINES = ("local", "ray")


@contextlib.contextmanager
def opened(name: str = "local", address: str | None = None, workers: int | None = None) -> Iterator[Engine]:
    """The engine called `name`. What it started ends with the context; a cluster that it found goes on.

    `address` is that of a running Ray cluster (None: what RAY_ADDRESS says, else a cluster of this machine is started),
    `workers` how many pieces are worked on at once (None: one for each processor). Raises SpecsightError for an unknown
    name, for options that the engine has no use for, and for a cluster that does not answer.
    """
    if name not in ENGINES:
        raise SpecsightError(f"unknown engine '{name}': {did_you_mean(name, ENGINES)}")
    if name == "local":
        for option, value in (("--engine-address", address), ("--engine-workers", workers)):
            if value is not None:
                raise SpecsightError(f"{option} is for --engine ray: name that, or leave it out")
        yield LOCAL
        return
    from specsight.engine.ray_cluster import joined

    with joined(address, workers) as engine:
        yield engine

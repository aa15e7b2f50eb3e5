"""`samples.jsonl` → `items.jsonl`, going on where a call with the same content was killed.

In: the samples' file and a `Context` that surveyed it. Out: the file, whole or not at all, and the counts in the
context. Every so many samples what is written is made safe, and what the following items depend on is kept beside it.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import BinaryIO

from specsight.benchmark.files import line_of, read_lines
from specsight.benchmark.items.balance import Balance
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.making import make_items
from specsight.benchmark.records import BenchmarkSample, Record
from specsight.errors import SpecsightError
from specsight.progress import track
from specsight.storage.files import sha256, write_text

EVERY = 1000
"""Samples between two states that are kept: what a kill costs at most."""
STATE = "state"
"""Ending of the file beside the items that says how far they are."""


class State(Record):
    """How far items are made, and everything that the following ones depend on."""

    mark: str
    """Of what they are made of."""
    samples: int
    size: int
    """Bytes of their file."""
    balance: dict[str, int]
    made: tuple[tuple[str, str, int], ...]
    not_made: tuple[tuple[str, str, dict[str, int]], ...]


def items_to_file(path: Path, samples: Path, context: Context, mark: str, total: int | None = None) -> None:
    """Write the items of all samples to `path` (`items.jsonl`).

    What a further call goes on from stays beside it until whoever calls removes it (`STATE`).

    Parameters: `context` is surveyed, and counts what is made; `mark` tells apart what items are made of besides the
    samples; `total` is their number. Raises OSError where it cannot be written.
    """
    mark = f"{mark} {sha256(samples)}"
    partial, kept = path.with_name(f"{path.name}.partial"), path.with_name(f"{path.name}.{STATE}")
    state = _state(path, partial, kept, mark)
    context.balance = Balance.from_json(state.balance)
    context.made.update({(product, task): count for product, task, count in state.made})
    context.not_made.update({(product, task): Counter(reasons) for product, task, reasons in state.not_made})
    number = 0
    with partial.open("ab") as file:
        file.truncate(state.size)
        read = track(read_lines(samples, BenchmarkSample), "Making items", total)
        for number, sample in enumerate(read, start=1):
            if number <= state.samples:
                continue
            for item in make_items(sample, context):
                file.write(line_of(item).encode("utf-8", "backslashreplace"))
            if number % EVERY == 0:
                _keep(kept, file, mark, number, context)
        _keep(kept, file, mark, number, context)
    partial.replace(path)


def _state(path: Path, partial: Path, kept: Path, mark: str) -> State:
    """What an earlier call with the same content left, its items under the name `partial`; else the beginning."""
    if path.exists() and not partial.exists():
        path.replace(partial)  # whole, but for what a build does after its items
    try:
        state = next(read_lines(kept, State)) if kept.is_file() and partial.is_file() else None
    except (SpecsightError, StopIteration):
        state = None
    if state is None or state.mark != mark or partial.stat().st_size < state.size:
        return State(mark=mark, samples=0, size=0, balance={}, made=(), not_made=())
    return state


def _keep(kept: Path, file: BinaryIO, mark: str, samples: int, context: Context) -> None:
    """Make safe what is written, then what the following items depend on."""
    file.flush()
    os.fsync(file.fileno())
    state = State(
        mark=mark,
        samples=samples,
        size=file.tell(),
        balance=context.balance.to_json(),
        made=tuple((*key, count) for key, count in context.made.items()),
        not_made=tuple((*key, dict(reasons)) for key, reasons in context.not_made.items()),
    )
    write_text(kept, line_of(state))

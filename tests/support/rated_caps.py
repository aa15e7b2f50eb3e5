"""A benchmark of caps with a description and a report of each, and two models' words about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.support.curated_caps import item, make

from specsight.benchmark.answers import Answer, Run
from specsight.benchmark.files import ITEMS, Benchmark, write_lines
from specsight.storage.files import sha256, write_json


def write_caps(folder: Path, count: int = 8) -> Benchmark:
    """`count` pictures; those with odd numbers have a scratch."""
    items = []
    for number in range(count):
        given = {"form": "text", "options": {}, "answer": "A scratch." if number % 2 else "Nothing."}
        items.append(item(number, **given, id=f"cap-{number}/description/0", task="description"))
    return make(folder, items, pictures=count)


def write_run(benchmark: Benchmark, folder: Path, words: Callable[[str], str]) -> Path:
    """A run whose model says `words` of each item; where that is empty it failed."""
    folder.mkdir(parents=True)
    run = Run(
        benchmark="caps",
        version="1.0.0",
        digest=sha256(benchmark.folder / ITEMS),
        model=folder.name,
        protocol={},
    )
    write_json(folder / "run.json", run.model_dump(mode="json"))
    answers = [
        Answer(item=one.id, raw=words(one.id), error=None if words(one.id) else "time-out")
        for one in benchmark.items()
    ]
    write_lines(folder / "answers.jsonl", answers)
    return folder

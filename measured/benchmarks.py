"""`python -m measured benchmarks`: build benchmarks of photographs and of tyres, ask models, tabulate their answers.

Each benchmark is built, checked and run over by the models below; what is there already is not made again. The detector
learns from the train split's good parts alone; of sets whose fit takes hours here, from a list of 8.
`--limit N` asks every model the same N plain questions of each task, choices in every order; `--model` some models.
`--page FOLDER` writes the documents' page with one item of each task and its picture besides.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from speed import SHARED

from measured.command import specsight
from measured.rows import ROOT
from specsight import images
from specsight.benchmark.answers import ANSWERS
from specsight.benchmark.files import MANIFEST, Benchmark
from specsight.benchmark.records import BenchmarkSample, Item
from specsight.benchmark.scoring.comparing import differences
from specsight.benchmark.scoring.reading import read_run
from specsight.benchmark.scoring.scores import score_run
from specsight.benchmark.tasks import TASKS
from specsight.report.benchmark_tables import blocks, difference_block
from specsight.storage import write_bytes, write_text
from specsight.storage.tables import markdown_table, markdown_text


@dataclass(frozen=True)
class Asked:
    """A model that is asked, and how."""

    model: str
    arguments: tuple[str, ...] = ()

    @property
    def looks(self) -> bool:
        """Whether it is fitted to pictures."""
        return ":" in self.model


MODELS: Mapping[str, Asked] = {
    **{name: Asked(name) for name in ("random", "majority", "blind")},
    "patchcore": Asked("detector:patchcore"),
    "pointing": Asked("pointing:bundled"),
    "language-model": Asked("pointing:bundled", ("--set", "answers=language-model")),
}
"""Name of a run → what is asked. The last: the language model of `pointing` without evidence."""
BASE = "blind"
SHOWN = ("overview", "tasks", "mmad", "circular")
"""Ids of the tables that the documents print."""
ORDERS = ("--rotations", "6", "--no-scenarios")
TILE = 240
"""Side in pixels of a picture on the page of items."""
ACROSS = 4


@dataclass(frozen=True)
class Source:
    """One data set to build from."""

    data: str
    arguments: tuple[str, ...]
    run: tuple[str, ...] = ()
    """Further options of the detector's run."""


SOURCES: Mapping[str, Source] = {
    "bottle": Source(
        str(SHARED / "data" / "mvtec_ad" / "bottle"), ("--spec", str(ROOT / "examples" / "bottle.yaml"))
    ),
    "magnetic_tile": Source(
        str(SHARED / "data" / "magnetic_tile"),
        ("--spec", str(ROOT / "examples" / "magnetic_tile.yaml")),
        ("--shots", "8"),
    ),
    "deep_pcb": Source(
        str(SHARED / "data" / "deep_pcb"),
        ("--spec", str(ROOT / "examples" / "deep_pcb.yaml")),
        ("--shots", "8"),
    ),
    "tyres": Source("tyres", ("--size", "standard")),
}


def main(arguments: list[str]) -> int:
    """Builds, runs, prints; returns the number of steps that failed."""
    parser = argparse.ArgumentParser(prog="python -m measured benchmarks", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "benchmarks")
    parser.add_argument("--only", action="append", default=[], choices=tuple(SOURCES))
    parser.add_argument("--model", action="append", default=[], choices=tuple(MODELS), help="default: all")
    parser.add_argument(
        "--limit", type=int, help="questions of each task; default: all, those of scenarios too"
    )
    parser.add_argument(
        "--shots", type=int, help="fit to so many good parts of each product; default: as said"
    )
    parser.add_argument("--tables", action="store_true", help="tabulate what has been run, and no more")
    parser.add_argument("--page", type=Path, help="folder of the documents: write the page of items")
    given = parser.parse_args(arguments)
    failed = 0
    models = {name: MODELS[name] for name in given.model or MODELS}
    for name in given.only or SOURCES:
        runs = given.out / f"{name}-runs{f'-{given.limit}' if given.limit else ''}"
        if not given.tables:
            sample = ("--limit", str(given.limit), *ORDERS) if given.limit else ()
            shots = ("--shots", str(given.shots)) if given.shots else SOURCES[name].run
            failed += _made(name, given.out, runs, models, sample, shots)
        print(_tables(Benchmark(given.out / name), runs))
    if given.page:
        write_page(Benchmark(given.out / "tyres"), given.page)
    return failed


def _made(
    name: str,
    out: Path,
    runs: Path,
    models: Mapping[str, Asked],
    sample: tuple[str, ...],
    shots: tuple[str, ...],
) -> int:
    """Build what is not there, ask, report. `sample`: which items are asked; `shots`: what detectors are fitted to."""
    source, folder, failed = SOURCES[name], out / name, 0
    if not (folder / MANIFEST).is_file():
        failed += not specsight("benchmark", "build", source.data, *source.arguments, "-o", str(folder))
        failed += not specsight("benchmark", "check", str(folder))
    for title, asked in models.items():
        further = shots if asked.looks else ()
        options = ("--model", asked.model, "-o", str(runs / title), *asked.arguments, *sample, *further)
        failed += not specsight("benchmark", "run", str(folder), *options)
    found = [str(runs / title) for title in MODELS if (runs / title / ANSWERS).is_file()]
    failed += not specsight("benchmark", "report", str(folder), *found, "-o", str(runs.with_suffix(".html")))
    return failed


def _tables(benchmark: Benchmark, runs: Path) -> str:
    """The tables of one benchmark in Markdown."""
    found = {title: runs / title for title in MODELS if (runs / title / ANSWERS).is_file()}
    scores = {title: score_run(benchmark, folder) for title, folder in found.items()}
    counts = benchmark.manifest.counts
    text = [f"### {benchmark.folder.name}: {counts['samples']:,} pictures, {counts['items']:,} items\n"]
    shown = [block for block in blocks(scores) if block.id in SHOWN]
    if BASE in found and len(found) > 1:
        answers = {title: read_run(benchmark, folder) for title, folder in found.items()}
        above = {title: differences(one, answers[BASE]) for title, one in answers.items() if title != BASE}
        shown.append(difference_block(above, BASE))
    for block in shown:
        columns = [title for title in found if block.id != "differences" or title != BASE]
        header = (block.title, "questions", "by chance", *(f"`{title}`" for title in columns))
        rows = [
            (
                markdown_text(row.title),
                row.count,
                row.chance,
                *(f"{cell.text}{f' ({cell.interval})' if cell.interval else ''}" for cell in row.cells),
            )
            for row in block.rows
        ]
        text.append(markdown_table(header, rows))
    spent = [
        (f"`{title}`", f"{one.costs.get('answers', 0):,.0f}", f"{one.costs.get('median_seconds', 0):.3f} s")
        for title, one in scores.items()
    ]
    text.append(markdown_table(("model", "answers", "time of an answer, median"), spent))
    return "\n".join(text)


def write_page(benchmark: Benchmark, docs: Path) -> None:
    """`benchmark-items.md` with one item of each task, and the pictures on one sheet, numbered."""
    chosen = list(_one_of_each(benchmark))
    tiles = [_tile(benchmark, item, sample, number) for number, (item, sample) in enumerate(chosen, 1)]
    tiles += [np.full((TILE, TILE, 3), 255, np.uint8)] * (-len(tiles) % ACROSS)
    rows = [np.hstack(tiles[k : k + ACROSS]) for k in range(0, len(tiles), ACROSS)]
    encoded = cv2.imencode(".webp", np.vstack(rows)[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 82])[1]
    write_bytes(docs / "images" / "benchmark-items.webp", encoded.tobytes())
    name = benchmark.manifest.name
    made = f"Of the tyre benchmark ({name}, *synthetic*), as `python -m measured benchmarks --page docs`"
    lines = [
        "# One item of each task\n",
        f"{made} writes this page. Pictures are numbered; red is the truth, which no model sees.\n",
        "![Pictures of the items, numbered, defects outlined](images/benchmark-items.webp)\n",
    ]
    lines += [text for number, (item, _) in enumerate(chosen, 1) for text in _words(number, item)]
    write_text(docs / "benchmark-items.md", "\n".join(lines))


def _one_of_each(benchmark: Benchmark) -> Iterator[tuple[Item, BenchmarkSample]]:
    """A test item of each task, about a defective picture where there is one, and each about another picture."""
    known: dict[str, list[tuple[Item, BenchmarkSample]]] = {}
    for sample, items in benchmark.by_sample():
        for item in items:
            if item.split == "test" and item.scenario is None:
                known.setdefault(item.task, []).append((item, sample))
    shown = set[str]()
    for task in TASKS:
        if found := known.get(task, []):
            best = min(found, key=lambda one: (one[1].id in shown, one[1].label == "good"))
            shown.add(best[1].id)
            yield best


def _tile(benchmark: Benchmark, item: Item, sample: BenchmarkSample, number: int) -> NDArray[np.uint8]:
    rgb = images.read_rgb(benchmark.picture(item.images[0])).copy()
    for mask in sample.masks:
        marked = images.read_mask(benchmark.picture(mask)) > 0
        outlines, _ = cv2.findContours(marked.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(rgb, outlines, -1, (255, 40, 40), 2)
    tile = cv2.resize(np.asarray(rgb, np.uint8), (TILE - 8, TILE - 8), interpolation=cv2.INTER_AREA)
    framed = cv2.copyMakeBorder(tile, 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    cv2.rectangle(framed, (4, 4), (44, 34), (255, 255, 255), -1)
    cv2.putText(framed, str(number), (9, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2, cv2.LINE_AA)
    return np.asarray(framed, np.uint8)


def _words(number: int, item: Item) -> Iterator[str]:
    yield f"**{number}. {TASKS[item.task].title}**" + (
        f", instruction: “{item.instruction}”" if item.instruction else ""
    )
    yield f"\n> {markdown_text(item.question)}\n"
    for letter, text in item.options.items():
        right = letter in {one.strip() for one in item.answer.split(",")} and item.form in (
            "choice",
            "choices",
        )
        yield f"- {'**' if right else ''}{letter}. {markdown_text(text)}{'**' if right else ''}"
    if not item.options:
        yield f"Answer: {markdown_text(item.answer)}"
    yield ""

"""`python -m measured tgad`: what words do on photographs, after the three scenarios of TGAD (arXiv 2606.01992).

The protocol's tables and prompts are not public; it is followed as its abstract describes it, so every number is
"TGAD-style". S1: the pictures stay and prompts or specifications are said otherwise. S2: one part is to be inspected,
and defects elsewhere count as normal. S3: several pictures in one, and an instruction names a place and a type. The
matched pairs of photographs come from the same runs as S2. Runs that are complete are not repeated.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from measured.command import specsight
from measured.photographs import SETS, Photographs, write_photographs
from measured.rows import ROOT
from specsight.datasets import load_dataset
from specsight.datasets.parts import split_by_part, stated_part
from specsight.evaluation.instructions.panels import Layout, write_panels
from specsight.evaluation.instructions.prompt_edits import (
    PLAIN,
    Sensitivity,
    prompt_sensitivity,
    specification_sensitivity,
)
from specsight.inspector import Inspector
from specsight.metrics.image import image_auroc
from specsight.metrics.language_control import decision_ranks, right_both_ways
from specsight.records import Sample
from specsight.report.export import Table, markdown
from specsight.runs.folder import RunFolder
from specsight.runs.instructed import Instructed
from specsight.runs.suite_record import RECORD, SuiteRecord, SuiteRow
from specsight.specification import load_specification

DETECTORS = ("patchcore", "phrases")
READING = "phrases"
# Boards show several types at once, and are larger than the cells of a panel.
LAYOUTS = {"bottle": Layout(2, 3, (160, 160)), "magnetic_tile": Layout(2, 3, (160, 128))}
PANELS = {"train": 30, "test": 32}
RESOLUTION, RESAMPLES = 256, 200


def main(arguments: Sequence[str]) -> int:
    """Measures and prints; returns the number of commands that failed."""
    parser = argparse.ArgumentParser(prog="python -m measured tgad", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "tgad")
    parser.add_argument("--set", action="append", choices=[*SETS], help="which sets; default: all")
    parser.add_argument("--detectors", default=",".join(DETECTORS), help="detectors, with commas")
    parser.add_argument("--tables", action="store_true", help="tabulate what has been measured, and no more")
    given = parser.parse_args(arguments)
    sets = [SETS[name] for name in given.set or SETS]
    detectors = tuple(given.detectors.split(","))
    failed = 0
    if not given.tables:
        failed = sum(_measure(of, given.out / of.name, detectors) for of in sets)
    text = tables(sets, given.out, detectors)
    (given.out / "tables.md").write_text(text)
    print(text)
    return failed


def _measure(of: Photographs, out: Path, detectors: Sequence[str]) -> int:
    """Everything about one set; returns how many commands failed."""
    data, found, panels = out / "data", out / "data-without-parts", out / "panels"
    for folder in (data, found):
        if not (folder / "manifest.jsonl").is_file():
            write_photographs(of, folder, given_parts=folder == data)
    rows = ("--rows", ",".join(detectors))
    done = [
        _suite(out / "parts", data, of.specification, *rows),
        _suite(out / "found", found, of.specification, "--rows", detectors[0]),
    ]
    if of.name in LAYOUTS:
        if not (panels / "manifest.jsonl").is_file():
            _compose(of, panels)
        done.append(_suite(out / "composed", panels, panels / "specification.yaml", *rows))
    samples = load_dataset(data / "manifest.jsonl").samples
    for detector in detectors:
        _kept(out / f"prompts-{detector}.json", partial(_prompts, of, samples, detector))
    _kept(out / "specifications.json", partial(_specifications, of, samples))
    return done.count(False)


def _compose(of: Photographs, panels: Path) -> None:
    specification = load_specification(of.specification)
    samples = split_by_part(load_dataset(of.data)).samples
    tested = [sample for sample in samples if sample.split == "test"]
    good = [sample for sample in samples if sample.split == "train" and sample.label == "good"]
    # One exposure of a tile, as panels are to be independent; not the same for all, as those tested are not.
    order = np.random.default_rng(0).permutation(len(good))
    good = [*{stated_part(good[k]): good[k] for k in order}.values()]
    write_panels(good, tested, specification, panels, LAYOUTS[of.name], **PANELS)


def _kept(file: Path, measure: Callable[[], dict[str, Sensitivity]]) -> None:
    """Measure once, and keep what was measured."""
    if not file.is_file():
        file.write_text(json.dumps({name: asdict(one) for name, one in measure().items()}))


def _suite(run: Path, data: Path, specification: Path, *arguments: str) -> bool:
    """The suite of instructions; finished rows are not repeated."""
    files = ("--data", str(data / "manifest.jsonl"), "--spec", str(specification))
    how = ("--resolution", str(RESOLUTION), "--resamples", str(RESAMPLES))
    command = ("evaluate", "--suite", "instructions", *files, *how, *arguments, "--out", str(run))
    return specsight(*command)


def _prompts(of: Photographs, samples: Sequence[Sample], detector: str) -> dict[str, Sensitivity]:
    """S1, prompts."""
    specification = load_specification(of.specification)
    learned, tested = ([s for s in samples if s.split == split] for split in ("train", "test"))
    inspector = Inspector.fit(learned, detector=detector, specification=specification, resolution=RESOLUTION)
    return prompt_sensitivity(inspector, tested, specification)


def _specifications(of: Photographs, samples: Sequence[Sample]) -> dict[str, Sensitivity]:
    """S1, specifications: from words alone, so that nothing but words differs."""
    return specification_sensitivity(
        lambda said: Inspector.fit([], detector=READING, specification=said, resolution=RESOLUTION),
        [s for s in samples if s.split == "test"],
        load_specification(of.specification),
    )


def tables(sets: Sequence[Photographs], out: Path, detectors: Sequence[str]) -> str:
    """What has been measured, as Markdown; what has not is left out."""
    parts = [
        ("Matched pairs on photographs", _pair_rows(sets, out)),
        ("TGAD-style S1: prompts", _prompt_rows(sets, out, detectors)),
        ("TGAD-style S1: specifications", _wording_rows(sets, out)),
        ("TGAD-style S2: one part at a time", _scope_rows(sets, out)),
        ("TGAD-style S3: composed panels", _panel_rows(sets, out)),
    ]
    made = []
    for title, rows in parts:
        head, *lines = rows
        if lines:
            made.append(f"## {title}\n\n{markdown(Table(head, lines, words=len(head)), marked=True)}")
    return "\n".join(made)


def _suite_rows(run: Path) -> Sequence[SuiteRow]:
    return SuiteRecord.read(run).rows if (run / RECORD).is_file() else ()


def _number(row: SuiteRow, name: str, percent: bool = False) -> str:
    value, (low, high) = row.values.get(name), row.intervals.get(name) or (None, None)
    if value is None:
        return "-"
    scale, places, unit = (100, 0, " %") if percent else (1, 3, "")
    shown = f"{scale * value:.{places}f}"
    if low is None or high is None:
        return shown + unit
    return f"{shown}{unit} ({scale * low:.{places}f} to {scale * high:.{places}f}{unit})"


def _pair_rows(sets: Sequence[Photographs], out: Path) -> Iterator[list[str]]:
    """With part maps by hand, then with those that the first detector finds itself."""
    kinds = ("scope", "tolerance", "knowledge")
    yield ["set", "parts", "method", *(f"{kind}, {way}" for kind in kinds for way in ("clauses", "text"))]
    for of in sets:
        rows = [("by hand", row) for row in _suite_rows(out / of.name / "parts")]
        found = [row for row in _suite_rows(out / of.name / "found") if row.group != "reference"]
        for parts, row in [*rows, *(("found", row) for row in found)]:
            names = [f"pairs_{kind}_{way}" for kind in kinds for way in ("clauses", "text")]
            yield [of.title, parts, row.name, *(_number(row, name, percent=True) for name in names)]


def _prompt_rows(sets: Sequence[Photographs], out: Path, detectors: Sequence[str]) -> Iterator[list[str]]:
    yield ["set", "prompt", *(f"`{d}`: image AUROC (change; verdicts changed)" for d in detectors)]
    for of in sets:
        files = [out / of.name / f"prompts-{detector}.json" for detector in detectors]
        found = [json.loads(file.read_text()) if file.is_file() else {} for file in files]
        for name in next((one for one in found if one), {}):
            cells = [
                f"{one[name]['auroc']:.3f} ({one[name]['change']:+.3f}; {100 * one[name]['flipped']:.0f} %)"
                if one
                else "-"
                for one in found
            ]
            prompt = next(one[name]["words"] for one in found if one)
            yield [of.title, f"{name}: “{prompt}”" if name == PLAIN else name, *cells]


def _wording_rows(sets: Sequence[Photographs], out: Path) -> Iterator[list[str]]:
    yield ["set", "specification", f"`{READING}`, words alone: image AUROC (change)"]
    for of in sets:
        file = out / of.name / "specifications.json"
        for name, one in (json.loads(file.read_text()) if file.is_file() else {}).items():
            yield [of.title, name, f"{one['auroc']:.3f} ({one['change']:+.3f})"]


def _scope_rows(sets: Sequence[Photographs], out: Path) -> Iterator[list[str]]:
    names = ("image_auroc", "part_auroc_clauses", "part_auroc_text", "scope_drop_text")
    yield ["set", "method", "image AUROC, all defects", "one part, clauses", "one part, text", "drop, text",
           "defects elsewhere accepted, text"]  # fmt: skip
    for of in sets:
        for row in _suite_rows(out / of.name / "parts"):
            cells = [_number(row, name) for name in names]
            yield [of.title, row.name, *cells, _number(row, "scope_compliance_text", percent=True)]


def _panel_rows(sets: Sequence[Photographs], out: Path) -> Iterator[list[str]]:
    """Place alone, and place and type together, from the raw text and without it."""
    yield ["panels of", "method", "image AUROC, all defects", "one place, text", "place and type, text",
           "pairs: place alone, text", "pairs: place and type, text"]  # fmt: skip
    for of in sets:
        run = out / of.name / "composed"
        for row in _suite_rows(run):
            way = "ignored" if row.group == "reference" else "text"
            asked = [one for one in RunFolder(run / row.folder).instructed(0) if one.pair]
            place, both = ([o for o in asked if len(o.clauses) == count] for count in (1, 2))
            cells = [_number(row, name) for name in ("image_auroc", "part_auroc_text")]
            shares = [f"{100 * _right(lines, way):.0f} % of {len(lines) // 2}" for lines in (place, both)]
            yield [of.title, row.name, *cells, f"{_auroc(both, way):.3f}", *shares]


def _auroc(asked: Sequence[Instructed], way: str) -> float:
    """AUROC of the true verdict "reject" by the decisions."""
    answers = [one.answers[way] for one in asked]
    ranks = decision_ranks([a.verdict == "reject" for a in answers], [a.margin for a in answers])
    return float(image_auroc(np.array([one.truth == "reject" for one in asked], bool), ranks))


def _right(asked: Sequence[Instructed], way: str) -> float:
    """Share of pairs with two right verdicts."""
    pairs = [one.pair for one in asked]
    right = right_both_ways(pairs, [one.answers[way].verdict == one.truth for one in asked])
    return float(np.mean(right)) if len(right) else float("nan")

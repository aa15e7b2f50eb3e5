"""`python -m measured feedback`: what persons' feedback does to false rejects and misses, on *synthetic* tyres.

A model is fitted on a few good tyres; a line of others is judged and stored, as `specsight serve` does; a person who
knows the truth looks at every reject and at every fifth accepted part, and an engineer confirms what they say. Then
candidates: thresholds that few, or all, false rejects join, alone or with accepted parts, and a supervised version from
5 and 20 confirmed defects. Each judges tyres that nothing was learned from. Nothing is chosen by what it says of the
tyre model `winter`, which is measured once.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from measured.command import specsight
from measured.rows import ROOT
from specsight.datasets import load_dataset
from specsight.datasets.manifest import write_manifest
from specsight.evaluation.numbers import rate
from specsight.inspector import Inspector
from specsight.line.feedback.candidates import supervised_candidate, threshold_candidate
from specsight.line.feedback.confirming import confirm
from specsight.line.fleet import Fleet
from specsight.line.judging import judge
from specsight.line.records import JudgedPart, Review
from specsight.line.requests import PartRequest
from specsight.line.store import LineStore
from specsight.metrics import image_auroc
from specsight.records import Sample
from specsight.report.export import Table, markdown

TYRES = {"sport": 16, "winter": 21}
"""Tyre models, and the seeds that their pictures are drawn under."""
COUNT, ZONE, RESOLUTION, CORESET = 800, "tread", 256, 2048
GOOD, STREAM_GOOD, STREAM_DEFECTIVE = 24, 300, 80
EACH = 5
"""Every so many accepted parts a person looks at."""
SOME = 3
DEFECTS = (5, 20)


class Split(NamedTuple):
    """Samples by what they are for; tyres of one part hold no pictures of another one."""

    fitted: list[Sample]
    stream: list[Sample]
    test: list[Sample]


class Line(NamedTuple):
    """A line whose parts were judged and stored, and what is true of them."""

    fleet: Fleet
    parts: list[tuple[JudgedPart, Sample]]


def main(arguments: Sequence[str]) -> int:
    """Measure, print a Markdown table of each tyre model, and return the number of commands that failed."""
    parser = argparse.ArgumentParser(prog="python -m measured feedback", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "measured" / "feedback")
    parser.add_argument("--models", default=",".join(TYRES), help="tyre models, such as sport,winter")
    parser.add_argument("--seed", type=int, default=0, help="of which tyres are fitted, judged and tested")
    parser.add_argument("--no-supervised", action="store_true", help="leave the supervised versions out")
    given = parser.parse_args(arguments)
    for name in given.models.split(","):
        folder = given.out / name
        if not (folder / "manifest.jsonl").is_file():
            drawn = ("--model", name, "--zone", ZONE, "--seed", str(TYRES[name]), "--count", str(COUNT))
            if not specsight("tyres", *drawn, "--workers", "1", "--out", str(folder)):
                return 1
        rows = measure(
            name, folder, given.out / f"{name}-line-{given.seed}", given.seed, not given.no_supervised
        )
        header = ("version", "joined", "threshold", "good parts rejected", "defects missed", "AUROC")
        print(f"`{name}`\n\n{markdown(Table(header, tuple(rows), words=1))}", flush=True)
    return 0


def measure(name: str, data: Path, out: Path, seed: int, supervised: bool) -> list[tuple[str, ...]]:
    """Rows of the table of one tyre model."""
    shutil.rmtree(out, ignore_errors=True)
    samples = [s for s in load_dataset(data / "manifest.jsonl").samples if s.label != "unknown"]
    split = _split(samples, seed)
    line = _judged_line(name, split, data, out, seed)
    fleet, live = line.fleet, line.fleet.live(name)
    test = [(s.label == "defective", live.inspector.inspect(s.image).score) for s in split.test]
    said = [one for one in line.parts if _is_false_reject(*one)]
    rejected_defects = [
        one for one in line.parts if one[0].verdict == "reject" and one[1].label == "defective"
    ]
    print(
        f"{name}: {len(line.parts)} judged, {len(said)} false rejects, {len(rejected_defects)} defects found"
    )
    rows = [_row("as fitted", "", live.inspector, test)]

    def joined(title: str, way: str) -> None:
        made = threshold_candidate(fleet, name, "engineer", way, seed=seed)
        model = fleet.load(name, made.version.version).inspector
        rows.append(_row(title, str(len(made.parts)), model, test))

    for part, _ in said[:SOME]:
        _say(fleet.store, part, "accept", "good")
    joined(f"{min(SOME, len(said))} false rejects", "overruled")
    for part, _ in said[SOME:]:
        _say(fleet.store, part, "accept", "good")
    joined("all false rejects", "overruled")
    for part, _ in rejected_defects:
        _say(fleet.store, part, "reject", "defect")
    accepted = [one for one in line.parts if one[0].verdict == "accept"]
    for k in sorted(np.random.default_rng(seed).permutation(len(accepted))[: len(accepted) // EACH]):
        part, sample = accepted[k]
        good = sample.label == "good"
        _say(fleet.store, part, "accept" if good else "reject", "good" if good else "defect")
    joined(f"all false rejects, and every {EACH}th accepted part", "all")
    joined("the same, both verdicts at the same share", "even")
    for count in DEFECTS if supervised else ():
        for part, sample in _spread(rejected_defects)[:count]:
            confirm(fleet.store, part.id, "defect", "engineer", sample.types[0])
        made = supervised_candidate(fleet, name, "engineer", seed)
        model = fleet.load(name, made.version.version).inspector
        own = [(s.label == "defective", model.inspect(s.image).score) for s in split.test]
        rows.append(_row(f"supervised, {len(made.parts)} defects", str(len(made.parts)), model, own))
    fleet.store.close()
    return rows


def _split(samples: Sequence[Sample], seed: int) -> Split:
    """Divide by tyre: to be fitted on, judged on the line, and tested."""
    groups = sorted({s.group or s.id for s in samples})
    order = {groups[k]: place for place, k in enumerate(np.random.default_rng(seed).permutation(len(groups)))}
    drawn = sorted(samples, key=lambda s: (order[s.group or s.id], s.id))
    fitted, stream, taken = list[Sample](), list[Sample](), set[str]()
    for s in drawn:
        if s.label == "good" and len(fitted) < GOOD:
            fitted.append(s)
            taken.add(s.group or s.id)
    counts = {"good": STREAM_GOOD, "defective": STREAM_DEFECTIVE}
    for s in drawn:
        if (s.group or s.id) not in taken and counts[s.label] > 0:
            counts[s.label] -= 1
            stream.append(s)
    taken |= {s.group or s.id for s in stream}
    return Split(fitted, stream, [s for s in drawn if (s.group or s.id) not in taken])


def _judged_line(name: str, split: Split, data: Path, out: Path, seed: int) -> Line:
    """Fit a model and judge the stream by it."""
    good = write_manifest(
        [replace(s, split="train", depth=None, normals=None, parts=None) for s in split.fitted],
        data / f"fitted-{seed}.jsonl",
    )
    store = LineStore.open(_database(out))
    fitted = ("--good", str(good), "-o", str(out / "models" / name), "--detector", "patchcore")
    size = ("--resolution", str(RESOLUTION), "--set", f"coreset_limit={CORESET}")
    assert specsight("fit", *fitted, *size), "the fit failed"
    fleet = Fleet(out / "models", store)
    live, parts = fleet.live(name), []
    for s in split.stream:
        judged = judge(live, PartRequest("line", s.group or s.id, name, s.image.read_bytes()))
        parts.append((store.add([judged])[0], s))
    return Line(fleet, parts)


def _database(out: Path) -> str:
    out.mkdir(parents=True)
    return f"sqlite:///{out.absolute()}/line.db"


def _is_false_reject(part: JudgedPart, sample: Sample) -> bool:
    return part.verdict == "reject" and sample.label == "good"


def _say(store: LineStore, part: JudgedPart, verdict: str, outcome: str, type_: str = "") -> None:
    store.review(Review(part.id, "operator", "operator", verdict))  # type: ignore[arg-type]
    confirm(store, part.id, outcome, "engineer", type_)


def _spread(found: Sequence[tuple[JudgedPart, Sample]]) -> list[tuple[JudgedPart, Sample]]:
    """One of each type in turn."""
    by_type: dict[str, list[tuple[JudgedPart, Sample]]] = {}
    for one in found:
        by_type.setdefault(one[1].types[0], []).append(one)
    turns = max(map(len, by_type.values()), default=0)
    return [own[k] for k in range(turns) for own in by_type.values() if k < len(own)]


def _row(title: str, joined: str, model: Inspector, test: Sequence[tuple[bool, float]]) -> tuple[str, ...]:
    assert model.calibration is not None
    threshold = model.calibration.score_threshold
    good, bad = ([score for truth, score in test if truth == defective] for defective in (False, True))
    truth, scores = (np.array(values) for values in zip(*test, strict=True))
    rejected = _share(sum(score > threshold for score in good), len(good))
    missed = _share(sum(score <= threshold for score in bad), len(bad))
    auroc = f"{float(image_auroc(truth, scores)):.3f}"
    return (title, joined, f"{threshold:.4g}", rejected, missed, auroc)


def _share(count: int, of: int) -> str:
    number = rate(count, of, "none")
    return f"{count} of {of} ({100 * number.value:.1f} %, {100 * number.low:.1f} to {100 * number.high:.1f})"

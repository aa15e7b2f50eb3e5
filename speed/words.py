"""Look once, judge many: a hundred instructions about one picture that has been looked at, against looking anew."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import cycle, islice

import numpy as np

from specsight.detectors import Detector, create_detector
from specsight.encoders import load_encoder
from specsight.records import Picture
from specsight.specification import DefectType, Ignore, Instruction, Knowledge, Only, Specification
from speed.rows import Row

TITLE = "100 instructions on one 256 px picture that has been looked at"
INSTRUCTIONS = 100
DETECTORS = ("phrases", "winclip")
TYRE = Specification(
    product="tyre",
    defects=tuple(
        DefectType(name=name, phrases=phrases)
        for name, phrases in {
            "cut": ("a cut", "a slit"),
            "crack": ("a crack", "a fissure"),
            "blister": ("a blister", "a bulge"),
            "foreign body": ("a foreign body", "an inclusion"),
            "missing rubber": ("missing rubber", "a chunk torn out"),
            "open splice": ("an open splice", "a gaping seam"),
            "flash": ("excess flash", "a burr"),
            "exposed cord": ("exposed cord", "bare threads"),
            "stain": ("a stain", "a discoloured spot"),
            "scratch": ("a scratch", "a scuff mark"),
        }.items()
    ),
)
COLOURS = ("red", "green", "blue", "white", "black", "yellow", "brown", "grey", "dark", "bright")
FORMS = ("spot", "line", "ring", "smear", "thread", "patch", "groove", "dot", "edge", "film")


def run() -> list[Row]:
    """Measure both readings of "change the words", for each detector that needs nothing but words."""
    encoder = load_encoder("bundled")
    encoder.embed_texts(["a sentence"])
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    rows = []
    for name in DETECTORS:
        detector = create_detector(name, encoder=encoder, resolution=256).fit([], TYRE)
        start = time.perf_counter()
        (view,) = detector.look([Picture(pixels)])
        looked = time.perf_counter() - start
        detector.judge(view)
        for what, instructions in (
            ("selecting known types", list(islice(_selections(), INSTRUCTIONS))),
            ("each with a new type in new words", list(_lessons())),
        ):
            spent = _judging(detector, view, instructions)
            again = INSTRUCTIONS * looked / spent
            rows.append(
                Row(f"{name}: {what}", f"{spent:.2f} s", "< 1 s", f"{again:.1f} × looking anew", spent < 1)
            )
    return rows


def _judging(detector: Detector, view: object, instructions: list[Instruction]) -> float:
    start = time.perf_counter()
    for instruction in instructions:
        detector.judge(view, instruction)  # type: ignore[arg-type]
    return time.perf_counter() - start


def _selections() -> Iterator[Instruction]:
    """Every type alone, and every type left out, again and again."""
    names = [defect.name for defect in TYRE.defects]
    return cycle([Instruction.of([kind(defect=name)]) for kind in (Only, Ignore) for name in names])


def _lessons() -> Iterator[Instruction]:
    """A hundred types that nobody has mentioned before."""
    for colour in COLOURS:
        for form in FORMS:
            yield Instruction.of([Knowledge(name=f"a {colour} {form}")])

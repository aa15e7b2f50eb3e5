"""`python -m measured [instructions]`: measure what the documents print, and write the tables as Markdown.

Alone it measures detection and localisation; `instructions` runs the suite of that name on the tyres.

Runs lie below `--out`, each in a folder of its own; those that are complete are not repeated, so that a killed
measurement goes on. `--only NAME` picks runs whose name contains it. `--bundled FOLDER` measures other weights in the
place of those that ship. The sets lie in `../shared/data`; tyres are drawn by `specsight tyres`.

`python -m measured adaptation` measures labelled defects and lines that are left out (`measured.adaptation`).
`python -m measured anomalygpt` measures a language model that reads a map (`measured.anomalygpt`).
`python -m measured tgad` measures what words do on photographs: see `measured.tgad`.
`python -m measured parts` measures how well parts are found (`measured.parts`).
`python -m measured benchmarks` builds benchmarks and asks models (`measured.benchmarks`).
`python -m measured explanations` attacks the checks of statements with made sentences (`measured.explanations`).
`python -m measured feedback` measures what persons' feedback does to false rejects and misses (`measured.feedback`).
`python -m measured fusion` compares colours, depth and ways to join them (`measured.fusion`).
`python -m measured fusion_model` measures the model that fuses colours, depth and words (`measured.fusion_model`).
`python -m measured language` runs the suite of that name on every set (`measured.language`).
`python -m measured monitoring` measures false alarms and delays of the watch over a line (`measured.monitoring`).
`python -m measured reading` measures readers of instructions instead (`measured.reading`).
`python -m measured sizing` measures what a part costs, and says what lines need (`measured.sizing`).
`python -m measured stress` measures what stressors do to detectors (`measured.stress`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from speed import SHARED

from measured import (
    adaptation,
    anomalygpt,
    benchmarks,
    explanations,
    feedback,
    fusion,
    fusion_model,
    language,
    monitoring,
    parts,
    reading,
    sizing,
    stress,
    tgad,
)
from measured.command import specsight
from measured.instructions import SUITE, arguments_of, instruction_tables
from measured.rows import ROOT, MeasuredSet, Measurement, drawn_tyres, measured_sets, measurements
from measured.tables import detectors_table, types_table

TEACHER = SHARED / "encoders" / "mobilenet_v2_imagenet"
OTHERS = {
    "adaptation": adaptation.main,
    "anomalygpt": anomalygpt.main,
    "benchmarks": benchmarks.main,
    "explanations": explanations.main,
    "feedback": feedback.main,
    "fusion": fusion.main,
    "fusion_model": fusion_model.main,
    "language": language.main,
    "monitoring": monitoring.main,
    "parts": parts.main,
    "reading": reading.main,
    "sizing": sizing.main,
    "stress": stress.main,
    "tgad": tgad.main,
}
"""What is measured elsewhere, by its name."""


def main(arguments: list[str]) -> int:
    """Measures and prints; returns the number of evaluations that failed."""
    if arguments[:1] and arguments[0] in OTHERS:
        return OTHERS[arguments[0]](arguments[1:])
    parser = argparse.ArgumentParser(prog="python -m measured", description=__doc__.split("\n")[0])
    parser.add_argument(
        "what", nargs="?", choices=(SUITE,), help="the suite of instructions instead of detection"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "measured")
    parser.add_argument("--only", action="append", default=[], help="runs whose name contains this")
    parser.add_argument("--bundled", default="bundled", help="weights in the place of those that ship")
    parser.add_argument("--tables", action="store_true", help="tabulate what has been measured, and no more")
    given = parser.parse_args(arguments)
    tyres = given.out / "winter" if given.tables else drawn_tyres(given.out)
    if given.what == SUITE:
        return _instructions(measured_sets(tyres)["winter"], given)
    encoders = {"bundled": given.bundled, "mobilenet_v2": str(TEACHER), "filters": "filters"}
    wanted = [
        measurement
        for measurement in measurements(measured_sets(tyres), encoders)
        if not given.only or any(part in measurement.name for part in given.only)
    ]
    failed = 0
    if not given.tables:
        failed = sum(not _measure(measurement, given.out) for measurement in wanted)
    text = _tables(wanted, given.out)
    (given.out / "tables.md").write_text(text)
    print(text)
    return failed


def _instructions(of: MeasuredSet, given: argparse.Namespace) -> int:
    """The suite of instructions; `--only` names its rows."""
    failed = (
        0 if given.tables else int(not specsight(*arguments_of(of, given.only, given.bundled, given.out)))
    )
    text = instruction_tables(of, given.out)
    (given.out / f"{SUITE}.md").write_text(text)
    print(text)
    return failed


def _measure(measurement: Measurement, out: Path) -> bool:
    run = out / measurement.name
    if (run / "metrics.json").is_file():
        return True
    return specsight(
        "evaluate",
        *("--data", str(measurement.of.data), "--detector", measurement.detector),
        *("--resolution", str(measurement.resolution)),
        *measurement.arguments,
        *("--out", str(run)),
    )


def _tables(wanted: list[Measurement], out: Path) -> str:
    groups = {"memory": "PatchCore", "words": "Words alone", "others": "Other detectors"}
    tables = []
    for group, title in groups.items():
        own = [measurement for measurement in wanted if measurement.group == group]
        if own:
            tables.append(f"## {title}\n\n{detectors_table(own, out)}")
        if own and group == "words":
            tables.append(f"## Words alone, by type\n\n{types_table(own, out)}")
    return "\n".join(tables)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

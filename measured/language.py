"""`python -m measured language`: what a language model that points adds, on sets that nothing was chosen on.

The suite of language (`specsight evaluate --suite language`) on the synthetic tyres `winter`, MVTec AD bottle and
magnetic tile, without a good picture to learn from; then six tables as Markdown: detection and map, types as sets,
statements, other descriptions of the same pictures, and what a picture costs. A suite that is complete is not run
again; one that was stopped goes on. `--only SET` picks sets, `--rows` rows of the suites, `--set` and `--detector` are
those of `specsight evaluate`: `--detector llava-ads --set language_model=FOLDER` measures another language model.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from measured.command import specsight
from measured.rows import ROOT, MeasuredSet, drawn_tyres, measured_sets
from measured.tables import products_of, table, text_of
from specsight.asking import Conversation
from specsight.datasets import load_dataset
from specsight.evaluation.suite_catalogue import DESCRIPTIONS, slug
from specsight.inspector import Inspector
from specsight.metrics import metric_of
from specsight.metrics.told import CHANGED, SEVERAL, SINGLE, change_name, set_names
from specsight.runs.suite_record import RECORD, SuiteRecord, SuiteRow

SUITE = "language"
ASKED = 20
"""Pictures that a question is timed on."""
QUESTION = "What is wrong with it, where, and how large is it?"
DETECTION = ("image_auroc", "pixel_auroc", "aupro_30", "detection_rate", "false_reject_rate")
STATEMENTS = (
    "grounding",
    "good_hallucination_rate",
    "defective_hallucination_rate",
    "omission_rate",
    "unsupported_rate",
    "rejected_rewrites_rate",
)


def main(arguments: Sequence[str]) -> int:
    """Measures and prints; returns the number of suites that failed."""
    parser = argparse.ArgumentParser(prog="python -m measured language", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "measured")
    parser.add_argument("--only", action="append", default=[], help="sets whose name contains this")
    parser.add_argument("--rows", help="rows of the suites, by their folders; default: all")
    parser.add_argument("--detector", default="llava-ads", help="what is measured beside phrases")
    parser.add_argument("--set", action="append", default=[], help="NAME=VALUE, an option of it")
    parser.add_argument("--bundled", default="bundled", help="weights in the place of those that ship")
    parser.add_argument("--tables", action="store_true", help="tabulate what has been measured, and no more")
    given = parser.parse_args(arguments)
    sets = measured_sets(given.out / "winter" if given.tables else drawn_tyres(given.out))
    wanted = [one for one in sets.values() if not given.only or any(part in one.name for part in given.only)]
    failed = 0
    if not given.tables:
        options = [part for one in given.set for part in ("--set", one)]
        options += ["--detector", given.detector, "--encoder", given.bundled]
        failed = sum(not _measured(of, given.out, options, given.rows) for of in wanted)
    text = language_tables(wanted, given.out)
    (given.out / f"{SUITE}.md").write_text(text)
    print(text)
    return failed


def arguments_of(of: MeasuredSet, options: Sequence[str], rows: str | None, out: Path) -> list[str]:
    """The command line of the suite on a set."""
    return [
        "evaluate",
        *("--suite", SUITE, "--data", str(of.data), "--spec", str(of.specification), "--resolution", "256"),
        *options,
        *(("--rows", rows) if rows else ()),
        *("--out", str(folder_of(of, out))),
    ]


def folder_of(of: MeasuredSet, out: Path) -> Path:
    """Where the suite of a set lies."""
    return out / f"{of.name}-{SUITE}"


def _measured(of: MeasuredSet, out: Path, options: Sequence[str], rows: str | None) -> bool:
    record = _record(of, out)
    wanted = set(rows.split(",")) if rows else None
    done = {slug(row.name) for row in record.rows} if record and not record.failed else set()
    if done and (wanted <= done if wanted else len(done) >= 2 + len(DESCRIPTIONS)):
        return True
    return specsight(*arguments_of(of, options, rows, out))


def _record(of: MeasuredSet, out: Path) -> SuiteRecord | None:
    folder = folder_of(of, out)
    return SuiteRecord.read(folder) if (folder / RECORD).is_file() else None


def language_tables(sets: Sequence[MeasuredSet], out: Path) -> str:
    """The six tables of the sets whose suites have run."""
    found = [(of, record) for of in sets if (record := _record(of, out))]
    if not found:
        return "Nothing has been measured.\n"
    sections = {
        "Detection and map": _of_products(found, out, DETECTION),
        "Types named, pictures with one type": _of_products(found, out, set_names(SINGLE), named=True),
        "Types named, pictures with several types": _of_products(found, out, set_names(SEVERAL), named=True),
        "Statements": _of_products(found, out, STATEMENTS, named=True),
        "Under another description": _changes(found),
        "A picture, in milliseconds of one core": _costs(found, out),
    }
    protocols = "\n".join(f"- {of.title}: {record.rows[0].protocol}" for of, record in found)
    return "\n".join(f"## {title}\n\n{text}" for title, text in sections.items()) + f"\n{protocols}\n"


def _of_products(
    found: Sequence[tuple[MeasuredSet, SuiteRecord]], out: Path, names: Sequence[str], named: bool = False
) -> str:
    """One row per product and method, and the mean; `named`: only of methods that name types. Columns that no run has
    are left out, and rows without a number."""
    lines = [
        (of, product, row, numbers)
        for of, record in found
        for row in _methods(record, named)
        for product, numbers in products_of(folder_of(of, out) / row.folder)
    ]
    columns = [name for name in names if any(_value(numbers, name) is not None for *_, numbers in lines)]
    lines = [line for line in lines if any(_value(line[3], name) is not None for name in columns)]
    return table(
        ["set", "row", *(metric_of(name).column for name in columns)],
        [
            [_title(of, product), row.name, *(_text(numbers, name) for name in columns)]
            for of, product, row, numbers in lines
        ],
    )


def _methods(record: SuiteRecord, named: bool) -> Iterator[SuiteRow]:
    """The rows under the words as written, and the one without words."""
    for row in record.rows:
        if row.group == "methods" or (not named and row.name.endswith(", no words")):
            yield row


def _title(of: MeasuredSet, product: str) -> str:
    return f"{of.title}{', ' + product if product else ''}"


def _value(numbers: Mapping[str, Any], name: str) -> float | None:
    value: float | None = (numbers.get(name) or {}).get("value")
    return value


def _text(numbers: Mapping[str, Any], name: str) -> str:
    return text_of(name, numbers.get(name))


def _changes(found: Sequence[tuple[MeasuredSet, SuiteRecord]]) -> str:
    names = [change_name(name) for name in CHANGED]
    return table(
        ["set", "words", *(metric_of(name).column for name in names)],
        [
            [
                of.title,
                row.name.partition(", ")[2],
                *(
                    text_of(
                        name,
                        {
                            "value": row.values[name],
                            "low": row.intervals[name][0],
                            "high": row.intervals[name][1],
                        },
                        signed=True,
                    )
                    for name in names
                ),
            ]
            for of, record in found
            for row in record.rows
            if row.group == "descriptions"
        ],
    )


def _costs(found: Sequence[tuple[MeasuredSet, SuiteRecord]], out: Path) -> str:
    """Milliseconds of processor time by step, which other work on the machine does not change much, and the peak of
    memory of the run."""
    lines = []
    for of, record in found:
        for row in _methods(record, named=True):
            run = folder_of(of, out) / row.folder
            spent = _spent(of, run)
            answer = f"{spent['answer']:.0f} ({spent['words']:.0f} words)"
            steps = [f"{spent[step]:.0f}" for step in ("look", "judge", "statement")]
            lines.append([of.title, row.name, *steps, answer, f"{row.peak_mb or 0:.0f}"])
    return table(["set", "row", "look", "judge and find", "statement", "answer", "peak, MB"], lines)


def _spent(of: MeasuredSet, run: Path) -> dict[str, float]:
    """Medians over test pictures of the first fitted product: milliseconds of processor time by step, and the words of
    the answer to `QUESTION`, which `specsight ask` gives when the picture has been judged."""
    (model, *_) = sorted(run.glob("**/models/0"))
    inspector = Inspector.load(model)
    samples = [one for one in load_dataset(of.data).samples if one.label == "defective"][:ASKED]
    each: dict[str, list[float]] = {}
    for sample in samples:
        start = time.process_time()
        observation = inspector.look(sample)
        looked = time.process_time()
        inspection = inspector.judge(observation)
        judged = time.process_time()
        share = inspection.seconds["explain"] / sum(
            inspection.seconds[step] for step in ("judge", "find", "explain")
        )
        conversation = Conversation(inspector, [sample])
        asked = time.process_time()
        answer = conversation.ask(QUESTION)
        answered = time.process_time()
        for step, spent in (
            ("look", looked - start),
            ("judge", (judged - looked) * (1 - share)),
            ("statement", (judged - looked) * share),
            ("answer", answered - asked),
        ):
            each.setdefault(step, []).append(1000 * spent)
        each.setdefault("words", []).append(len(" ".join(answer.lines).split()))
    return {step: median(values) for step, values in each.items()}

"""`python -m measured reading`: precision and recall of every reader, by kind of clause, with Wilson intervals.

Numbers alone are printed, never a sentence: nobody who works on a reader is to see the test set. A set is a JSONL file
with lines `{"product": ..., "text": ..., "clauses": [{"kind": ..., "part": ..., "defect": ..., "limit_mm": ...}]}` and,
beside it, products as YAML (name → `mm_per_px`, `parts`, `defects`, each name → list of phrases).
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from measured.rows import ROOT
from specsight.evaluation.numbers import rate
from specsight.reading import load_reader, readers
from specsight.reading.listing import KINDS, as_objects
from specsight.specification import DefectType, Part, Specification
from specsight.specification.vocabulary import Vocabulary, normal_form

SET = ROOT / "tests" / "reading" / "instructions" / "instructions.jsonl"
FIELDS = ("kind", "part", "defect", "limit_mm")
OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "part": ("part", "parts"),
    "defect": ("defect", "feature", "name", "words"),
    "limit_mm": ("limit_mm", "up_to_mm", "limit"),
}
"""Field of a clause → keys under which a set may hold it; the first that is there counts."""
Key = tuple[str, str, str, float | None]


@dataclass
class Tally:
    """What one reader did on a set."""

    right: Counter[str] = field(default_factory=Counter)
    """Kind → clauses that are in the set and were read."""
    read: Counter[str] = field(default_factory=Counter)
    expected: Counter[str] = field(default_factory=Counter)
    whole: int = 0
    """Items of which every clause was read and none besides."""
    items: int = 0
    seconds: float = 0.0


def main(arguments: Sequence[str]) -> int:
    """Measures and prints; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m measured reading", description=__doc__.split("\n")[0])
    parser.add_argument("--set", type=Path, default=SET, help="the set, as JSONL")
    parser.add_argument(
        "--products", type=Path, help="its products; default: the one YAML file beside the set"
    )
    parser.add_argument("--reader", action="append", default=[], help="a reader; default: all")
    given = parser.parse_args(list(arguments))
    products = load_products(given.products or _products_beside(given.set))
    items = load_items(given.set)
    unknown = sorted({item["product"] for item in items} - set(products))
    if unknown:
        raise SystemExit(f"products that are not defined: {', '.join(unknown)}")
    print(f"{len(items)} instructions, {len(products)} products: {given.set.name}")
    for name in given.reader or list(readers):
        print(f"\n## {name}\n\n{table(measure(name, items, products))}")
    _say_fields(items)
    return 0


def _products_beside(path: Path) -> Path:
    own = path.with_suffix(".yaml")
    return own if own.is_file() else path.with_name("products.yaml")


def load_items(path: Path) -> list[dict[str, Any]]:
    """The items of a set; empty lines are left out."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def load_products(path: Path) -> dict[str, Specification]:
    """Name of a product → its specification."""
    given = yaml.safe_load(path.read_text("utf-8"))
    return {
        name: Specification(
            product=name,
            mm_per_px=words.get("mm_per_px"),
            parts=tuple(Part(name=part, phrases=tuple(p)) for part, p in (words.get("parts") or {}).items()),
            defects=tuple(
                DefectType(name=defect, phrases=tuple(p))
                for defect, p in (words.get("defects") or {}).items()
            ),
        )
        for name, words in given.items()
    }


def measure(reader: str, items: Iterable[Mapping[str, Any]], products: Mapping[str, Specification]) -> Tally:
    """What a reader reads of a set. Clauses are compared as a set, names as the product's vocabulary means them."""
    tally = Tally()
    reading = load_reader(reader)
    reading.read("Inspect the rim only.")
    for item in items:
        specification = products[item["product"]]
        start = time.perf_counter()
        instruction = reading.read(item["text"], specification)
        tally.seconds += time.perf_counter() - start
        wanted = {key for clause in item.get("clauses", ()) for key in keys(clause, specification)}
        found = {key for clause in as_objects(instruction) for key in keys(clause, specification)}
        tally.items += 1
        tally.whole += wanted == found
        tally.expected.update(key[0] for key in wanted)
        tally.read.update(key[0] for key in found)
        tally.right.update(key[0] for key in wanted & found)
    return tally


def keys(clause: Mapping[str, Any], specification: Specification) -> list[Key]:
    """What is compared of a clause: kind, part, defect, limit to 6 decimals; one for each of several parts.

    A limit without a type is one for each type of the product: a clause holds one. The sets were written without the
    part that a new type is taught on.
    """
    kind = str(clause.get("kind", ""))
    if kind == "unread":
        return [(kind, "", "", None)]
    parts = _first({**clause, "part": None} if kind == "knowledge" else clause, "part")
    limit = _first(clause, "limit_mm")
    defect = _first(clause, "defect")
    if kind == "tolerance" and not defect and specification.defects:
        every = ({**clause, "defect": one.name} for one in specification.defects)
        return [key for one in every for key in keys(one, specification)]
    of_parts, of_defects = Vocabulary.of(specification.parts), Vocabulary.of(specification.defects)
    return [
        (
            kind,
            normal_form(of_parts.spelling(part)) if part else "",
            normal_form(of_defects.spelling(defect)) if defect else "",
            None if limit is None else round(float(limit), 6),
        )
        for part in (parts if isinstance(parts, list) and parts else [parts])
    ]


def _first(clause: Mapping[str, Any], name: str) -> Any:
    return next((clause[key] for key in OTHER_NAMES[name] if clause.get(key) is not None), None)


def table(tally: Tally) -> str:
    """Precision and recall per kind as Markdown."""
    lines = ["| kind | expected | read | precision | recall |", "|---|---|---|---|---|"]
    for kind in [*KINDS, "all but unread"]:
        kinds = [kind] if kind in KINDS else [one for one in KINDS if one != "unread"]
        right, read, expected = (
            sum(counts[one] for one in kinds) for counts in (tally.right, tally.read, tally.expected)
        )
        lines.append(f"| {kind} | {expected} | {read} | {_share(right, read)} | {_share(right, expected)} |")
    whole = _share(tally.whole, tally.items)
    milliseconds = 1000 * tally.seconds / max(tally.items, 1)
    return "\n".join([*lines, "", f"instructions read without a fault: {whole}; {milliseconds:.1f} ms each"])


def _share(count: int, of: int) -> str:
    if not of:
        return "–"
    share = rate(count, of, "")
    return f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]"


def _say_fields(items: Sequence[Mapping[str, Any]]) -> None:
    """Fields that the set has and the comparison does not know."""
    known = {"kind", *(key for others in OTHER_NAMES.values() for key in others)}
    unknown = Counter(
        key for item in items for clause in item.get("clauses", ()) for key in clause if key not in known
    )
    if unknown:
        print(
            "\nfields that are not compared: "
            + ", ".join(f"{key} ({count})" for key, count in unknown.items())
        )
    kinds = sorted(
        {str(clause.get("kind")) for item in items for clause in item.get("clauses", ())} - set(KINDS)
    )
    if kinds:
        print(f"\nkinds that no reader gives: {', '.join(kinds)}")

"""`python -m measured stress`: what stressors do to detectors, on sets that nothing was chosen on.

`specsight evaluate --stress` on the synthetic tyres `winter` (RGB and depth, three zones) and on photographs, MVTec AD
bottle, with few pictures; then tables as Markdown: what is kept of image AUROC and AUPRO, and how many good parts are
rejected at the fixed threshold, at every stressor's middle level. What is complete is not run again. `--only SET` picks
sets, `--detectors A,B` detectors, `--product NAME` one product, `--middle` the middle levels; `--sheet FILE` writes the
contact sheet of the documents.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from measured.command import specsight
from measured.rows import ROOT, MeasuredSet, measured_sets
from measured.tables import table
from specsight.datasets import load_dataset
from specsight.detectors import detectors
from specsight.evaluation import stress_sheet
from specsight.evaluation.stressing import UNTOUCHED
from specsight.images import load_picture
from specsight.metrics import kept_area, metric_of, relative_drop
from specsight.runs.stress_record import RECORD, StressPoint, StressRecord
from specsight.stress import seed_of, stressors

NAME = "stress"
TYRES = ("--model", "winter", "--seed", "11", "--count", "288")
"""Each zone: 48 good pictures to fit, 24 good and 24 defective ones to test."""
LEARNING = {"winter": (), "bottle": ("--shots", "24")}
"""Bottle: 24 to fit and 59 others for the threshold; tyres: all 48, the threshold from folds."""
LIMIT = 16
"""Good and defective test pictures of each product."""
METHODS = ("patchcore", "phrases", "depth_patchcore", "btf", "cfm", "late_fusion", "fusion")
"""What is measured; methods that cannot do without depth on tyres alone."""
SHOWN = ("image_auroc", "aupro_30")


def main(arguments: Sequence[str]) -> int:
    """Measures and prints; returns the number of evaluations that failed."""
    parser = argparse.ArgumentParser(prog="python -m measured stress", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "measured")
    parser.add_argument("--only", action="append", default=[], help="sets whose name contains this")
    parser.add_argument("--detectors", default=",".join(METHODS))
    parser.add_argument(
        "--limit", type=int, default=LIMIT, help="good and defective test pictures of a product"
    )
    parser.add_argument("--product", help="one product of the set, such as 'tyre winter sidewall'")
    parser.add_argument("--middle", action="store_true", help="the middle level of each stressor alone")
    parser.add_argument("--sheet", type=Path, help="write the contact sheet, and measure nothing")
    parser.add_argument("--tables", action="store_true", help="tabulate what has been measured, and no more")
    given = parser.parse_args(arguments)
    tyres = given.out / "stress-tyres"
    if not given.tables and not (tyres / "specification.yaml").is_file():
        specsight("tyres", *TYRES, "--out", str(tyres))
    sets = [of for name, of in measured_sets(tyres).items() if name in LEARNING]
    if given.sheet:
        given.sheet.write_bytes(contact_sheet(sets))
        return 0
    wanted = [of for of in sets if not given.only or any(part in of.name for part in given.only)]
    methods = given.detectors.split(",")
    failed = 0
    if not given.tables:
        failed = sum(not _measured(of, name, given) for name in methods for of in wanted)
    text = stress_tables(wanted, given.out, given.product)
    (given.out / f"{NAME}.md").write_text(text)
    print(text)
    return failed


def _measured(of: MeasuredSet, method: str, given: argparse.Namespace) -> bool:
    """Whether it succeeded; True where the method does not fit the set."""
    needs = detectors[method].needs
    if of.name == "bottle" and needs.depth:
        return True
    return specsight(
        "evaluate",
        *("--data", str(of.data), "--detector", method, "--resolution", "256", "--resamples", "0"),
        *(("--spec", str(of.specification)) if needs.text else ()),
        *LEARNING[of.name],
        *("--limit", str(given.limit), "--stress", *(["--middle"] if given.middle else [])),
        *(("--product", given.product) if given.product else ()),
        *("--out", str(folder_of(of, method, given.out, given.product))),
    )


def folder_of(of: MeasuredSet, method: str, out: Path, product: str | None = None) -> Path:
    """Where the evaluation of a detector on a set, or on one product of it, lies."""
    return out / "-".join([NAME, of.name, *([product.split()[-1]] if product else []), method])


def stress_tables(sets: Sequence[MeasuredSet], out: Path, product: str | None = None) -> str:
    """For each set, or one product of it: clean numbers, then what is left of them at every middle level."""
    parts = []
    for of in sets:
        measured = [points for method in METHODS if (points := _points(of, method, out, product))]
        if measured:
            title = of.title + (f", {product}" if product else "")
            parts.append(f"## {title}\n\n{_clean(measured)}\n{_kept(measured)}")
    return "\n".join(parts)


def _points(of: MeasuredSet, method: str, out: Path, product: str | None) -> list[StressPoint]:
    """The points of a detector: of its mean over products, or of one of them wherever that was measured."""
    for folder, wanted in (
        (folder_of(of, method, out, product), ""),
        (folder_of(of, method, out), product or ""),
    ):
        if (folder / RECORD).is_file():
            found = [point for point in StressRecord.read(folder).points if point.product == wanted]
            if found:
                return found
    return []


def _clean(measured: Sequence[Sequence[StressPoint]]) -> str:
    rows = []
    for points in measured:
        clean = next(point for point in points if point.level == 0)
        numbers = [_text(clean, name) for name in (*SHOWN, "detection_rate", "false_reject_rate")]
        rows.append([f"`{clean.detector}`", *numbers])
    return table(["clean", "image AUROC", "AUPRO@0.3", "defective rejected", "good rejected"], rows)


def _kept(measured: Sequence[Sequence[StressPoint]]) -> str:
    rows = []
    for name in dict.fromkeys(point.stressor for points in measured for point in points):
        for points in measured:
            own = [point for point in points if point.stressor == name]
            if len(own) > 1 and not all(UNTOUCHED in point.note for point in own[1:]):
                rows.append(_row(own))
    head = ["stressor", "middle level", "detector", "image AUROC, drop", "AUPRO@0.3, drop"]
    return table([*head, "area AUROC, AUPRO", "good rejected"], rows)


def _row(points: Sequence[StressPoint]) -> list[str]:
    """One stressor and detector; `points` from the clean one on."""
    clean, middle = points[0], next(point for point in points if point.middle)
    areas = [kept_area([point.numbers[name]["value"] for point in points]) for name in SHOWN]
    whole = len(points) > 2 and None not in areas
    drops = [relative_drop(*(p.numbers[name]["value"] for p in (clean, middle))) for name in SHOWN]
    return [
        middle.title,
        f"{middle.level:g} ({stressors[middle.stressor].unit})",
        f"`{middle.detector}`",
        *(
            "not judged" if drop is None else f"{_text(middle, name)}, {100 * drop:.1f} %"
            for name, drop in zip(SHOWN, drops, strict=True)
        ),
        ", ".join(f"{area:.3f}" for area in areas) if whole else "",
        _text(middle, "false_reject_rate"),
    ]


def _text(point: StressPoint, name: str) -> str:
    value = point.numbers[name]["value"]
    return "" if value is None else metric_of(name).text(value)


def contact_sheet(sets: Sequence[MeasuredSet]) -> bytes:
    """Every stressor on a tyre, and two on a bottle, in two columns, clean pictures on the left of each; as WebP."""
    tyre, bottle = (
        next(sample for sample in load_dataset(of.data).samples if sample.label == "defective")
        for of in sets[::-1]
    )
    rows = [
        stress_sheet.of_picture(load_picture(sample), name, seed_of(sample.id))
        for sample, names in ((tyre, stressors), (bottle, ("specular", "low_light")))
        for name in names
    ]
    width, gap = max(row.shape[1] for row in rows), 4 * stress_sheet.GAP
    padded = [
        np.pad(row, ((0, stress_sheet.GAP), (0, gap + width - row.shape[1]), (0, 0)), constant_values=255)
        for row in rows
    ]
    half = (len(rows) + 1) // 2
    padded += [np.full_like(padded[0], 255)] * (2 * half - len(rows))
    columns = [np.concatenate(padded[start : start + half]) for start in (0, half)]
    drawn = np.concatenate(columns, axis=1)[..., ::-1]
    return cv2.imencode(".webp", drawn, [cv2.IMWRITE_WEBP_QUALITY, 60])[1].tobytes()

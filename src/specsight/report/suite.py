"""A suite's folder → `report.html`: its table, and the same pictures with the maps of several rows side by side.

It shows what the rows' run folders hold and computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specsight.calibration import Calibration
from specsight.evaluation.suite_catalogue import SUITES
from specsight.evaluation.suite_runner import record_of
from specsight.progress import track
from specsight.report import pictures
from specsight.report.gallery import Draughtsman, truth
from specsight.report.page import render, write_page
from specsight.runs import folder
from specsight.runs.folder import RunFolder
from specsight.runs.predictions import Prediction
from specsight.storage import confined

DRAWN = 8
"""Pictures in the comparison: one of every type first."""
MAPS = 6
"""Rows whose maps are drawn."""
DASH = "–"


@dataclass(frozen=True)
class Compared:
    """One picture with the maps of several rows, as `data:` addresses by row name."""

    id: str
    truth: str
    original: str
    maps: dict[str, str]


def render_suite(out: Path) -> Path:
    """Write the page of a suite, and of each of its runs; returns its path."""
    about = record_of(out)
    lines = about["rows"]
    for line in lines:
        render(confined(out, line["folder"]))
    shown = SUITES[about["suite"]].shown
    columns = [(key, name) for key, name in shown.items() if any(line[key] is not None for line in lines)]
    context = {
        "title": f"{about['suite']} on {about['product'] or about['data']}",
        "columns": [name for _, name in columns],
        "rows": [_row(line, [key for key, _ in columns]) for line in lines],
        "theirs": any(line["theirs"] for line in lines),
        "trained": any(line["training_seconds"] is not None for line in lines),
        "compared": _compare(out, _drawn(lines)),
        "drawn": [line["name"] for line in _drawn(lines)],
    }
    return write_page(RunFolder(out), "suite.html.j2", context)


def _row(line: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {
        "name": line["name"],
        "group": line["group"],
        "folder": line["folder"],
        "protocol": line["protocol"],
        "theirs": line["theirs"],
        "values": [_with_deviation(line[key], line[f"{key}_sd"]) for key in keys],
        "training": _cost(line["training_seconds"]),
        "fit": _cost(line["fit_seconds"], 1),
        "picture": _cost(line["picture_ms"]),
        "peak": _cost(line["peak_mb"]),
    }


def _cost(value: float | None, digits: int = 0) -> str:
    return DASH if value is None else f"{value:.{digits}f}"


def _with_deviation(value: float | None, deviation: float | None) -> str:
    if value is None:
        return DASH
    return f"{value:.3f}" if deviation is None else f"{value:.3f} ± {deviation:.3f}"


def _drawn(lines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows whose maps are shown: the methods, and ablations that draw their map in another way."""
    methods = [line for line in lines if line["group"] == "methods"] or list(lines[:MAPS])
    others = [line for line in lines if line["name"].endswith("Grad-CAM")]
    return [*methods[-(MAPS - len(others)) :], *others]


def _compare(out: Path, lines: Sequence[Mapping[str, Any]]) -> list[Compared]:
    """The same defective pictures under every row; each row on a heat scale of its own."""
    judged: dict[str, tuple[Draughtsman, dict[str, Prediction]]] = {}
    for line in lines:
        run = RunFolder(confined(out, line["folder"]))
        fits = run.json(folder.FITS)
        if not fits:
            return []
        seed = min(fits, key=int)
        calibration = fits[seed].get("calibration")
        known = run.predictions(int(seed))
        draughtsman = Draughtsman(run, known, Calibration.from_json(calibration) if calibration else None)
        judged[line["name"]] = draughtsman, {p.id: p for p in known}
    return [_one(id_, judged) for id_ in track(_chosen([ps for _, ps in judged.values()]), "Comparing maps")]


def _chosen(judged: Sequence[Mapping[str, Prediction]]) -> list[str]:
    """Ids that every row has judged: the first picture of every type, then more in their order."""
    common = [p for p in judged[0].values() if p.defects and all(p.id in other for other in judged)]
    common.sort(key=lambda p: p.id)
    first = list({p.types: p.id for p in reversed(common)}.values())[::-1]
    return list(dict.fromkeys([*first, *(p.id for p in common)]))[:DRAWN]


def _one(id_: str, judged: Mapping[str, tuple[Draughtsman, Mapping[str, Prediction]]]) -> Compared:
    maps: dict[str, str] = {}
    original, told = "", ""
    for name, (draughtsman, predictions) in judged.items():
        panels = draughtsman.panels(predictions[id_])
        if panels:
            original = original or pictures.data_uri(panels["contours"])
            maps[name] = pictures.data_uri(panels["heat"])
        told = told or truth(predictions[id_])
    return Compared(id_, told, original, maps)

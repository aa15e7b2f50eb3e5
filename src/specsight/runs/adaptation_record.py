"""The record of lines left out: image AUROC by shift, seed and row, and how much of the gap each row recovers.

In and out: `adaptation.json` (numbers and protocol), and `adaptation.csv`. Written again by the evaluation after every
shift and seed; read by the page and the screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from specsight.errors import SpecsightError
from specsight.metrics.student import half_width
from specsight.storage import parse_json, read_text, write_csv, write_json

RECORD, TABLE = "adaptation.json", "adaptation.csv"
SOURCE_ONLY, ORACLE = "source only", "oracle"
NORMAL_SOURCE, NORMAL_TARGET = (
    "normal-only, good parts of the source",
    "normal-only, good parts of the target",
)
GAP = 0.01
"""Below this difference of image AUROC between oracle and source only there is no gap to recover."""
LIKE_FOR_LIKE = {NORMAL_TARGET: NORMAL_SOURCE}
"""Rows that are compared with another one than source only."""

Rows = Mapping[str, float]
"""Row → image AUROC, of one shift under one seed."""


@dataclass(frozen=True)
class Recovered:
    """One row over several shifts or seeds."""

    name: str
    auroc: float
    """Mean image AUROC."""
    half_width: float | None
    """Half of the 95 % interval of that mean, by Student's t over shifts, each the mean of its seeds, for seeds of one
    shift are not independent; of one shift over its seeds, and then it says nothing of other lines. None for fewer than
    two."""
    gain: float
    """Mean difference to source only, or to the row of `LIKE_FOR_LIKE`."""
    gain_half_width: float | None
    """Half of the 95 % interval of that difference, which is paired."""
    share: float | None
    """Of the gap between source only and oracle; None: there is no gap, or the row is no adaptation."""


@dataclass(frozen=True)
class AdaptationRecord:
    """The suite `adaptation` as far as it has got."""

    protocol: Mapping[str, str]
    """What → how: whatever other numbers would come of."""
    synthetic: bool
    """Whether the pictures were generated, not photographed."""
    image_auroc: Mapping[str, Mapping[int, Rows]]
    """Shift → seed → row → image AUROC."""

    @property
    def seeds(self) -> list[int]:
        """Those of any shift."""
        return sorted({seed for of_seeds in self.image_auroc.values() for seed in of_seeds})

    def has(self, shift: str, seed: int) -> bool:
        """Whether that was measured."""
        return seed in self.image_auroc.get(shift, {})

    def having(self, shift: str, seed: int, rows: Rows) -> AdaptationRecord:
        """The record with one more measurement."""
        of_shift = {**self.image_auroc.get(shift, {}), seed: rows}
        return replace(self, image_auroc={**self.image_auroc, shift: dict(sorted(of_shift.items()))})

    def recovered(self, shift: str | None = None) -> list[Recovered]:
        """The rows of one shift, or of all, in their order."""
        chosen = {name: of_seeds for name, of_seeds in self.image_auroc.items() if shift in (None, name)}
        if len(chosen) == 1:
            return recovered(list(next(iter(chosen.values())).values()))
        return recovered([_mean_rows(list(of_seeds.values())) for of_seeds in chosen.values()])

    def write(self, out: Path) -> None:
        """Write the record and its table into the folder `out`."""
        write_json(out / RECORD, asdict(self))
        lines = [
            (shift, seed, row, value)
            for shift, of_seeds in self.image_auroc.items()
            for seed, rows in of_seeds.items()
            for row, value in rows.items()
        ]
        write_csv(out / TABLE, ("shift", "seed", "row", "image_auroc"), lines)

    @classmethod
    def read(cls, out: Path) -> AdaptationRecord:
        """The record in the folder `out`. Raises `SpecsightError` where there is none or it is damaged."""
        file = out / RECORD
        if not file.is_file():
            raise SpecsightError(f"'{out}' holds no comparison of lines: it has no {RECORD}")
        try:
            content = dict(parse_json(read_text(file)))
            numbers = {
                str(shift): {
                    int(seed): {str(row): float(value) for row, value in rows.items()}
                    for seed, rows in of_seeds.items()
                }
                for shift, of_seeds in content["image_auroc"].items()
            }
            protocol = {str(what): str(how) for what, how in content["protocol"].items()}
            return cls(protocol, bool(content["synthetic"]), numbers)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise SpecsightError(f"'{file}' is damaged: choose another --out") from error


def recovered(measured: Sequence[Rows]) -> list[Recovered]:
    """The rows in their order; `measured`: one entry per shift, or per seed of one shift."""
    names = list(dict.fromkeys(name for rows in measured for name in rows))
    found = []
    for name in names:
        base = LIKE_FOR_LIKE.get(name, SOURCE_ONLY)
        own = [rows for rows in measured if name in rows and base in rows]
        values, gains = (
            np.array(list) for list in ([r[name] for r in own], [r[name] - r[base] for r in own])
        )
        gaps = [rows[ORACLE] - rows[SOURCE_ONLY] for rows in own if ORACLE in rows]
        gap = float(np.mean(gaps)) if gaps else 0.0
        adapts = base == SOURCE_ONLY and name not in (SOURCE_ONLY, ORACLE, NORMAL_SOURCE)
        share = float(gains.mean() / gap) if gap >= GAP and adapts else None
        found.append(
            Recovered(
                name,
                float(values.mean()),
                half_width(values),
                float(gains.mean()),
                half_width(gains),
                share,
            )
        )
    return found


def _mean_rows(measured: Sequence[Rows]) -> Rows:
    """Means over seeds of the rows that all of them have."""
    shared = [name for name in measured[0] if all(name in rows for rows in measured)]
    return {name: float(np.mean([rows[name] for rows in measured])) for name in shared}

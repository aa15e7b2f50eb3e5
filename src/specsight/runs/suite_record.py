"""The record of a suite: one row per run folder, written again after each, read by the page and the screen.

In and out: `suite.json` and, for spreadsheets, the same rows as `suite.csv`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specsight.errors import SpecsightError
from specsight.runs.folder import RunFolder
from specsight.storage import confined, parse_json, read_text, write_csv, write_json

TABLE, RECORD = "suite.csv", "suite.json"
DEVIATION, LOW, HIGH = "_sd", "_low", "_high"
"""Ends of the keys of a metric's deviation over seeds and of its interval, beside its value."""


@dataclass(frozen=True)
class SuiteRow:
    """One run of a suite: what it was, its numbers and what it cost."""

    name: str
    group: str
    detector: str
    folder: str
    """Run folder, relative to the suite's."""
    protocol: str
    published: str
    """The value that the method's paper prints, with its conditions; empty where there is none."""
    values: Mapping[str, float | None]
    """By name of metric."""
    deviations: Mapping[str, float | None]
    """Over seeds, by name of metric."""
    intervals: Mapping[str, tuple[float | None, float | None]]
    """Ends of about 95 %, by name of metric; those of a record of version 0.2 are None."""
    training_seconds: float | None = None
    fit_seconds: float | None = None
    picture_ms: float | None = None
    peak_mb: float | None = None
    learned: str | None = None
    """How many good pictures it learned from."""
    shows_map: bool = False
    """An ablation that draws its map in another way: the page shows it beside the methods' maps."""

    def to_json(self) -> dict[str, Any]:
        """One flat object: a metric is its value under its name, with "_sd" its deviation, "_low" and "_high" the ends
        of its interval."""
        line: dict[str, Any] = {
            "name": self.name,
            "group": self.group,
            "detector": self.detector,
            "folder": self.folder,
            "protocol": self.protocol,
            "published": self.published,
        }
        for name, value in self.values.items():
            line[name], line[name + DEVIATION] = value, self.deviations[name]
            line[name + LOW], line[name + HIGH] = self.intervals[name]
        return line | {name: getattr(self, name) for name in (*_COSTS, "learned", "shows_map")}

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> SuiteRow:
        """Read what `to_json` gave. Raises KeyError for anything else."""
        names = [name for name in line if name + DEVIATION in line]
        return cls(
            name=line["name"],
            group=line["group"],
            detector=line["detector"],
            folder=line["folder"],
            protocol=line["protocol"],
            # Records of version 0.1 call the published value "theirs".
            published=line["published"] if "published" in line else line["theirs"],
            values={name: line[name] for name in names},
            deviations={name: line[name + DEVIATION] for name in names},
            intervals={name: (line.get(name + LOW), line.get(name + HIGH)) for name in names},
            learned=line["learned"],
            shows_map=line.get("shows_map", False),
            **{name: line[name] for name in _COSTS},
        )


_COSTS = ("training_seconds", "fit_seconds", "picture_ms", "peak_mb")


@dataclass(frozen=True)
class SuiteRecord:
    """A suite as far as it has got."""

    suite: str
    data: str
    product: str | None
    seeds: tuple[int, ...]
    rows: tuple[SuiteRow, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    """Name of a row without numbers → why it has none."""

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics of its table, in their order."""
        return list(dict.fromkeys(name for row in self.rows for name in row.values))

    def write(self, out: Path) -> None:
        """Write `suite.json` and `suite.csv` into the folder `out`."""
        lines = [row.to_json() for row in self.rows]
        about = {"suite": self.suite, "data": self.data, "product": self.product, "seeds": list(self.seeds)}
        write_json(out / RECORD, {**about, "rows": lines, "failed": dict(self.failed)})
        if lines:
            write_csv(out / TABLE, list(lines[0]), [list(line.values()) for line in lines])

    @classmethod
    def read(cls, out: Path) -> SuiteRecord:
        """The record in the folder `out`. Raises `SpecsightError` where there is none or it is damaged."""
        file = out / RECORD
        if not file.is_file():
            raise SpecsightError(f"'{out}' is no suite: it has no {RECORD}")
        try:
            content = parse_json(read_text(file))
            rows = tuple(SuiteRow.from_json(_with_map_flag(out, line)) for line in content["rows"])
            about = (content["suite"], content["data"], content["product"], tuple(content["seeds"]))
            return cls(*about, rows, dict(content.get("failed", {})))
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise SpecsightError(f"'{file}' is damaged: run the suite again to write it anew") from error


def _with_map_flag(out: Path, line: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row, with `shows_map` where version 0.1 did not write it: an ablation of the parameter `map`."""
    if "shows_map" in line or line["group"] == "methods":
        return line
    parameters = RunFolder(confined(out, line["folder"])).config().get("parameters") or {}
    return {**line, "shows_map": "map" in parameters}

"""The run folder: what an evaluation or an inspection leaves on disk, written so that a killed run can go on.

A finished picture is its map file and then one whole line in `predictions.jsonl`; a line torn by a crash is dropped
on the next start. Everything else (`metrics.json`, the page) is derived from these and may be written again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import yaml
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.records import Defect, Finding, Inspection, Label, Sample
from specsight.storage import confined, sha256, write_bytes, write_json, write_text

CONFIG = "config.yaml"
PREDICTIONS = "predictions.jsonl"
SKIPPED = "skipped.jsonl"
FITS = "fits.json"
METRICS = "metrics.json"
CURVES = "curves.json"
ENVIRONMENT = "environment.json"
PER_TYPE = "per_type.csv"
PAGE = "report.html"


@dataclass(frozen=True)
class Prediction:
    """One judged picture of one seed, with the truth known about it and where its map lies."""

    seed: int
    inspection: Inspection
    label: Label
    types: tuple[str, ...]
    split: str
    size: tuple[int, int]
    """(H, W) of picture and map in pixels."""
    map: str
    """Map file relative to the run folder."""
    digest: str = ""
    """SHA-256 of the picture file: a picture that has changed since is judged anew."""
    group: str | None = None
    circular: bool = False
    conditions: Mapping[str, str] = field(default_factory=dict)
    defects: tuple[Defect, ...] = ()
    """Mask files relative to the data where they lie inside it."""

    @property
    def id(self) -> str:
        return self.inspection.id

    def sample(self, data: Path) -> Sample:
        """The sample this was judged from; `data` is the folder its paths are relative to."""
        defects = tuple(_with_mask(d, data / d.mask) if d.mask else d for d in self.defects)
        return Sample(
            id=self.id,
            image=data / self.inspection.image,
            product=self.inspection.product,
            split=self.split,
            label=self.label,
            defects=defects,
            group=self.group,
            circular=self.circular,
            conditions=self.conditions,
        )

    def to_json(self) -> dict[str, Any]:
        """One flat object: the fields of the inspection, then truth, seed and map."""
        line = asdict(self.inspection)
        line |= {"seed": self.seed, "label": self.label, "types": self.types, "split": self.split}
        line |= {"size": self.size, "map": self.map, "digest": self.digest}
        line |= {"group": self.group, "circular": self.circular, "conditions": dict(self.conditions)}
        line["defects"] = [
            {k: str(v) if k == "mask" else v for k, v in asdict(d).items() if v is not None}
            for d in self.defects
        ]
        return line

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Prediction:
        values = dict(line)
        findings = tuple(
            Finding(**f | {"box": tuple(f["box"]), "centroid": tuple(f["centroid"])})
            for f in values.pop("findings")
        )
        names = ("id", "image", "product", "score", "threshold", "verdict", "statement", "seconds")
        inspection = Inspection(findings=findings, **{n: values.pop(n) for n in names})
        defects = tuple(
            Defect(
                **d | {k: make(d[k]) for k, make in (("mask", Path), ("box", tuple)) if d.get(k) is not None}
            )
            for d in values.pop("defects")
        )
        values |= {"types": tuple(values["types"]), "size": tuple(values["size"])}
        return cls(inspection=inspection, defects=defects, **values)


@dataclass(frozen=True)
class SkippedPicture:
    """A picture that could not be used, why, and where ("fit" or "judge")."""

    id: str
    image: str
    reason: str
    stage: str
    seed: int = 0


class RunFolder:
    """Reading and writing one run folder. Only the holder of `storage.only_writer` may write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def claim(self, config: Mapping[str, Any]) -> None:
        """Make the folder this run's own, or check that it already is.

        Refused: a folder with other content in it, and a run made with another configuration.
        """
        file = self.path / CONFIG
        if not file.exists():
            strangers = sorted(p.name for p in self.path.iterdir() if not p.name.startswith("."))
            if strangers:
                raise SpecsightError(
                    f"'{self.path}' is not empty and not a run folder (it holds '{strangers[0]}'): "
                    "choose another --out"
                )
            write_text(file, yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
            return
        before = self.config()
        for key in [*config, *(k for k in before if k not in config)]:
            if before.get(key) != config.get(key):
                raise SpecsightError(
                    f"'{self.path}' holds a run with {key} = {before.get(key)!r}, not {config.get(key)!r}: "
                    "choose another --out"
                )

    def config(self) -> dict[str, Any]:
        """What the run was asked for. Raises where `path` is no run folder."""
        try:
            content = yaml.safe_load((self.path / CONFIG).read_text("utf-8"))
        except FileNotFoundError as error:
            raise SpecsightError(f"'{self.path}' is not a run folder: it has no {CONFIG}") from error
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise SpecsightError(
                f"'{self.path / CONFIG}' is damaged: run again into another --out"
            ) from error
        if not isinstance(content, dict):
            raise SpecsightError(f"'{self.path / CONFIG}' is damaged: run again into another --out")
        return content

    @property
    def data(self) -> Path:
        """The folder that picture and mask paths are relative to."""
        return Path(str(self.config().get("data", ".")))

    def repair(self) -> None:
        """Drop a last line that a crash left unfinished."""
        for name in (PREDICTIONS, SKIPPED):
            file = self.path / name
            if file.exists():
                content = file.read_bytes()
                whole = content.rfind(b"\n") + 1
                if whole < len(content):
                    with file.open("r+b") as handle:
                        handle.truncate(whole)

    def predictions(self, seed: int | None = None) -> list[Prediction]:
        """All finished pictures, or those of one seed; of a picture judged anew the last answer counts."""
        last = {(line["seed"], line["id"]): line for line in self._lines(PREDICTIONS)}
        return [Prediction.from_json(line) for (of, _), line in last.items() if seed is None or of == seed]

    def skipped(self) -> list[SkippedPicture]:
        """Pictures that could not be used; not those that could be when they were tried again."""
        judged = {(line["seed"], line["id"]) for line in self._lines(PREDICTIONS)}
        last = {(line["stage"], line["seed"], line["id"]): line for line in self._lines(SKIPPED)}
        return [
            SkippedPicture(**line)
            for (stage, seed, id_), line in last.items()
            if stage == "fit" or (seed, id_) not in judged
        ]

    def add(self, prediction: Prediction, map_: NDArray[np.float32]) -> None:
        """Write a finished picture: its map first, then its line, each forced to the disk."""
        write_bytes(confined(self.path, prediction.map), _tiff(map_))
        self._append(PREDICTIONS, prediction.to_json())

    def skip(self, picture: SkippedPicture) -> None:
        self._append(SKIPPED, asdict(picture))

    def map(self, prediction: Prediction) -> NDArray[np.float32]:
        """(H, W) float32, higher = more anomalous."""
        file = confined(self.path, prediction.map)
        try:
            map_ = np.asarray(tifffile.imread(file), dtype=np.float32)
        except Exception as error:  # tifffile raises whatever its parser trips over
            raise SpecsightError(f"cannot read the map '{file}': run again into another --out") from error
        if map_.shape != prediction.size:
            raise SpecsightError(
                f"the map '{file}' is {map_.shape}, not {prediction.size}: run again into another --out"
            )
        return map_

    def json(self, name: str) -> dict[str, Any]:
        """One of the JSON files, or {} where it has not been written yet."""
        file = self.path / name
        if not file.exists():
            return {}
        try:
            return dict(json.loads(file.read_text("utf-8")))
        except (OSError, ValueError) as error:
            raise SpecsightError(f"'{file}' is damaged: delete it and run again") from error

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        write_json(self.path / name, value)

    def _append(self, name: str, line: Mapping[str, Any]) -> None:
        # ASCII escapes: file names that are not valid Unicode survive the way to disk and back.
        data = (json.dumps(line, allow_nan=False) + "\n").encode("ascii")
        try:
            with (self.path / name).open("ab") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise SpecsightError(
                f"cannot write '{self.path / name}': {error.strerror or error}; "
                "finished pictures are kept, run the same command again to go on"
            ) from error

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        """Whole lines only: what stands behind the last line end was torn by a crash."""
        file = self.path / name
        if not file.exists():
            return
        with file.open("rb") as handle:
            for number, line in enumerate(handle, start=1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield json.loads(line)
                except ValueError as error:
                    raise SpecsightError(
                        f"'{file}', line {number}: damaged; run again into another --out"
                    ) from error


def predict(
    sample: Sample, inspection: Inspection, map_: NDArray[np.float32], seed: int, data: Path
) -> Prediction:
    """Put sample (truth) and inspection (answer) side by side; paths inside `data` become relative to it."""
    return Prediction(
        seed=seed,
        inspection=Inspection(**vars(inspection) | {"image": relative(sample.image, data)}),
        label=sample.label,
        types=sample.types,
        split=sample.split,
        size=(int(map_.shape[0]), int(map_.shape[1])),
        map=f"maps/{seed}/{file_name(sample.id)}.tiff",
        digest=sha256(sample.image),
        group=sample.group,
        circular=sample.circular,
        conditions=sample.conditions,
        defects=tuple(_with_mask(d, Path(relative(d.mask, data))) if d.mask else d for d in sample.defects),
    )


def relative(path: Path, data: Path) -> str:
    """`path` as seen from `data`; absolute where it lies elsewhere."""
    # The file itself may be a link to anywhere; it still lies in this folder.
    absolute, root = path.parent.resolve() / path.name, data.resolve()
    return absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else str(absolute)


def file_name(id_: str) -> str:
    """A short, portable and unique file name for any sample id (slashes, spaces, any script, any length)."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", id_).strip(".-")[-60:]
    digest = hashlib.sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{readable}-{digest}" if readable else digest


def by_seed(predictions: Iterable[Prediction]) -> dict[int, list[Prediction]]:
    """Seeds in rising order; pictures in the order of their ids, whatever order they were judged in."""
    seeds: dict[int, list[Prediction]] = {}
    for prediction in sorted(predictions, key=lambda p: (p.seed, p.id)):
        seeds.setdefault(prediction.seed, []).append(prediction)
    return seeds


def _with_mask(defect: Defect, mask: Path) -> Defect:
    return Defect(**vars(defect) | {"mask": mask})


def _tiff(map_: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    # Level 1: a bilinear map shrinks little more at higher levels, and takes far longer.
    tifffile.imwrite(buffer, map_.astype(np.float32), compression="zlib", compressionargs={"level": 1})
    return buffer.getvalue()

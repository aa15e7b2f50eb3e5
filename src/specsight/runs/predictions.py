"""One judged picture as a line of `predictions.jsonl`: the answer, the truth beside it, and where its map lies."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from typing_extensions import NotRequired, TypedDict

from specsight.datasets.digest import sample_digest
from specsight.images import signal_files
from specsight.record_json import Count, Finite, InspectionJson, Text, check
from specsight.records import DEPTH, NORMALS, Defect, Inspection, Label, Sample


class DefectJson(TypedDict):
    """See `records.Defect`."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    type: Text
    mask: NotRequired[Text]
    mask_value: NotRequired[int]
    mask_above: NotRequired[int]
    box: NotRequired[Annotated[list[int], Field(min_length=4, max_length=4)]]
    part: NotRequired[Text]
    size_mm: NotRequired[Finite]
    severity: NotRequired[Text]
    text: NotRequired[Text]
    saturation: NotRequired[Finite]
    relative_saturation: NotRequired[bool]


class PredictionJson(InspectionJson):
    """A line of `predictions.jsonl`."""

    seed: Count
    label: Label
    types: list[Text]
    split: Text
    size: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=2, max_length=2)]
    map: Text
    digest: NotRequired[Text]
    group: NotRequired[Text | None]
    circular: NotRequired[bool]
    conditions: NotRequired[dict[Text, Text]]
    defects: list[DefectJson]
    beside: NotRequired[dict[Text, Text]]
    depth_range: NotRequired[list[Finite] | None]
    depth_unit_mm: NotRequired[Finite]


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
    """Map file relative to the run folder; empty where none was kept."""
    digest: str = ""
    """Of the picture and what lies beside it (`sample_digest`): what has changed since is judged anew."""
    group: str | None = None
    circular: bool = False
    conditions: Mapping[str, str] = field(default_factory=dict)
    defects: tuple[Defect, ...] = ()
    """Mask files relative to the data where they lie inside it."""
    beside: Mapping[str, str] = field(default_factory=dict)
    """Files of depth ("depth") and signals by name, relative to the data where they lie inside it."""
    depth_range: tuple[float, float] | None = None
    depth_unit_mm: float = 1.0
    """As in `Sample`."""

    @property
    def id(self) -> str:
        """Of the sample."""
        return self.inspection.id

    def sample(self, data: Path) -> Sample:
        """The sample this was judged from; `data` is the folder its paths are relative to."""
        defects = tuple(_with_mask(d, data / d.mask) if d.mask else d for d in self.defects)
        files = {name: data / path for name, path in self.beside.items()}
        return Sample(
            id=self.id,
            image=data / self.inspection.image,
            depth=files.pop(DEPTH, None),
            normals=files.pop(NORMALS, None),
            signals=files,
            depth_range=self.depth_range,
            depth_unit_mm=self.depth_unit_mm,
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
        line = self.inspection.to_json()
        line |= {"seed": self.seed, "label": self.label, "types": list(self.types), "split": self.split}
        line |= {"size": list(self.size), "map": self.map, "digest": self.digest}
        line |= {"group": self.group, "circular": self.circular, "conditions": dict(self.conditions)}
        if self.beside:
            line |= {"beside": dict(self.beside), "depth_unit_mm": self.depth_unit_mm}
            line["depth_range"] = None if self.depth_range is None else list(self.depth_range)
        line["defects"] = [
            {k: WRITTEN.get(k, _same)(v) for k, v in asdict(d).items() if v is not None} for d in self.defects
        ]
        return line

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Prediction:
        """Read what `to_json` gave. Raises ValueError, which names the value in one line, for anything else."""
        check(PredictionJson, line)
        inspection = Inspection.from_json(line)
        values = {name: value for name, value in line.items() if name in FIELDS}
        defects = tuple(
            Defect(
                **d | {k: make(d[k]) for k, make in (("mask", Path), ("box", tuple)) if d.get(k) is not None}
            )
            for d in values.pop("defects")
        )
        values |= {"types": tuple(values["types"]), "size": tuple(values["size"])}
        if values.get("depth_range") is not None:
            values["depth_range"] = tuple(values["depth_range"])
        return cls(inspection=inspection, defects=defects, **values)


WRITTEN: Mapping[str, Callable[[Any], Any]] = {"mask": str, "box": list}
"""Fields of a defect that JSON holds in another form."""
FIELDS = frozenset(one.name for one in fields(Prediction)) - {"inspection"}


class SkippedJson(TypedDict):
    """A line of `skipped.jsonl`."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    id: Text
    image: Text
    reason: Text
    stage: Literal["fit", "judge"]
    seed: NotRequired[Count]


@dataclass(frozen=True)
class SkippedPicture:
    """A picture that could not be used, why, and where ("fit" or "judge")."""

    id: str
    image: str
    reason: str
    stage: str
    seed: int = 0

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> SkippedPicture:
        """Read the fields as JSON values. Raises ValueError, which names the value in one line, for anything else."""
        return cls(**check(SkippedJson, line))


def predict(sample: Sample, inspection: Inspection, seed: int, data: Path) -> Prediction:
    """Put sample (truth) and inspection (answer, with its map) side by side; paths inside `data` become relative to it.

    The prediction holds no pixels. Raises ValueError for an inspection without a map.
    """
    if inspection.map is None:
        raise ValueError(f"inspection '{inspection.id}' has no map")
    return Prediction(
        seed=seed,
        inspection=replace(inspection.without_pixels(), image=relative(sample.image, data)),
        label=sample.label,
        types=sample.types,
        split=sample.split,
        size=(inspection.map.shape[0], inspection.map.shape[1]),
        map=f"maps/{seed}/{file_name(sample.id)}.tiff",
        digest=sample_digest(sample),
        group=sample.group,
        circular=sample.circular,
        conditions=sample.conditions,
        defects=tuple(_with_mask(d, Path(relative(d.mask, data))) if d.mask else d for d in sample.defects),
        beside={name: relative(path, data) for name, path in _files_beside(sample).items()},
        depth_range=sample.depth_range,
        depth_unit_mm=sample.depth_unit_mm,
    )


def _files_beside(sample: Sample) -> dict[str, Path]:
    depth = {} if sample.depth is None else {DEPTH: sample.depth}
    return {**depth, **signal_files(sample)}


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


def _same(value: Any) -> Any:
    return value


def _with_mask(defect: Defect, mask: Path) -> Defect:
    return Defect(**vars(defect) | {"mask": mask})

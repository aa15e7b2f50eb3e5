"""One line of a manifest: what is written, what is allowed, and its way to and from `Sample`.

A `Line` is the JSON object of `manifest.jsonl`; the CSV form is the same object, flattened. Every path is relative to
the manifest's folder and stays inside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from specsight.datasets.contained_paths import inside, relative_path
from specsight.datasets.contract import split_named
from specsight.records import DEPTH, NORMALS, RGB, Defect, InstructedVerdict, Label, Sample, wrong_signals
from specsight.specification.fields import Scale

Number = Annotated[float, Field(allow_inf_nan=False)]
Words = Annotated[str, Field(min_length=1)]

_LABELS: dict[str, Label] = {
    **dict.fromkeys(("good", "ok", "normal", "0", "0.0"), "good"),
    **dict.fromkeys(
        ("defective", "bad", "ng", "nok", "ko", "anomaly", "anomalous", "abnormal", "1", "1.0"), "defective"
    ),
    **dict.fromkeys(("unknown", ""), "unknown"),
}


def label_of(value: object) -> object:
    """The usual other words for good and defective are understood."""
    return _LABELS.get(str(value).strip().lower(), value)


_UNITS = {"m": 1000.0, "cm": 10.0, "mm": 1.0, "um": 0.001, "µm": 0.001}


def _unit(value: object) -> object:
    """Units of length by name are understood."""
    return _UNITS.get(value.strip().lower(), value) if isinstance(value, str) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class DefectLine(_Strict):
    """One defect; the fields are those of `records.Defect`."""

    type: Words
    mask: Words | None = None
    mask_value: int | None = None
    mask_above: int | None = None
    box: tuple[int, int, int, int] | None = None
    part: str | None = None
    size_mm: Number | None = None
    severity: str | None = None
    text: str | None = None
    saturation: Number | None = None
    relative_saturation: bool = False

    def to_defect(self, folder: Path) -> Defect:
        """The defect; its mask's path is relative to `folder` and must stay inside it."""
        mask = inside(folder, self.mask) if self.mask else None
        return Defect(**{**self.model_dump(), "mask": mask})

    @classmethod
    def from_defect(cls, defect: Defect, folder: Path) -> DefectLine:
        """The line that says what `defect` holds, its mask's path relative to `folder`."""
        fields = {name: getattr(defect, name) for name in cls.model_fields}
        return cls(**{**fields, "mask": relative_path(defect.mask, folder) if defect.mask else None})


class InstructionLine(_Strict):
    """What the truth says under one instruction."""

    text: Words
    verdict: Literal["accept", "reject"]
    kind: Words
    pair: str
    clause: dict[str, Any] = {}


class Line(_Strict):
    """One sample; the fields are those of `records.Sample`. `label` may be left out: defects mean defective; so may
    `image` where there is depth alone, which then stands for it."""

    image: Words
    id: Words | None = None
    product: Words | None = None
    split: Words = "test"
    label: Annotated[Label | None, BeforeValidator(label_of)] = None
    defects: tuple[DefectLine, ...] = ()
    depth: Words | None = None
    depth_range: tuple[Number, Number] | None = None
    depth_unit_mm: Annotated[float, BeforeValidator(_unit), Field(gt=0, allow_inf_nan=False)] = 1.0
    signals: dict[Words, Words] = {}
    normals: Words | None = None
    parts: Words | None = None
    part_names: dict[int, str] = {}
    reference: Words | None = None
    group: str | None = None
    mm_per_px: Scale | None = None
    circular: bool = False
    conditions: dict[str, str] = {}
    text: dict[str, str] = {}
    instructions: tuple[InstructionLine, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _depth_alone(cls, line: Any) -> Any:
        if isinstance(line, dict) and "image" not in line and isinstance(line.get("depth"), str):
            return {"image": line["depth"], **line}
        return line

    @field_validator("signals")
    @classmethod
    def _no_other_field(cls, signals: dict[str, str]) -> dict[str, str]:
        for name in (RGB, DEPTH, NORMALS):
            if name in signals:
                raise ValueError(f"{name} is no further signal: name its file under '{_FIELD[name]}'")
        if wrong := wrong_signals(signals):
            raise ValueError(wrong)
        return signals

    def to_sample(self, folder: Path, product: str) -> Sample:
        """The sample; `product` is the name where the line gives none. Raises ValueError for a contradiction and
        SpecsightError for a split that there is not.
        """
        image = inside(folder, self.image)
        files: dict[str, str | None] = {n: getattr(self, n) for n in _FILES}
        plain: dict[str, Any] = {n: getattr(self, n) for n in _PLAIN}
        plain |= {name: inside(folder, file) if file else None for name, file in files.items()}
        plain["split"] = split_named(self.split)
        plain["signals"] = {name: inside(folder, file) for name, file in self.signals.items()}
        return Sample(
            id=self.id or image.relative_to(folder).with_suffix("").as_posix(),
            image=image,
            product=self.product or product,
            label=self.label or ("defective" if self.defects else "unknown"),
            defects=tuple(d.to_defect(folder) for d in self.defects),
            instructions=tuple(InstructedVerdict(**i.model_dump()) for i in self.instructions),
            **plain,
        )

    @classmethod
    def from_sample(cls, sample: Sample, folder: Path) -> Line:
        """The line that says what `sample` holds, paths relative to `folder`."""
        files: dict[str, Path | None] = {n: getattr(sample, n) for n in ("image", *_FILES)}
        plain: dict[str, Any] = {n: getattr(sample, n) for n in _PLAIN}
        plain |= {name: relative_path(file, folder) if file else None for name, file in files.items()}
        plain["signals"] = {name: relative_path(file, folder) for name, file in sample.signals.items()}
        return cls(
            id=sample.id,
            product=sample.product,
            label=None if sample.label == "unknown" and not sample.defects else sample.label,
            defects=tuple(DefectLine.from_defect(d, folder) for d in sample.defects),
            instructions=tuple(
                InstructionLine(**{**vars(i), "clause": dict(i.clause)}) for i in sample.instructions
            ),
            **plain,
        )

    def to_json(self) -> dict[str, Any]:
        """What is written: fields at their default are left out."""
        return self.model_dump(mode="json", exclude_defaults=True)


_FIELD = {RGB: "image", DEPTH: "depth", NORMALS: "normals"}
_FILES = ("depth", "normals", "parts", "reference")
_PLAIN = (
    "split",
    "depth_range",
    "depth_unit_mm",
    "part_names",
    "group",
    "mm_per_px",
    "circular",
    "conditions",
    "text",
)

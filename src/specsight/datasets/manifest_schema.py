"""One line of a manifest: what is written, what is allowed, and its way to and from `Sample`.

A `Line` is the JSON object of `manifest.jsonl`; the CSV form is the same object, flattened. Every path is relative to
the manifest's folder and stays inside it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from specsight.datasets.contained_paths import inside, relative_path
from specsight.datasets.contract import split_named
from specsight.records import Defect, InstructedVerdict, Label, Sample
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
    """One sample; the fields are those of `records.Sample`. `label` may be left out: defects mean defective."""

    image: Words
    id: Words | None = None
    product: Words | None = None
    split: Words = "test"
    label: Annotated[Label | None, BeforeValidator(label_of)] = None
    defects: tuple[DefectLine, ...] = ()
    depth: Words | None = None
    depth_range: tuple[Number, Number] | None = None
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

    def to_sample(self, folder: Path, product: str) -> Sample:
        """The sample; `product` is the name where the line gives none. Raises ValueError for a contradiction and
        SpecsightError for a split that there is not.
        """
        image = inside(folder, self.image)
        files: dict[str, str | None] = {n: getattr(self, n) for n in _FILES}
        plain: dict[str, Any] = {n: getattr(self, n) for n in _PLAIN}
        plain |= {name: inside(folder, file) if file else None for name, file in files.items()}
        plain["split"] = split_named(self.split)
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


_FILES = ("depth", "normals", "parts", "reference")
_PLAIN = (
    "split",
    "depth_range",
    "part_names",
    "group",
    "mm_per_px",
    "circular",
    "conditions",
    "text",
)

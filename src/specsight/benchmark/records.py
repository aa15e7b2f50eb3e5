"""What a benchmark consists of, as frozen models: samples with instances, items, descriptions with provenance.

Each is one line of a JSON Lines file (`files`). Unknown keys are refused, values are checked where they are read.
Coordinates are pixels of the picture as it lies on disk, x to the right and y down from the upper left corner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from specsight.benchmark.tasks import Form, Task
from specsight.explain.slots import Slots
from specsight.records import Label, Verdict

Share = Annotated[float, Field(ge=0, le=1)]
Pixels = Annotated[int, Field(ge=0)]
Split = Literal["train", "validation", "test"]
Visible = Literal["rgb", "depth", "both"]
Source = Literal["dataset", "measured", "rule", "knowledge", "specification", "expert", "model"]
"""Where words or truth come from: the set's own annotation; a measurement on pixels; computed from truth by a rule of
this package; the knowledge of types (`ontology`); the product's specification; a person; a captioning or language
model."""


class Record(BaseModel):
    """What all of them share: unknown keys are refused, and values cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Provenance(Record):
    """Where something comes from."""

    source: Source
    by: str = ""
    """Who or what: the measurement, the model's name and fingerprint, a person's code."""


class DepthStatistics(Record):
    """Depth of a defect against its surrounding, in the unit of the depth map (millimetres for the tyre line); positive
    is nearer to the camera."""

    mean: float
    lowest: float
    highest: float


class Instance(Record):
    """One connected defect of a picture."""

    type_raw: str
    """The set's own name."""
    type: str
    """Canonical name of `ontology`, or the set's own in words where that does not know it."""
    superclass: str | None = None
    box: tuple[Pixels, Pixels, Pixels, Pixels]
    """(x0, y0, x1, y1), x1 and y1 exclusive: the set's own where it gives boxes, else that of the mask."""
    area_px: Annotated[int, Field(ge=1)]
    area_share: Share
    centroid: tuple[float, float]
    """(x, y); for bent shapes the pixel of the mask that is nearest to the mean."""
    cells: tuple[str, ...]
    """Cells of the 3 × 3 grid (`specification.vocabulary.place_name`) with at least 10 % of its area, fullest first."""
    touched: tuple[str, ...] = ()
    """Further cells that hold some of it: less, but nobody would call it wrong to name them."""
    part: str | None = None
    """The part that most of it lies on."""
    parts: Mapping[str, Share] = Field(default_factory=dict)
    """Part → share of its area; 0 for one that it comes near, where parts were found and not drawn."""
    length_px: float
    """Longest extent (`images.longest_extent`)."""
    length_mm: float | None = None
    severity: str | None = None
    depth: DepthStatistics | None = None
    visible: Visible | None = None
    """What shows it, where that is known."""
    rle: Mapping[str, Any] | None = None
    """COCO run lengths `{"size": [H, W], "counts": text}`; None where only a box is known."""
    text: str | None = None
    """What the set says of it."""


class Instructed(Record):
    """What the truth says about a picture under one instruction; the two of a matched pair share `pair`."""

    text: str
    verdict: Verdict
    kind: str
    pair: str
    clause: Mapping[str, Any] = Field(default_factory=dict)
    """Fields of `specification.Instruction` that the text stands for."""


class BenchmarkSample(Record):
    """One picture, with everything known about it. Paths are relative to the benchmark's data folder."""

    id: str
    source: str
    """Layout and name of the set."""
    licence: str
    product: str
    split: Split
    label: Label
    group: str
    """The physical object: no two splits may share one."""
    image: str
    sha256: str
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    masks: tuple[str, ...] = ()
    depth: str | None = None
    normals: str | None = None
    parts: str | None = None
    part_names: Mapping[int, str] = Field(default_factory=dict)
    reference: str | None = None
    """An aligned good picture of the same product that the set itself gives."""
    mm_per_px: float | None = None
    circular: bool = False
    conditions: Mapping[str, str] = Field(default_factory=dict)
    text: Mapping[str, str] = Field(default_factory=dict)
    instances: tuple[Instance, ...] = ()
    masks_known: bool = True
    """False: defective, and where is not known; nothing is asked about place, number or size."""
    instructions: tuple[Instructed, ...] = ()
    dhash: str = ""
    """Difference hash of 64 bits, 16 hex digits."""


class Sentence(Record):
    """One sentence of a product's normal description."""

    aspect: Literal[
        "object", "colour", "texture", "geometry", "material", "parts", "count", "variation", "critical"
    ]
    text: str
    provenance: Provenance
    values: Mapping[str, Any] = Field(default_factory=dict)
    """What was measured, by name."""


class Description(Record):
    """What a good part of one product looks like, sentence by sentence."""

    product: str
    sentences: tuple[Sentence, ...]
    missing: tuple[str, ...] = ()
    """What a person must complete, in words."""


class ItemScope(Record):
    """What an item's instruction restricts the inspection to; empty: nothing."""

    parts: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


class Item(Record):
    """One question with its checkable answer: a line of `items.jsonl`."""

    id: str
    """"{sample}/{task}/{number}": the same build gives the same."""
    task: Task
    form: Form
    sample: str
    category: str
    """The product."""
    images: tuple[str, ...]
    """The pictures asked about, relative to the data folder; a depth map comes second."""
    reference_images: tuple[str, ...] = ()
    """Good parts of the train split that are shown with it."""
    masks: tuple[str, ...] = ()
    """Never shown to a model."""
    question: str
    options: Mapping[str, str] = Field(default_factory=dict)
    """Letter → text; empty for forms without options."""
    answer: str
    """By form: "B"; "A, C"; "[x0, y0, x1, y1]" or "[x, y]" in thousandths; a reference text; a JSON object."""
    slots: Slots = Slots()
    """The truth that the answer rests on."""
    instruction: str | None = None
    """Words of the inspection that the question goes with."""
    clause: Mapping[str, Any] = Field(default_factory=dict)
    scope: ItemScope = ItemScope()
    pair: str | None = None
    """Items of one matched pair share it."""
    phrasing: int = 0
    """Which paraphrase of its task's templates it is."""
    difficulty: Literal["easy", "medium", "hard"] | None = None
    scenario: str | None = None
    """Of the TGAD-style protocol: "S1/paraphrase", "S1/noun removed", "S2", "S3", ...; None: none of it."""
    provenance: tuple[Provenance, ...]
    licence: str
    split: Split
    version: str

"""What lies on disk and what its files hold: defects, samples, pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Label = Literal["good", "defective", "unknown"]
Verdict = Literal["accept", "reject"]
Box = tuple[int, int, int, int]
"""(x0, y0, x1, y1) in pixels, x1 and y1 exclusive."""

GOOD = "good"
OPERATOR_NOTE = "operator_note"
"""Kind of a sample's words that holds what an operator wrote of the picture."""


@dataclass(frozen=True)
class Defect:
    """One defect of one picture, with a mask of its own. Types are never collapsed to "anomaly".

    Its pixels are those of `mask` that equal `mask_value` or are above `mask_above`; where both are None, those that
    `images.marked` tells by the values of the mask. Where there is no mask file, it is those inside `box`. Several
    defects may share a mask file (multi-valued masks).
    """

    type: str
    mask: Path | None = None
    mask_value: int | None = None
    mask_above: int | None = None
    box: Box | None = None
    part: str | None = None
    size_mm: float | None = None
    severity: str | None = None
    text: str | None = None
    saturation: float | None = None
    """sPRO (MVTec LOCO): saturation area in pixels, or as a share of the region if `relative_saturation`."""
    relative_saturation: bool = False


@dataclass(frozen=True)
class InstructedVerdict:
    """What the truth says about a sample under one instruction; matched pairs share `pair`."""

    text: str
    verdict: Verdict
    kind: str
    """scope | tolerance | requirement | knowledge"""
    pair: str
    clause: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """One picture on disk with everything known about it.

    `split` is "train", "validation" or "test" (sets with further test splits keep their names, e.g.
    "test_private"). `group` names the physical object where several pictures show the same one (for leakage checks
    and for per-object scores). `conditions` holds light, plant, view and the like. `text` holds words by kind
    ("description", `OPERATOR_NOTE`, "specification", ...).
    """

    id: str
    image: Path
    product: str
    split: str = "test"
    label: Label = "unknown"
    defects: tuple[Defect, ...] = ()
    depth: Path | None = None
    normals: Path | None = None
    parts: Path | None = None
    reference: Path | None = None
    group: str | None = None
    mm_per_px: float | None = None
    circular: bool = False
    """The first and the last column are neighbours (unwrapped strips)."""
    conditions: Mapping[str, str] = field(default_factory=dict)
    text: Mapping[str, str] = field(default_factory=dict)
    instructions: tuple[InstructedVerdict, ...] = ()
    part_names: Mapping[int, str] = field(default_factory=dict)
    """Value in the `parts` map → part name."""
    depth_range: tuple[float, float] | None = None
    """(minimum, maximum) in the depth unit, where the depth file stores integers over that range."""
    bits: int | None = None
    """What 16-bit files of its set use of their range (12: 4095 is white); None: each file what it uses itself."""

    def __post_init__(self) -> None:
        if self.label == "good" and self.defects:
            raise ValueError(f"sample '{self.id}' is labelled good but lists {len(self.defects)} defect(s)")

    @property
    def types(self) -> tuple[str, ...]:
        """The distinct defect types, sorted; ("good",) for a good part."""
        return tuple(sorted({d.type for d in self.defects})) or ((GOOD,) if self.label == "good" else ())


@dataclass(frozen=True)
class Picture:
    """Pixels of one sample.

    `rgb` (H, W, 3) uint8; `depth` (H, W) float32, NaN where unknown; `parts` (H, W) uint8, 0 where no part is.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32] | None = None
    parts: NDArray[np.uint8] | None = None
    circular: bool = False
    notes: tuple[str, ...] = ()
    """What a person should know of its reading: what was left out, what was taken for white. Names no file."""

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f"rgb must be (H, W, 3) uint8, got {self.rgb.shape} {self.rgb.dtype}")
        for name, plane in (("depth", self.depth), ("parts", self.parts)):
            if plane is not None and plane.shape != self.size:
                raise ValueError(f"{name} is {plane.shape} but the picture is {self.size} (rows, columns)")

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return int(self.rgb.shape[0]), int(self.rgb.shape[1])


ImageBatch = Sequence[Picture]

"""What lies on disk and what its files hold: defects, samples, pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
RGB, DEPTH, NORMALS, XYZ = "rgb", "depth", "normals", "xyz"
"""Modalities that every room knows by these names; further ones ("ir", "light_1") are named by their set."""
SIGNAL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""What a further signal may be called: files and folders are named by it, and pages show it."""
RESERVED = frozenset({RGB, DEPTH, NORMALS, "image", "parts", "masks", "hidden"})
"""Names that fields of a sample and folders of a written set have."""


def wrong_signals(names: Iterable[str]) -> str:
    """What is wrong with the names of further signals, in words; empty where nothing is."""
    known: dict[str, str] = {}
    for name in names:
        if not SIGNAL_NAME.fullmatch(name):
            return (
                f"a signal is called {name[:80]!a}: a name has 1 to 64 of a to z, A to Z, 0 to 9, _ and -, and "
                "starts with a letter or digit"
            )
        low = name.lower()
        if low in RESERVED:
            return f"a signal is called {name!r}, which is taken: call it otherwise"
        if low in known:
            return f"signals are called {known[low]!r} and {name!r}, which some disks take for one: call one otherwise"
        known[low] = name
    return ""


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
    ("description", `OPERATOR_NOTE`, "specification", ...). Where `image` and `depth` are the same file, the part was
    measured and not photographed.
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
    depth_unit_mm: float = 1.0
    """Millimetres that one unit of the depth file is: 1000 where it holds metres."""
    signals: Mapping[str, Path] = field(default_factory=dict)
    """Files of further channels by name: "ir", and "light_1", "light_2", ... for pictures under other lights. A name
    that `wrong_signals` finds fault with raises ValueError."""

    def __post_init__(self) -> None:
        if self.label == "good" and self.defects:
            raise ValueError(f"sample '{self.id}' is labelled good but lists {len(self.defects)} defect(s)")
        if wrong := wrong_signals(self.signals):
            raise ValueError(f"sample '{self.id}': {wrong}")

    @property
    def photographed(self) -> bool:
        """Whether there is a picture of it in colours or grey; False: there is nothing but depth."""
        return self.image != self.depth

    @property
    def types(self) -> tuple[str, ...]:
        """The distinct defect types, sorted; ("good",) for a good part."""
        return tuple(sorted({d.type for d in self.defects})) or ((GOOD,) if self.label == "good" else ())


@dataclass(frozen=True)
class Picture:
    """Pixels of one sample.

    `rgb` (H, W, 3) uint8; `depth` (H, W) float32 in mm, NaN where unknown; `parts` (H, W) uint8, 0 where no part is.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32] | None = None
    parts: NDArray[np.uint8] | None = None
    circular: bool = False
    notes: tuple[str, ...] = ()
    """What a person should know of its reading: what was left out, what was taken for white. Names no file."""
    signals: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Further channels by name, each (H, W) or (H, W, C). "normals": (H, W, 3) float32 unit vectors, x to the right, y
    down, z towards the camera. "xyz": (H, W, 3) float32 in mm. "light_1", ...: (H, W, 3) uint8. Any other ("ir"):
    float32 values as stored. NaN where unknown."""
    absent: frozenset[str] = frozenset()
    """Modalities that it lacks although its sample should have them, or that hold nothing usable. Where "rgb" is one,
    `rgb` is black and must not be scored."""

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f"rgb must be (H, W, 3) uint8, got {self.rgb.shape} {self.rgb.dtype}")
        for name, plane in (("depth", self.depth), ("parts", self.parts)):
            if plane is not None and plane.shape != self.size:
                raise ValueError(f"{name} is {plane.shape} but the picture is {self.size} (rows, columns)")
        for name, channels in self.signals.items():
            if channels.shape[:2] != self.size or channels.ndim not in (2, 3):
                raise ValueError(f"{name} is {channels.shape} but the picture is {self.size} (rows, columns)")

    @property
    def modalities(self) -> frozenset[str]:
        """What of the part can be scored: "rgb" unless it is absent, "depth" where there is any, and its signals."""
        measured = () if self.depth is None else (DEPTH,)
        return frozenset((RGB, *measured, *self.signals)) - self.absent

    def without(self, *names: str) -> Picture:
        """The same picture without the modalities `names`, which are `absent` then; those it lacks anyway may be named.

        Its colours are black where "rgb" is one of them. Raises ValueError where no modality would be left.
        """
        lost = self.modalities.intersection(names)
        if not lost:
            return self
        if lost == self.modalities:
            raise ValueError("a picture without any modality shows nothing")
        return replace(
            self,
            rgb=np.zeros_like(self.rgb) if RGB in lost else self.rgb,
            depth=None if DEPTH in lost else self.depth,
            signals={name: channels for name, channels in self.signals.items() if name not in lost},
            absent=self.absent | lost,
        )

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return int(self.rgb.shape[0]), int(self.rgb.shape[1])


ImageBatch = Sequence[Picture]

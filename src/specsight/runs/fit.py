"""What a run folder holds of a fit: the detector and its encoder, what it learned from, its thresholds, its cost.

In and out: the entries of `fits.json`, one per seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from specsight.calibration import Calibration


@dataclass(frozen=True)
class Fit:
    """A fitted detector. Counts and times are None where the model was fitted elsewhere."""

    detector: str
    resolution: int
    """Shorter side of the framed pictures in pixels."""
    encoder: str
    fingerprint: str
    """Of the encoder's weights."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Hyper-parameters without encoder, resolution, tile and seed."""
    framing: str = ""
    """How pictures are framed, in words; empty: at `resolution`."""
    framing_reasons: tuple[str, ...] = ()
    """Why good pictures chose it; empty: it was given."""
    transductive: bool = False
    calibration: Calibration | None = None
    words: str | None = None
    """What a detector that reads has read: the product and its defects."""
    seconds: float | None = None
    training_seconds: float | None = None
    """Of the training on another set, which several runs may share."""
    defects: int = 0
    """Labelled defective pictures learned from."""
    trained_on: str | None = None
    """The other set whose labelled pictures gave the weights, in words."""
    learned: int | None = None
    """Good pictures learned from."""
    learned_parts: int | None = None
    """Distinct parts that they show."""
    held_out: int | None = None
    """Good pictures that gave the thresholds."""
    held_out_parts: int | None = None
    folds: int = 0
    """In how many folds the good pictures learned from were judged; 0: in none."""
    learned_from: str = ""
    """What the model says it was fitted on, in words; empty for one that does not say."""
    by_place: bool = False
    """Whether maps are compared with those of good parts at the same place."""
    map_source: str = ""
    """What maps come from, in words, where it is not what the method is named for."""
    peak_mb: float | None = None
    choice: str = ""
    """How the detector was chosen, in words; empty where it was named."""

    @property
    def pictures(self) -> str:
        """Good pictures learned from and held out, in words; with their distinct parts where these are fewer."""
        if self.folds:
            shown = "" if self.learned_parts in (None, self.learned) else f" ({of_parts(self.learned_parts)})"
            held_out = f", {self.held_out} held out" if self.held_out else ""
            return (
                f"{self.learned} good pictures{shown} learned from, each judged unseen in one of {self.folds} "
                f"folds{held_out}"
            )
        pictures = (self.learned or 0) + (self.held_out or 0)
        if self.learned_parts is None or pictures == self.learned_parts + (self.held_out_parts or 0):
            return f"{self.learned} good pictures learned from, {self.held_out} held out"
        parts = self.learned_parts + (self.held_out_parts or 0)
        return (
            f"{pictures} good pictures, {parts} distinct part{'' if parts == 1 else 's'}: {self.learned} "
            f"({of_parts(self.learned_parts)}) learned from, {self.held_out} ({of_parts(self.held_out_parts)}) held out"
        )

    def to_json(self) -> dict[str, Any]:
        """All fields, as JSON values."""
        return asdict(self) | {
            "parameters": dict(self.parameters),
            "calibration": self.calibration.to_json() if self.calibration else None,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Fit:
        """Read what `to_json` gave; entries that this version does not know are left out.

        Raises `KeyError` or `TypeError` for damaged content.
        """
        values = {f.name: content[f.name] for f in fields(cls) if f.name in content}
        if "framing_reasons" in values:
            values["framing_reasons"] = tuple(values["framing_reasons"])
        if values.get("calibration"):
            values["calibration"] = Calibration.from_json(values["calibration"])
        return cls(**values)


def of_parts(count: int | None) -> str:
    """A number of distinct parts in words: "3 parts"."""
    return f"{count or 0} part{'' if count == 1 else 's'}"

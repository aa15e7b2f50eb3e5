"""What an evaluation is asked to do. Everything that could change a number stands here and in `config.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from specsight.errors import SpecsightError


@dataclass(frozen=True)
class EvaluationConfig:
    """One detector on one data set, under one or several seeds."""

    data: Path
    detector: str = "patchcore"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Further hyper-parameters of the detector, by name."""
    encoder: str = "bundled"
    resolution: int | None = None
    """Shorter side of the framed pictures in pixels; None: the detector's own."""
    layout: str = "auto"
    product: str | None = None
    """One product of a root that holds several; None: each of them, and their mean."""
    shots: int | None = None
    """How many good pictures the detector learns from, drawn under the seed; 0: none, words alone; None: all."""
    defects: int = 0
    """Labelled defective pictures of every type to learn from, for detectors that take them; none of them is tested."""
    train_on: Path | None = None
    """Another labelled data set, from which a cross-set detector learns its weights."""
    train_specification: Path | None = None
    """Words about the products of that set; None: their names and the names of their defects."""
    seeds: tuple[int, ...] = (0,)
    holdout: int | None = None
    """Good pictures kept for the threshold; None: as many as the promise takes, never more than a third."""
    false_reject_rate: float = 0.05
    confidence: float = 0.95
    specification: Path | None = None
    map_size: int | None = None
    """Shorter side in pixels at which pixel metrics are measured; None: the pictures' own resolution."""
    resamples: int = 1000
    """Bootstrap resamples behind each interval; 0: no intervals."""

    def __post_init__(self) -> None:
        """Refuse values no run can have. Raises `SpecsightError`."""
        for name, least in (
            ("resolution", 1),
            ("shots", 0),
            ("map_size", 1),
            ("holdout", 0),
            ("defects", 0),
            ("resamples", 0),
        ):
            value = getattr(self, name)
            if value is not None and value < least:
                raise SpecsightError(f"{name} must be at least {least}, got {value}")
        for name in ("false_reject_rate", "confidence"):
            if not 0 < getattr(self, name) < 1:
                raise SpecsightError(f"{name} must lie between 0 and 1, got {getattr(self, name)}")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise SpecsightError(f"seeds must be different numbers from 0 on, got {list(self.seeds)}")

    def to_json(self, name: str, product: str | None, root: Path) -> dict[str, Any]:
        """What stands in `config.yaml`.

        `data` is the absolute folder that the samples' paths are relative to, so that the run can be drawn again from
        anywhere.
        """
        values = asdict(self) | {"data": str(root.resolve()), "product": product, "seeds": list(self.seeds)}
        values["parameters"] = dict(self.parameters)
        for name_ in ("specification", "train_on", "train_specification"):
            path = getattr(self, name_)
            values[name_] = None if path is None else str(path.resolve())
        return {"kind": "evaluation", "name": name, "source": self.data.name, **values}

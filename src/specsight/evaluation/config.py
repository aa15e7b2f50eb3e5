"""What an evaluation is of. Everything that could change a number stands here and in `config.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specsight.calibration import ThresholdConfig
from specsight.choosing import AUTO, ChoiceConfig, choice_config
from specsight.detectors import Detector, create_detector
from specsight.encoders import Encoder
from specsight.errors import SpecsightError
from specsight.storage import sha256


@dataclass(frozen=True)
class DataConfig:
    """Which pictures."""

    path: Path
    """Data set, one of its products, or a manifest."""
    layout: str = "auto"
    product: str | None = None
    """One product of a root that holds several; None: each of them, and their mean."""


@dataclass(frozen=True)
class DetectorConfig:
    """Which method, with what encoder and hyper-parameters."""

    name: str = "patchcore"
    """A registered detector, or "auto": one is chosen under each seed."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Further hyper-parameters of the detector (those of the choice: `choosing.choice_config`), by name."""
    encoder: str = "bundled"
    """Its name; several with commas where a detector is chosen."""
    resolution: int | str | None = None
    """Shorter side of the framed pictures in pixels, or "auto"; None: the detector's own."""
    device: str = "auto"
    """Where the encoder runs; not part of `config.yaml`, for a run may go on elsewhere."""
    tile: int | str | None = None
    """Side in pixels of the tiles that long pictures are looked at in, 0 for none, or "auto"; None: the detector's
    own."""

    def __post_init__(self) -> None:
        if not isinstance(self.resolution, str):
            _at_least(1, resolution=self.resolution)

    @property
    def chosen(self) -> bool:
        """Whether the detector is chosen on the good pictures of each fit."""
        return self.name == AUTO

    @property
    def reloaded_encoder(self) -> str | None:
        """With which encoder a saved model is loaded again; which of several was chosen the model says itself."""
        return None if self.chosen else self.encoder

    def create(self, seed: int, encoder: Encoder | None = None) -> Detector | ChoiceConfig:
        """The detector, not fitted, or how it is chosen; `encoder` in place of loading it by its name.

        Raises `SpecsightError` for an unknown name or parameter.
        """
        framing = {k: v for k in ("resolution", "tile") if (v := getattr(self, k)) is not None}
        given: dict[str, Any] = {
            "encoder": self.encoder if encoder is None else encoder,
            "device": self.device,
            "seed": seed,
            **framing,
            **self.parameters,
        }
        if self.chosen:
            return choice_config(**given)
        return create_detector(self.name, **given)


@dataclass(frozen=True)
class LearningConfig:
    """What the detector learns from."""

    shots: int | None = None
    """How many good pictures, chosen under the seed; 0: none, words alone; None: all."""
    defects: int = 0
    """Labelled defective pictures of every type, for detectors that take them; none of them is tested."""
    specification: Path | None = None
    """Words about the product."""
    train_on: Path | None = None
    """Another labelled data set, from which a cross-set detector learns its weights."""
    train_specification: Path | None = None
    """Words about the products of that set; None: their names and the names of their defects."""

    def __post_init__(self) -> None:
        _at_least(0, shots=self.shots, defects=self.defects)
        if self.train_specification is not None and self.train_on is None:
            raise SpecsightError(
                f"'{self.train_specification}' describes another set, and none is named: add --train-on"
            )


@dataclass(frozen=True)
class MeasuringConfig:
    """How the predictions are measured."""

    map_size: int | None = None
    """Shorter side in pixels at which pixel metrics are measured; None: the pictures' own resolution."""
    resamples: int = 1000
    """Bootstrap resamples behind each interval; 0: no intervals."""
    instructions: bool = False
    """Whether the matched pairs of instructions that come with the pictures are judged as well."""

    limit: int | None = None
    """At most so many good and so many defective test pictures of a product, evenly over its list; None: all."""
    explain_with: str = ""
    """A language model that rewrites statements, under their checks (`language.load_language_model`); empty: none."""

    def __post_init__(self) -> None:
        _at_least(1, map_size=self.map_size, limit=self.limit)
        _at_least(0, resamples=self.resamples)


@dataclass(frozen=True)
class EvaluationConfig:
    """One detector on one data set, under one or several seeds. Values no run can have raise `SpecsightError`."""

    data: DataConfig
    detector: DetectorConfig = field(default_factory=DetectorConfig)
    learning: LearningConfig = field(default_factory=LearningConfig)
    threshold: ThresholdConfig = field(default_factory=ThresholdConfig)
    measuring: MeasuringConfig = field(default_factory=MeasuringConfig)
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        if not all(isinstance(seed, int) for seed in self.seeds):
            raise SpecsightError(f"seeds must be whole numbers, got {list(self.seeds)}")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise SpecsightError(f"seeds must be different numbers from 0 on, got {list(self.seeds)}")

    def to_json(self, name: str, product: str | None, root: Path) -> dict[str, Any]:
        """What stands in `config.yaml`: one flat object.

        `root` is the folder that the samples' paths are relative to; it is written as an absolute path, so that the run
        can be drawn again from anywhere.
        """
        learning = self.learning
        return {
            "kind": "evaluation",
            "name": name,
            "source": self.data.path.name,
            "data": str(root.resolve()),
            "detector": self.detector.name,
            "parameters": dict(self.detector.parameters),
            "encoder": self.detector.encoder,
            "resolution": self.detector.resolution,
            "tile": self.detector.tile,
            "layout": self.data.layout,
            "product": product,
            "shots": learning.shots,
            "defects": learning.defects,
            "train_on": _absolute(learning.train_on),
            "train_specification": _absolute(learning.train_specification),
            "seeds": list(self.seeds),
            "holdout": self.threshold.holdout,
            "folds": self.threshold.folds,
            "by_place": self.threshold.by_place,
            "false_reject_rate": self.threshold.false_reject_rate,
            "confidence": self.threshold.confidence,
            "specification": _absolute(learning.specification),
            "contents": _contents(
                specification=learning.specification, train_specification=learning.train_specification
            ),
            "map_size": self.measuring.map_size,
            "resamples": self.measuring.resamples,
            **({"instructions": True} if self.measuring.instructions else {}),
            **({"limit": self.measuring.limit} if self.measuring.limit is not None else {}),
            **({"explain_with": self.measuring.explain_with} if self.measuring.explain_with else {}),
        }


def _contents(**files: Path | None) -> dict[str, str]:
    """Key of the configuration → SHA-256 of the file that it names: a run does not go on under other words."""
    return {key: sha256(path) for key, path in files.items() if path is not None and path.is_file()}


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.resolve())


def _at_least(least: int, **values: int | None) -> None:
    for name, value in values.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and (not whole or value < least):
            raise SpecsightError(f"{name} must be at least {least}, got {value!r}")

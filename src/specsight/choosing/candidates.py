"""What is tried: methods that the registry declares to learn from good parts alone and at once, and their variations.

In: encoders at hand, what is known of the good pictures. Out: `Candidate`s, the default first. A new detector is a
candidate by what it declares; further variations are further entries of `VARIATIONS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specsight.detectors import Detector, Regime, create_detector, detectors
from specsight.detectors.parameters import parameters_of
from specsight.encoders import Encoder
from specsight.specification import Specification

DEFAULT = "patchcore"
"""The method whose defaults win ties."""
RESOLUTIONS = (224, 320, 448, 640)
"""Shorter sides in pixels at which methods are tried, none finer than the pictures."""
SETTINGS: Mapping[str, Mapping[str, Any]] = {"anomalydino": {"resolution": 320, "coreset_limit": 8192}}
"""Parameters with which a method is tried in the place of its defaults, which would take too long."""
BY_GOOD_PICTURES: Mapping[str, Any] = {"resolution": "auto", "tile": "auto", "rotate": None}
"""Parameters that leave resolution, tiles and rotations to the good pictures."""
VARIATIONS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    (DEFAULT, BY_GOOD_PICTURES),
    ("subspacead", {"resolution": "auto", "tile": "auto"}),
)
"""Further settings of methods: (method, parameters). One that the method does not declare is none of its variations."""
PAINTED_FROM = "synthetic_defects"
"""Parameter of methods that learn from painted defects: others of the same painters cannot judge them."""


@dataclass(frozen=True)
class Candidate:
    """A method with its encoder and the parameters that differ from its defaults."""

    detector: str
    encoder: Encoder
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def create(self, encoder: Encoder, device: str, seed: int) -> Detector:
        """The detector, not fitted, on `encoder`: its own, or one that remembers what it has seen."""
        return create_detector(self.detector, encoder=encoder, device=device, seed=seed, **self.parameters)

    @property
    def resolution(self) -> int | str:
        """Shorter side in pixels at which it looks; "auto": good pictures decide."""
        given: int | str | None = self.parameters.get("resolution")
        usual: int | str = parameters_of(detectors[self.detector])["resolution"].default
        return usual if given is None else given

    @property
    def needed(self) -> int:
        """Good pictures that it takes to fit it."""
        return detectors[self.detector].needs.good_pictures

    def name(self, with_encoder: bool) -> str:
        """In words: "patchcore, 448 px"."""
        framed = {name: value for name, value in BY_GOOD_PICTURES.items() if name in self.parameters}
        by_good = self.resolution == BY_GOOD_PICTURES["resolution"]
        hidden = {"resolution"} | (
            {name for name, value in framed.items() if self.parameters[name] == value} if by_good else set()
        )
        parts = [self.detector, "framed as the good pictures ask for" if by_good else f"{self.resolution} px"]
        parts += [f"{key} {value}" for key, value in self.parameters.items() if key not in hidden]
        if with_encoder:
            parts.append(f"encoder {Path(self.encoder.name).name}")
        return ", ".join(parts)


def candidates(
    encoders: Sequence[Encoder],
    side: int,
    resolution: int | str | None = None,
    specification: Specification | None = None,
) -> list[Candidate]:
    """All candidates, without repetition: what is likely to help first, encoder by encoder.

    Parameters: `side` is the shorter side in pixels of the smallest good picture; `resolution` is the only one that is
    tried, where given. Methods that need words are among them where `specification` names defects and the encoder
    reads.
    """
    found: dict[str, Candidate] = {}
    for encoder in encoders:
        for name, parameters in _settings(encoder, side, resolution, specification):
            candidate = Candidate(name, encoder, parameters)
            found.setdefault(candidate.name(with_encoder=True), candidate)
    return list(found.values())


def excluded(name: str, encoder: Encoder, specification: Specification | None) -> str:
    """Why a registered method is no candidate; empty where it is one."""
    kind = detectors[name]
    needs = kind.needs
    if PAINTED_FROM in parameters_of(kind):
        return "it learns from painted defects"
    if needs.trains or needs.other_sets or kind.regime not in (Regime.NORMAL_ONLY, Regime.ZERO_SHOT):
        return "it is trained"
    if needs.language_model:
        return "it needs a language model"
    if needs.depth or needs.uses or needs.masks:
        return "it needs more than colours"
    if kind.transductive:
        return "its judgement depends on other pictures"
    if needs.text and not (specification and specification.defects and encoder.reads):
        return "it needs a specification that names defects, and an encoder that reads"
    return ""


def _settings(
    encoder: Encoder, side: int, resolution: int | str | None, specification: Specification | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(method, parameters) in the order in which they are tried."""
    methods = [DEFAULT, *(name for name in detectors if name != DEFAULT)]
    methods = [name for name in methods if not excluded(name, encoder, specification)]
    fixed = {} if resolution is None else {"resolution": resolution}
    for name in methods:
        yield name, {**SETTINGS.get(name, {}), **fixed}
    for name, parameters in VARIATIONS:
        if name in methods and set(parameters) <= set(parameters_of(detectors[name])):
            yield name, {**parameters, **fixed}
    if resolution is None:
        for name in methods:
            for one in RESOLUTIONS:
                if one <= side and not detectors[name].needs.text:
                    yield name, {**SETTINGS.get(name, {}), "resolution": one}

"""How a detector is chosen: what may be chosen, and when the search ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from specsight.detectors import Needs
from specsight.encoders import BUNDLED, Encoder, load_encoder
from specsight.errors import SpecsightError, did_you_mean

AUTO = "auto"
"""What stands in the place of a detector's name."""
MINUTES = 5.0
LIMITS = ("minutes", "candidates")
"""Parameters of `choice_config` that end the search."""


@dataclass(frozen=True)
class ChoiceConfig:
    """What may be chosen, and when the search ends."""

    name: ClassVar[str] = AUTO
    needs: ClassVar[Needs] = Needs()
    """What a fit with it must be given."""

    encoders: tuple[str | Encoder, ...] = (BUNDLED,)
    resolution: int | str | None = None
    """The only one that is tried ("auto": each as the good pictures ask for); None: several."""
    minutes: float = MINUTES
    """Time for the search; what is left out then depends on the machine, and is said."""
    count: int | None = None
    """That many candidates are compared however long it takes: the same choice on every machine. None: as many as
    `minutes` allow."""
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        if not self.encoders:
            raise SpecsightError("an automatic choice needs an encoder: name one, or several with commas")
        number = isinstance(self.minutes, int | float) and not isinstance(self.minutes, bool)
        if not number or not 0 < self.minutes < math.inf:
            raise SpecsightError(f"minutes must be a number above 0, got {self.minutes!r}")
        if self.count is not None and (type(self.count) is not int or self.count < 1):
            raise SpecsightError(f"candidates must be a whole number from 1 on, got {self.count!r}")

    @property
    def limit(self) -> str:
        """When the search ends, in words."""
        if self.count is not None:
            return f"{self.count} candidate{'' if self.count == 1 else 's'}"
        return f"{self.minutes:g} minute{'' if self.minutes == 1 else 's'}"

    def load_encoders(self) -> list[Encoder]:
        """The encoders at hand. Raises SpecsightError as `load_encoder` does."""
        return [e if isinstance(e, Encoder) else load_encoder(e, self.device) for e in self.encoders]

    def with_encoders_loaded(self) -> ChoiceConfig:
        """The same, so that its encoders are not loaded again."""
        return replace(self, encoders=tuple(self.load_encoders()))

    def to_json(self, encoders: Sequence[Encoder]) -> dict[str, Any]:
        """Everything that the choice depends on beside its samples; `encoders` are those that `load_encoders` gave."""
        return {
            "encoders": [encoder.fingerprint for encoder in encoders],
            "resolution": self.resolution,
            "minutes": self.minutes,
            "count": self.count,
            "seed": self.seed,
        }


def choice_config(
    encoder: str | Encoder | Sequence[str | Encoder] = BUNDLED,
    candidates: int | None = None,
    **others: Any,
) -> ChoiceConfig:
    """The configuration from parameters as a detector is given them: `encoder` is one, or several (a name may hold
    several with commas), `candidates` is `ChoiceConfig.count`; others are its further fields.

    Raises SpecsightError for parameters that are chosen, and for values that make no sense.
    """
    given = [encoder] if isinstance(encoder, str | Encoder) else encoder
    encoders = [name for one in given for name in (one.split(",") if isinstance(one, str) else [one])]
    known = {one.name for one in fields(ChoiceConfig)} - {"encoders", "count"}
    for name in others:
        if name not in known:
            hint = did_you_mean(name, [*known, "encoder", "candidates"])
            raise SpecsightError(
                f"{AUTO} has no parameter '{name}' ({hint}): it chooses the others; name a detector to set them"
            )
    return ChoiceConfig(tuple(encoders), count=candidates, **others)

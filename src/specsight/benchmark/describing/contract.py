"""The contract of captioners: good pictures of one product → sentences about it, each with where it comes from.

A captioner registers under its name; `NAME:WHAT` gives it an argument, such as the checkpoint of `transformers:WHAT`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.benchmark.describing.looks import Looks
from specsight.benchmark.records import Sentence
from specsight.records import Sample
from specsight.registry import Registry
from specsight.specification import Specification


@dataclass(frozen=True)
class Example:
    """A good training picture of a product."""

    sample: Sample
    rgb: NDArray[np.uint8]
    """(H, W, 3)."""
    looks: Looks
    parts: NDArray[np.uint8] | None = None
    """(H, W), 0 where no part is."""


@dataclass(frozen=True)
class Good:
    """What a captioner is given."""

    product: str
    examples: Sequence[Example]
    """At least one, of distinct objects where there are so many."""
    specification: Specification | None = None


class Captioner(ABC):
    """Says what good parts look like."""

    @abstractmethod
    def sentences(self, good: Good) -> Iterator[Sentence]:
        """Sentences about a product; none about what cannot be told."""


captioners: Registry[Callable[[str, str], Captioner]] = Registry(
    "captioner", "specsight.benchmark.describing", group="specsight.captioners"
)
"""Name → what makes a captioner of an argument (empty: none was given) and a device."""


def load_captioner(name: str, device: str = "auto") -> Captioner:
    """The captioner of a name, or of `NAME:ARGUMENT`. Raises SpecsightError for one that does not exist."""
    family, _, argument = name.partition(":")
    return captioners[family](argument, device)

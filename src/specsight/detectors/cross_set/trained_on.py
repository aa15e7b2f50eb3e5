"""What trained weights come from, and whether something may be judged with them.

In: the samples of a training. Out: a `TrainedOn`, which refuses products and pictures that the weights have seen: the
protocol of cross-set methods, which are measured on products they have never seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from typing_extensions import Self

from specsight.errors import SpecsightError
from specsight.records import Sample
from specsight.specification.vocabulary import product_form
from specsight.storage import sha256


@dataclass(frozen=True)
class TrainedOn:
    """Products and pictures that weights were trained on."""

    products: tuple[str, ...]
    digests: frozenset[str]
    """SHA-256 of each picture's file."""
    pictures: int
    seconds: float = 0.0
    """How long the training took, looking at its pictures included."""

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Self:
        """Describe a training on these samples, which is still to come."""
        digests = [sha256(sample.image) for sample in samples]
        return cls(tuple(dict.fromkeys(s.product for s in samples)), frozenset(digests), len(digests))

    def check_product(self, product: str) -> None:
        """Raise SpecsightError for a product that was trained on, in whatever spelling of its name."""
        if product_form(product) in {product_form(name) for name in self.products}:
            raise SpecsightError(
                f"'{product}' is both trained on and judged, but a cross-set method is for products it has never seen: "
                "judge another product, or train on a set without this one"
            )

    def check_unseen(self, samples: Sequence[Sample]) -> None:
        """Raise SpecsightError where a sample, or its product, was trained on."""
        for sample in samples:
            self.check_product(sample.product)
            if sample.image.is_file() and sha256(sample.image) in self.digests:
                raise SpecsightError(
                    f"the picture of '{sample.id}' ('{sample.image}') is both trained on and judged: leave it out of "
                    "one of the two"
                )

    def to_json(self) -> dict[str, Any]:
        """Return what is saved with the weights."""
        return {**asdict(self), "digests": sorted(self.digests)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave. Raises KeyError and ValueError for anything else."""
        products, digests = tuple(map(str, record["products"])), frozenset(map(str, record["digests"]))
        return cls(products, digests, int(record["pictures"]), float(record.get("seconds", 0)))

"""Which pictures show the same physical part. Pictures are not independent, parts are: splits and promises count parts.

In: samples. Out: a label for each, equal for pictures of one part. What pixels cannot tell (views from several sides,
exposures under different light) only groups can say.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from specsight.datasets.near_duplicates import Fingerprint, connected, fingerprint, near_duplicates
from specsight.datasets.parallel import map_in_threads
from specsight.errors import SpecsightError
from specsight.images import read_rgb
from specsight.records import Sample


@dataclass(frozen=True)
class DistinctParts:
    """Which part each of n pictures shows."""

    labels: list[int]
    """(n,) index of the first picture of the same part."""
    doubtful: int = 0
    """Pictures far more alike than is usual among them that count as different parts: other exposures of one part, or
    variants of the product."""


def stated_part(sample: Sample) -> Hashable:
    """The part that a sample says it shows: its group within its product; without one, a part of its own."""
    return ("group", sample.product, sample.group) if sample.group else ("picture", str(sample.image))


def distinct_parts(samples: Sequence[Sample]) -> DistinctParts:
    """Tell the parts of samples apart.

    Samples of one group show one part. Those without a group are compared by their pictures with all others: copies,
    other encodings and frames of one video show one part (`near_duplicates`). Pictures of two groups are not compared,
    and nothing is read where every sample names its group; a picture that cannot be read is a part of its own.
    """
    first: dict[Hashable, int] = {}
    pairs = [(first.setdefault(stated_part(s), i), i) for i, s in enumerate(samples)]
    unusual: list[tuple[int, int]] = []
    if not all(s.group for s in samples):
        prints = [(i, one) for i, one in enumerate(map_in_threads(_fingerprint, samples, "Comparing")) if one]
        alike = near_duplicates([one for _, one in prints])
        for found, listed in ((alike.same, pairs), (alike.unusual, unusual)):
            indices = ((prints[a][0], prints[b][0]) for a, b in found)
            listed += [(i, j) for i, j in indices if not (samples[i].group and samples[j].group)]
    labels = connected(len(samples), pairs)
    return DistinctParts(labels, len({k for i, j in unusual if labels[i] != labels[j] for k in (i, j)}))


def _fingerprint(sample: Sample) -> Fingerprint | None:
    try:
        return fingerprint(read_rgb(sample.image, sample.bits))
    except SpecsightError:
        return None

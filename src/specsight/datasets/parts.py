"""Which pictures show the same physical part. Pictures are not independent, parts are: splits and promises count parts.

In: samples. Out: a label for each, equal for pictures of one part.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from specsight.datasets.near_duplicates import Fingerprint, connected, fingerprint, near_duplicates
from specsight.datasets.parallel import map_in_threads
from specsight.errors import SpecsightError
from specsight.images import read_rgb
from specsight.records import Sample


def stated_part(sample: Sample) -> Hashable:
    """The part that a sample says it shows: its group within its product; without one, a part of its own."""
    return ("group", sample.product, sample.group) if sample.group else ("picture", str(sample.image))


def distinct_parts(samples: Sequence[Sample]) -> list[int]:
    """Label (n,) of each sample's part, the index of the first sample that shows it.

    Samples of one group show one part. Those without a group are compared by their pictures with all others: copies,
    other encodings and frames of one video show one part (`near_duplicates`). Two groups are never joined. Nothing is
    read where every sample names its group; a picture that cannot be read is a part of its own.
    """
    first: dict[Hashable, int] = {}
    pairs = [(first.setdefault(stated_part(s), i), i) for i, s in enumerate(samples)]
    if not all(s.group for s in samples):
        prints = [(i, one) for i, one in enumerate(map_in_threads(_fingerprint, samples, "Comparing")) if one]
        for a, b in near_duplicates([one for _, one in prints]).same:
            i, j = prints[a][0], prints[b][0]
            if not (samples[i].group and samples[j].group):
                pairs.append((i, j))
    return connected(len(samples), pairs)


def _fingerprint(sample: Sample) -> Fingerprint | None:
    try:
        return fingerprint(read_rgb(sample.image, sample.bits))
    except SpecsightError:
        return None

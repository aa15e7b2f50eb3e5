"""Which pictures show the same physical part. Pictures are not independent, parts are: splits and promises count parts.

In: samples. Out: a label for each, equal for pictures of one part, and splits that keep a part on one side. What pixels
cannot tell (views from several sides, exposures under different light) only groups can say.
"""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specsight.datasets.contract import DatasetListing
from specsight.datasets.files import in_turn
from specsight.datasets.near_duplicates import Fingerprint, connected, fingerprint, near_duplicates
from specsight.datasets.parallel import map_in_threads
from specsight.errors import SpecsightError
from specsight.images import colours_of, depth_of, is_light, read_rgb, signal_of
from specsight.records import XYZ, Sample

_REMEMBERED = 2048
"""Fingerprints, for several questions about one set: 16 KB each, 64 KB more with depth."""


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


def distinct_parts(
    samples: Sequence[Sample], prints: Mapping[str, Fingerprint | None] | None = None
) -> DistinctParts:
    """Tell the parts of samples apart.

    Samples of one group show one part. Those without a group are compared by their pictures, and by depth and signals
    where both have them, with all others: copies, other encodings and frames of one video show one part
    (`near_duplicates`). Pictures of two groups are not compared unless they are the same file, and nothing is read
    where every sample names its group; a picture that cannot be read is a part of its own. `prints` are fingerprints
    that are known already, by id.
    """
    first: dict[Hashable, int] = {}
    pairs = [(first.setdefault(stated_part(s), i), i) for i, s in enumerate(samples)]
    # The very same file shows one part, whatever several lines of a manifest call it.
    pairs += [(first.setdefault(("file", str(s.image)), i), i) for i, s in enumerate(samples)]
    unusual: list[tuple[int, int]] = []
    if not all(s.group for s in samples):
        if prints is None:
            found = map_in_threads(fingerprint_of, samples, "Comparing")
        else:
            found = (prints.get(s.id) for s in samples)
        known = [(i, one) for i, one in enumerate(found) if one]
        alike = near_duplicates([one for _, one in known])
        for these, listed in ((alike.same, pairs), (alike.unusual, unusual)):
            indices = ((known[a][0], known[b][0]) for a, b in these)
            listed += [(i, j) for i, j in indices if not (samples[i].group and samples[j].group)]
    labels = connected(len(samples), pairs)
    return DistinctParts(labels, len({k for i, j in unusual if labels[i] != labels[j] for k in (i, j)}))


def with_parts_named(samples: Sequence[Sample], labels: Sequence[int]) -> list[Sample]:
    """The samples, those without a group that share their part with others in a group of that part.

    `labels` are those of `distinct_parts`. What splits them afterwards needs no pixels: `stated_part` says it all.
    """
    of_part: dict[int, list[Sample]] = {}
    for sample, label in zip(samples, labels, strict=True):
        of_part.setdefault(label, []).append(sample)
    names = {
        label: next((s.group for s in several if s.group), str(several[0].image))
        for label, several in of_part.items()
        if len(several) > 1
    }
    return [
        replace(s, group=names[label]) if label in names and not s.group else s
        for s, label in zip(samples, labels, strict=True)
    ]


def draw_parts(parts: Iterable[Hashable], count: int, generator: np.random.Generator) -> list[Hashable]:
    """`count` of the distinct parts (all where they are fewer), in the order in which they are drawn."""
    distinct = list(dict.fromkeys(parts))
    return [distinct[k] for k in generator.permutation(len(distinct))[:count]]


def split_by_part(
    listing: DatasetListing, prints: Mapping[str, Fingerprint | None] | None = None
) -> DatasetListing:
    """The listing with good parts split where its reader, which opens no picture, has made a split up by names.

    Of each product with good test pictures every `test_every`-th distinct part (in the order of its first name) is
    test with all its pictures, and a note says so where a part has several. A set that brings its own split stays as
    it is. Parts and `prints`: see `distinct_parts`.
    """
    if not listing.test_every:
        return listing
    splits: dict[str, str] = {}
    notes = []
    for product in sorted({s.product for s in listing.samples if s.label == "good" and s.split == "test"}):
        good = [s for s in listing.samples if s.product == product and s.label == "good"]
        good.sort(key=lambda s: s.image)
        labels = distinct_parts(good, prints).labels
        parts = sorted(set(labels))
        tested = in_turn(parts, listing.test_every)
        for sample, label in zip(good, labels, strict=True):
            splits[sample.id] = "test" if label in tested else "train"
        if len(parts) < len(good):
            count = sum(label in tested for label in labels)
            notes.append(
                f"{product}: {len(good)} good pictures, {len(parts)} distinct part{'' if len(parts) == 1 else 's'}: "
                f"whole parts are split, {len(tested)} of them ({count} pictures) are test"
            )
    samples = [replace(s, split=splits.get(s.id, s.split)) for s in listing.samples]
    return replace(listing, samples=samples, notes=[*listing.notes, *notes], test_every=0)


def fingerprint_of(sample: Sample) -> Fingerprint | None:
    """Fingerprint of a sample's picture with what else was measured; None where the picture cannot be read."""
    files = (sample.image, sample.depth, sample.normals, *sample.signals.values())
    changed = tuple(_changed(file) for file in files)
    read_as = (sample.depth_range, sample.depth_unit_mm)
    signals = tuple(sample.signals.items())
    try:
        return _read(sample.image, sample.bits, sample.depth, read_as, sample.normals, signals, changed)
    except SpecsightError:
        return None


def measured(sample: Sample, size: tuple[int, int], orientation: int) -> dict[str, NDArray[np.float32]]:
    """Depth and signals (H, W) of a picture of `size`, as far as they can be read and fit: what tells parts apart
    beside colours. Other lights on the same surface, and clouds beside their depth, do not. `orientation`: under which
    the picture is stored."""
    planes = {}
    with contextlib.suppress(SpecsightError):
        depth = depth_of(sample, size, orientation)
        if depth is not None:
            planes["depth"] = depth
    with contextlib.suppress(SpecsightError):
        if sample.normals is not None:
            normals = read_rgb(sample.normals)
            planes.update((f"normals {k}", normals[..., k].astype(np.float32)) for k in range(3))
    for name in sample.signals:
        if not is_light(name) and name != XYZ:
            with contextlib.suppress(SpecsightError):
                channels = np.atleast_3d(signal_of(sample, name, size, orientation))
                planes.update((f"{name} {k}", channels[..., k]) for k in range(channels.shape[2]))
    return planes


@lru_cache(_REMEMBERED)
def _read(
    image: Path,
    bits: int | None,
    depth: Path | None,
    read_as: tuple[tuple[float, float] | None, float],
    normals: Path | None,
    signals: tuple[tuple[str, Path], ...],
    changed: tuple[tuple[int, int] | None, ...],
) -> Fingerprint:
    """`fingerprint_of` by files; `changed` tells files apart that were written again under the same name."""
    depth_range, unit = read_as
    sample = Sample(
        "",
        image,
        "",
        depth=depth,
        normals=normals,
        depth_range=depth_range,
        bits=bits,
        depth_unit_mm=unit,
        signals=dict(signals),
    )
    colours = colours_of(sample)
    rgb = colours.rgb
    return fingerprint(rgb, measured(sample, (rgb.shape[0], rgb.shape[1]), colours.orientation))


def _changed(file: Path | None) -> tuple[int, int] | None:
    """When a file was written, and its length; None where there is none."""
    if file is not None:
        with contextlib.suppress(OSError, ValueError):
            about = file.stat()
            return about.st_mtime_ns, about.st_size
    return None

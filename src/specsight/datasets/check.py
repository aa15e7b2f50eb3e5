"""`specsight check`: every picture and mask of a data set opened, counted and compared.

In: a listing. Out: a `CheckReport` with counts, what is wrong (`problems`) and what is worth knowing (`notes`).
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from specsight.datasets.check_report import KINDS, CheckReport, Problem
from specsight.datasets.contract import DatasetListing
from specsight.datasets.files import is_file
from specsight.datasets.mask_checks import (
    Marks,
    good_mask_problems,
    inverted_masks,
    mask_problem,
    mask_problems,
    soft_masks,
)
from specsight.datasets.near_duplicates import Fingerprint, Pairs, connected, fingerprint, near_duplicates
from specsight.datasets.parallel import map_in_threads
from specsight.datasets.parts import measured, split_by_part
from specsight.errors import UnreadableFile
from specsight.images import colours_of, depth_of, parts_of, signal_files, signal_of
from specsight.records import Sample

Size = tuple[int, int]
NEARLY_IDENTICAL = "nearly identical to"
UNUSUALLY_ALIKE = "far more alike than is usual here to"

AS_SEEN = (
    "the picture is stored turned (EXIF), and its size does not tell whether its mask, depth or part map is, too: they "
    "are taken as drawn on the picture as it is seen"
)


@dataclass(frozen=True)
class _Scan:
    """One sample after its files were opened."""

    problems: tuple[Problem, ...]
    size: Size | None = None
    digest: str | None = None
    """Of the decoded pixels, depth and signals: the same picture in another file format is the same picture."""
    fingerprint: Fingerprint | None = None
    marks: Marks | None = None
    """What its masks mark."""
    empty_mask: bool = False
    """It is good, and has a mask that is empty."""
    notes: tuple[str, ...] = ()
    """What was noticed in reading it."""


def check_dataset(listing: DatasetListing) -> CheckReport:
    """Open every file of `listing` (a few at a time, with a progress bar) and report."""
    work = partial(_scan, good_masks=listing.good_masks)
    scans = dict(
        zip((s.id for s in listing.samples), map_in_threads(work, listing.samples, "checking"), strict=True)
    )
    listing = split_by_part(listing, {sample_id: scan.fingerprint for sample_id, scan in scans.items()})
    problems = [p for one in scans.values() for p in one.problems]
    problems += [
        Problem("mask without picture", f"'{m}' is the mask of no picture") for m in listing.unused_masks
    ]
    problems += _duplicates(listing.samples, scans)
    problems += _group_leakage(listing.samples)
    problems += _nothing_to_learn(listing.samples)
    seen = [(s, marks) for s in listing.samples if (marks := scans[s.id].marks)]
    problems += inverted_masks(seen)
    sizes = sorted((s.size for s in scans.values() if s.size), key=lambda size: size[0] * size[1])
    order = {kind: i for i, kind in enumerate(KINDS)}
    return CheckReport(
        layout=listing.layout,
        root=listing.root,
        counts=dict(
            Counter((s.product, s.split, t) for s in listing.samples for t in s.types or ("unknown",))
        ),
        pictures=dict(Counter((s.product, s.split) for s in listing.samples)),
        smallest=sizes[0] if sizes else None,
        largest=sizes[-1] if sizes else None,
        problems=sorted(problems, key=lambda p: order[p.kind]),
        notes=[
            *listing.notes,
            *_reading_notes(listing.samples, scans),
            *soft_masks(seen),
            *_empty_masks(scans.values()),
            *_near_duplicates(listing.samples, scans),
        ],
        ignored=listing.ignored,
    )


def _scan(sample: Sample, good_masks: dict[str, Path]) -> _Scan:
    try:
        colours = colours_of(sample)
    except UnreadableFile as error:
        return _Scan((Problem("unreadable", str(error)),))
    rgb, size = colours.rgb, (colours.rgb.shape[0], colours.rgb.shape[1])
    problems, marks = mask_problems(sample, size)
    problems += _other_files(sample, size, colours.orientation)
    of_good = good_mask_problems(good_masks[sample.id], sample) if sample.id in good_masks else []
    problems += of_good
    if sample.photographed and rgb.size > 3 and (rgb == rgb[0, 0]).all():
        problems.append(
            Problem("constant", f"'{sample.image}' has the value {rgb[0, 0].tolist()} everywhere")
        )
    further = measured(sample, size, colours.orientation)
    digest = hashlib.sha256(np.array(size, np.int64).tobytes() + rgb.tobytes())
    for name, plane in further.items():
        digest.update(name.encode() + plane.tobytes())
    notes = (*colours.notes, *_turn_notes(sample, size, colours.orientation))
    return _Scan(
        tuple(problems),
        size,
        digest.hexdigest(),
        fingerprint(rgb, further),
        marks,
        sample.id in good_masks and not of_good,
        notes,
    )


def _other_files(sample: Sample, size: Size, orientation: int) -> list[Problem]:
    """Depth, signals and part maps are opened; reference pictures, samples of their own, only have to exist."""
    problems = []
    if sample.reference is not None and not is_file(sample.reference):
        problems.append(
            Problem("unreadable", f"there is no file '{sample.reference}', which '{sample.image}' refers to")
        )
    for name, path in signal_files(sample).items():
        try:
            if not is_file(path):
                raise UnreadableFile(f"there is no file '{path}', which '{sample.image}' refers to")
            signal_of(sample, name, size, orientation)
        except UnreadableFile as error:
            problems.append(mask_problem(error))
    try:
        depth = depth_of(sample, size, orientation)
        if depth is not None and np.isnan(depth).all():
            problems.append(Problem("constant", f"depth '{sample.depth}' holds no measurement"))
    except UnreadableFile as error:
        problems.append(mask_problem(error))
    try:
        parts_of(sample, size, orientation)
    except UnreadableFile as error:
        problems.append(mask_problem(error))
    return problems


def _reading_notes(samples: Sequence[Sample], scans: dict[str, _Scan]) -> list[str]:
    """What was noticed in reading pictures: each note once, with how many pictures it holds for and one of them."""
    held: dict[str, list[str]] = defaultdict(list)
    for sample in samples:
        for note in scans[sample.id].notes:
            held[note].append(sample.id)
    return [f"{note} ({len(ids)} picture(s), such as '{ids[0]}')" for note, ids in held.items()]


def _turn_notes(sample: Sample, size: Size, orientation: int) -> list[str]:
    """The rule that holds where nothing tells whether what lies beside a turned picture is turned with it."""
    beside = sample.depth or sample.parts or any(defect.mask for defect in sample.defects)
    if beside and orientation != 1 and (orientation in (2, 3, 4) or size[0] == size[1]):
        return [AS_SEEN]
    return []


def _empty_masks(scans: Iterable[_Scan]) -> list[str]:
    """The masks of good pictures that are as they ought to be; the others are problems."""
    count = sum(scan.empty_mask for scan in scans)
    return [f"{count} empty mask{'s' if count > 1 else ''} of good pictures"] if count else []


def _duplicates(samples: Sequence[Sample], scans: dict[str, _Scan]) -> list[Problem]:
    """Identical pictures: leakage across train and test, contradiction across labels, else plain duplicates."""
    alike: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        digest = scans[sample.id].digest
        if digest is not None:
            alike[digest].append(sample)
    problems = []
    for group in alike.values():
        if len(group) == 1:
            continue
        names = ", ".join(f"'{s.image}'" for s in group[:4]) + (", ..." if len(group) > 4 else "")
        problems.append(Problem("duplicate", f"{len(group)} identical pictures: {names}"))
        if _spans_train_and_test(group):
            problems.append(Problem("leakage", f"identical pictures are training and test pictures: {names}"))
        if len({s.label for s in group} - {"unknown"}) > 1:
            problems.append(Problem("labels", f"identical pictures have different labels: {names}"))
    return problems


def _group_leakage(samples: Sequence[Sample]) -> list[Problem]:
    groups: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        if sample.group is not None:
            groups[sample.product, sample.group].append(sample)
    return [
        Problem("leakage", f"pictures of '{name}' ({product}) are training and test pictures")
        for (product, name), members in groups.items()
        if _spans_train_and_test(members)
    ]


def _spans_train_and_test(samples: Iterable[Sample]) -> bool:
    splits = {s.split for s in samples}
    return "train" in splits and any(split.startswith("test") for split in splits)


def _nothing_to_learn(samples: Sequence[Sample]) -> list[Problem]:
    products = sorted({s.product for s in samples})
    with_good = {s.product for s in samples if s.label == "good"}
    return [
        Problem("labels", f"'{p}' has no picture labelled good: learning needs pictures of good parts")
        for p in products
        if p not in with_good
    ]


def _near_duplicates(samples: Sequence[Sample], scans: dict[str, _Scan]) -> list[str]:
    """Notes on each product's pictures that seem to show the same part, first of all across training and test."""
    notes = []
    for product in sorted({s.product for s in samples}):
        prints = [
            (s, scan.fingerprint)
            for s in samples
            if s.product == product and (scan := scans[s.id]).fingerprint
        ]
        alike = near_duplicates([one for _, one in prints])
        notes += _notes_on(product, [s for s, _ in prints], alike.same, NEARLY_IDENTICAL, scans)
        notes += _notes_on(product, [s for s, _ in prints], alike.unusual, UNUSUALLY_ALIKE, scans)
    return notes


def _notes_on(
    product: str, samples: Sequence[Sample], pairs: Pairs, how: str, scans: dict[str, _Scan]
) -> list[str]:
    """At most one note. A picture and its own reference are meant to be alike, one group's pictures are known to be,
    and identical pictures are problems of their own."""
    unexpected = [
        (i, j)
        for i, j in pairs
        for a, b in [(samples[i], samples[j])]
        if a.image != b.reference
        and b.image != a.reference
        and (a.group is None or a.group != b.group)
        and scans[a.id].digest != scans[b.id].digest
    ]
    across = [pair for pair in unexpected if _spans_train_and_test(samples[i] for i in pair)]
    tested = {k for pair in across for k in pair if samples[k].split != "train"}
    if across:
        a, b = (samples[i].id for i in across[0])
        more = ", ..." if len(across) > 1 else ""
        return [
            f"warning: {product}: {len(tested)} test pictures are {how} training pictures: '{a}' and '{b}'{more}; "
            "where they show the same parts, split by part (group)"
        ]
    if unexpected and how == NEARLY_IDENTICAL:
        a, b = (samples[i].id for i in unexpected[0])
        more = ", ..." if len(unexpected) > 1 else ""
        labels = Counter(connected(len(samples), unexpected))
        several = [count for count in labels.values() if count > 1]
        return [
            f"{product}: {sum(several)} pictures are {how} others of the same split and count as {len(several)} "
            f"part(s): '{a}' and '{b}'{more}"
        ]
    return []

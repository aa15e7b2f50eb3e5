"""A listing → `samples.jsonl`, line by line, going on where a run over the same files was killed.

In: what `ingest` takes. Out: the file, whole or not at all, and which samples were left out. What has been read lies
beside it until then, under a name that tells what it was read from; the list of what was left out stays there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from specsight.benchmark.files import cut_torn_line, line_of, read_lines
from specsight.benchmark.ingest import LeftOut, Membership, PartMaps, in_order, ingest
from specsight.benchmark.instances import TypeNames
from specsight.benchmark.records import Record
from specsight.datasets import DatasetListing
from specsight.errors import SpecsightError
from specsight.specification import Specification
from specsight.version import __version__

LEFT_OUT = "left-out"
"""Ending of the file beside the samples that lists what was left out, and says that they are whole."""


def ingest_to_file(
    path: Path,
    listing: DatasetListing,
    specification: Specification | None = None,
    ontology: TypeNames | None = None,
    *,
    members: Mapping[str, Membership] | None = None,
    parts: PartMaps | None = None,
    licence: str | None = None,
) -> list[LeftOut]:
    """Write the samples to `path` (`samples.jsonl`), going on where a run over the same files was killed.

    Beside it, until it is whole, lies what has been read; it is used again where listing, files (by size and time),
    specification, ontology and members are the same. A further call with the same finds it whole by the list of samples
    that were left out, which stays until whoever calls removes it (`LEFT_OUT`). Returns these samples. Raises
    SpecsightError where none could be read, and as `ingest`.
    """
    words = specification.model_dump_json() if specification else ""
    given = json.dumps([__version__, listing.layout, words, licence, parts.fingerprint if parts else ""])
    mark = _fingerprint(given, listing, ontology, members or {})
    partial_file = path.with_name(f"{path.name}.{mark}.partial")
    failed_file = path.with_name(f"{path.name}.{mark}.left-out.partial")
    whole_file = path.with_name(f"{path.name}.{mark}.{LEFT_OUT}")
    for ending in ("partial", LEFT_OUT):
        for other in path.parent.glob(f"{path.name}.*.{ending}"):
            if other not in (partial_file, failed_file, whole_file):
                other.unlink()
    if whole_file.is_file() and (partial_file.is_file() or path.is_file()):
        if partial_file.is_file():
            partial_file.replace(path)
        return list(read_lines(whole_file, LeftOut))
    done = _whole_lines(partial_file) + _whole_lines(failed_file)
    with partial_file.open("ab") as samples, failed_file.open("ab") as failed:

        def leave_out(one: LeftOut) -> None:
            _append(failed, one)

        made = ingest(
            listing,
            specification,
            ontology,
            members=members,
            parts=parts,
            licence=licence,
            left_out=leave_out,
            start=done,
        )
        for sample in made:
            _append(samples, sample)
        os.fsync(samples.fileno())
        os.fsync(failed.fileno())
    missing = list(read_lines(failed_file, LeftOut))
    if listing.samples and len(missing) == len(listing.samples):
        partial_file.unlink()
        failed_file.unlink()
        raise SpecsightError(f"no sample of '{listing.root}' could be read; the first: {missing[0].reason}")
    failed_file.replace(whole_file)  # first: from here on the samples are known to be whole
    partial_file.replace(path)
    return missing


def _fingerprint(
    given: str, listing: DatasetListing, ontology: TypeNames | None, members: Mapping[str, Membership]
) -> str:
    """16 hex digits of everything that the samples depend on beside what is `given`; files count by size and time."""
    digest = hashlib.sha256(given.encode())
    named = sorted({(s.product, d.type) for s in listing.samples for d in s.defects})
    for product, raw in named if ontology else ():
        entry = ontology.find(raw, product) if ontology else None
        digest.update(repr((raw, entry and (entry.name, entry.superclass))).encode())
    for sample in in_order(listing):
        files = [
            sample.image,
            sample.depth,
            sample.parts,
            sample.reference,
            *(d.mask for d in sample.defects),
        ]
        about = [(file.stat().st_mtime_ns, file.stat().st_size) for file in files if file and file.is_file()]
        digest.update(repr((sample, members.get(sample.id), about)).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()[:16]


def _whole_lines(path: Path) -> int:
    """How many whole lines a file has; a last one that is cut short is removed."""
    if not path.is_file():
        return 0
    cut_torn_line(path)
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _append(file: BinaryIO, record: Record) -> None:
    """Add a line; what was written before a kill is in the system's hands, and a torn line is cut off."""
    file.write(line_of(record).encode("utf-8", "backslashreplace"))
    file.flush()

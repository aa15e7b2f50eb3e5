"""The next version of a benchmark: the items that persons kept, as they are or as they were edited, and what changed.

In: the store and a folder that is not there yet. Out: the folder, whole or not at all; the same decisions give the same
bytes. A benchmark that fails a check is released only with a note, which stands in its manifest, changelog and card.
"""

from __future__ import annotations

import datetime
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from specsight.benchmark.alpha import Alpha
from specsight.benchmark.card import write_card
from specsight.benchmark.checks import check_benchmark, failures
from specsight.benchmark.curation import schema
from specsight.benchmark.curation.agreement import agreement, severity_levels
from specsight.benchmark.curation.decisions import applied
from specsight.benchmark.curation.entries import ADJUDICATED, Entry
from specsight.benchmark.curation.store import CurationStore
from specsight.benchmark.files import (
    CHANGELOG,
    CHANGELOG_TITLE,
    DESCRIPTIONS,
    ITEMS,
    ONTOLOGY,
    SAMPLES,
    SPECIFICATION,
    SPLITS,
    Benchmark,
    write_lines,
    write_manifest,
)
from specsight.benchmark.records import Item
from specsight.errors import SpecsightError
from specsight.storage import check_output
from specsight.storage.database import reading
from specsight.storage.files import copy_file, path_from, sha256, write_text
from specsight.storage.leftovers import remove_leftovers, temporary_prefix
from specsight.storage.reading import read_text
from specsight.storage.tables import markdown_text
from specsight.version import __version__

SAME = (SAMPLES, DESCRIPTIONS, SPECIFICATION, ONTOLOGY, SPLITS)


@dataclass
class Released:
    """What became of the items of a benchmark."""

    version: str
    accepted: int = 0
    edited: list[str] = field(default_factory=list)
    """Lines of the changelog."""
    rejected: list[str] = field(default_factory=list)
    unpaired: list[str] = field(default_factory=list)
    """Left out because the other one of their matched pair is."""
    disputed: int = 0
    undecided: int = 0
    kept_undecided: bool = False
    tasks: dict[str, int] = field(default_factory=dict)
    """Items that are in it, by task."""
    curators: set[str] = field(default_factory=set)
    last: datetime.datetime | None = None
    """The last decision."""
    forced: tuple[str, ...] = ()

    @property
    def items(self) -> int:
        """All that are in it."""
        return sum(self.tasks.values())

    @property
    def summary(self) -> str:
        """In one sentence."""
        undecided = "kept as they were" if self.kept_undecided else "left out"
        return (
            f"{self.items:,} items: {self.accepted:,} accepted, {len(self.edited):,} edited, "
            f"{len(self.rejected):,} rejected, {len(self.unpaired):,} left out with their matched pair, "
            f"{self.disputed:,} disputed and left out, {self.undecided:,} undecided and {undecided}"
        )


def release(
    store: CurationStore, out: Path, keep_undecided: bool = False, force: str | None = None
) -> Released:
    """Write the next minor version into `out`. Its date is that of the last decision.

    `keep_undecided`: items that nobody decided about stay in it; those that two persons decided differently do not.
    `force`: a note, with which it is released although checks fail. Raises SpecsightError where `out` is there already,
    no decision was made, nothing is left, or, without a note, a check fails.
    """
    if force is not None and not force.strip():
        raise SpecsightError("--force needs a note that says why checks may fail")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SpecsightError(f"'{out}' is there already: give the release a folder of its own")
    check_output(out)
    target = out.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target.parent)
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=temporary_prefix()))
    try:
        released = _fill(store, folder, keep_undecided, force)
        folder.chmod(0o755)
        if target.exists():
            target.rmdir()
        folder.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return released


def _fill(store: CurationStore, folder: Path, keep_undecided: bool, force: str | None) -> Released:
    source = store.benchmark
    released = Released(_next_version(source.manifest.version), kept_undecided=keep_undecided)
    write_lines(folder / ITEMS, _kept(store, released))
    if released.last is None:
        raise SpecsightError(f"nobody has decided about an item of '{source.folder}': curate it first")
    if not released.items:
        raise SpecsightError(f"no item is left: {released.summary}")
    for name in SAME:
        if (source.folder / name).is_file():
            copy_file(source.folder / name, folder / name)
    counts = {
        **{name: n for name, n in source.manifest.counts.items() if not name.startswith("items")},
        "items": released.items,
        **{f"items/{task}": n for task, n in released.tasks.items()},
    }
    manifest = source.manifest.model_copy(
        update={
            "version": released.version,
            "made_by": __version__,
            "data": path_from(folder.parent / "release", source.data.resolve()),
            "build": {
                **source.manifest.build,
                "curated": {"version": source.manifest.version, "items": sha256(source.folder / ITEMS)},
            },
            "counts": counts,
            "files": {},
            "forced": (),
        }
    )
    manifest = write_manifest(folder, manifest)
    released.forced = _checked(Benchmark(folder, source.data), force)
    agreed = agreement(store, severity_levels(store))
    write_text(folder / CHANGELOG, _changelog(source, released, agreed))
    write_manifest(folder, manifest.model_copy(update={"forced": released.forced}))
    sealed = Benchmark(folder, source.data)
    write_card(sealed, released.last.date())
    write_manifest(folder, sealed.manifest)
    return released


def _kept(store: CurationStore, released: Released) -> Iterator[Item]:
    """Items of the release, in order; `released` counts all of them."""
    without = _broken_pairs(store, released.kept_undecided)
    for entry, item in zip(store.entries(), store.benchmark.items(), strict=True):
        assert entry.id == item.id
        standing = entry.standing
        for saved in entry.decisions:
            released.curators.add(saved.curator)
            released.last = max(saved.at, released.last or saved.at)
        name = markdown_text(item.id)
        if entry.state == "disputed":
            released.disputed += 1
        elif standing is None:
            released.undecided += 1
        elif standing.action == "reject":
            released.rejected.append(f"{name}: {markdown_text(standing.reason)}")
        kept = (
            released.kept_undecided
            if entry.state == "open"
            else standing is not None and standing.action != "reject"
        )
        if not kept:
            continue
        if (item.sample, item.task, item.pair) in without:
            released.unpaired.append(name)
            continue
        if standing is not None and standing.edit is not None:
            changed = ", ".join(standing.edit.model_dump(exclude_none=True))
            why = f": {markdown_text(standing.reason)}" if standing.reason else ""
            released.edited.append(f"{name} ({changed}){why}")
        elif standing is not None:
            released.accepted += 1
        released.tasks[item.task] = released.tasks.get(item.task, 0) + 1
        if standing is None:
            yield item.model_copy(update={"version": released.version})
        else:
            yield applied(item, standing, _authors(entry), released.version)


def _authors(entry: Entry) -> tuple[str, ...]:
    """Whose decision stands: who adjudicated, or all who agree."""
    final = entry.at(ADJUDICATED)
    return (final.curator,) if final else tuple(saved.curator for saved in entry.decisions)


def _broken_pairs(store: CurationStore, keep_undecided: bool) -> set[tuple[str, str, str]]:
    """(sample, task, pair) of which an item is not kept."""
    items = schema.items.c
    left_out = sa.or_(items.state == "disputed", items.action == "reject")
    if not keep_undecided:
        left_out = sa.or_(left_out, items.state == "open")
    query = sa.select(items.sample, items.task, items.pair).where(items.pair.is_not(None), left_out)
    with reading(store.engine) as connection:
        return {(row.sample, row.task, row.pair) for row in connection.execute(query)}


def _checked(benchmark: Benchmark, force: str | None) -> tuple[str, ...]:
    """Checks that fail, with the note. Raises SpecsightError where there are some and no note."""
    failed = failures(check_benchmark(benchmark))
    if failed and force is None:
        told = "; ".join(f"{one.title} ({', '.join(one.problems) or one.summary})" for one in failed)
        raise SpecsightError(
            f"not released, for checks fail: {told}; mend them, or release with --force and a note"
        )
    return tuple(f"{one.name}: {one.summary}. {(force or '').strip()}" for one in failed)


def _changelog(source: Benchmark, released: Released, agreed: Mapping[str, Alpha]) -> str:
    assert released.last is not None
    lines = [
        f"## {released.version} ({released.last.date().isoformat()})",
        "",
        f"From version {source.manifest.version}, curated by {', '.join(sorted(released.curators))}. "
        f"{released.summary}.",
        "",
        *(
            f"Agreement on {name} (Krippendorff's alpha): {alpha}."
            for name, alpha in agreed.items()
            if "/" not in name
        ),
    ]
    for title, entries in (
        ("Released although checks fail", [markdown_text(one) for one in released.forced]),
        ("Edited", released.edited),
        ("Rejected", released.rejected),
        ("Left out with their matched pair", released.unpaired),
    ):
        if entries:
            lines += ["", f"### {title}", "", *(f"- {one}" for one in entries)]
    former = source.folder / CHANGELOG
    before = read_text(former).removeprefix(CHANGELOG_TITLE).lstrip("\n") if former.is_file() else ""
    return "\n".join([CHANGELOG_TITLE, *lines, ""]) + (f"\n{before}" if before else "")


def _next_version(version: str) -> str:
    parts = version.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise SpecsightError(f"version '{version}' is not major.minor.patch")
    return f"{int(parts[0])}.{int(parts[1]) + 1}.0"

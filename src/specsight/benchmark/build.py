"""A data set → a benchmark's folder: samples, descriptions, items, splits, words, card.

In: a listing of samples, and the product's specification where there is one. Out: the folder of `files`, whole or not
at all. What was made lies in a folder beside it until then, and a build of the same data and options that was killed
goes on there. The same build gives the same bytes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from specsight.benchmark.card import write_card
from specsight.benchmark.describing import captioners, descriptions, first_specification, specification_text
from specsight.benchmark.doubts import doubts
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
    Manifest,
    read_lines,
    write_lines,
    write_manifest,
)
from specsight.benchmark.ingest import LeftOut, data_folder
from specsight.benchmark.ingest_file import LEFT_OUT, ingest_to_file
from specsight.benchmark.items.context import Context
from specsight.benchmark.items.making import survey
from specsight.benchmark.items_file import STATE, items_to_file
from specsight.benchmark.outlined_parts import OutlinedParts
from specsight.benchmark.records import BenchmarkSample, Description
from specsight.benchmark.splits import MadeSplits, SplitPlan, make_splits
from specsight.benchmark.tasks import TASKS
from specsight.datasets import DatasetListing
from specsight.errors import SpecsightError
from specsight.learning.device import AUTO, choose_device
from specsight.ontology import Ontology, load_ontology, save_ontology
from specsight.progress import track
from specsight.specification import Reference, Specification, dump_yaml, load_specification
from specsight.storage.files import cannot_write, path_from, sha256, write_json, write_text
from specsight.storage.locks import only_writer
from specsight.version import __version__

FIRST_VERSION = "1.0.0"
R = TypeVar("R", bound=Reference)
SYNTHETIC = "synthetic"
"""What the condition "origin" says of rendered pictures."""


@dataclass(frozen=True)
class BuildPlan:
    """Everything that a benchmark depends on besides its data."""

    name: str
    title: str = ""
    specification: Path | None = None
    """The product's words; None: a first specification is made of the data."""
    extend: tuple[Path, ...] = ()
    """Files of knowledge about types beside the shipped ones."""
    splits: SplitPlan = field(default_factory=SplitPlan)
    shots: int = 4
    """Good training pictures of a product that items may show as references, at most."""
    captioners: tuple[str, ...] = ()
    licence: str | None = None
    """Of the pictures; None: that of the public set, where the data are one."""
    encoder: str = "bundled"
    """What finds outlined parts on pictures without a part map."""
    device: str = "auto"
    seed: int = 0


@dataclass(frozen=True)
class Built:
    """What came of a build."""

    benchmark: Benchmark
    left_out: Sequence[LeftOut]
    not_made: Mapping[tuple[str, str], Counter[str]]
    """(product, task) → why nothing is asked → pictures."""
    missing: Sequence[str]
    """What a person must complete."""
    notes: Sequence[str]
    """What reading and splitting the data brought up."""


def build_benchmark(listing: DatasetListing, out: Path, plan: BuildPlan) -> Built:
    """Make a benchmark of a listing in the folder `out`, which must not be there yet.

    Memory does not grow with pixels or items, and by about two kilobytes per sample, most of it the listing. Raises
    SpecsightError where the data cannot be split, no sample can be read, words are damaged, or `out` is there or cannot
    be written.
    """
    check_plan(plan, out)
    work = out.with_name(f".{out.name}.building")
    try:
        with only_writer(work):
            built = _built(listing, out, work, plan)
        work.replace(out)
    except OSError as error:
        raise cannot_write(out, error) from error
    return Built(Benchmark(out), *built)


def check_plan(plan: BuildPlan, out: Path) -> None:
    """Raise SpecsightError for mistakes that can be told before any picture is read or rendered: `out` is there,
    damaged words, names of captioners and devices that do not exist."""
    if out.exists():
        raise SpecsightError(f"'{out}' is there already: choose another folder, or move it away")
    if plan.specification is not None:
        load_specification(plan.specification)
    load_ontology(extend=plan.extend)
    for name in plan.captioners:
        captioners[name.partition(":")[0]]
    if plan.device != AUTO:
        choose_device(plan.device)


def _built(
    listing: DatasetListing, out: Path, work: Path, plan: BuildPlan
) -> tuple[list[LeftOut], Mapping[tuple[str, str], Counter[str]], list[str], list[str]]:
    if all(sample.label == "unknown" for sample in listing.samples):
        raise SpecsightError(
            f"'{listing.root}': none of its pictures is known to be good or defective, and nothing can be asked about "
            "them: put them into folders called good and by their defects, or list them in a manifest"
        )
    made = make_splits(listing, plan.splits)
    ontology = load_ontology(listing.layout, plan.extend)
    given = load_specification(plan.specification) if plan.specification else None
    if given is not None:
        for product in sorted({sample.product for sample in listing.samples}):
            ontology = ontology.with_specification(given, product)
    described = list(
        descriptions(made.listing.samples, made.members, given, plan.captioners, device=plan.device)
    )
    write_lines(work / DESCRIPTIONS, described)
    specification = _words(work, out, made, described, ontology, given, plan)
    parts = _parts(made, specification, plan)
    left_out = ingest_to_file(
        work / SAMPLES,
        made.listing,
        specification,
        ontology,
        members=made.members,
        parts=parts,
        licence=plan.licence,
    )
    save_ontology(ontology, work / ONTOLOGY, plan.name)
    context = Context(
        specification=specification,
        ontology=ontology,
        descriptions={one.product: one for one in described},
        few_shot=_few_shot(made, plan.shots),
        seed=plan.seed,
        version=FIRST_VERSION,
    )
    total = len(made.listing.samples) - len(left_out)
    survey(track(read_lines(work / SAMPLES, BenchmarkSample), "Surveying", total), context)
    items_to_file(work / ITEMS, work / SAMPLES, context, _mark(work, context), total)
    counts = _counts(context, total)
    if not counts["items"]:
        raise SpecsightError(
            f"'{listing.root}': nothing can be asked about these pictures: {_first_reason(context)}"
        )
    write_json(work / SPLITS, made.splits.model_dump(mode="json"))
    write_text(
        work / CHANGELOG, f"{CHANGELOG_TITLE}\n## {FIRST_VERSION}\n\nBuilt: {counts['items']:,} items.\n"
    )
    _describe_itself(work, out, made, counts, plan)
    for beside in (*work.glob(f"{SAMPLES}.*.{LEFT_OUT}"), work / f"{ITEMS}.{STATE}"):
        beside.unlink()
    missing = list(dict.fromkeys(one for description in described for one in description.missing))
    notes = [*made.listing.notes, *made.splits.notes, *doubts(made.listing.samples, ontology, given)]
    if parts is None and plan.encoder != BuildPlan.encoder:
        notes.append(f"encoder '{plan.encoder}' was not used: there are no outlined parts to find")
    return left_out, context.not_made, missing, notes


def _words(
    work: Path,
    out: Path,
    made: MadeSplits,
    described: Sequence[Description],
    ontology: Ontology,
    given: Specification | None,
    plan: BuildPlan,
) -> Specification:
    """The product's words, written beside the samples; the outlined picture is named from there."""
    if given is not None:
        write_text(work / SPECIFICATION, dump_yaml(_placed(given, out)))
        return given
    first = first_specification(made.listing.samples, described, ontology, plan.name)
    write_text(work / SPECIFICATION, specification_text(first, described))
    return first


def _placed(specification: Specification, out: Path) -> Specification:
    """The specification as it stands in the folder `out`: its pictures are named from there."""

    def placed(one: R) -> R:
        return one.model_copy(update={"picture": path_from(out.resolve(), Path(one.picture).resolve())})

    first = specification.reference
    further = tuple(placed(one) for one in specification.further_references)
    return specification.model_copy(
        update={"reference": placed(first) if first else None, "further_references": further}
    )


def _parts(made: MadeSplits, specification: Specification, plan: BuildPlan) -> OutlinedParts | None:
    """What finds the specification's outlined parts, where the set does not draw all of them."""
    samples = made.listing.samples
    if all(sample.parts is not None for sample in samples):
        return None
    good = [one for one in samples if one.label == "good" and made.members[one.id].split == "train"]
    return OutlinedParts.learn(specification, good, plan.encoder, plan.device)


def _few_shot(made: MadeSplits, shots: int) -> dict[str, tuple[str, ...]]:
    """Product → the longest of its lists that has at most `shots` pictures; of the first seed."""
    lists: dict[str, tuple[str, ...]] = {}
    for one in made.splits.few_shot:
        if one.seed == 0 and one.shots <= shots and len(one.samples) > len(lists.get(one.product, ())):
            lists[one.product] = one.samples
    return lists


def _mark(work: Path, context: Context) -> str:
    """What items are made of besides the samples: the words that are written, and what the context was given."""
    words = [sha256(work / name) for name in (DESCRIPTIONS, SPECIFICATION, ONTOLOGY)]
    given = [__version__, context.seed, context.version, *sorted(context.few_shot.items())]
    return hashlib.sha256(repr((words, given)).encode()).hexdigest()[:16]


def _counts(context: Context, samples: int) -> dict[str, int]:
    """Samples, items, and items by task, in the order of tasks."""
    by_task = Counter[str]()
    for (_, task), count in context.made.items():
        by_task[task] += count
    tasks = {f"items/{task}": by_task[task] for task in TASKS if by_task[task]}
    return {"samples": samples, "items": by_task.total(), **tasks}


def _first_reason(context: Context) -> str:
    reasons = Counter(reason for counter in context.not_made.values() for reason in counter)
    return reasons.most_common(1)[0][0] if reasons else "there is none"


def _describe_itself(
    work: Path, out: Path, made: MadeSplits, counts: Mapping[str, int], plan: BuildPlan
) -> None:
    """Manifest, card and datasheet."""
    samples = made.listing.samples
    licences = sorted({one.licence for one in read_lines(work / SAMPLES, BenchmarkSample)})
    manifest = Manifest(
        name=plan.name,
        title=plan.title,
        version=FIRST_VERSION,
        made_by=__version__,
        data=path_from(out.resolve(), data_folder(made.listing).resolve()),
        layout=made.listing.layout,
        build={
            "seed": plan.seed,
            "shots": plan.shots,
            "captioners": list(plan.captioners),
            "specification": "given" if plan.specification else "made of the data",
            "ontology": [path.name for path in plan.extend],
            "splits": made.splits.model_dump(mode="json", exclude={"few_shot", "counts", "notes"}),
        },
        products=tuple(sorted({one.product for one in samples})),
        licences=tuple(licences),
        synthetic=any(one.conditions.get("origin") == SYNTHETIC for one in samples),
        counts=dict(counts),
    )
    write_manifest(work, manifest)
    write_card(Benchmark(work))
    write_manifest(work, manifest)

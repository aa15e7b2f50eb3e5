"""Verbs for a folder of good parts: `fit` a model, `inspect` pictures with it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from specsight import screen
from specsight.cli.options import (
    MAX_MEGAPIXELS,
    PATH,
    PLACE,
    REPLACE,
    beside,
    engines,
    fitting,
    here,
    loading,
    output,
)
from specsight.cli.settings import parameters_of_fit
from specsight.errors import SpecsightError

if TYPE_CHECKING:
    from specsight.calibration import ThresholdConfig
    from specsight.datasets.accounting import Ignored
    from specsight.inspector import Inspector
    from specsight.records import Sample
    from specsight.runs.rewriting import Rewriting
    from specsight.storage.addresses import Address

REJECTED, UNREADABLE = 1, 3
"""Exit codes of `inspect --exit-code`; 2 is that of errors."""


@click.command()
@click.option("--good", type=PATH, help="Folder with pictures of good parts; not needed by words alone.")
@click.option("-o", "--out", type=PATH, required=True, help="Where to save the model.")
@click.option(
    "--labelled", type=PATH, help="Labelled set whose defects are learned from too (supervised, clad)."
)
@fitting
@click.option(
    "--types/--no-types",
    default=True,
    show_default=True,
    help="Learn to tell the types that --spec names, for detectors that cannot; up to 40 good pictures are looked at.",
)
@click.option("--seed", default=0, show_default=True)
@MAX_MEGAPIXELS
@REPLACE
def fit(
    good: Path | None,
    out: Path,
    labelled: Path | None,
    detector: str,
    minutes: float | None,
    candidates: int | None,
    encoder: str,
    device: str,
    resolution: int | str | None,
    tile: int | str | None,
    settings: tuple[str, ...],
    spec: Path | None,
    train_on: Path | None,
    train_spec: Path | None,
    holdout: int | None,
    folds: int | None,
    by_place: bool | None,
    false_reject_rate: float,
    confidence: float,
    types: bool,
    seed: int,
    replace: bool,
) -> None:
    """Learn what good parts look like, with a threshold from parts judged unseen: in folds, or held out.

    Detectors that read (--spec) may do without good parts, and then without a threshold. A training that was killed
    goes on when called again.
    """
    from specsight.calibration import ThresholdConfig
    from specsight.inspector.fitting import Sources, fit_model
    from specsight.inspector.learning import detector_of
    from specsight.specification import load_specification

    threshold = ThresholdConfig(holdout, false_reject_rate, confidence, folds, by_place)
    specification = load_specification(spec) if spec else None
    framing = {k: v for k, v in (("resolution", resolution), ("tile", tile)) if v is not None}
    given = parameters_of_fit(detector, settings, minutes, candidates)
    method = detector_of(detector, seed, {"encoder": encoder, "device": device, **framing, **given})
    inspector = fit_model(
        out,
        method,
        Sources(good, labelled, train_on, train_spec),
        specification,
        threshold,
        seed,
        replace,
        types=types,
    )
    say_fitted(inspector, threshold)
    screen.say(f"saved: {out}", f"next: specsight inspect {out} PICTURES -o out/")


def say_fitted(inspector: Inspector, threshold: ThresholdConfig) -> None:
    """Print what a fit learned from, what it left out, and what its threshold promises."""
    if inspector.reused:
        screen.say("unchanged: this model was fitted to the same pictures in the same way already")
    for skipped in inspector.skipped:
        screen.say(f"skipped: {skipped.reason}", err=True)
    screen.notes(inspector.notes)
    if inspector.choice:
        screen.choice(inspector.choice)
    if inspector.account:
        screen.account(inspector.account.line, inspector.account.notes)
    screen.framing(inspector.detector.framing, inspector.seconds)
    if inspector.counts and inspector.calibration is None:
        screen.say(f"no threshold: {inspector.counts.no_threshold(threshold)}")
    if inspector.calibration:
        screen.say(f"threshold: {inspector.calibration.statement()}")


@click.command()
@click.argument("model", type=PLACE)
@click.argument("pictures", type=PLACE)
@click.option("-o", "--out", type=PLACE, required=True, help="Where verdicts, overlays and report go.")
@click.option("--depth", type=PLACE, help="Depth: a file, or a folder with the names of the pictures.")
@click.option(
    "--depth-unit",
    type=click.Choice(["mm", "m"]),
    default="mm",
    show_default=True,
    help="What --depth holds.",
)
@click.option(
    "--signal",
    "signals",
    multiple=True,
    metavar="NAME=PATH",
    help="A further channel, as --depth: ir=folder; may be given again.",
)
@click.option("--spec", type=PATH, help="Another specification than the model's (YAML).")
@click.option("--say", help="What to inspect this time: plain sentences, or a file (.yaml, .txt, .md, .pdf).")
@loading
@click.option(
    "--ontology", "knowledge", type=PATH, multiple=True, help="YAML with further types; may be given again."
)
@click.option(
    "--explain-with",
    help="Language model that rewrites statements, under their checks. See: list language-models.",
)
@click.option(
    "--csv", "table", type=PATH, help="Also write a table of pictures, and one of findings beside it."
)
@click.option("--no-maps", is_flag=True, help="Keep no maps and draw no overlays.")
@click.option(
    "--sort",
    type=click.Choice(["accepted", "rejected"]),
    multiple=True,
    help="Copy the accepted or rejected pictures into a folder of that name inside --out; repeatable.",
)
@click.option("--exit-code", is_flag=True, help="Say with the exit code what was found; see above.")
@engines
def inspect(
    model: Path | Address,
    pictures: Path | Address,
    out: Path | Address,
    depth: Path | Address | None,
    depth_unit: str,
    signals: tuple[str, ...],
    spec: Path | None,
    say: str | None,
    encoder: str | None,
    device: str,
    knowledge: tuple[Path, ...],
    explain_with: str | None,
    table: Path | None,
    no_maps: bool,
    sort: tuple[str, ...],
    exit_code: bool,
    engine: str,
    engine_address: str | None,
    engine_workers: int | None,
) -> int:
    """Judge a folder of pictures with a saved model, with depth and other signals beside them.

    --say "Inspect the rim only. Stains up to 2 mm are acceptable." changes what counts; a clause that cannot be
    applied is named on the screen and in the report. What is understood of words: specsight read.

    Model, pictures, --depth and --out may be addresses of object storage, such as s3://bucket/folder.

    Every statement is checked against the map and the decision. With --explain-with, a language model rewrites it; a
    rewrite that says what the evidence does not, or leaves something out, is not used, and counted.

    The exit code is 0 whatever was found; with --exit-code it is 1 where a picture was rejected, 3 where none was and
    some could not be read, else 0. 2 is an error.
    """
    from specsight.engine import opened
    from specsight.reading import read_instruction
    from specsight.runs.inspection_tables import check_tables
    from specsight.runs.inspections import write_inspections
    from specsight.runs.judging import SavedInspector
    from specsight.specification import load_specification
    from specsight.storage import check_output

    model, pictures = here(model), here(pictures)
    given = beside(here(depth) if depth else None, signals)
    with output(out) as folder:
        check_output(folder)
        _check_order(model, pictures)
        if table:
            check_tables(table)
        specification = load_specification(spec) if spec else None
        inspector = _inspector(model, encoder, device, knowledge, exit_code)
        words = specification or inspector.specification
        instruction = read_instruction(say, words) if say is not None else None
        samples, ignored = _samples(pictures, given, depth_unit)
        with opened(engine, engine_address, engine_workers) as workers:
            write_inspections(
                inspector,
                samples,
                folder,
                data=pictures,
                model=model,
                instruction=instruction,
                ignored=ignored,
                maps=not no_maps,
                specification=specification,
                rewriting=_rewriting(explain_with, device),
                engine=workers,
                reload=SavedInspector(model, encoder, device, ontology=inspector.ontology),
            )
        _finish(folder, sort, table)
        return _code(folder) if exit_code else 0


def _inspector(
    model: Path, encoder: str | None, device: str, knowledge: tuple[Path, ...], rejects: bool
) -> Inspector:
    """The saved model, with what is further known of types of defects; `rejects`: it must have a threshold."""
    from specsight.inspector import Inspector
    from specsight.ontology import load_ontology

    ontology = load_ontology(extend=knowledge) if knowledge else None
    inspector = Inspector.load(model, encoder, device)
    if inspector.detector.adaptations and (said := inspector.detector.map_source):
        screen.say(f"model: {said}")
    if rejects and inspector.calibration is None:
        raise SpecsightError(
            f"'{model}' has no threshold, so that nothing is rejected: leave --exit-code out, or fit it with more "
            "good parts"
        )
    if ontology is not None:
        inspector.ontology = ontology
    return inspector


def _samples(
    pictures: Path, given: Mapping[str, Path], depth_unit: str
) -> tuple[list[Sample], tuple[Ignored, ...]]:
    """Pictures with the channels that lie beside them, and files that are none."""
    from specsight.datasets import load_dataset
    from specsight.datasets.beside import with_signals
    from specsight.images import METRES

    listing = load_dataset(pictures)
    joined = with_signals(listing.samples, pictures, given, METRES if depth_unit == "m" else 1.0)
    for note in joined.notes:
        screen.say(f"note: {note}", err=True)
    return joined.samples, listing.ignored


def _rewriting(explain_with: str | None, device: str) -> Rewriting | None:
    """Statements in a language model's words, where one is named."""
    from specsight.language import load_language_model
    from specsight.runs.rewriting import Rewriting

    if not explain_with:
        return None
    return Rewriting(partial(load_language_model, explain_with, device, words_alone=True))


def _finish(folder: Path, sort: tuple[str, ...], table: Path | None) -> None:
    """Write report, tables and copies of a run, and say what was found and where it lies."""
    from specsight.report.page import render
    from specsight.runs.inspection_tables import write_tables
    from specsight.runs.sorting import sort_pictures

    page = render(folder)
    if table:
        write_tables(folder, table)
    copied = sort_pictures(folder, sort)
    screen.verdicts(folder)
    _say_written(folder, copied, table, page)


def _say_written(out: Path, copied: Mapping[str, int], table: Path | None, page: Path) -> None:
    """Where copies, tables and the report lie."""
    from specsight.runs.inspection_tables import findings_file

    for folder, count in copied.items():
        screen.say(f"{folder}: {count} copied to {out / folder}")
    if table:
        screen.say(f"tables: {table} and {findings_file(table)}")
    screen.say(f"report: {page}")


def _code(run: Path) -> int:
    """What `--exit-code` says of a run."""
    from specsight.runs.folder import RunFolder

    judged = RunFolder(run)
    if any(p.inspection.verdict == "reject" for p in judged.predictions()):
        return REJECTED
    return UNREADABLE if judged.skipped() else 0


def _check_order(model: Path, pictures: Path) -> None:
    """Raise SpecsightError where model and pictures were given in each other's place."""
    from specsight.storage import CHECKSUMS

    if (pictures / CHECKSUMS).is_file() and not (model / CHECKSUMS).is_file():
        raise SpecsightError(
            f"'{pictures}' is a saved model and '{model}' is none: give the model first, "
            f"specsight inspect {pictures} {model}"
        )

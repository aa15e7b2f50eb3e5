"""Verbs for a folder of good parts: `fit` a model, `inspect` pictures with it."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.options import DEVICE_HELP, MAX_MEGAPIXELS, PATH, REPLACE, fitting
from specsight.cli.settings import parameters
from specsight.errors import SpecsightError
from specsight.learning.device import AUTO


@click.command()
@click.option("--good", type=PATH, help="Folder with pictures of good parts; not needed by words alone.")
@click.option("-o", "--out", type=PATH, required=True, help="Where to save the model.")
@click.option("--labelled", type=PATH, help="Labelled set whose defects are learned from too (clad).")
@fitting
@click.option("--seed", default=0, show_default=True)
@MAX_MEGAPIXELS
@REPLACE
def fit(
    good: Path | None,
    out: Path,
    labelled: Path | None,
    detector: str,
    encoder: str,
    device: str,
    resolution: int | None,
    settings: tuple[str, ...],
    spec: Path | None,
    train_on: Path | None,
    train_spec: Path | None,
    holdout: int | None,
    false_reject_rate: float,
    confidence: float,
    seed: int,
    replace: bool,
) -> None:
    """Learn what good parts look like, with a threshold from parts held out.

    Detectors that read (--spec) may do without good parts, and then without a threshold. A training that was killed
    goes on when called again.
    """
    from specsight.calibration import ThresholdConfig
    from specsight.detectors import create_detector
    from specsight.inspector.fitting import Sources, fit_model
    from specsight.specification import load_specification

    threshold = ThresholdConfig(holdout, false_reject_rate, confidence)
    specification = load_specification(spec) if spec else None
    size = {} if resolution is None else {"resolution": resolution}
    method = create_detector(
        detector, encoder=encoder, device=device, seed=seed, **size, **parameters(settings)
    )
    inspector = fit_model(
        out,
        method,
        Sources(good, labelled, train_on, train_spec),
        specification,
        threshold,
        seed,
        replace,
    )
    if inspector.reused:
        screen.say("unchanged: this model was fitted to the same pictures in the same way already")
    for skipped in inspector.skipped:
        screen.say(f"skipped: {skipped.reason}", err=True)
    screen.notes(inspector.notes)
    if inspector.account:
        screen.account(inspector.account.line, inspector.account.notes)
    if inspector.counts and inspector.calibration is None:
        screen.say(f"no threshold: {inspector.counts.no_threshold(threshold)}")
    if inspector.calibration:
        screen.say(f"threshold: {inspector.calibration.statement()}")
    screen.say(f"saved: {out}\nnext: specsight inspect {out} PICTURES -o out/")


@click.command()
@click.argument("model", type=PATH)
@click.argument("pictures", type=PATH)
@click.option("-o", "--out", type=PATH, required=True, help="Where verdicts, overlays and report go.")
@click.option("--say", help="What to inspect this time: plain sentences, or a file (.yaml, .txt, .md).")
@click.option("--encoder", help="Where the model's encoder lies now, if it has moved.")
@click.option("--device", default=AUTO, show_default=True, help=DEVICE_HELP)
@MAX_MEGAPIXELS
def inspect(
    model: Path, pictures: Path, out: Path, say: str | None, encoder: str | None, device: str
) -> None:
    """Judge a folder of pictures with a saved model.

    --say "Inspect the rim only. Stains up to 2 mm are acceptable." changes what counts; a clause that cannot be
    applied is named on the screen and in the report. Sentences that are read, with names of your own:

    \b
    Inspect the rim only. / Do not inspect the thread.
    Stains up to 2 mm on the rim are acceptable. / Ignore scratches.
    Look for cracks only. / Known defects: open splice, blister.
    A yellow dot is required on the sidewall.
    """
    from specsight.datasets import load_dataset
    from specsight.inspector import Inspector
    from specsight.reading import read_instruction
    from specsight.report import render
    from specsight.runs.inspections import write_inspections
    from specsight.storage import check_output

    check_output(out)
    _check_order(model, pictures)
    inspector = Inspector.load(model, encoder, device)
    instruction = read_instruction(say, inspector.specification) if say else None
    listing = load_dataset(pictures)
    write_inspections(
        inspector,
        listing.samples,
        out,
        data=pictures,
        model=model,
        instruction=instruction,
        ignored=listing.ignored,
    )
    page = render(out)
    screen.verdicts(out)
    screen.say(f"report: {page}")


def _check_order(model: Path, pictures: Path) -> None:
    """Raise SpecsightError where model and pictures were given in each other's place."""
    from specsight.storage import CHECKSUMS

    if (pictures / CHECKSUMS).is_file() and not (model / CHECKSUMS).is_file():
        raise SpecsightError(
            f"'{pictures}' is a saved model and '{model}' is none: give the model first, "
            f"specsight inspect {pictures} {model}"
        )

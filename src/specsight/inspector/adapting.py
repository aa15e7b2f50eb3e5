"""A model that exists, for another line of the same product, by unlabelled pictures from there.

In: the folder of a saved model and a folder of pictures of which nobody says what they show. Out: a new model beside
it. It has no threshold: the scores behind the old one are those of the old line, and unlabelled pictures cannot promise
a share of good ones. Good parts of the new line give it one (`thresholds.set_threshold`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from specsight.datasets import load_dataset
from specsight.datasets.accounting import Account
from specsight.errors import SpecsightError
from specsight.inspector.inspector import Inspector
from specsight.inspector.observation import Skipped
from specsight.storage import check_model_output, given_path


@dataclass(frozen=True)
class Adapted:
    """What `adapt_model` did."""

    inspector: Inspector
    account: Account
    """What became of the pictures."""
    skipped: Sequence[Skipped]


FEW = 10
"""Pictures below which a line is hardly known: a defect on one of them moves means and deviations."""


def adapt_model(
    folder: Path,
    pictures: Path,
    out: Path,
    method: str,
    encoder: str | None = None,
    device: str = "auto",
    overwrite: bool = False,
) -> Adapted:
    """Adapt the model in `folder` by `method` to the pictures in a folder, and save it to `out`.

    Labels are not looked at, whatever the folder is called or brings. `encoder` and `device` are as for
    `Inspector.load`; a model that lies in `out` is given up only with `overwrite`. Raises SpecsightError for a detector
    or a method that does not adapt, for a folder without a picture, and where `out` cannot be written.
    """
    check_model_output(out, overwrite)
    inspector = Inspector.load(folder, encoder, device)
    listing = load_dataset(given_path(pictures, "the pictures of the other line"))
    if not listing.samples:
        raise SpecsightError(f"'{pictures}' holds no picture: there is nothing to adapt to")
    samples = [replace(sample, bits=inspector.bits) for sample in listing.samples]
    detector = inspector.detector.adapted(samples, method)
    skipped = [Skipped(*one) for one in detector.skipped_]
    used = f"adapted by {method} to {len(samples) - len(skipped)} pictures, whatever they show"
    notes = [*listing.notes[:1]]
    if len(samples) - len(skipped) < FEW:
        notes.append(f"fewer than {FEW} pictures say little about a line: adapt to more where there are more")
    account = Account(used, len(skipped), listing.ignored, tuple(notes))
    changed = replace(
        inspector,
        detector=detector,
        calibration=None,
        held_out=None,
        likeness=None,
        by_place=None,
        request=None,
        account=account,
    )
    changed.save(out, overwrite)
    return Adapted(changed, account, skipped)

"""A model that exists, fitted anew to more good parts: with its own parameters, words and promise.

In: the folder of a saved model and further folders with good parts. Out: the same folder with the new model. What was
learned before is learned again, from the pictures where they lay, for no method's state alone tells which parts stand
behind its threshold: so the promise counts all parts, and a fit to all pictures at once gives the same model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from specsight.calibration import ThresholdConfig
from specsight.detectors import load_detector
from specsight.errors import SpecsightError
from specsight.inspector import saved
from specsight.inspector.fitting import Sources, fit_model
from specsight.inspector.inspector import Inspector
from specsight.inspector.reader import READER
from specsight.inspector.request import read_request
from specsight.storage import given_path, read_folder


@dataclass(frozen=True)
class Update:
    """What `update_model` did."""

    inspector: Inspector
    threshold: ThresholdConfig
    """How the threshold was made."""
    missing: int
    """Pictures of good parts that the model knew and that are nowhere below the folders any more."""


def update_model(
    folder: Path,
    good: Sequence[Path],
    former: Path | None = None,
    encoder: str | None = None,
    device: str = "auto",
) -> Update:
    """Fit the model in `folder` anew, to what it was fitted on and to the good parts in the folders `good`.

    `former` says where the good parts of before lie now, if they have moved; `encoder` and `device` are as for
    `Inspector.load`. A threshold that was set since is given up. Either the old or the new model is there at any time.

    Raises SpecsightError for a model that does not know its pictures (one that `fit_model` did not fit), where those
    of before are gone, for another encoder than the model's, and whatever `fit_model` raises.
    """
    folder = saved.located(folder)
    (asked, kept), _ = read_folder(folder, lambda: (read_request(folder), saved.read(folder)))
    known = (given_path(former, "the good parts of before"),) if former else tuple(map(Path, asked.good))
    others = {name: Path(path) for name, path in asked.others.items()}
    for place in (*known, *others.values()):
        if not place.exists():
            raise SpecsightError(
                f"'{place}', which '{folder}' was fitted on, is no longer there: say where its good parts lie now with "
                "--former, or fit a new model"
            )
    threshold = ThresholdConfig(**asked.promise)
    inspector = fit_model(
        folder,
        load_detector(folder, encoder, device),
        Sources(further=tuple(dict.fromkeys((*known, *(path.absolute() for path in good)))), **others),
        kept.specification,
        threshold,
        asked.seed,
        replace=True,
        choice=kept.choice,
        types=(folder / READER).exists(),
    )
    return Update(inspector, threshold, len(_digests(kept) - _digests(inspector)))


def _digests(model: saved.Kept | Inspector) -> set[str]:
    """Digests of the good pictures that a model was made with, held out or learned from."""
    held_out = {one.digest for one in model.held_out.pictures} if model.held_out else set()
    return held_out | set(model.learned_from)

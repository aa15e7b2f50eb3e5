"""Fit a model into a folder, so that a killed training goes on when it is asked for again.

In: folders with good parts, labelled defects or another product's pictures. Out: the saved model, and what was left
out. Checkpoints lie beside the model, in a folder named by a digest of everything that the weights depend on, until
the model is saved.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING

from specsight.calibration import ThresholdConfig
from specsight.choosing import Choice, ChoiceConfig
from specsight.datasets.accounting import merged
from specsight.detectors import Detector
from specsight.detectors.training_digest import digest
from specsight.errors import SpecsightError
from specsight.inspector.inspector import Inspector
from specsight.inspector.observation import Skipped
from specsight.inspector.request import Request, request_of, request_of_choice, was_requested
from specsight.inspector.sources import Source, defective_source, good_sources
from specsight.records import Sample
from specsight.specification import Specification
from specsight.storage import check_model_output

if TYPE_CHECKING:
    from specsight.detectors.cross_set.training import OtherSet


@dataclass(frozen=True)
class Sources:
    """What a model is learned from; at least one of `good` and a detector that works from words alone."""

    good: Path | None = None
    """Folder with pictures of good parts."""
    labelled: Path | None = None
    """Labelled set whose defects are learned from too."""
    other_set: Path | None = None
    """Labelled set of other products, for detectors trained across sets."""
    other_specification: Path | None = None
    """Words about that set; None: the names of its products and defects."""
    further: tuple[Path, ...] = ()
    """Further folders with pictures of good parts."""

    def __post_init__(self) -> None:
        if self.other_specification is not None and self.other_set is None:
            raise SpecsightError(
                f"'{self.other_specification}' describes another set, and none is named: add --train-on"
            )

    @property
    def good_folders(self) -> tuple[Path, ...]:
        """All folders with good parts."""
        return (*([self.good] if self.good else []), *self.further)

    def others(self) -> dict[str, str]:
        """The absolute paths of what is given beside good parts, by name."""
        given = {name: getattr(self, name) for name in ("labelled", "other_set", "other_specification")}
        return {name: str(path.absolute()) for name, path in given.items() if path is not None}


def fit_model(
    out: Path,
    detector: Detector | ChoiceConfig,
    sources: Sources,
    specification: Specification | None = None,
    threshold: ThresholdConfig | None = None,
    seed: int = 0,
    replace: bool = False,
    choice: Choice | None = None,
    types: bool = True,
) -> Inspector:
    """Fit `detector`, or one that is chosen, and save the model to the folder `out`; returns the inspector, which lists
    what was left out. `choice` says how a given detector was chosen before, and is kept with the model; `types` is as
    for `Inspector.fit`.

    Parts are held out or judged in folds for `threshold` under `seed`. A model in `out` that was fitted to the same
    files in the same way is loaded, and `Inspector.reused` is set; any other is given up only with `replace`.

    Raises SpecsightError for a folder that cannot be written or holds anything else, for sources that the detector
    cannot learn from, and whatever `Inspector.fit` raises.
    """
    threshold = threshold or ThresholdConfig()
    check_model_output(out, replace=True)
    given = _read(detector, sources, specification)
    if isinstance(detector, ChoiceConfig):
        detector = detector.with_encoders_loaded()
    requested = _digest_of_request(detector, given, threshold, seed, types=types)
    if was_requested(out, requested):
        inspector = Inspector.load(out, _encoder(detector), detector.device)
        inspector.reused = True
        return inspector
    check_model_output(out, replace)
    checkpoints, left_out = _prepare_training(out, detector, given)
    inspector = Inspector.fit(
        given.good.samples,
        detector=detector,
        specification=specification,
        defects=given.labelled.samples,
        holdout=threshold.holdout,
        false_reject_rate=threshold.false_reject_rate,
        confidence=threshold.confidence,
        folds=threshold.folds,
        by_place=threshold.by_place,
        types=types,
        seed=seed,
    )
    _complete_account(inspector, given, left_out)
    inspector.choice = inspector.choice or choice
    folders = tuple(str(folder.absolute()) for folder in sources.good_folders)
    inspector.request = Request(requested, folders, sources.others(), asdict(threshold), seed)
    inspector.save(out, replace)
    if checkpoints is not None:
        _clear(checkpoints)
    return inspector


@dataclass(frozen=True)
class _Given:
    """What lies in the folders that are named."""

    good: Source
    labelled: Source
    other: OtherSet | None
    learned: list[tuple[list[Sample], dict[str, Specification]]]
    """Samples and words that the weights depend on; those of the other set, where there is one, come last."""


def _read(detector: Detector | ChoiceConfig, sources: Sources, specification: Specification | None) -> _Given:
    """List all samples. Raises SpecsightError for sources that the detector cannot learn from."""
    good, labelled = good_sources(sources.good_folders), _labelled(detector, sources)
    other = _other_set(detector, sources)
    words = {} if specification is None else {specification.product: specification}
    learned = [([*good.samples, *labelled.samples], words)]
    if other is not None:
        learned.append(([*other.samples], {**other.specifications}))
    return _Given(good, labelled, other, learned)


def _digest_of_request(
    detector: Detector | ChoiceConfig, given: _Given, threshold: ThresholdConfig, seed: int, *, types: bool
) -> str:
    """The digest of everything that the model depends on."""
    promise = {**asdict(threshold), "seed": seed, "types": types}
    if isinstance(detector, ChoiceConfig):
        return request_of_choice(detector, given.learned, promise)
    return request_of(detector, given.learned, promise)


def _complete_account(inspector: Inspector, given: _Given, left_out: Sequence[Skipped]) -> None:
    """Add to the account of a fit what it was not told of: the folders, and what of the other set was left out."""
    inspector.skipped[:0] = left_out
    if inspector.account:
        folders = [given.good.ignored, given.labelled.ignored, given.other.ignored if given.other else ()]
        inspector.account = changed(
            inspector.account,
            skipped=len(inspector.skipped),
            ignored=merged(folders),
            notes=(*given.good.notes, *given.labelled.notes, *inspector.account.notes),
        )


def _encoder(detector: Detector | ChoiceConfig) -> str | None:
    """Where the encoder of a model lies that was asked for; None: the model says which one of several it is."""
    if isinstance(detector, ChoiceConfig):
        (first, *others) = detector.load_encoders()
        return None if others else first.name
    return detector.get_encoder().name


def _prepare_training(
    out: Path, detector: Detector | ChoiceConfig, given: _Given
) -> tuple[Path | None, list[Skipped]]:
    """Train on another set, or tell a detector that trains weights while it is fitted where to keep its place.

    Returns that folder (None: nothing is trained), and what of the other set was left out.
    """
    if not isinstance(detector, Detector) or (given.other is None and not detector.needs.trains):
        return None, []
    home = out.resolve()
    checkpoints = home.with_name(f"{home.name}.training") / digest(detector, *given.learned[-1])
    if given.other is None:
        detector.checkpoints = checkpoints
        return checkpoints, []
    from specsight.detectors.cross_set.training import train_on

    train_on(detector, given.other, judged=given.good.samples, checkpoints=checkpoints)
    return checkpoints, [
        Skipped(str(s.image), f"'{s.image}': {reason}") for s, reason in given.other.left_out
    ]


def _clear(checkpoints: Path) -> None:
    """Remove a training's folder; what others have left beside it stays: a killed training of something else, or files
    of the user's."""
    shutil.rmtree(checkpoints, ignore_errors=True)
    with contextlib.suppress(OSError):
        checkpoints.parent.rmdir()


def _labelled(detector: Detector | ChoiceConfig, sources: Sources) -> Source:
    """The defects that a detector learns from. Raises SpecsightError where it learns from none."""
    if sources.labelled is None:
        return Source([])
    if not detector.needs.takes_defects:
        raise SpecsightError(
            f"{detector.name} learns nothing from defects: leave --labelled out, or take --detector supervised"
        )
    return defective_source(sources.labelled)


def _other_set(detector: Detector | ChoiceConfig, sources: Sources) -> OtherSet | None:
    """The other set that a detector learns from. Raises SpecsightError where it learns from none."""
    if sources.other_set is None:
        return None
    from specsight.detectors.cross_set.training import load_other_set

    if not detector.needs.other_sets:
        raise SpecsightError(f"{detector.name} is not trained across sets: leave --train-on out")
    return load_other_set(sources.other_set, sources.other_specification)

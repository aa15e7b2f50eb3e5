"""Train a cross-set detector on another data set: the one orchestration, for command line, evaluation and notebook.

In: a detector, a labelled data set of other products and, optionally, words about them. Out: the same detector with
trained weights. Equal trainings are found again by a digest of everything that weights depend on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from specsight.datasets import DatasetListing, load_dataset
from specsight.datasets.accounting import Ignored, merged, unused_samples
from specsight.datasets.parts import distinct_parts, with_parts_named
from specsight.detectors.contract import Detector
from specsight.detectors.cross_set.detector import CrossSetDetector
from specsight.detectors.cross_set.trained_on import TrainedOn
from specsight.detectors.training_digest import digest
from specsight.errors import SpecsightError
from specsight.images import common_bits, defect_masks, load_picture, masks_known
from specsight.prompts.labels import specification_from_labels, spelt_as_labelled
from specsight.records import Sample
from specsight.specification import Specification, load_specification
from specsight.storage import read_folder, recover, whole_folder
from specsight.storage.locks import FOREVER, locked

FOLDER = "trainings"
"""Usual name of a folder in which trainings are kept."""
CHECKPOINT = "weights.safetensors"


@dataclass(frozen=True)
class OtherSet:
    """A labelled data set to train on."""

    samples: Sequence[Sample]
    """Good and defective samples; every defective one has masks."""
    specifications: Mapping[str, Specification]
    """By product of the samples."""
    left_out: Sequence[tuple[Sample, str]] = ()
    """Defective samples that cannot be learned from, and why."""
    ignored: tuple[Ignored, ...] = ()
    """Everything else in the set, by reason."""


def load_other_set(data: Path, specification: Path | None = None) -> OtherSet:
    """Read a data set to train on.

    The words about its products are those of the file `specification`, or the products' names and the names of their
    labelled defects. Every picture whose truth is known counts, whatever split it is in: such a set is only learned
    from. Pictures of one part (`distinct_parts`) are in one group. Defective pictures without masks or with an empty
    one are left out (public sets hold a few). Raises SpecsightError where no defective picture with a mask is left.
    """
    samples, left_out = [], []
    listing = load_dataset(data)
    for sample in listing.samples:
        reason = _unusable(sample)
        if reason:
            left_out.append((sample, reason))
        elif sample.label != "unknown":
            samples.append(sample)
    if not any(s.label == "defective" for s in samples):
        raise SpecsightError(f"'{data}' has no defective picture with a mask to learn from")
    products = sorted({s.product for s in samples})
    bits = {p: common_bits(s.image for s in samples if s.product == p) for p in products}
    samples = [replace(s, bits=bits[s.product]) for s in samples]
    samples = with_parts_named(samples, distinct_parts(samples).labels)
    ignored = _ignored(listing)
    if specification is not None:
        words = spelt_as_labelled(load_specification(specification), samples)
        return OtherSet(samples, dict.fromkeys(products, words), left_out, ignored)
    specifications = {product: specification_from_labels(product, samples) for product in products}
    return OtherSet(samples, specifications, left_out, ignored)


def ignored_files(data: Path) -> tuple[Ignored, ...]:
    """What `load_other_set` does not look at in a data set, by reason."""
    return _ignored(load_dataset(data))


def train_on(
    detector: Detector,
    other: OtherSet,
    *,
    judged: Sequence[Sample] = (),
    trainings: Path | None = None,
    checkpoints: Path | None = None,
) -> None:
    """Train `detector` on another set, or take the weights that an equal training left in `trainings`.

    `judged` are the samples that will be fitted to or judged afterwards, as far as they are known: none of them, nor
    their product, may be in the other set, which is checked before anything else. `trainings` is a folder with one
    saved detector per training (None: nothing is looked up and nothing kept); of two processes that train alike at the
    same time, both do so and the first to finish is kept. A killed training goes on from the folder `checkpoints`.
    Raises SpecsightError for a set that is not another one, and for a kept training that is damaged.
    """
    if not isinstance(detector, CrossSetDetector):
        raise SpecsightError(f"{detector.name} is not trained across sets: leave --train-on out")
    if judged:
        TrainedOn.of(other.samples).check_unseen(judged)
    checkpoint = checkpoints / CHECKPOINT if checkpoints else None
    if trainings is None:
        detector.train(other.samples, other.specifications, checkpoint)
        return
    folder = trainings / f"{detector.name}-{digest(detector, other.samples, other.specifications)}"
    trainings.mkdir(parents=True, exist_ok=True)
    # An evaluation beside this one that would learn the same waits for it, and then finds it.
    with locked(trainings / f".{folder.name}.lock", FOREVER):
        recover(folder)
        if folder.is_dir():
            read_folder(folder, lambda: detector.restore(folder))
            return
        detector.train(other.samples, other.specifications, checkpoint)
        with whole_folder(folder, replace=True) as temporary:
            detector.save(temporary)


def training_of(detector: Detector) -> TrainedOn | None:
    """What the weights of a cross-set detector come from; None before its training and for any other detector."""
    return detector.trained_on_ if isinstance(detector, CrossSetDetector) else None


def _ignored(listing: DatasetListing) -> tuple[Ignored, ...]:
    labelled = [s for s in listing.samples if s.label != "unknown"]
    return merged([unused_samples(listing.samples, labelled), listing.ignored])


def _unusable(sample: Sample) -> str:
    """Why a defective picture cannot be learned from; empty for others."""
    if sample.label != "defective":
        return ""
    if not masks_known(sample):
        return "nothing says where its defect is"
    try:
        masks = defect_masks(sample, load_picture(sample).size)
    except SpecsightError as error:
        return str(error)
    return "" if all(mask.any() for mask in masks) else "the mask of a defect is empty"

"""The cross-set regime: weights trained on labelled pictures of other products, then words for an unseen one.

In: to `train`, good and defective pictures with masks of some products, and a specification of each; to `fit`, the
specification of a product that was not among them and, where there are any, good pictures of it. Out: judgements of
that product. The protocol is enforced: neither the product nor any picture of it may have been trained on.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from specsight.detectors.contract import Detector, View
from specsight.detectors.cross_set import labelled_set
from specsight.detectors.cross_set.examples import FrozenExample
from specsight.detectors.cross_set.references import References
from specsight.detectors.cross_set.trained_on import TrainedOn
from specsight.detectors.examples import ExampleCollector, SyntheticDefects, check_types
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import parameter, sigma_parameter
from specsight.detectors.saving import SPECIFICATION, State, json_array, of_json_array
from specsight.detectors.synthetic_examples import kinds_for
from specsight.encoders import Encoder, Features
from specsight.errors import SpecsightError
from specsight.images import Frame
from specsight.learning.history import LOG, History
from specsight.learning.schedule import Schedule
from specsight.learning.task import Task
from specsight.records import Picture, Sample
from specsight.specification import Specification
from specsight.storage import below

WEIGHTS = "weights/"
TRAINED_ON = "trained_on"
PATIENCE = 4
"""Epochs without improvement on held-out pictures that end a training."""


class CrossSetTask(Task):
    """A task that hands over the weights it has trained."""

    @abstractmethod
    def weights(self) -> State:
        """Return what has been trained, as float32 arrays; judging needs nothing else of the task."""


@dataclass
class CrossSetDetector(Detector):
    """Trained once on other products, fitted to any number of unseen ones.

    A method says what a view holds (`_features`), in which layers good references are compared (`_layers`), what is
    trained on the examples (`_task`) and how a view is judged.
    """

    needs: ClassVar[Needs] = Needs(good_pictures=0, text=True, other_sets=True)
    regime: ClassVar[Regime] = Regime.CROSS_SET

    synthetic_defects: int = parameter(
        0, "Synthetic defects to train on besides the labelled ones, per product.", low=0, high=1_000_000
    )
    mosaics: float = parameter(
        0.2, "Mosaics of 2 × 2 training pictures of a product, as a share of its pictures.", low=0, high=1
    )
    epochs: int = parameter(
        15,
        "Passes over the training pictures at most; held-out ones may end the training earlier.",
        low=1,
        high=10_000,
    )
    batch: int = parameter(8, "Training pictures in a batch.", low=1, high=4096)
    rate: float = parameter(1e-3, "Learning rate at the start; it follows a cosine.", low=1e-8, high=1)
    references: int = parameter(
        4096,
        "Good patches per layer that few-shot judging compares with, at most.",
        low=1,
        high=1_000_000,
        unit="patches",
        judging=True,
    )
    sigma: float = sigma_parameter()

    weights_: State = field(default_factory=dict, init=False, repr=False)
    trained_on_: TrainedOn | None = field(default=None, init=False, repr=False)
    history_: History | None = field(default=None, init=False, repr=False)
    """How the training of this process went; not saved."""
    references_: References | None = field(default=None, init=False, repr=False)
    """What good pictures of the product look like; None: judged by words alone."""

    def train(
        self,
        samples: Sequence[Sample],
        specifications: Mapping[str, Specification],
        checkpoint: Path | None = None,
    ) -> Self:
        """Train weights on labelled samples of other products than those to be judged.

        `specifications` by `Sample.product`. A fifth of the pictures (of the physical objects, where samples say so)
        is held out to end the training in time. A killed training goes on from the file `checkpoint`. Whatever was
        fitted before is forgotten, even where the training fails. Raises SpecsightError for samples that cannot be
        learned from: without labels, masks or words.
        """
        from specsight.learning.engine import train as train_task

        start = time.monotonic()
        self.check_parameters()
        products = labelled_set.by_product(samples, specifications)
        for product, of_product in products.items():
            super()._check_needs([s for s in of_product if s.label == "good"], specifications[product])
            check_types(of_product, specifications[product])
            labelled_set.check_masks(of_product, specifications[product])
        self.words_ = self.references_ = None
        collected = labelled_set.collect(
            products, specifications, self._collector, mosaics=self.mosaics, seed=self.seed
        )
        self.skipped_ = list(collected.skipped)
        self._check_defects(collected.examples)
        task = self._task(collected.examples)
        schedule = self._schedule(sum(not example.held_out for example in collected.examples))
        log = checkpoint.with_name(LOG) if checkpoint else None
        self.history_ = train_task(
            task,
            schedule,
            seed=self.seed,
            checkpoint=checkpoint,
            log=log,
            device=self.device,
            precision="float32",
        )
        self.weights_ = task.weights()
        skipped = {path for path, _ in self.skipped_}
        used = TrainedOn.of([sample for sample in samples if str(sample.image) not in skipped])
        self.trained_on_ = replace(used, products=tuple(products), seconds=time.monotonic() - start)
        return self

    @abstractmethod
    def _task(self, examples: Sequence[FrozenExample]) -> CrossSetTask:
        """What is to be trained on these examples, some of which are held out."""

    def _training_features(
        self, encoder: Encoder, pixels: NDArray[np.uint8], frame: Frame
    ) -> Mapping[str, Features]:
        """What the training wants to know of framed pixels (1, H, W, 3): by default what judging does."""
        return self._features(encoder, pixels, frame)

    def _collector(self, specification: Specification) -> ExampleCollector:
        kinds = kinds_for(specification) if self.synthetic_defects else []
        synthetic = SyntheticDefects(kinds, self.synthetic_defects, self.framing.resolution, self.seed)
        return ExampleCollector(self._look_for_training, specification, synthetic, self.name)

    def _look_for_training(self, picture: Picture) -> View:
        encoder = self.get_encoder()
        pixels, frame = self._frame(picture, encoder.multiple)
        return self._view(encoder, frame, self._encode(pixels, frame, self._training_features))

    def _check_defects(self, examples: Sequence[FrozenExample]) -> None:
        """Raise SpecsightError unless defects are shown both to learn from and to end the training by."""
        for held_out in (False, True):
            if not any(example.masks for example in examples if example.held_out == held_out):
                raise SpecsightError(
                    f"{self.name} needs defects in at least two readable training pictures (of different objects), "
                    "one to learn from and one to end the training by: add labelled defective pictures"
                )

    def _schedule(self, examples: int) -> Schedule:
        """Adam as in the papers of this family (betas 0.5 and 0.999, no decay), one validation per epoch."""
        epoch = -(-examples // self.batch)
        return Schedule(
            steps=epoch * self.epochs,
            rate=self.rate,
            betas=(0.5, 0.999),
            weight_decay=0.0,
            validate_every=epoch,
            checkpoint_every=epoch,
            patience=PATIENCE,
        )

    def _check_needs(self, samples: Sequence[Sample], specification: Specification | None) -> None:
        """Raise SpecsightError, too, where the product or one of its pictures was trained on."""
        super()._check_needs(samples, specification)
        trained_on = self._trained()
        trained_on.check_unseen(samples)
        if specification is not None:
            trained_on.check_product(specification.product)

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        layers = self._layers(self.get_encoder())
        self.references_ = References.from_views(views, layers, self.references, self.seed)

    def _trained(self) -> TrainedOn:
        if self.trained_on_ is None:
            raise SpecsightError(
                f"{self.name} judges with weights learned from labelled pictures of other products: call train first"
            )
        return self.trained_on_

    def _state(self) -> State:
        """Training and, once fitted, what was fitted: a trained detector can be saved before it is."""
        state: State = {TRAINED_ON: json_array(self._trained().to_json())}
        state |= {f"{WEIGHTS}{name}": array for name, array in self.weights_.items()}
        return state if self.references_ is None else state | self.references_.state()

    def _save_words(self, folder: Path) -> None:
        if self.words_ is not None:
            super()._save_words(folder)

    def _restore_words(self, folder: Path) -> None:
        if (folder / SPECIFICATION).exists():
            super()._restore_words(folder)

    def _restore(self, state: State) -> None:
        self.trained_on_ = TrainedOn.from_json(of_json_array(state[TRAINED_ON]))
        self.weights_ = below(state, WEIGHTS)
        if not self.weights_:
            raise KeyError(WEIGHTS)
        self.references_ = References.from_state(state)

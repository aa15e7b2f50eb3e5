"""The cross-set regime: weights learned from labelled pictures of other products, then words for an unseen one.

In: to `train`, good and defective pictures with masks of some products, and a specification of each; to `fit`, the
specification of a product that was not among them and, where there are any, good pictures of it. Out: judgements of
that product. The protocol is enforced: neither the product nor any picture of it may have been trained on.

Sub-classes say what a view holds (`_see`), in which layers good references are compared (`_layers`), what is trained
on the examples (`_task`) and how a view is judged.
"""

from __future__ import annotations

import contextlib
import json
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from typing_extensions import Self

from specsight import images
from specsight.detectors.contract import Detector, State, View
from specsight.detectors.cross_set.examples import FrozenExample, by_product, held_out, mosaic
from specsight.detectors.examples import ExampleDetector, TrainingExample
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import parameter
from specsight.errors import SpecsightError, UnreadableFile
from specsight.features.references import References
from specsight.learning.history import LOG, History
from specsight.learning.schedule import Schedule
from specsight.learning.task import Task
from specsight.records import Sample
from specsight.specification import Specification
from specsight.specification.vocabulary import product_form
from specsight.storage import sha256

WEIGHTS = "weights/"
TRAINED_ON = "trained_on"
PATIENCE = 4
"""Epochs without improvement on held-out pictures that end a training."""


@dataclass(frozen=True)
class TrainedOn:
    """What the weights come from: names of products, SHA-256 of each picture's file, number of pictures."""

    products: tuple[str, ...]
    digests: frozenset[str]
    pictures: int
    seconds: float = 0.0
    """How long the training took, looking at its pictures included."""

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Self:
        """A training on these samples, which is still to come."""
        digests = [sha256(sample.image) for sample in samples]
        return cls(tuple(dict.fromkeys(s.product for s in samples)), frozenset(digests), len(digests))

    def check_product(self, product: str) -> None:
        """Raise SpecsightError for a product that is trained on, whatever the letter case and the underscores of its
        name."""
        if product_form(product) in {product_form(name) for name in self.products}:
            raise SpecsightError(
                f"'{product}' is both trained on and judged, but a cross-set method is for products it has never seen: "
                "judge another product, or train on a set without this one"
            )

    def check_unseen(self, samples: Sequence[Sample]) -> None:
        """Raise SpecsightError where a sample, or its product, is trained on: judging it would not tell how well the
        method does on products it has never seen."""
        for sample in samples:
            self.check_product(sample.product)
            if sample.image.is_file() and sha256(sample.image) in self.digests:
                raise SpecsightError(
                    f"the picture of '{sample.id}' ('{sample.image}') is both trained on and judged: leave it out of "
                    "one of the two"
                )

    def to_json(self) -> dict[str, Any]:
        """What is saved with the weights."""
        return {**asdict(self), "digests": sorted(self.digests)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """What `to_json` gave. Raises KeyError and ValueError for anything else."""
        products, digests = tuple(map(str, record["products"])), frozenset(map(str, record["digests"]))
        return cls(products, digests, int(record["pictures"]), float(record.get("seconds", 0)))


class CrossSetTask(Task):
    """A task that hands over what it has learned."""

    @abstractmethod
    def weights(self) -> State:
        """What has been learned, as float32 arrays; judging needs nothing else of the task."""


@dataclass
class CrossSetDetector(ExampleDetector):
    """Trained once on other products, fitted to any number of unseen ones."""

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

    weights_: State = field(default_factory=dict, init=False, repr=False)
    trained_on_: TrainedOn | None = field(default=None, init=False, repr=False)
    training_: bool = field(default=False, init=False, repr=False)
    """True while `train` looks at pictures: what only training needs is seen then."""
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
        """Learn weights from labelled samples of other products than those to be judged.

        `specifications` by `Sample.product`. A fifth of the pictures (of the physical objects, where samples say so)
        is held out to end the training in time. A killed training goes on from `checkpoint`. Whatever was fitted before
        is forgotten.
        """
        start = time.monotonic()
        self.check_parameters()
        products = by_product(samples, specifications)
        for product, some in products.items():
            super()._check_needs([s for s in some if s.label == "good"], specifications[product])
            self._check_types(some, specifications[product])
            self._check_masks(some)
        self.skipped_ = []
        examples = self._all_examples(products, specifications)
        self._check_sides(examples)
        task = self._task(examples)
        from specsight.learning.engine import train as train_task

        schedule = self._schedule(sum(not example.held_out for example in examples))
        log = checkpoint.with_name(LOG) if checkpoint else None
        self.history_ = train_task(
            task, schedule, seed=self.seed, checkpoint=checkpoint, log=log, device="cpu"
        )
        self.weights_ = task.weights()
        skipped = {path for path, _ in self.skipped_}
        seen = TrainedOn.of([sample for sample in samples if str(sample.image) not in skipped])
        self.trained_on_ = replace(seen, products=tuple(products), seconds=time.monotonic() - start)
        return self

    def _check_masks(self, samples: Sequence[Sample]) -> None:
        """Raise SpecsightError for a label that its masks contradict, before hours are spent on the encoder."""
        for sample in samples:
            if sample.label == "defective":
                with contextlib.suppress(UnreadableFile):
                    self._masks(sample, images.load_picture(sample))

    def _check_room(self, first: FrozenExample, samples: Sequence[Sample]) -> None:
        """Raise SpecsightError where examples as large as the first would not fit into memory."""
        import psutil

        good = sum(sample.label == "good" for sample in samples)
        expected = (1 + self.mosaics) * len(samples) + (
            max(self.synthetic_defects, good) if self.synthetic_defects else 0
        )
        needed, free = expected * first.size, psutil.virtual_memory().available
        if needed > 0.8 * free:
            raise SpecsightError(
                f"the features of {expected:.0f} training pictures would take {needed / 1e9:.1f} GB, and "
                f"{free / 1e9:.1f} GB are free: train on fewer pictures, or at a lower resolution"
            )

    def _check_sides(self, examples: Sequence[FrozenExample]) -> None:
        """Raise SpecsightError unless defects are shown both to learn from and to end the training by."""
        for side in (False, True):
            if not any(example.masks for example in examples if example.held_out == side):
                raise SpecsightError(
                    f"{self.name} needs defects in at least two readable training pictures (of different objects), "
                    "one to learn from and one to end the training by: add labelled defective pictures"
                )

    @abstractmethod
    def _task(self, examples: Sequence[FrozenExample]) -> CrossSetTask:
        """What is to be trained on these examples, some of which are held out."""

    def _schedule(self, examples: int) -> Schedule:
        """Adam as in the papers of this family (betas 0.5 and 0.999, no decay), one check per epoch."""
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

    def _all_examples(
        self, products: Mapping[str, Sequence[Sample]], specifications: Mapping[str, Specification]
    ) -> list[FrozenExample]:
        samples = [sample for some in products.values() for sample in some]
        held, examples = held_out(samples, self.seed), list[FrozenExample]()
        self.training_ = True
        try:
            for product, some in products.items():
                for example in self._product_examples(some, specifications[product], held):
                    examples.append(example)
                    if len(examples) == 1:
                        self._check_room(example, samples)
        finally:
            # Whatever was fitted before is forgotten, even where the training fails: its words are no longer here.
            self.training_ = False
            self.specification_ = self.phrases_ = self.references_ = None
        return examples

    def _product_examples(
        self, samples: Sequence[Sample], specification: Specification, held: frozenset[str]
    ) -> Iterator[FrozenExample]:
        """Examples of one product: its pictures, copies of them with synthetic defects, and mosaics of those that are
        not held out."""
        self._take_words(specification)
        for example in super()._views(samples):
            sample = samples[example.source]
            yield FrozenExample.of(example, specification, sample.id, held_out=str(sample.image) in held)
        skipped = {path for path, _ in self.skipped_}
        usable = [s for s in samples if str(s.image) not in held | skipped]
        generator = np.random.default_rng((self.seed, len(usable)))
        for _ in range(round(self.mosaics * len(usable))):
            four = [usable[int(k)] for k in generator.choice(len(usable), 4, replace=len(usable) < 4)]
            pictures = [images.load_picture(sample) for sample in four]
            made = mosaic(pictures, [self._masks(s, picture) for s, picture in zip(four, pictures)])
            yield FrozenExample.of(self._example(*made, source=0), specification, "mosaic", held_out=False)

    def _views(self, samples: Sequence[Sample]) -> Iterator[TrainingExample]:
        """Good pictures of the product to be judged, as they are."""
        for view in Detector._views(self, samples):
            yield TrainingExample(view.frame, view.features)

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        self._take_words(specification)
        layers = self._layers(self._encoder())
        self.references_ = References.from_views(views, layers, self.references, self.seed)

    def _check_needs(self, samples: Sequence[Sample], specification: Specification | None) -> None:
        super()._check_needs(samples, specification)
        trained = self._trained()
        trained.check_unseen(samples)
        if specification is not None:
            trained.check_product(specification.product)

    def _trained(self) -> TrainedOn:
        if self.trained_on_ is None:
            raise SpecsightError(
                f"{self.name} judges with weights learned from labelled pictures of other products: call train first"
            )
        return self.trained_on_

    def _state(self) -> State:
        """Training and, once fitted, what was fitted: a trained detector can be saved before it is."""
        record = json.dumps(self._trained().to_json())
        state = {TRAINED_ON: np.frombuffer(record.encode(), np.uint8)}
        state |= {f"{WEIGHTS}{name}": array for name, array in self.weights_.items()}
        return state if self.references_ is None else state | self.references_.state()

    def _restore(self, state: State) -> None:
        self.trained_on_ = TrainedOn.from_json(json.loads(state[TRAINED_ON].tobytes()))
        self.weights_ = {
            name.removeprefix(WEIGHTS): array for name, array in state.items() if name.startswith(WEIGHTS)
        }
        if not self.weights_:
            raise KeyError(WEIGHTS)
        self.references_ = References.from_state(state)

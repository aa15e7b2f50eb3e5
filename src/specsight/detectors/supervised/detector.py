"""The supervised detector: memories of good patches, and a small head that learns from a few labelled defects.

In: good pictures and, where there are some, labelled defects with masks, with depth where there is any. Out: maps and
scores of what deviates from good patches (PatchCore's distance, of the modality in which it is largest), raised where
it looks like a labelled defect, each in deviations of unseen good patches; a map per labelled type. Multi-class focal
and Dice loss on patches, cross-entropy on pictures. Without a labelled defect it judges by good parts alone. `adapted`
brings it to another line by unlabelled pictures from there.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from typing_extensions import Self

from specsight import images
from specsight.detectors.contract import View, detectors
from specsight.detectors.depth import evidence
from specsight.detectors.depth.evidence import Patches, patches_of
from specsight.detectors.depth.looking import SEEN, DepthDetector
from specsight.detectors.examples import ExampleCollector, SyntheticDefects, TrainingExample, masks_by_type
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import layer_names, parameter
from specsight.detectors.saving import State
from specsight.detectors.supervised.learned import METHODS, Learned
from specsight.detectors.supervised.patches import CELLS, PatchCollector, of_memories
from specsight.detectors.supervised.settings import HeadSettings
from specsight.detectors.text import TypeMaps, judgement_of_types
from specsight.encoders import Encoder, Features
from specsight.errors import SpecsightError, UnreadableFile, require
from specsight.features import grids
from specsight.progress import track
from specsight.records import Judgement, Sample
from specsight.specification import Instruction, Specification
from specsight.specification.vocabulary import Vocabulary

NEIGHBOURHOOD = 3
"""Patches of colours are averaged over this many cells each way."""
FLIPS = (1, 0, -1)
"""Codes of `cv2.flip`: left and right, top and bottom, both."""


@detectors.register("supervised")
@dataclass
class Supervised(DepthDetector):
    """Deviation from good patches, raised by a head that is trained on labelled defects."""

    name = "supervised"
    needs: ClassVar[Needs] = Needs(good_pictures=2, uses=("depth",), takes_defects=True, trains=True)
    regime: ClassVar[Regime] = Regime.SUPERVISED
    adaptations: ClassVar[tuple[str, ...]] = METHODS

    layers: tuple[str, ...] | None = layer_names(
        "Layers to join, on the grid of the first; default: the encoder's middle layers."
    )
    coreset_limit: int = parameter(
        8192, "Patches to keep at most in each memory.", low=1, high=10_000_000, unit="patches"
    )
    flips: int = parameter(
        3, "Flipped copies of every labelled picture to learn from besides.", low=0, high=3
    )
    hidden: int = parameter(32, "Width of the head's hidden layer.", low=2, high=4096)
    dropout: float = parameter(0.3, "Share of the head's inputs left out in a step.", low=0, high=0.95)
    steps: int = parameter(300, "Of training the head.", low=1, high=1_000_000)
    rate: float = parameter(2e-3, "Learning rate at the start; it follows a cosine.", low=1e-8, high=1)
    weight: float = parameter(
        1.0, "Of what the head says, beside the deviation from good patches; 0: that alone.", low=0, high=100
    )

    learned_: Learned | None = field(default=None, init=False, repr=False)
    _types: tuple[str, ...] = field(default=(), init=False, repr=False)

    @property
    def map_source(self) -> str:
        """To which line it was adapted, and how; empty where it was not."""
        adaptation = self.learned_.adaptation if self.learned_ else None
        return adaptation.sentence() if adaptation else ""

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map = deviation raised by the head's odds (`Learned.judge`); the score is the mean of its top `top`. Maps of
        types hold the type's own odds in place of those of any defect."""
        learned, cells = self._learned(), view.cells[SEEN]
        patches = patches_of(view, NEIGHBOURHOOD)
        summed = learned.judge(patches, self.weight)
        maps = np.ascontiguousarray(summed.T).reshape(-1, *cells.size)
        score = grids.top_mean(maps[0][view.frame.shows_picture(cells)], self.top)
        judgement = judgement_of_types(
            score, maps[1:], learned.types, cells, view.frame, self.sigma, combined=maps[0]
        )
        there = [name for name in learned.deviating if patches[name].known.any()]

        def alone(modality: str) -> Features:
            own = {name: one if name == modality else one.unknown() for name, one in patches.items()}
            heat = learned.judge(own, self.weight)[:, 0].reshape(cells.size)
            return grids.on_picture(heat, cells, view.frame, self.sigma)

        return replace(judgement, alone=TypeMaps(there if len(there) > 1 else (), alone))

    def without_head(self) -> Self:
        """This detector with its memory of good patches alone: PatchCore's distance."""
        alone = copy.copy(self)
        alone.weight = 0.0
        return alone

    def adapted(self, samples: Sequence[Sample], method: str) -> Self:
        """See `Detector.adapted`. Methods that train need labelled defects to have been learned from."""
        from specsight.detectors.supervised import adapting

        if method not in self.adaptations:
            return super().adapted(samples, method)
        learned, tables = self._learned(), list[dict[str, Features]]()
        changed = copy.copy(self)
        changed.skipped_, changed.notes_ = [], {}
        draw = np.random.default_rng(self.seed)
        for sample in track(samples, f"looking at the other line ({len(samples)} pictures)"):
            try:
                picture = images.load_picture(sample, uses=self.needs.uses)
            except UnreadableFile as error:
                changed.skipped_.append((str(sample.image), str(error)))
                continue
            view = self._look(picture)
            shown = np.flatnonzero(view.frame.shows_picture(view.cells[SEEN]).ravel())
            rows = draw.permutation(shown)[:CELLS]
            found = of_memories(learned.memories, patches_of(view, NEIGHBOURHOOD))
            tables.append({name: vectors[rows] for name, vectors in found.items()})
        if not tables:
            raise SpecsightError("no picture of the other line could be read: there is nothing to adapt to")
        target = {name: np.concatenate([table[name] for table in tables]) for name in learned.memories}
        changed.learned_ = adapting.adapt(learned, target, len(tables), method, self._settings())
        return changed

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        return self.layers or encoder.default_layers

    def _views(self, samples: Sequence[Sample], specification: Specification | None) -> Iterator[View]:
        named = (type_ for sample in samples if sample.label == "defective" for type_ in sample.types)
        spelt = Vocabulary([defect.name for defect in specification.defects] if specification else [])
        self._types = tuple(sorted({spelt.spelling(name) for name in named}))
        return self._examples(samples, specification)

    def _examples(
        self, samples: Sequence[Sample], specification: Specification | None
    ) -> Iterator[TrainingExample]:
        """Good pictures, labelled defects and flipped copies of these."""
        synthetic = SyntheticDefects((), 0, self.framing.resolution, self.seed)
        collector = ExampleCollector(self._look, specification, synthetic, self.name, self.needs.uses)
        for example in collector.collect(samples):
            yield example
            if isinstance(example.sample, Sample) and example.masks:
                yield from self._flipped(collector, example.sample, specification)
        self.skipped_ += collector.skipped
        self.notes_ |= collector.notes
        self.seen_ = collector.seen
        self.needs.check_enough(self.name, collector.good, collector.skipped)

    def _flipped(
        self, collector: ExampleCollector, sample: Sample, specification: Specification | None
    ) -> Iterator[TrainingExample]:
        import cv2

        picture = images.load_picture(sample, uses=self.needs.uses)
        masks = masks_by_type(sample, picture, specification)
        for code in FLIPS[: self.flips]:
            turned = {
                name: np.asarray(cv2.flip(mask.astype(np.uint8), code), bool) for name, mask in masks.items()
            }
            rgb = np.asarray(cv2.flip(picture.rgb, code), np.uint8)
            depth = None if picture.depth is None else np.asarray(cv2.flip(picture.depth, code), np.float32)
            flipped = replace(picture, rgb=rgb, depth=depth, parts=None, signals={})
            yield collector.example(flipped, turned, sample)

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        from specsight.detectors.supervised import fitting

        self.learned_ = None
        collected = PatchCollector(self._types, np.random.default_rng(self.seed))

        def good_pictures() -> Iterator[dict[str, Patches]]:
            for view in views:
                assert isinstance(view, TrainingExample)
                patches, cells = patches_of(view, NEIGHBOURHOOD), view.cells[SEEN]
                collected.add(view, patches, cells)
                if not view.masks:
                    yield evidence.shown(view, patches)

        memories, learners = evidence.learned(self, good_pictures(), expected)
        if collected.good_parts < 2:
            raise SpecsightError(
                f"{self.name} learns from parts that are left out how unseen good parts look, and all good pictures "
                "show the same one: add pictures of another good part"
            )
        if self._types:
            require("torch", "models")
        checkpoint = self.checkpoints / f"{self.name}.safetensors" if self.checkpoints else None
        usual = {name: learner.usual for name, learner in learners.items()}
        self.learned_ = fitting.learn(memories, usual, collected, self._types, self._settings(), checkpoint)

    def _settings(self) -> HeadSettings:
        return HeadSettings(self.hidden, self.dropout, self.steps, self.rate, self.seed, self.device)

    def _learned(self) -> Learned:
        if self.learned_ is None:
            raise self._not_fitted()
        return self.learned_

    def _state(self) -> State:
        return {**self._scale_state(), **self._learned().state()}

    def _restore(self, state: State) -> None:
        self._restore_scale(state)
        self.learned_ = Learned.of_state(state)

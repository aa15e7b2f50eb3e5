"""The supervised detector: a memory of good patches, and a small head that learns from a few labelled defects.

In: good pictures and, where there are some, labelled defects with masks. Out: maps and scores that sum what deviates
from good patches (PatchCore's distance) and what looks like a labelled defect, each in deviations of unseen good
patches; a map per labelled type. Multi-class focal and Dice loss on patches, cross-entropy on pictures. Without a
labelled defect it judges by good parts alone. `adapted` brings it to another line by unlabelled pictures from there.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from typing_extensions import Self

from specsight import images
from specsight.detectors.contract import Detector, View, detectors
from specsight.detectors.examples import ExampleCollector, SyntheticDefects, TrainingExample, masks_by_type
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import layer_names, parameter, sigma_parameter, top_parameter
from specsight.detectors.saving import State
from specsight.detectors.supervised.learned import METHODS, Learned
from specsight.detectors.supervised.patches import CELLS, PatchCollector
from specsight.detectors.supervised.settings import HeadSettings
from specsight.detectors.text import judgement_of_types
from specsight.encoders import Encoder, Features
from specsight.errors import SpecsightError, UnreadableFile, require
from specsight.features import grids
from specsight.features.memory_bank import BankBuilder, MemoryBank
from specsight.features.moments import Moments
from specsight.features.patch_space import patch_space
from specsight.images import Cells
from specsight.progress import track
from specsight.records import Judgement, Picture, Sample
from specsight.specification import Instruction, Specification
from specsight.specification.vocabulary import Vocabulary

NEIGHBOURHOOD = 3
"""Patches are averaged over this many cells each way."""
VARIANCE = 0.99
"""Share of the variance of good patches that the principal axes keep."""
RATIO = 0.1
"""Share of the good patches that the memory keeps, up to the limit."""
MEMORY = 1 << 30
"""Bytes for good patches while fitting."""
FLIPS = (1, 0, -1)
"""Codes of `cv2.flip`: left and right, top and bottom, both."""


@detectors.register("supervised")
@dataclass
class Supervised(Detector):
    """Deviation from good patches, and a head trained on labelled defects, in equal parts."""

    name = "supervised"
    needs: ClassVar[Needs] = Needs(good_pictures=2, takes_defects=True, trains=True)
    regime: ClassVar[Regime] = Regime.SUPERVISED
    adaptations: ClassVar[tuple[str, ...]] = METHODS

    layers: tuple[str, ...] | None = layer_names(
        "Layers to join, on the grid of the first; default: the encoder's middle layers."
    )
    coreset_limit: int = parameter(
        8192, "Good patches to keep at most.", low=1, high=10_000_000, unit="patches"
    )
    flips: int = parameter(
        0, "Flipped copies of every labelled picture to learn from besides.", low=0, high=3
    )
    hidden: int = parameter(32, "Width of the head's hidden layer.", low=2, high=4096)
    dropout: float = parameter(0.3, "Share of the head's inputs left out in a step.", low=0, high=0.95)
    steps: int = parameter(300, "Of training the head.", low=1, high=1_000_000)
    rate: float = parameter(2e-3, "Learning rate at the start; it follows a cosine.", low=1e-8, high=1)
    weight: float = parameter(
        1.0, "Of what the head says, beside the deviation from good patches; 0: that alone.", low=0, high=100
    )
    top: float = top_parameter(0.005)
    sigma: float = sigma_parameter()

    learned_: Learned | None = field(default=None, init=False, repr=False)
    _types: tuple[str, ...] = field(default=(), init=False, repr=False)

    @property
    def map_source(self) -> str:
        """To which line it was adapted, and how; empty where it was not."""
        adaptation = self.learned_.adaptation if self.learned_ else None
        return adaptation.sentence() if adaptation else ""

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map = sum of both z-scores; the score is the mean of its top `top`. Maps of types hold the type's own odds
        in place of those of any defect."""
        learned = self._learned()
        patches, cells = self._patches(view)
        summed = learned.judge(patches, self.weight)
        maps = np.ascontiguousarray(summed.T).reshape(-1, *cells.size)
        score = grids.top_mean(maps[0][view.frame.shows_picture(cells)], self.top)
        return judgement_of_types(
            score, maps[1:], learned.types, cells, view.frame, self.sigma, combined=maps[0]
        )

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
        learned, tables = self._learned(), []
        changed = copy.copy(self)
        changed.skipped_, changed.notes_ = [], {}
        draw = np.random.default_rng(self.seed)
        for sample in track(samples, f"looking at the other line ({len(samples)} pictures)"):
            try:
                picture = images.load_picture(sample)
            except UnreadableFile as error:
                changed.skipped_.append((str(sample.image), str(error)))
                continue
            view = self._look(picture)
            patches, cells = self._patches(view)
            shown = patches[view.frame.shows_picture(cells).ravel()]
            tables.append(learned.space.project(draw.permutation(shown)[:CELLS]))
        if not tables:
            raise SpecsightError("no picture of the other line could be read: there is nothing to adapt to")
        settings = self._settings()
        changed.learned_ = adapting.adapt(learned, np.concatenate(tables), len(tables), method, settings)
        return changed

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        return self.layers or encoder.default_layers

    def _patches(self, view: View) -> tuple[Features, Cells]:
        """Locally aware patch vectors (h · w, D) and their cells."""
        joined, cells = grids.join(view.features, view.cells, NEIGHBOURHOOD)
        return grids.vectors(joined), cells

    def _views(self, samples: Sequence[Sample], specification: Specification | None) -> Iterator[View]:
        """Training examples: good pictures, labelled defects and flipped copies of these."""
        collector = ExampleCollector(
            self._look, specification, SyntheticDefects((), 0, self.framing.resolution, self.seed), self.name
        )
        named = (type_ for sample in samples if sample.label == "defective" for type_ in sample.types)
        spelt = Vocabulary([defect.name for defect in specification.defects] if specification else [])
        self._types = tuple(sorted({spelt.spelling(name) for name in named}))
        for example in collector.collect(samples):
            yield example
            if isinstance(example.sample, Sample) and example.masks:
                yield from self._flipped(collector, example.sample, specification)
        self.skipped_ += collector.skipped
        self.notes_ |= collector.notes
        self.needs.check_enough(self.name, collector.good, collector.skipped)

    def _flipped(
        self, collector: ExampleCollector, sample: Sample, specification: Specification | None
    ) -> Iterator[TrainingExample]:
        import cv2

        picture = images.load_picture(sample)
        masks = masks_by_type(sample, picture, specification)
        for code in FLIPS[: self.flips]:
            turned = {
                name: np.asarray(cv2.flip(mask.astype(np.uint8), code), bool) for name, mask in masks.items()
            }
            rgb = np.asarray(cv2.flip(picture.rgb, code), np.uint8)
            yield collector.example(Picture(rgb, circular=picture.circular), turned, sample)

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        from specsight.detectors.supervised import fitting

        self.learned_ = None
        builder, moments, widths = BankBuilder(RATIO, self.coreset_limit, MEMORY, self.seed), Moments(), []
        collected: PatchCollector | None = None
        for number, view in enumerate(views, 1):
            assert isinstance(view, TrainingExample)
            collected = collected or PatchCollector(self._types, np.random.default_rng(self.seed))
            patches, cells = self._patches(view)
            collected.add(view, patches, cells)
            if not view.masks:
                good = patches[view.frame.shows_picture(cells).ravel()]
                moments.add(good)
                builder.add(good, expected=(expected - number) * len(good))
                widths = [len(grid) for grid in view.features.values()]
        assert collected is not None
        if collected.good_parts < 2:
            raise SpecsightError(
                f"{self.name} learns from parts that are left out how unseen good parts look, and all good pictures "
                "show the same one: add pictures of another good part"
            )
        space = patch_space(builder.collected, moments, widths, VARIANCE)
        bank = MemoryBank(builder.build(space.project))
        if self._types:
            require("torch", "models")
        checkpoint = self.checkpoints / f"{self.name}.safetensors" if self.checkpoints else None
        self.learned_ = fitting.learn(
            space, bank, collected.patches(space.project), self._types, self._settings(), checkpoint
        )

    def _settings(self) -> HeadSettings:
        return HeadSettings(self.hidden, self.dropout, self.steps, self.rate, self.seed, self.device)

    def _learned(self) -> Learned:
        if self.learned_ is None:
            raise self._not_fitted()
        return self.learned_

    def _state(self) -> State:
        return self._learned().state()

    def _restore(self, state: State) -> None:
        self.learned_ = Learned.of_state(state)

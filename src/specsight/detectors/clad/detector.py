"""CLAD: contrastive language–image anomaly detection, with the reconstruction of both sides from the joint space.

In: good pictures, labelled defects where there are some, a specification. Out: how much nearer a picture and its
patches lie to the sentences about defects than to those about good parts, in a space of 256 dimensions learned from
typed synthetic defects. The paper prints no equations; they are completed here as its legend demands.

Departures, each with a switch back: sentences about the same state are no negatives (`contrast="literal"`), patches
train and score beside the pooled embedding (`patches=0`, `local=0`, `map="gradcam"`), the score compares good with
defective sentences (`score="similarity"` knows those about good parts alone), both encoders stay frozen
(`tune_encoder`, `tune_text_encoder`). Without a switch: the general stage paints its defects on this product's good
pictures (there is no set of industrial pictures to train on), and both projections start equal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import Detector, View, detectors
from specsight.detectors.examples import ExampleCollector, SyntheticDefects, TrainingExample, check_types
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import check_range, parameter, sigma_parameter
from specsight.detectors.saving import State, json_array, of_json_array
from specsight.detectors.synthetic_examples import every_kind
from specsight.detectors.text import Words, judgement_of_types, judgement_without_types
from specsight.encoders import JOINT, Encoder, Features
from specsight.errors import SpecsightError, require
from specsight.images import Frame, Tiling
from specsight.learning.history import History
from specsight.learning.schedule import Schedule
from specsight.records import Judgement, Sample
from specsight.specification import Instruction, Specification
from specsight.storage import below

if TYPE_CHECKING:
    from specsight.detectors.clad.fitting import Scales
    from specsight.detectors.clad.judging import Embedded
    from specsight.detectors.clad.networks import Networks
    from specsight.encoders.passes.split import Split

PATIENCE = 6
"""Validations without improvement on held-out examples that end a stage."""
WITHOUT_EXAMPLES, SCALES, DIMENSIONS, WEIGHTS = "types_without_examples", "scales", "dimensions", "weights/"


@detectors.register("clad")
@dataclass
class Clad(Detector):
    """Margin contrastive loss between pictures and sentences, in two stages, with reconstruction.

    The paper's score sees a picture through its pooled embedding alone, which hardly moves for a small defect: by
    default half of its evidence is that of the patches, averaged over the strongest 1 % (`local`).
    """

    name = "clad"
    needs: ClassVar[Needs] = Needs(good_pictures=2, text=True, takes_defects=True, trains=True)
    regime: ClassVar[Regime] = Regime.NORMAL_ONLY

    synthetic_defects: int = parameter(
        200,
        "Synthetic defects to learn from, over all good pictures (at least one a picture).",
        low=1,
        high=1_000_000,
    )
    steps: int = parameter(
        300, "Of each stage, at most: about 30 epochs of 300 examples.", low=1, high=1_000_000
    )
    rate: float = parameter(
        1e-3,
        "Of AdamW for the heads, the encoder's tail at a tenth. The paper's 1e-4 is for ten times as many "
        "steps.",
        low=1e-8,
        high=1,
    )
    width: int = parameter(256, "Dimensions of the learned space.", low=2, high=4096, unit="dimensions")
    contrast: str = parameter(
        "label-aware",
        "label-aware, literal (every other sentence of the batch is a negative) or none (a classifier "
        "instead).",
        choices=("label-aware", "literal", "none"),
    )
    margin: float = parameter(
        0.1, "Squared distance within which a picture and its sentence are near enough.", low=0, high=4
    )
    other_margin: float = parameter(
        1.0, "Squared distance beyond which a picture and a wrong sentence are far enough.", low=0, high=4
    )
    hard_negatives: bool = parameter(False, "Whether the nearest wrong sentence alone is pushed away.")
    patches: float = parameter(
        1.0,
        "Weight of the same loss on patches, whose masks say what they show; 0: the paper.",
        low=0,
        high=1e3,
    )
    reconstruction: float = parameter(
        0.1, "λ, weight of rebuilding patch maps and sentences from the learned space.", low=0, high=1e3
    )
    reconstruct_good_only: bool = parameter(False, "Whether good patches and sentences alone are rebuilt.")
    stages: str = parameter(
        "two",
        "two: every synthetic kind in general words, then the specification's own types and words; general: the "
        "first alone; none: the encoder's own features and words, nothing trained.",
        choices=("two", "general", "none"),
    )
    tune_encoder: bool = parameter(False, "Whether the image encoder's last block learns too.")
    tune_text_encoder: bool = parameter(False, "Whether the text encoder's last block learns too.")
    score: str = parameter(
        "margin",
        "margin: sigmoid of (d_good - nearest d_defect) / T; similarity: the paper's 1 - exp(-γ d_good).",
        choices=("margin", "similarity"),
    )
    local: float = parameter(
        0.5,
        "Share that the strongest 1 % of the patches have in the score's evidence, fixed a priori; 0: the "
        "paper.",
        low=0,
        high=1,
    )
    map: str = parameter(
        "dense",
        "dense: each patch's own margin; gradcam: the paper's, from gradients of the picture's margin.",
        choices=("dense", "gradcam"),
    )
    temperature: float = parameter(
        0.14,
        "Divides differences of squared distances; d = 2 - 2 cos makes it the 0.07 that WinCLIP divides cosines by.",
        low=1e-3,
        high=10,
    )
    sigma: float = sigma_parameter()

    histories_: tuple[History, ...] = field(default=(), init=False, repr=False)
    """How each stage of training went."""
    scales_: Scales | None = field(default=None, init=False, repr=False)
    """What held-out good pictures look like to the trained networks."""
    networks_: Networks | None = field(default=None, init=False, repr=False)
    split_: Split | None = field(default=None, init=False, repr=False)
    types_without_examples_: tuple[str, ...] = field(default=(), init=False, repr=False)
    """Types of the specification that no example shows: known by their words alone."""
    _last: tuple[View, Embedded] | None = field(default=None, init=False, repr=False)
    """The view judged last, in the learned space: words change, that does not."""

    def check_parameters(self) -> None:
        """Raise SpecsightError for the first hyper-parameter out of its range."""
        super().check_parameters()
        check_range("margin", self.margin, 0, self.other_margin)
        if self.contrast == "none" and self.score == "similarity":
            raise SpecsightError(
                "score 'similarity' compares with words, which contrast 'none' does not learn: choose score 'margin'"
            )
        if self.stages == "none" and (self.contrast == "none" or self.tune_encoder or self.tune_text_encoder):
            raise SpecsightError(
                "stages 'none' trains nothing: a classifier (contrast 'none') or an encoder that learns "
                "(tune_encoder, tune_text_encoder) needs stages 'two' or 'general'"
            )

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map of a type: how much nearer a patch lies to its sentences than to those of a good part, 0 at the median
        and 1 at the 99 % quantile of held-out good patches. Types to be ignored count as good."""
        from specsight.detectors.clad import judging

        anchors, networks, scales = self._get_words().anchors(instruction), *self._fitted()
        if not anchors.types:
            return judgement_without_types(view.frame)
        if self._last is None or self._last[0] is not view:
            self._last = (view, judging.embed(networks, view, self.get_encoder().placements[JOINT]))
        options = judging.JudgingOptions(self.score, self.map, self.local, self.temperature)
        scored = judging.judge(view, self._last[1], anchors, networks, scales, options)
        types = (None,) if networks.classifies else anchors.types
        return judgement_of_types(
            scored.score, scored.maps, types, scored.cells, view.frame, self.sigma, combined=scored.combined
        )

    def _features(self, encoder: Encoder, pixels: NDArray[np.uint8], frame: Frame) -> Mapping[str, Features]:
        from specsight.detectors.clad.examples import GRID, PREFIX

        grid, prefix = self._cut().trunk(pixels)
        return {GRID: grid[0], PREFIX: prefix[0][:, None]} if prefix.shape[2] else {GRID: grid[0]}

    def _joined(self, name: str, parts: Sequence[Features], tiling: Tiling) -> Features:
        """The tail takes one grid, and prefix tokens that are the mean of the tiles'."""
        from specsight.detectors.clad.examples import PREFIX

        if name == PREFIX:
            return np.asarray(np.mean(parts, axis=0), np.float32)
        rows, columns = parts[0].shape[1:]
        return tiling.blend(parts, (tiling.size[0] / rows, tiling.size[1] / columns))

    def _cut(self) -> Split:
        require("torch", "models")
        from specsight.encoders.passes.split import split

        if self.split_ is None:
            self.split_ = split(self.get_encoder())
        return self.split_

    def _views(self, samples: Sequence[Sample], specification: Specification | None) -> Iterator[View]:
        """Training examples: good pictures with synthetic defects of every kind, and labelled defects."""
        kinds = every_kind(specification) if specification else []
        count = 0 if self.stages == "none" else self.synthetic_defects
        synthetic = SyntheticDefects(kinds, count, self.framing.resolution, self.seed)
        collector = ExampleCollector(self._look, specification, synthetic, self.name)
        yield from collector.collect(samples)
        self.skipped_ += collector.skipped
        self.notes_ |= collector.notes
        self.needs.check_enough(self.name, collector.good, collector.skipped)

    def _check_needs(self, samples: Sequence[Sample], specification: Specification | None) -> None:
        super()._check_needs(samples, specification)
        check_types(samples, specification)

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        require("torch", "models")
        from specsight.detectors.clad import fitting
        from specsight.detectors.clad.examples import EncodedExample
        from specsight.detectors.clad.stage import LossWeights

        self.networks_ = self.scales_ = self._last = None
        tail, cams = self._cut().tail, self.map == "gradcam"
        joint = self.get_encoder().placements[JOINT]
        examples = [
            EncodedExample.of(view, tail, joint, tuned=self.tune_encoder, keep_cut=cams)
            for view in views
            if isinstance(view, TrainingExample)
        ]
        split = fitting.split_examples(examples, self.seed, trains=self.stages != fitting.NO_STAGE)
        networks = self._new_networks(examples[0].target.shape[0])
        weights = LossWeights(
            **{part.name: getattr(self, part.name) for part in dataclasses.fields(LossWeights)}
        )
        schedule = Schedule(self.steps, self.rate, patience=PATIENCE)
        words = self._get_words()
        specified = words.specification
        stages = fitting.stage_sentences(words.book, specified, split.training, stages=self.stages)
        with_examples = fitting.types_with_examples(specified, split.training)
        self.types_without_examples_ = tuple(d.name for d in specified.defects if d.name not in with_examples)
        self.histories_ = fitting.train(
            networks,
            split,
            stages,
            weights,
            schedule,
            seed=self.seed,
            checkpoints=self.checkpoints,
            device=self.device,
        )
        networks.freeze()
        self._read_as_learned(networks)
        accepted, defects = networks.project_anchors(self._get_words().anchors())
        self.scales_ = fitting.measure_scales(networks, split.held_out, accepted, defects, cams=cams)
        self.networks_ = networks

    def _new_networks(self, embedding: int) -> Networks:
        from specsight.detectors.clad.networks import Networks
        from specsight.encoders.passes.text_tail import text_tail

        return Networks(
            self._cut().tail,
            embedding,
            None if self.stages == "none" else self.width,
            self.seed,
            tuned=self.tune_encoder,
            classifies=self.contrast == "none",
            text_tail=text_tail(self.get_encoder()) if self.tune_text_encoder else None,
        )

    def _read_as_learned(self, networks: Networks) -> None:
        """From now on, read sentences with the text encoder that learned, where it did."""
        if networks.text_tail is not None:
            self.words_ = Words.of(self._get_words().specification, networks.text_tail)

    def _fitted(self) -> tuple[Networks, Scales]:
        if self.networks_ is None or self.scales_ is None:
            raise self._not_fitted()
        return self.networks_, self.scales_

    def _state(self) -> State:
        networks, scales = self._fitted()
        weights = {f"{WEIGHTS}{name}": array for name, array in networks.arrays().items()}
        return {
            **weights,
            WITHOUT_EXAMPLES: json_array(self.types_without_examples_),
            SCALES: np.array([*scales.gammas, *scales.levels]),
            DIMENSIONS: np.array([networks.embedding]),
        }

    def _restore(self, state: State) -> None:
        from specsight.detectors.clad.fitting import Scales

        self.types_without_examples_ = tuple(of_json_array(state[WITHOUT_EXAMPLES]))
        first, second, low, high = state[SCALES].tolist()
        networks = self._new_networks(int(state[DIMENSIONS][0]))
        networks.load(below(state, WEIGHTS))
        self._read_as_learned(networks)
        self.networks_, self.scales_, self._last = networks, Scales((first, second), (low, high)), None

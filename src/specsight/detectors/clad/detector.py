"""CLAD: contrastive language–image anomaly detection, with the reconstruction of both sides from the joint space.

In: good pictures, labelled defects where there are some, a specification. Out: how much nearer a picture and its
patches lie to the sentences about defects than to those about good parts, in a space of 256 dimensions learned from
typed synthetic defects. The paper prints no equations; they are completed here as its legend demands.

Departures, each with a switch back: sentences about the same state are no negatives (`contrast="literal"`), patches
train and score beside the pooled embedding (`patches=0`, `local=0`, `map="gradcam"`), both projections start equal.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import State, View, detectors
from specsight.detectors.examples import ExampleDetector, TrainingExample
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import check_range, parameter
from specsight.detectors.text_detector import TypeMaps, framed, shown
from specsight.encoders import Encoder, Features
from specsight.errors import SpecsightError, require
from specsight.features import grids
from specsight.learning.history import History
from specsight.learning.schedule import Schedule
from specsight.prompts import prompt_bank
from specsight.records import Judgement, Sample
from specsight.specification import Instruction, Specification
from specsight.synthetic.defects.painting import synthesisers

if TYPE_CHECKING:
    from torch import Tensor

    from specsight.detectors.clad.examples import EncodedExample, Sentences
    from specsight.detectors.clad.networks import Networks
    from specsight.encoders.passes.split import Split

TOP = 0.01
"""Share of a picture's patches whose mean speaks for them all."""
PATIENCE = 6
"""Validations without improvement on held-out examples that end a stage."""
WITHOUT_EXAMPLES, SCALES, WEIGHTS = "types_without_examples", "scales", "weights/"


@detectors.register("clad")
@dataclass
class Clad(ExampleDetector):
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
    task_stage: bool = parameter(
        True,
        "Whether the specification's own types and words are trained on, behind every synthetic kind in "
        "general words.",
    )
    tune_encoder: bool = parameter(False, "Whether the encoder's last block learns too.")
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

    histories_: tuple[History, ...] = field(default=(), init=False, repr=False)
    """How each stage of training went."""
    gammas_: tuple[float, float] = field(default=(1.0, 1.0), init=False, repr=False)
    """γ of pictures and of their strongest patches."""
    levels_: tuple[float, float] = field(default=(0.0, 1.0), init=False, repr=False)
    """Map values of held-out good patches, median and 99 %: they become 0 and 1."""
    networks_: Networks | None = field(default=None, init=False, repr=False)
    split_: Split | None = field(default=None, init=False, repr=False)
    objects_: tuple[str, ...] = field(default=(), init=False, repr=False)
    """The physical object of each picture to fit on: one object lies on one side of the split."""
    _last: tuple[View, Tensor, Tensor] | None = field(default=None, init=False, repr=False)
    """The view judged last, its picture (1, d) and its patches (h · w, d): words change, those do not."""

    def check_parameters(self) -> None:
        """Raise SpecsightError for the first hyper-parameter out of its range."""
        super().check_parameters()
        check_range("margin", self.margin, 0, self.other_margin)
        if self.contrast == "none" and self.score == "similarity":
            raise SpecsightError(
                "score 'similarity' compares with words, which contrast 'none' does not learn: choose score 'margin'"
            )

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map of a type: how much nearer a patch lies to its sentences than to those of a good part, 0 at the median
        and 1 at the 99 % quantile of held-out good patches. Types to be ignored count as good."""
        import torch

        anchors, networks = self._anchors(instruction), self._fitted()
        if not anchors.types:
            return self._judgement(0.0, np.zeros((0, 1, 1), np.float32), (), view)
        picture, patches = self._embedded(view)
        size = (patches.shape[0], patches.shape[1])
        cells = shown(view.frame, size)
        inside = patches[cells].flatten(0, 1)
        accepted, defects = networks.words(anchors)
        with torch.no_grad():
            whole = networks.margins(picture, accepted, defects)[:, 0].numpy()
            dense = networks.margins(inside, accepted, defects).numpy()
            score = self._score((picture, inside), accepted, whole, dense)
        types = (None,) if networks.classifies else anchors.types
        if self.map == "gradcam":
            return self._cam_judgement(score, view, accepted, defects, types)
        maps = self._levelled(dense.reshape(-1, *patches[cells].shape[:2]))
        return self._judgement(score, framed(maps, cells, size), types, view)

    def _cam_judgement(
        self, score: float, view: View, accepted: Tensor, defects: Tensor, types: Sequence[str | None]
    ) -> Judgement:
        """The map is that of the nearest type: Grad-CAM of the paper's mismatch."""
        from specsight.detectors.clad.examples import tail_inputs

        evidence, cams = self._fitted().cams(*tail_inputs(view.features), accepted, defects)
        maps = self._levelled(cams.numpy())
        named = {name: maps[k] for k, name in enumerate(types) if name is not None}
        drawn = grids.on_picture(maps[int(evidence.argmax())], view.frame, self.sigma)
        return Judgement(score, drawn, TypeMaps(named, view.frame, self.sigma))

    def _score(
        self, seen: tuple[Tensor, Tensor], accepted: Tensor, whole: Features, dense: Features
    ) -> float:
        """Of the picture and of its strongest patches; they meet before the last non-linearity, where neither can
        drown the other by being certain."""
        from specsight.detectors.clad import maps

        if self.score == "similarity":
            of_picture, of_patches = (maps.acceptance(vectors, accepted).numpy() for vectors in seen)
            far = (self.gammas_[0] * float(of_picture[0]), self.gammas_[1] * grids.top_mean(of_patches, TOP))
            return 1 - maps.similarity((1 - self.local) * far[0] + self.local * far[1], gamma=1.0)
        margins = (float(whole.max()), grids.top_mean(dense.max(0), TOP))
        evidence = (1 - self.local) * margins[0] + self.local * margins[1]
        return maps.logistic(evidence / self.temperature)

    def _levelled(self, maps: Features) -> Features:
        low, high = self.levels_
        return np.asarray((maps - low) / (high - low), np.float32)

    def _embedded(self, view: View) -> tuple[Tensor, Tensor]:
        """The picture (1, d) and its patches (h, w, d) in the learned space."""
        import torch

        from specsight.detectors.clad.examples import tail_inputs

        last = self._last
        if last is None or last[0] is not view:
            networks = self._fitted()
            with torch.no_grad():
                seen = networks.tail(*tail_inputs(view.features))
                patches = networks.see(seen.patches[0].permute(1, 2, 0))
                last = self._last = (view, networks.see(seen.pooled), patches)
        return last[1], last[2]

    def _see(self, encoder: Encoder, pixels: NDArray[np.uint8]) -> Mapping[str, Features]:
        from specsight.detectors.clad.examples import FRONT, GRID

        grid, front = self._cut().trunk(pixels)
        return {GRID: grid[0], FRONT: front[0][:, None]} if front.shape[2] else {GRID: grid[0]}

    def _cut(self) -> Split:
        require("torch", "models")
        from specsight.encoders.passes.split import split

        if self.split_ is None:
            self.split_ = split(self._encoder())
        return self.split_

    def _kinds(self) -> list[tuple[str, str | None]]:
        """Every synthetic defect, for the general stage; half of them, if any, such as stand for a specified type."""
        typed = [(synthetic, type_) for synthetic, type_ in super()._kinds() if type_ is not None]
        standing = {synthetic for synthetic, _ in typed}
        others = [(synthetic, None) for synthetic in synthesisers if synthetic not in standing]
        return [*typed * max(1, round(len(others) / max(1, len(typed)))), *others]

    def _prepare(self, samples: Sequence[Sample]) -> None:
        self.objects_ = tuple(sample.group or str(sample.image) for sample in samples)

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        require("torch", "models")
        from specsight.detectors.clad import fitting
        from specsight.detectors.clad.examples import EncodedExample
        from specsight.detectors.clad.stage import Weights

        self._take_words(specification)
        self.networks_ = self._last = None
        tail, cams = self._cut().tail, self.map == "gradcam"
        examples = [
            EncodedExample.of(view, tail, tuned=self.tune_encoder, keep_cut=cams)
            for view in views
            if isinstance(view, TrainingExample)
        ]
        split = fitting.split_examples(examples, self.objects_, self.seed)
        networks = self._new_networks(examples[0].target.shape[0])
        weights = Weights(**{part.name: getattr(self, part.name) for part in dataclasses.fields(Weights)})
        schedule = Schedule(self.steps, self.rate, patience=PATIENCE)
        stages = self._stages(split.known)
        self.histories_ = fitting.train(
            networks, split, stages, weights, schedule, self.seed, self.checkpoints
        )
        networks.freeze()
        accepted, defects = networks.words(self._anchors(None))
        scales = fitting.measure(networks, split.held_out, accepted, defects, top=TOP, cams=cams)
        self.gammas_, self.levels_, self.networks_ = scales.gammas, scales.levels, networks

    def _stages(self, known: Sequence[EncodedExample]) -> dict[str, Sentences]:
        """What each stage teaches. Types that no example shows are left to their words alone: pushed away from every
        picture and drawn to none, they would be found nowhere."""
        from specsight.detectors.clad import examples
        from specsight.detectors.clad.stage import GENERAL, TASK

        if self.specification_ is None or self.phrases_ is None:
            raise self._not_fitted()
        types = [defect.name for defect in self.specification_.defects]
        shown = [type_ for type_ in types if any(type_ in example.covered for example in known)]
        self.types_without_examples_ = tuple(type_ for type_ in types if type_ not in shown)
        synthetic = sorted({example.synthetic for example in known if example.synthetic})
        stages = {GENERAL: examples.general_words(self.phrases_, synthetic)} if synthetic else {}
        if self.task_stage:
            bank = prompt_bank(self.specification_)
            stages[TASK] = examples.task_words(self.phrases_, bank, shown)
        return stages

    def _new_networks(self, embedding: int) -> Networks:
        from specsight.detectors.clad.networks import Networks

        return Networks(
            self._cut().tail,
            embedding,
            self.width,
            self.seed,
            tuned=self.tune_encoder,
            classifies=self.contrast == "none",
        )

    def _fitted(self) -> Networks:
        if self.networks_ is None:
            raise self._not_fitted()
        return self.networks_

    def _state(self) -> State:
        weights = {f"{WEIGHTS}{name}": array for name, array in self._fitted().arrays().items()}
        without_examples = np.frombuffer(json.dumps(self.types_without_examples_).encode(), np.uint8)
        scales = np.array([*self.gammas_, *self.levels_])
        return {**super()._state(), **weights, WITHOUT_EXAMPLES: without_examples, SCALES: scales}

    def _restore(self, state: State) -> None:
        super()._restore(state)
        self.types_without_examples_ = tuple(json.loads(state[WITHOUT_EXAMPLES].tobytes()))
        first, second, low, high = state[SCALES].tolist()
        self.gammas_, self.levels_ = (first, second), (low, high)
        networks = self._new_networks(state[f"{WEIGHTS}see/first.weight"].shape[1])
        networks.take({k.removeprefix(WEIGHTS): v for k, v in state.items() if k.startswith(WEIGHTS)})
        self.networks_, self._last = networks, None

"""Any vision-language model as a detector: it is shown the picture and asked, and nothing is trained.

In: a checkpoint of `specsight.language` that sees, weighs options and, for maps of its own, tells how it attends. Out:
as score, the probability that it answers yes when asked whether the product shows a defect; for each type the same. A
map is one of two things, and says which (`map_from`):

- "attention": how the answer attends to the picture, less how the answer to a neutral question does, times the
  probability of yes. That language models look at the right place, and that attention must be compared with that under
  another question to show it, is found by Zhang et al., "MLLMs know where to look" (ICLR 2025); they divide, here it is
  subtracted, so that cells to which nothing attends do not rule the map.
- "evidence": the map of another detector, which the language model has no say in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from specsight import images
from specsight.detectors.contract import Detector, View, create_detector, detectors
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import parameter, sigma_parameter
from specsight.detectors.saving import State
from specsight.detectors.text import TypeMaps, judgement_without_types
from specsight.detectors.vlm.questions import asked, probability_of_yes, questions
from specsight.errors import SpecsightError, did_you_mean
from specsight.features import grids
from specsight.language import AttentionGrid, LanguageModel, load_language_model, names_same_model
from specsight.preparation import STANDARD, Framing
from specsight.records import Judgement, Picture, Sample
from specsight.specification import Instruction, Specification
from specsight.storage import below

ATTENTION, EVIDENCE = "attention", "evidence"
PIXELS = "pixels"
"""Name of the framed picture (3, h, w) in a view that has no features of evidence."""
FINGERPRINT = "language_model"
"""Name of the language model's fingerprint among the learned arrays, 32 bytes."""
OF_EVIDENCE = "evidence."
"""Begins the names of what the evidence detector has learned."""
Map = NDArray[np.float32]


@dataclass(frozen=True)
class AskedView(View):
    """A picture as the language model is shown it, and as the evidence detector sees it."""

    pixels: NDArray[np.uint8] = field(kw_only=True)
    """(h, w, 3) RGB."""
    shown: images.Frame = field(kw_only=True)
    """Where the picture lies in `pixels`."""
    evidence: View | None = field(default=None, kw_only=True)


@detectors.register("vlm")
@dataclass
class VlmDetector(Detector):
    """Asks a vision-language model whether the product shows a defect."""

    name = "vlm"
    needs: ClassVar[Needs] = Needs(good_pictures=0, text=True, language_model=True)
    regime: ClassVar[Regime] = Regime.ZERO_SHOT

    resolution: int | str = parameter(
        448,
        "Shorter side of the picture that the language model is shown, before its own processor resizes it.",
        low=32,
        high=4096,
        unit="px",
    )
    language_model: str = parameter(
        "", "The vision-language model, as load_language_model takes it: vision:FOLDER. Must be given."
    )
    map_from: str = parameter(
        ATTENTION,
        "What a map shows: where the answer attends, or what the evidence detector finds.",
        choices=(ATTENTION, EVIDENCE),
    )
    evidence: str = parameter("phrases", "The detector that gives maps where map_from is evidence.")
    evidence_resolution: int = parameter(
        STANDARD, "Shorter side of the picture that it looks at.", low=32, high=4096, unit="px"
    )
    attention_from: float = parameter(
        0.33, "First layer whose attention counts, as a share of the model's depth.", low=0, high=1
    )
    attention_to: float = parameter(0.67, "Last layer, likewise.", low=0, high=1)
    sigma: float = sigma_parameter()

    language_model_: LanguageModel | None = field(default=None, init=False, repr=False)
    fingerprint_: str = field(default="", init=False, repr=False)
    """Of the language model that was fitted with."""
    evidence_: Detector | None = field(default=None, init=False, repr=False)

    @property
    def map_source(self) -> str:
        """What a map is, in words."""
        if self.map_from == EVIDENCE:
            return f"evidence of {self.evidence}; the language model gives scores alone"
        return "attention of the language model's answer, less that under a neutral question"

    def get_language_model(self) -> LanguageModel:
        """The language model, loaded when it is first asked for.

        Raises SpecsightError as `load_language_model` does, for one that does not see, weigh options or, where maps
        are made of it, tell its attention, and for another than was fitted with.
        """
        if self.language_model_ is None:
            if not self.language_model:
                raise SpecsightError(
                    "vlm asks a vision-language model, and none is named: --set language_model=vision:FOLDER"
                )
            if self.fingerprint_ and not names_same_model(self.language_model, self.fingerprint_):
                raise self._another_model()
            model = load_language_model(self.language_model, self.device)
            self._check_model(model)
            if self.fingerprint_ not in ("", model.fingerprint):
                raise self._another_model()
            self.language_model_ = model
        return self.language_model_

    def check_parameters(self) -> None:
        """Raise SpecsightError for the first hyper-parameter out of its range, and for an unknown evidence detector."""
        super().check_parameters()
        for name in ("language_model", "evidence"):
            if not isinstance(getattr(self, name), str):
                raise SpecsightError(f"{name} must be a name, got {getattr(self, name)!r}")
        if self.attention_from > self.attention_to:
            raise SpecsightError(
                f"attention_from must not lie behind attention_to, got {self.attention_from:g} and "
                f"{self.attention_to:g}"
            )
        if self.evidence not in detectors:
            raise SpecsightError(
                f"unknown evidence detector '{self.evidence}': {did_you_mean(self.evidence, detectors)}"
            )
        needs = detectors[self.evidence].needs
        if needs.language_model or needs.other_sets or needs.trains or needs.depth or needs.masks:
            raise SpecsightError(
                f"'{self.evidence}' cannot give evidence, for it needs more than colours, words and good pictures: "
                "choose phrases, winclip or patchcore"
            )

    def fit(
        self,
        samples: Sequence[Sample],
        specification: Specification | None = None,
        framing: Framing | None = None,
    ) -> Self:
        """Load the language model and, where it gives the maps, fit the evidence detector; nothing else is learned.

        Raises SpecsightError as the base class and `get_language_model` do.
        """
        self.check_parameters()
        self._check_needs(samples, specification)
        self.fingerprint_, self.language_model_ = "", None
        self.fingerprint_ = self.get_language_model().fingerprint
        self.evidence_ = None
        if self.map_from == EVIDENCE:
            self.evidence_ = self._new_evidence().fit(samples, specification, framing)
            framing = self.evidence_.framing
        super().fit(samples, specification, framing)
        if self.evidence_ is not None:
            self.skipped_, self.notes_ = self.evidence_.skipped_, self.evidence_.notes_
        return self

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Score = P(yes) in [0, 1]; the map and those of types as `map_source` says.

        With attention, a map is P(yes) times how much more the answer attends to a place than the answer to a neutral
        question does, both as multiples of attention that is spread evenly over the picture; a type's map is the same
        of the question about it. With evidence, a type's map is its P(yes) times the evidence above zero. Maps of types
        are made when they are read.
        """
        assert isinstance(view, AskedView)
        ask = questions(self._get_words().specification, instruction)
        if not ask.any_counts:
            return judgement_without_types(view.frame)
        model = self.get_language_model()
        score = probability_of_yes(model, asked(ask.defect, view.pixels))
        if view.evidence is not None and self.evidence_ is not None:
            evidence = self.evidence_.judge(view.evidence, instruction).map
            found = np.maximum(evidence, 0)
            return Judgement(
                score,
                evidence,
                TypeMaps(
                    list(ask.types),
                    lambda type_: np.asarray(found * self._yes(view, ask.types[type_]), np.float32),
                ),
            )
        neutral = self._attention(view, ask.neutral)

        def relative(question: str, probability: float) -> Map:
            return np.asarray(probability * (self._attention(view, question) - neutral), np.float32)

        return Judgement(
            score,
            relative(ask.defect, score),
            TypeMaps(
                list(ask.types), lambda type_: relative(ask.types[type_], self._yes(view, ask.types[type_]))
            ),
        )

    def _yes(self, view: AskedView, question: str) -> float:
        return probability_of_yes(self.get_language_model(), asked(question, view.pixels))

    def _attention(self, view: AskedView, question: str) -> Map:
        """How the answer attends to each pixel of the picture, as a multiple of evenly spread attention, (H, W)."""
        depth = (self.attention_from, self.attention_to)
        (found,) = self.get_language_model().attention(asked(question, view.pixels), depth)
        return np.asarray(sum(self._drawn(grid, view.shown) for grid in found), np.float32)

    def _drawn(self, grid: AttentionGrid, frame: images.Frame) -> Map:
        """A grid's attention on the picture: each cell's share spread over its pixels."""
        density = grid.shares * (math.prod(frame.size) / math.prod(grid.cells.stride))
        return grids.on_picture(np.asarray(density, np.float32), grid.cells, frame, self.sigma)

    def _look(self, picture: Picture) -> View:
        """The picture at `resolution`, and what the evidence detector sees of it."""
        side = int(self.resolution)
        pixels, frame = images.shorter_side(picture.rgb, side, circular=picture.circular)
        if self.evidence_ is None:
            features = {PIXELS: np.asarray(pixels.transpose(2, 0, 1), np.float32)}
            return AskedView(frame, features, notes=(self._note,), pixels=pixels, shown=frame)
        (seen,) = self.evidence_.look([picture])
        notes = (*seen.notes, self._note)
        return AskedView(
            seen.frame, seen.features, seen.cells, notes=notes, pixels=pixels, shown=frame, evidence=seen
        )

    @property
    def _note(self) -> str:
        return f"the map is {self.map_source}"

    def _new_evidence(self) -> Detector:
        """An evidence detector that has learned nothing, with the same encoder, resolution and seed."""
        same: dict[str, Any] = {"encoder": self.get_encoder(), "seed": self.seed, "device": self.device}
        return create_detector(self.evidence, **same, resolution=self.evidence_resolution, tile=self.tile)

    def _check_model(self, model: LanguageModel) -> None:
        what = f"language model '{self.language_model}'"
        if not model.sees:
            raise SpecsightError(f"{what} does not see: name a vision-language checkpoint (vision:FOLDER)")
        if not model.weighs:
            raise SpecsightError(
                f"{what} gives words alone, and vlm needs the likelihoods of yes and no: name a checkpoint on this "
                "machine (vision:FOLDER)"
            )
        if self.map_from == ATTENTION and not model.attends:
            raise SpecsightError(
                f"{what} is of a family whose image tokens are not known, so that its attention gives no map: --set "
                "map_from=evidence"
            )

    def _another_model(self) -> SpecsightError:
        return SpecsightError(
            f"this vlm detector was fitted with another language model than '{self.language_model}' is now (its "
            "fingerprint differs): put the original one there, or fit again"
        )

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        """Nothing: the language model is asked as it is."""

    def _state(self) -> State:
        if not self.fingerprint_:
            raise self._not_fitted()
        learned = {} if self.evidence_ is None else self.evidence_._state()
        return {
            FINGERPRINT: np.frombuffer(bytes.fromhex(self.fingerprint_), np.uint8),
            **{f"{OF_EVIDENCE}{name}": values for name, values in learned.items()},
        }

    def _restore(self, state: State) -> None:
        digest = state[FINGERPRINT]
        if digest.dtype != np.uint8 or digest.shape != (32,):
            raise ValueError("the fingerprint of the language model is damaged")
        self.fingerprint_, self.language_model_ = digest.tobytes().hex(), None
        self.evidence_ = None
        if self.map_from == EVIDENCE:
            evidence = self._new_evidence()
            evidence.framing_, evidence.words_ = self.framing_, self.words_
            evidence._restore(below(state, OF_EVIDENCE))
            self.evidence_ = evidence

    def restore(self, folder: Path) -> None:
        """As the base class; raises SpecsightError besides where the language model is not the one fitted with, and
        where it is not on this machine: nothing is fetched because a folder names it."""
        super().restore(folder)
        if not names_same_model(self.language_model, self.fingerprint_):
            raise self._another_model()

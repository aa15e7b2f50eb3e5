"""`fusion`: one head reads how far patches deviate from good ones in colour, in depth and in words, and obeys clauses.

In: good pictures, with depth where there is some, and a specification. Out: a score, a map, a map per type of defect,
and which modality carried each of them. Looking encodes colours, joint patches and the surface's geometry once; judging
makes deviation tokens (`tokens`) and runs the head (`head`), which was trained once for all products on synthetic
defects (`recipes.fusion`). A picture that lacks a modality is judged by the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from specsight import images
from specsight.detectors.contract import Detector, View, detectors
from specsight.detectors.fusion.clauses import ReadClause, read_clauses
from specsight.detectors.fusion.good_parts import GoodParts, learn_good_parts
from specsight.detectors.fusion.runner import HeadRunner, Obeyed, TypedWords
from specsight.detectors.fusion.seeing import UNSEEN, blind_cells, surface_grids
from specsight.detectors.fusion.tokens import (
    GEOMETRY,
    KNOWN,
    PARTS,
    SLICES,
    Tokens,
    depth_tokens,
    depth_vectors,
    joined_tokens,
    rgb_tokens,
    rgb_vectors,
    text_margins,
)
from specsight.detectors.good_pictures import usual_scale
from specsight.detectors.needs import Needs, Regime
from specsight.detectors.parameters import parameter, sigma_parameter, top_parameter
from specsight.detectors.saving import State, json_array, of_json_array
from specsight.detectors.text import TypeMaps, Words, temperature_parameter
from specsight.encoders import JOINT, Encoder, Features, Images
from specsight.features import grids
from specsight.images import Cells
from specsight.prompts.anchors import Anchors
from specsight.records import DEPTH, RGB, Judgement, Picture, Sample
from specsight.specification import Instruction, Knowledge, Specification
from specsight.storage import below

DOUBT = 1.0
"""By how much the logit of depth alone is lowered before it counts beside that of all modalities: every good part has
two chances to look defective. Chosen on the tyre model `sport`."""
WORTH_TELLING = 0.01
"""Share of a picture without colours from which on a note says so."""


@detectors.register("fusion")
@dataclass
class Fusion(Detector):
    """Deviations from good parts in colour, depth and words, read by one trained head."""

    name = "fusion"
    needs: ClassVar[Needs] = Needs(good_pictures=2, text=True, uses=("depth",))
    regime: ClassVar[Regime] = Regime.NORMAL_ONLY
    score_of_map = True

    temperature: float = temperature_parameter()
    sigma: float = sigma_parameter()
    top: float = top_parameter(0.01)
    memory: int = parameter(
        8192, "Good patches of each modality to keep at most.", low=1, high=10_000_000, unit="patches"
    )
    head: str = parameter(
        "bundled", "The head's weights: bundled, or a folder that `specsight train fusion` wrote."
    )

    good_: GoodParts | None = field(default=None, init=False, repr=False)
    objects_: list[str] = field(default_factory=list, init=False, repr=False)
    """The physical part that each good picture of the last fit shows."""
    scale_: float | None = field(default=None, init=False, repr=False)
    """mm per pixel of good pictures; None: unknown."""
    part_names_: dict[int, str] = field(default_factory=dict, init=False, repr=False)
    """Value in part maps → name, of the good samples."""
    runner_: HeadRunner | None = field(default=None, init=False, repr=False)
    anchors_: tuple[Words, Anchors] | None = field(default=None, init=False, repr=False)
    """What was specified, and its anchors."""
    last_: tuple[tuple[Any, ...], Tokens] | None = field(default=None, init=False, repr=False)
    """The tokens of the view that was judged last, and what they were made of."""

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map = anomaly logits, lowered and raised by the instruction's clauses; score = mean of the largest of them.

        The inspector gives a detector the types that an instruction teaches and applies its other clauses, by rules, to
        what was found; whoever calls this with the whole instruction has the head obey it. Requirements are left to the
        room `presence`, and clauses about parts need a part map (`clauses.read_clauses` says which act).
        """
        return self.judge_without(view, (), instruction)

    def judge_without(
        self, view: View, modalities: Collection[str], instruction: Instruction | None = None
    ) -> Judgement:
        """`judge`, as if the view lacked `modalities` ("rgb", "depth", "text"; what words say of colours goes with
        them)."""
        whole = self._tokens_of(view)
        tokens = whole.without(modalities) if modalities else whole
        clauses = self._clauses(view, instruction, tokens.cells.size)
        words = self._named(view, tokens, clauses, instruction)
        return self._judgement(view, tokens, words, clauses)

    def _tokens_of(self, view: View) -> Tokens:
        """The view's tokens for the specification's types, kept while the same view is judged again."""
        made_by = (view, self.good_, self.words_)
        if self.last_ is None or any(a is not b for a, b in zip(self.last_[0], made_by)):
            self.last_ = (made_by, self.deviation_tokens(view))
        return self.last_[1]

    def deviation_tokens(self, view: View, anchors: Anchors | None = None) -> Tokens:
        """What the head reads of a view: z-scores (T, h, w) named by `tokens.NAMES`, and margins of the anchors' types
        (default: those of the specification). Raises SpecsightError before `fit`."""
        if self.good_ is None:
            raise self._not_fitted()
        anchors = self._anchors if anchors is None else anchors
        layers = {name: grid for name, grid in view.features.items() if name in self._coloured}
        rgb = depth = None
        cells = view.cells[GEOMETRY] if GEOMETRY in view.cells else view.cells[next(iter(layers))]
        if layers and self.good_.rgb is not None:
            vectors, own = rgb_vectors(layers, {name: view.cells[name] for name in layers})
            rgb = rgb_tokens(self.good_.rgb, vectors, view.frame.shows_picture(own))
        if GEOMETRY in view.features and self.good_.depth is not None:
            known = view.features[KNOWN][0] > 0
            depth = depth_tokens(self.good_.depth, depth_vectors(view.features[GEOMETRY]), known)
        blind = (
            blind_cells(view.features[UNSEEN], self.good_.usual_unseen) if UNSEEN in view.features else None
        )
        return joined_tokens(cells, rgb, self._said(view, anchors), depth, len(anchors.types), blind)

    def _said(self, view: View, anchors: Anchors) -> tuple[Features, Features, Cells] | None:
        """Margins of the anchors' types, what they say together, and their cells; None where there are no colours."""
        if JOINT not in view.features or self.good_ is None or self.good_.rgb is None:
            return None
        own = text_margins(anchors, view.features[JOINT], self.good_.joint, self.temperature)
        return (*own, view.cells[JOINT])

    @property
    def _anchors(self) -> Anchors:
        """Those of the specification's types: to gather their sentences costs a fifth of a judgement."""
        words = self._get_words()
        if self.anchors_ is None or self.anchors_[0] is not words:
            self.anchors_ = (words, words.anchors())
        return self.anchors_[1]

    @property
    def runner(self) -> HeadRunner:
        """The head, loaded when it is first asked for."""
        if self.runner_ is None:
            self.runner_ = HeadRunner.load(self.head, self.get_encoder().fingerprint)
        return self.runner_

    def _judgement(
        self, view: View, tokens: Tokens, words: TypedWords, clauses: Sequence[ReadClause]
    ) -> Judgement:
        """What the head says of tokens; a modality's evidence is the map that it gives alone."""
        cells, shown = tokens.cells, view.frame.shows_picture(tokens.cells)

        def run(tokens: Tokens) -> Obeyed:
            return self.runner.run(tokens.read(), words, clauses, self._cell_mm(view, cells))

        def drawn(grid: Features) -> NDArray[np.float32]:
            return grids.on_picture(grid, cells, view.frame, self.sigma)

        there = tokens.modalities
        obeyed = run(tokens)
        logits = obeyed.logits
        by_itself = dict[str, Features]()
        if len(there) > 1:
            # Colours cannot outvote what depth alone shows; where they show nothing, or stress, it still counts.
            by_itself[DEPTH] = run(tokens.without(set(there) - {DEPTH})).logits
            logits = np.logaddexp(logits, by_itself[DEPTH] - DOUBT)
        of_types = logits - obeyed.logits + obeyed.typed
        typed = {name: of_types[k] for k, name in enumerate(words.names) if name is not None}

        def alone(modality: str) -> NDArray[np.float32]:
            if modality not in by_itself:
                by_itself[modality] = run(tokens.without(set(there) - {modality})).logits
            return drawn(by_itself[modality])

        return Judgement(
            grids.top_mean(logits[shown], self.top),
            drawn(logits),
            TypeMaps(typed, lambda name: drawn(typed[name])),
            TypeMaps(there if len(there) > 1 else (), alone),
        )

    def _clauses(
        self, view: View, instruction: Instruction | None, size: tuple[int, int]
    ) -> Sequence[ReadClause]:
        if instruction is None:
            return ()
        names = [self.part_names_[value] for value in sorted(self.part_names_)]
        shares = view.features.get(PARTS)
        parts = {} if shares is None else dict(zip(names, shares))
        specification = self._get_words().specification
        return read_clauses(instruction, specification, parts, size)[0]

    def _named(
        self, view: View, tokens: Tokens, clauses: Sequence[ReadClause], instruction: Instruction | None
    ) -> TypedWords:
        """The specification's types, and those that clauses name besides, with their words or their names alone."""
        words, anchors = self._get_words(), self._anchors
        taught = instruction.known_defects if instruction else ()
        own = {clause.name: clause for clause in taught}
        names = dict.fromkeys(name for clause in clauses for name in clause.types)
        further = [own.get(name) or Knowledge(name=name) for name in names if name not in anchors.types]
        tokens = tokens.read()
        vectors, margins, types = anchors.defects - anchors.good, tokens.margins, anchors.types
        if further:
            more = words.anchors(Instruction(known_defects=tuple(further)))
            added = [more.types.index(clause.name) for clause in further]
            vectors = np.concatenate([vectors, more.defects[added] - more.good])
            said = self._said(view, more)
            of_more = np.zeros((len(added), *tokens.cells.size), np.float32)
            if said is not None:
                of_more = grids.resampled(said[0][added], said[2], tokens.cells)
            margins = np.concatenate([margins, of_more * tokens.values[SLICES["text"]][-1:]])
            types = (*types, *(clause.name for clause in further))
        return TypedWords(types, np.asarray(vectors, np.float32), np.asarray(margins, np.float32))

    def _cell_mm(self, view: View, cells: Cells) -> float | None:
        """Side of a cell in mm; None: unknown."""
        if self.scale_ is None:
            return None
        return self.scale_ * cells.stride[1] * view.frame.native[1] / view.frame.content[1]

    def _look(self, picture: Picture) -> View:
        view = super()._look(picture)
        first = self._layers(self.get_encoder())[0]
        cells = view.cells[first]
        features, places = dict(view.features), dict(view.cells)
        beside = surface_grids(picture, view.frame, cells, self.scale_, sorted(self.part_names_))
        places |= dict.fromkeys(beside, cells)
        if RGB in picture.absent:
            features = {}
        return replace(
            view, features={**features, **beside}, cells=places, notes=(*view.notes, *self._lost(beside))
        )

    def _lost(self, beside: Mapping[str, Features]) -> tuple[str, ...]:
        """What a person should know of cells without colours."""
        if UNSEEN not in beside or self.good_ is None:
            return ()
        share = float(blind_cells(beside[UNSEEN], self.good_.usual_unseen).mean())
        told = f"colours are not known in {100 * share:.0f} % of the picture, white or black as no good part is: "
        return (told + "there depth and what surrounds it decide",) if share >= WORTH_TELLING else ()

    def _features(
        self, encoder: Encoder, pixels: NDArray[np.uint8], frame: images.Frame
    ) -> Mapping[str, Features]:
        names = (*self._layers(encoder), JOINT)

        def every(encoder: Encoder, pixels: Images) -> list[Features]:
            found = encoder.all_grids(pixels)
            return [found[name] for name in names]

        found = encoder.remember(pixels, [f"of one pass: {name}" for name in names], every)
        return {name: grid[0] for name, grid in zip(names, found)}

    @property
    def _coloured(self) -> Sequence[str]:
        return self._layers(self.get_encoder())

    def _views(self, samples: Sequence[Sample], specification: Specification | None) -> Iterator[View]:
        self.scale_ = usual_scale(samples)
        if self.scale_ is None and specification is not None:
            self.scale_ = specification.mm_per_px
        self.part_names_, self.objects_ = {}, []
        for sample in samples:
            self.part_names_ |= dict(sample.part_names)
        skipped = len(self.skipped_)
        for number, view in enumerate(super()._views(samples, specification)):
            sample = samples[number + len(self.skipped_) - skipped]
            self.objects_.append(sample.group or sample.id)
            yield view

    def _learn(self, views: Iterator[View], expected: int, specification: Specification | None) -> None:
        self.good_ = learn_good_parts(views, expected, self.objects_, self._coloured, self.memory, self.seed)

    def _state(self) -> State:
        if self.good_ is None:
            raise self._not_fitted()
        state: State = dict(self.good_.arrays())
        state |= {f"head/{name}": values for name, values in self.runner.arrays().items()}
        parts = {str(k): v for k, v in self.part_names_.items()}
        about = {"parts": parts, "mm_per_px": self.scale_, "head": self.runner.about()}
        state["about"] = json_array(about)
        return state

    def _restore(self, state: State) -> None:
        about = of_json_array(state["about"])
        self.part_names_ = {int(value): str(name) for value, name in about["parts"].items()}
        self.scale_ = None if about["mm_per_px"] is None else float(about["mm_per_px"])
        if self.scale_ is not None and not 0 < self.scale_ < np.inf:
            raise ValueError(f"{self.scale_} mm per pixel")
        self.good_ = GoodParts.of_arrays(state)
        self.runner_ = HeadRunner.of_arrays(below(state, "head/"), about["head"])

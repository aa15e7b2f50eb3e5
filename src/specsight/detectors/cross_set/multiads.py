"""MultiADS (Sadikaj et al., ICCV 2025): several types of defect in one picture, each with a map of its own.

In: pictures of other products with typed masks to train on; then the words of the product to be judged. Out: a map per
type. Types compete: a softmax over "good" and all types says which one a patch shows, and the map is 1 - p(good). The
types of the product to be judged are words only: they need not be among those trained on. MultiADS-F
(`product_filter`) looks for the types that the product's specification names; without it, also for every type known
from training.

Departures from the paper, beside those that `april_gan` lists (adapters, few-shot memory and training are the same):
- Types and their phrases come from specifications; the paper's knowledge base of superclasses is not part of this.
- Where an instruction ignores a type, that type's probability is counted as good.
- Damage of no particular kind takes part only where the specification names no type, or training shows such damage.
- Dice compares 1 - p(good) with the union of the masks; the published code multiplies targets by five.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import View, detectors
from specsight.detectors.cross_set import adapter_training, linear_adapters
from specsight.detectors.cross_set.adapter_training import AdapterSettings, Classes
from specsight.detectors.cross_set.detector import CrossSetDetector, CrossSetTask
from specsight.detectors.cross_set.examples import FrozenExample
from specsight.detectors.parameters import parameter
from specsight.detectors.saving import damaged
from specsight.encoders import Encoder, Features
from specsight.images import Frame
from specsight.prompts import prompt_bank
from specsight.prompts.anchors import Anchors, PhraseBook
from specsight.records import Judgement
from specsight.specification import (
    DefectType,
    Instruction,
    Specification,
    as_knowledge,
    load_instruction,
    save_yaml,
)
from specsight.specification.vocabulary import Vocabulary, normal_form

TRAINED_TYPES = "trained_types.yaml"
"""Of a saved detector: the types known from training and their phrases, as an instruction's known defects."""


@dataclass(frozen=True)
class CompetingTypes:
    """Softmax over "good", ignored types and all types; the types' shares."""

    anchors: Anchors
    temperature: float

    @property
    def types(self) -> tuple[str | None, ...]:
        """Types in the order of their maps."""
        return self.anchors.types

    def probabilities(self, joint: Features) -> Features:
        """Return the share of each type, (K, ...), of unit vectors (D, ...)."""
        anchors = self.anchors
        rows = np.vstack([anchors.defects, anchors.good[None], anchors.ignored])
        logits = (rows @ joint.reshape(len(joint), -1) / self.temperature).astype(np.float64)
        powers = np.exp(logits - logits.max(0))
        # Added up in order of size: the order in which types are named changes nothing, not even the last digit.
        shares = powers[: len(anchors.defects)] / np.sort(powers, axis=0).sum(0)
        return np.asarray(shares, np.float32).reshape(-1, *joint.shape[1:])

    def combined(self, probabilities: Features) -> Features:
        """Return 1 - p(good): types exclude one another."""
        return np.asarray(np.sort(probabilities, axis=0).sum(0), np.float32)


@detectors.register("multiads")
@dataclass
class MultiADS(CrossSetDetector):
    """Multi-type maps; zero-shot with words, few-shot with good pictures besides."""

    name = "multiads"

    temperature: float = linear_adapters.temperature_parameter()
    layers: tuple[str, ...] | None = linear_adapters.layers_parameter()
    start: str = linear_adapters.start_parameter()
    product_filter: bool = parameter(
        True,
        "Look only for the types that the specification (or an instruction) names; else also for those "
        "trained on.",
        judging=True,
    )

    types_: tuple[DefectType, ...] = field(default=(), init=False, repr=False)
    """The types known from training, with their phrases."""

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map each type by adapted patches; see `linear_adapters.judge`."""
        scorer = CompetingTypes(self._competing(instruction), self.temperature)
        return linear_adapters.judge(view, self.weights_, scorer, self.references_, self.sigma)

    def _layers(self, encoder: Encoder) -> Sequence[str]:
        return linear_adapters.adapter_layers(encoder, self.layers)

    def _features(self, encoder: Encoder, pixels: NDArray[np.uint8], frame: Frame) -> Mapping[str, Features]:
        return linear_adapters.judging_features(encoder, pixels, frame, self._layers(encoder))

    def _training_features(
        self, encoder: Encoder, pixels: NDArray[np.uint8], frame: Frame
    ) -> Mapping[str, Features]:
        return linear_adapters.training_features(encoder, pixels, self._layers(encoder), self.start)

    def _task(self, examples: Sequence[FrozenExample]) -> CrossSetTask:
        settings = AdapterSettings(self.name, self.batch, self.temperature, self.seed)
        layers = self._layers(self.get_encoder())
        return adapter_training.adapter_task(settings, examples, self._classes(examples), layers, self.start)

    def _competing(self, instruction: Instruction | None) -> Anchors:
        words = self._get_words()
        instruction = instruction or Instruction()
        if not self.product_filter:
            named = Vocabulary.of((*words.specification.defects, *instruction.known_defects))
            more = tuple(t for t in self.types_ if t.name not in named)
            known = (*instruction.known_defects, *as_knowledge(more))
            instruction = instruction.model_copy(update={"known_defects": known})
        bank = prompt_bank(words.specification, instruction)
        return words.book.anchors(replace(bank, damaged=()) if bank.defects or bank.ignored else bank)

    def _classes(self, examples: Sequence[FrozenExample]) -> list[Classes]:
        """Classes of each example: "good" and every type of the training in the words of its product."""
        specifications = list(dict.fromkeys(example.specification for example in examples))
        self.types_ = vocabulary(specifications)
        untyped = any(None in example.masks for example in examples) or not self.types_
        book, classes = PhraseBook(self.get_encoder()), {}
        for specification in specifications:
            words = specification.model_copy(update={"defects": self.types_})
            bank = prompt_bank(words)
            anchors = book.anchors(bank if untyped else replace(bank, damaged=()))
            classes[specification] = Classes(anchors.types, np.vstack([anchors.good, anchors.defects]))
        return [classes[example.specification] for example in examples]

    def _save_words(self, folder: Path) -> None:
        super()._save_words(folder)
        save_yaml(Instruction(known_defects=as_knowledge(self.types_)), folder / TRAINED_TYPES)

    def _restore_words(self, folder: Path) -> None:
        super()._restore_words(folder)
        if not (folder / TRAINED_TYPES).exists():
            raise damaged(folder / TRAINED_TYPES)
        trained = load_instruction(folder / TRAINED_TYPES)
        self.types_ = tuple(clause.defect for clause in trained.known_defects)


def vocabulary(specifications: Sequence[Specification]) -> tuple[DefectType, ...]:
    """Return the types of all products, each once however it is spelled, with the phrases of all of them."""
    types: dict[str, DefectType] = {}
    for defect in (defect for specification in specifications for defect in specification.defects):
        key = normal_form(defect.name)
        merged = types.get(key, DefectType(name=defect.name))
        phrases = tuple(dict.fromkeys((*merged.phrases, *defect.phrases)))
        types[key] = DefectType(name=merged.name, phrases=phrases)
    return tuple(types.values())

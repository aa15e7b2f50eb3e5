"""APRIL-GAN (Chen et al., VAND challenge at CVPR 2023): a linear adapter per layer, good against damaged.

In: labelled pictures of other products to train on; then words of the product to be judged and, where there are any,
good pictures of it. Out: a map per type of defect and their largest. The encoder stays frozen: patches of several of
its layers are mapped linearly to where "a good part" and "a damaged part" lie among sentences. The picture's score
comes from its pooled embedding; good pictures add a memory of patches per layer.

Departures from the paper:
- The probability of damage is shared out among the types that the specification names (`kinds`); the paper has one map.
- Maps of layers are averaged where the paper adds them up, and interpolated as probabilities, not logits.
- With good pictures the paper brings the largest map value to [0, 1] by the extremes of the *test set*. Here it is
  divided by 1 + the largest distance that good references show to one another: no judgement depends on another.
- Adapters start from the ridge regression of the encoder's own joint patches on each layer's, so that words that no
  training picture taught keep a meaning; `start="random"` is the paper's.
- Pictures keep their aspect; losses are computed on cells of 4 pixels and averaged over the layers; Dice is the plain
  one; the rate follows a cosine; mosaics are drawn once and added, for features are computed once; a fifth of the
  pictures decides when the training ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specsight.detectors.contract import View, detectors
from specsight.detectors.cross_set import adapter_training, linear_adapters
from specsight.detectors.cross_set.adapter_training import AdapterSettings, Classes
from specsight.detectors.cross_set.damage_types import DamageTypes
from specsight.detectors.cross_set.detector import CrossSetDetector, CrossSetTask
from specsight.detectors.cross_set.examples import FrozenExample
from specsight.encoders import Encoder, Features
from specsight.images import Frame
from specsight.prompts import prompt_bank
from specsight.prompts.anchors import PhraseBook
from specsight.records import Judgement
from specsight.specification import Instruction


@dataclass(frozen=True)
class SharedDamage:
    """Softmax over "good" and "damaged", which is what was trained, shared out among types."""

    damage: DamageTypes
    temperature: float

    @property
    def types(self) -> tuple[str | None, ...]:
        """Types in the order of their maps."""
        return self.damage.types

    def probabilities(self, joint: Features) -> Features:
        """Return the probability of damage of each type, (K, ...), of unit vectors (D, ...)."""
        damaged = self.damage.damage(joint, self.temperature)
        return np.asarray(damaged * self.damage.shares(joint, self.temperature), np.float32)

    def combined(self, probabilities: Features) -> Features:
        """Return the largest of the types' probabilities."""
        return np.asarray(probabilities.max(0), np.float32)


@detectors.register("april_gan")
@dataclass
class AprilGAN(CrossSetDetector):
    """Zero-shot with words; few-shot with good pictures besides."""

    name = "april_gan"

    temperature: float = linear_adapters.temperature_parameter()
    layers: tuple[str, ...] | None = linear_adapters.layers_parameter()
    start: str = linear_adapters.start_parameter()

    def judge(self, view: View, instruction: Instruction | None = None) -> Judgement:
        """Map each type by adapted patches; see `linear_adapters.judge`."""
        scorer = SharedDamage(DamageTypes.of(self._get_words(), instruction), self.temperature)
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

    def _classes(self, examples: Sequence[FrozenExample]) -> list[Classes]:
        """Classes of each example: "good" and "damaged" in the words of its product."""
        book, classes = PhraseBook(self.get_encoder()), {}
        for specification in dict.fromkeys(example.specification for example in examples):
            anchors = book.anchors(prompt_bank(specification.model_copy(update={"defects": ()})))
            classes[specification] = Classes((None,), np.vstack([anchors.good, anchors.defects]))
        return [classes[example.specification] for example in examples]

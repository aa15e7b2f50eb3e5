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

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from specsight.detectors.contract import detectors
from specsight.detectors.cross_set.damage_types import DamageTypes
from specsight.detectors.cross_set.examples import FrozenExample
from specsight.detectors.cross_set.linear_adapters import Classes, LinearAdapters
from specsight.encoders import Features
from specsight.prompts import prompt_bank
from specsight.prompts.anchors import PhraseBook
from specsight.specification import Instruction, Specification


@detectors.register("april_gan")
@dataclass
class AprilGAN(LinearAdapters[DamageTypes]):
    """Zero-shot with words; few-shot with good pictures besides."""

    name = "april_gan"

    def _asked(
        self, book: PhraseBook, specification: Specification, instruction: Instruction | None
    ) -> DamageTypes:
        return DamageTypes.of(book, specification, instruction)

    def _probabilities(self, asked: DamageTypes, seen: Features) -> Features:
        """Softmax over "good" and "damaged", which is what was trained, shared out among the types."""
        damaged = asked.damage(seen, self.temperature)
        return np.asarray(damaged * asked.shares(seen, self.temperature), np.float32)

    def _together(self, probabilities: Features) -> Features:
        return np.asarray(probabilities.max(0), np.float32)

    def _classes(self, examples: Sequence[FrozenExample]) -> list[Classes]:
        """ "Good" and "damaged", in the words of each product."""
        book, known = PhraseBook(self.get_encoder()), {}
        for specification in dict.fromkeys(example.specification for example in examples):
            anchors = book.anchors(prompt_bank(specification.model_copy(update={"defects": ()})))
            known[specification] = Classes((None,), np.vstack([anchors.good, anchors.defects]))
        return [known[example.specification] for example in examples]

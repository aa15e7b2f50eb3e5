"""APRIL-GAN (Chen et al., VAND challenge at CVPR 2023): a linear adapter per layer, good against damaged.

In: labelled pictures of other products to train on; then words of the product to be judged and, where there are any,
good pictures of it. Out: a map per type of defect and their largest. The encoder stays frozen: patches of several of
its layers are mapped linearly to where "a good part" and "a damaged part" lie among sentences. The picture's score
comes from its pooled embedding; good pictures add a memory of patches per layer.

Departures from the paper:
- Each type that the specification names is compared with "good" beside "damaged", and gets a map of its own.
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

from specsight.detectors.base import detectors
from specsight.detectors.cross_set_lessons import Lesson
from specsight.detectors.linear_adapters import Classes, LinearAdapters
from specsight.detectors.phrases import Anchors, PhraseBook, probability
from specsight.encoders import Features
from specsight.prompts import prompt_bank


@detectors.register("april_gan")
@dataclass
class AprilGAN(LinearAdapters):
    """Zero-shot with words; few-shot with good pictures besides."""

    name = "april_gan"

    def _probabilities(self, anchors: Anchors, seen: Features) -> Features:
        """Softmax over "good" and one type at a time: the list of types changes no type's own map."""
        return probability(anchors.margins(seen, self.temperature))

    def _together(self, probabilities: Features) -> Features:
        return np.asarray(probabilities.max(0), np.float32)

    def _classes(self, lessons: Sequence[Lesson]) -> list[Classes]:
        """ "Good" and "damaged", in the words of each product."""
        book, known = PhraseBook(self._encoder()), {}
        for specification in dict.fromkeys(lesson.specification for lesson in lessons):
            anchors = book.anchors(prompt_bank(specification.model_copy(update={"defects": ()})))
            known[specification] = Classes((None,), np.vstack([anchors.good, anchors.defects]))
        return [known[lesson.specification] for lesson in lessons]

"""Stage "text": the text tower learns the geometry of MiniLM's sentence vectors, corrected by what sentences mean.

MiniLM alone puts "a crack" and "no crack" side by side; the meanings of the recipe's own sentences pull them apart,
while general English keeps MiniLM's neighbourhoods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from specsight.language.sentences import SentenceEncoder
from specsight.learning.batches import SeededMaker
from specsight.learning.task import Maker, Task, Validation
from specsight.recipes.encoder.recipe import EncoderRecipe
from specsight.recipes.encoder.sentences import MATERIAL_NAMES, NONE, THINGS, Meaning, agreements, say
from specsight.recipes.encoder.student import StudentText
from specsight.recipes.encoder.tokenizer import general_words
from specsight.recipes.run import config_of
from specsight.specification.synonyms import PHRASES
from specsight.specification.vocabulary import place_phrase
from specsight.synthetic.scenes.materials import COLOURS

HELD_OUT_SEED = 10**9
GENERAL = ("{w}", "a {w}", "a photo of a {w}", "the {w} is {v}", "{w} and {v}", "a {w} {v}", "{v} on the {w}")
"""Frames for general words, whose targets come from MiniLM alone."""


def random_meaning(rng: np.random.Generator) -> Meaning:
    """A random meaning, in which any attribute may be left open."""
    kind = rng.random()
    defect = NONE if kind < 0.35 else str(rng.choice(list(PHRASES))) if kind < 0.85 else ""
    thing = str(rng.choice(list(THINGS))) if rng.random() < 0.6 else ""
    material = str(rng.choice(list(MATERIAL_NAMES))) if rng.random() < 0.4 else ""
    colour = str(rng.choice(list(COLOURS))) if rng.random() < 0.3 else ""
    place = place_phrase(*rng.random(2)) if rng.random() < 0.2 else ""
    return Meaning(defect, thing, material, colour, place)


@dataclass
class SentenceBatch:
    """Sentences, and what is known of pairs of them."""

    sentences: list[str]
    agreement: Tensor
    """(N, N): agreement of meanings in [0, 1]; NaN where one of the two sentences is general English."""


def corpus(seed: int, count: int = 20_000) -> list[str]:
    """`count` of the recipe's own sentences: their words are entries of the tokenizer."""
    rng = np.random.default_rng((seed, 1))
    return [say(rng, random_meaning(rng)) for _ in range(count)]


class SentenceBatches:
    """Makes `SentenceBatch`es of `size` sentences: three fifths the recipe's own, the rest of general `words`."""

    def __init__(self, words: Sequence[str], size: int) -> None:
        self.words, self.size = tuple(words), size

    def __call__(self, rng: np.random.Generator) -> SentenceBatch:
        """Sentences; three fifths are the recipe's own, in pairs of one meaning."""
        half = self.size * 3 // 5 // 2
        meanings = [random_meaning(rng) for _ in range(half)] * 2
        sentences = [say(rng, meaning) for meaning in meanings]
        sentences += [self._general_sentence(rng) for _ in range(self.size - len(sentences))]
        table = torch.full((self.size, self.size), float("nan"))
        table[: len(meanings), : len(meanings)] = torch.from_numpy(agreements(meanings))
        return SentenceBatch(sentences, table)

    def _general_sentence(self, rng: np.random.Generator) -> str:
        w, v = rng.choice(self.words, 2)
        return str(rng.choice(GENERAL)).format(w=w, v=v)


def geometry_loss(embeddings: Tensor, vectors: Tensor, agreement: Tensor, share: float) -> Tensor:
    """Mean squared difference between the cosines of `embeddings` (N, D, unit length) and their targets.

    The target of a pair is MiniLM's cosine, mixed with `share` of the agreement of meanings where both have one.
    """
    target = vectors @ vectors.T
    target = torch.where(torch.isnan(agreement), target, (1 - share) * target + share * agreement)
    return functional.mse_loss(embeddings @ embeddings.T, target)


class SentenceTask(Task):
    """Text tower and an auxiliary head onto the teacher's axes: angle to its vectors, and cosines of pairs."""

    name = "text"

    def __init__(self, recipe: EncoderRecipe, tower: StudentText, folder: Path, device: torch.device) -> None:
        """`folder`: of the sentence encoder, which works on `device`, where the tower is."""
        self.recipe, self.tower, self.config = recipe, tower, config_of(recipe.text)
        self.teacher = SentenceEncoder(folder, device)
        words = general_words(folder / "vocab.txt", recipe.text.general_words)
        batches = SentenceBatches(words, recipe.text.batch)
        self._maker = SeededMaker(batches)
        self._held_out = batches(np.random.default_rng(HELD_OUT_SEED))
        self.modules = {"tower": tower, "head": nn.Linear(recipe.width, self.teacher.width)}

    def maker(self) -> Maker:
        """How batches are made."""
        return self._maker

    def loss(self, batch: SentenceBatch, step: int) -> tuple[Tensor, dict[str, float]]:
        """The mean angle to the teacher's vectors, and the squared difference of pairs' cosines from their targets."""
        with self.mixed_precision():
            vectors = self.teacher(batch.sentences)
            joint = self.tower(batch.sentences)
        unit = functional.normalize(joint.float(), dim=1)
        angle = 1 - functional.cosine_similarity(self.modules["head"](joint.float()), vectors, dim=1).mean()
        geometry = geometry_loss(
            unit, vectors, batch.agreement.to(self.device), self.recipe.text.agreement_share
        )
        numbers = {"angle": float(angle.detach()), "geometry": float(geometry.detach()), "pictures": 0.0}
        return angle + self.recipe.text.geometry_weight * geometry, numbers

    def validate(self) -> Validation:
        """Both parts of the loss on held-out sentences."""
        numbers = self.loss(self._held_out, 0)[1]
        return Validation({key: round(value, 4) for key, value in numbers.items() if key != "pictures"})

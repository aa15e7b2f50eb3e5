"""An encoder that reads says which material, colour and shape good pictures agree with most.

In: good pictures. Out: one sentence per aspect of which most pictures say the same by a clear margin, unless a
measurement contradicts it. The words are those that the encoder which ships was trained on (`synthetic.scenes`); what
it says is a model's opinion, and marked so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from specsight.benchmark.describing.contract import Captioner, Good, captioners
from specsight.benchmark.describing.looks import things_of
from specsight.benchmark.records import Provenance, Sentence
from specsight.encoders import load_encoder
from specsight.images import Cells, letterbox
from specsight.synthetic.scenes.materials import COLOURS, MATERIALS

SIDE = 256
"""Side in pixels of the squares that are embedded."""
AGREEMENT = 2 / 3
"""Share of the pictures that must say the same word."""
MARGIN = 0.04
"""Cosine by which the word must beat the second in the mean over those pictures. On tyres of the model "touring" and of
three invented ones, 12 products, a wrong material ("magnetic ferrite" of sidewalls) wins by up to 0.038, and a right
one ("rubber", "ribbed rubber") by 0.02 at most: nothing is said of them."""
LEAST_COLOUR = 0.25
"""Share of the area that a colour must have by measurement to be believed: near-black rubber "looks turquoise"."""


@dataclass(frozen=True)
class _Aspect:
    aspect: Literal["material", "colour", "geometry"]
    words: Sequence[str]
    prompts: Sequence[str]
    says: str


ASPECTS = (
    _Aspect("material", tuple(one.name for one in MATERIALS), ("{w}", "a surface of {w}", "a photo of {w}"),
            "Its surface looks like {w}."),
    _Aspect("colour", tuple(COLOURS), ("a {w} object", "a {w} surface", "a photo of something {w}"),
            "It looks {w}."),
    _Aspect("geometry", ("disc", "ring", "square plate", "rod", "tube", "box", "sphere", "sheet"),
            ("a {w}", "a photo of a {w}"), "It has the shape of a {w}."),
)  # fmt: skip


@captioners.register("encoder")
class EncoderCaptioner(Captioner):
    """The words of an encoder that reads; `encoder:NAME` takes another than the one that ships.

    Raises SpecsightError where the encoder does not read.
    """

    def __init__(self, argument: str = "", device: str = "auto") -> None:
        self._encoder = load_encoder(argument or "bundled", device)
        if not self._encoder.reads:
            raise self._encoder.no_text_tower()
        self._words = [self._embedded(one) for one in ASPECTS]

    def sentences(self, good: Good) -> Iterator[Sentence]:
        """Of each aspect the word that most pictures say, where they say it clearly."""
        pictures = np.stack([self._picture(one.rgb) for one in good.examples])
        by = f"encoder {self._encoder.name} {self._encoder.fingerprint[:12]}"
        for aspect, words in zip(ASPECTS, self._words, strict=True):
            cosines = pictures @ words.T
            best = cosines.argmax(1)
            number, count = Counter(best.tolist()).most_common(1)[0]
            those = np.sort(cosines[best == number], axis=1)
            margin = float((those[:, -1] - those[:, -2]).mean())
            word = aspect.words[number]
            if count < AGREEMENT * len(pictures) or margin < MARGIN or not _agrees(aspect, word, good):
                continue
            values = {
                "shape" if aspect.aspect == "geometry" else aspect.aspect: word,
                "share": round(count / len(pictures), 3),
                "margin": round(margin, 4),
            }
            yield Sentence(
                aspect=aspect.aspect,
                text=aspect.says.format(w=word),
                provenance=Provenance(source="model", by=by),
                values=values,
            )

    def _embedded(self, aspect: _Aspect) -> NDArray[np.float32]:
        """One vector of unit length per word, (N, D): the mean over its prompts."""
        texts = [prompt.format(w=word) for word in aspect.words for prompt in aspect.prompts]
        vectors = self._encoder.embed_texts(texts).reshape(len(aspect.words), len(aspect.prompts), -1)
        return _unit(vectors.mean(axis=1))

    def _picture(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The mean over the cells that show the product, (D,); over all of the picture where it has no background."""
        framed, frame = letterbox(rgb, SIDE, self._encoder.multiple)
        patches = self._encoder.embed_patches(framed[None])[0]
        things = things_of(rgb)
        shown = np.ones(rgb.shape[:2], bool) if things is None else things
        size = (patches.shape[1], patches.shape[2])
        weights = frame.covered(shown, Cells.over(frame.size, size))
        if not weights.any():
            weights = frame.covered(np.ones(rgb.shape[:2], bool), Cells.over(frame.size, size))
        (vector,) = _unit((patches * weights).sum((1, 2))[None])
        return np.asarray(vector, np.float32)


def _agrees(aspect: _Aspect, word: str, good: Good) -> bool:
    """Whether measurements allow a word: a colour must be there, and what has no outline has no shape."""
    looks = [one.looks for one in good.examples]
    if aspect.aspect == "colour":
        return float(np.mean([one.colours[word] for one in looks])) >= LEAST_COLOUR
    return aspect.aspect != "geometry" or 2 * sum(one.outline is not None for one in looks) > len(looks)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-12), np.float32)

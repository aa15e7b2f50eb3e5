"""The grammar with a second signal: unknown names of defects go to the known type that a text tower finds nearest.

In: text. Out: clauses as the grammar gives them, in which a name that no specification has may stand for one it has.
The bundled encoder's text tower knows the language of defects that it was trained on: "scuff mark" lies on "scratch",
"coffee" on nothing in particular; of words that it has never met it knows nothing, so that the nearest type counts
only where it is near and no other is. Thresholds come from names of the development products alone.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from specsight.reading.contract import Reader, readers
from specsight.reading.grammar import read_clauses
from specsight.reading.names import Names
from specsight.specification import Clause, Specification
from specsight.specification.vocabulary import with_article

if TYPE_CHECKING:
    from specsight.encoders import Encoder

NEAR = 0.97
"""Cosine from which on a type is near."""
APART = 0.1
"""By how much the next type must be less near."""
SURE = 0.6
"""Confidence of a name that was taken for another."""


@readers.register("text_tower")
class TextTower(Reader):
    """the grammar, with unknown names taken for the type that the bundled text tower finds nearest; needs torch"""

    name = "text_tower"

    @cached_property
    def _encoder(self) -> Encoder:
        from specsight.encoders import load_encoder

        return load_encoder("bundled", "cpu")

    def _clauses(self, text: str, specification: Specification | None) -> list[Clause]:
        names = Names.of(specification)
        if specification is None or not specification.defects:
            return read_clauses(text, names, specification)

        @lru_cache(maxsize=4096)
        def guess(name: str) -> tuple[str, float] | None:
            found = self._nearest(name, specification)
            return None if found is None else (found, SURE)

        return read_clauses(text, replace(names, guess=guess), specification)

    def _nearest(self, name: str, specification: Specification) -> str | None:
        """The type that a name lies near to, and no other; None: there is none."""
        spellings = [
            (defect.name, words)
            for defect in specification.defects
            for words in (defect.name, *defect.phrases)
        ]
        texts = [with_article(words) for _, words in spellings]
        embedded = self._encoder.embed_texts([with_article(name), *texts])
        cosines = np.asarray(embedded[1:] @ embedded[0], np.float64)
        nearest: dict[str, float] = {}
        for (owner, _), cosine in zip(spellings, cosines):
            nearest[owner] = max(nearest.get(owner, -1.0), float(cosine))
        best, *others = sorted(nearest.items(), key=lambda one: -one[1])
        apart = best[1] - (others[0][1] if others else -1.0)
        return best[0] if best[1] >= NEAR and apart >= APART else None

"""What the bundled language model's tokenizer is made from: what is asked and said, and what is known of types.

In: entries of a gallery. Out: texts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from specsight.ontology import load_ontology
from specsight.recipes.language.conversations import all_phrases, caption, conversation, item_turn
from specsight.recipes.language.gallery import Entry

MOST = 40_000
"""Entries that texts are made of."""


def texts(entries: Sequence[Entry]) -> list[str]:
    """Questions and answers about the first entries, every benchmark item, phrases, and the ontology's sentences."""
    rng = np.random.default_rng(0)
    found = all_phrases()
    for entry in entries[:MOST]:
        turns = [caption(rng, entry), conversation(rng, entry, 0.0), conversation(rng, entry, 0.0)]
        turns += [item_turn(asked) for asked in entry.items]
        found += [f"{turn.question}\n{turn.answer}" for turn in turns if turn is not None]
    for one in load_ontology().types.values():
        found += [one.name, *one.synonyms, one.looks, *one.causes, one.consequence, one.action]
    return [text for text in found if text]

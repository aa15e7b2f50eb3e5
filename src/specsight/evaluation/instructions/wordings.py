"""An instruction in other words that say the same: no verdict and no score should change.

In: the sentence, and what it means in truth. Out: rewordings by name. They are made of the letters of the sentence, or
of the true clauses; none of them knows how sentences are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from specsight.specification import Clause, Ignore, Knowledge, Only, Requirement, Scope, Tolerance

SYNONYMS = {
    "inspect": "examine",
    "inspected": "examined",
    "inspection": "examination",
    "check": "inspect",
    "limit": "restrict",
    "acceptable": "permitted",
    "tolerance": "permitted limit",
    "measure": "are",
    "required": "mandatory",
    "ignore": "disregard",
    "reject": "refuse",
    "rejected": "refused",
    "search": "look",
    "normal": "harmless",
    "make sure": "ensure",
    "mm": "millimetres",
}
"""Word → another that means the same in such sentences."""


def reworded(text: str, clauses: Sequence[Clause]) -> dict[str, str]:
    """Rewordings of `text` by name, without those that leave it as it is."""
    made = {name: change(text) for name, change in CHANGES.items()}
    paraphrase = " ".join(filter(None, map(_paraphrase, clauses)))
    return {
        name: words for name, words in {**made, "paraphrase": paraphrase}.items() if words not in ("", text)
    }


def _polite(text: str) -> str:
    return f"Please note: {text} Thank you."


def _curly(text: str) -> str:
    """Apostrophes and quotation marks as word processors set them."""
    opened = re.sub(r"(^|[\s(])'", "\\1\u2018", text)
    return re.sub(r'(^|[\s(])"', "\\1\u201c", opened).replace("'", "\u2019").replace('"', "\u201d")


def _synonyms(text: str) -> str:
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, SYNONYMS))})\b", re.IGNORECASE)

    def other(match: re.Match[str]) -> str:
        word = SYNONYMS[match[0].lower()]
        return word.capitalize() if match[0][0].isupper() else word

    return pattern.sub(other, text)


def _after_idle_words(text: str) -> str:
    return f"This is the morning shift. {text}"


CHANGES: dict[str, Callable[[str], str]] = {
    "politeness": _polite,
    "synonyms": _synonyms,
    "idle sentence": _after_idle_words,
    "curly quotes": _curly,
    "non-breaking spaces": lambda text: text.replace(" ", "\u00a0"),
    "capitals": str.upper,
    "no full stop": lambda text: text.rstrip("."),
}
"""Name → the sentence in other letters or words."""


def _paraphrase(clause: Clause) -> str:
    """The clause as another person would say it; empty where it cannot be said otherwise."""
    if isinstance(clause, Scope):
        parts = " and the ".join(clause.parts)
        return f"Leave out the {parts}." if clause.exclude else f"Look at nothing except the {parts}."
    if isinstance(clause, Tolerance):
        on = f" on the {clause.part}" if clause.part else ""
        if clause.up_to_mm is None:
            return f"We accept every {clause.defect}{on}."
        return f"We accept {_article(clause.defect)}{on} as long as it is not longer than {clause.up_to_mm:g} mm."
    if isinstance(clause, Ignore):
        on = f" on the {clause.part}" if clause.part else ""
        return f"Do not pay attention to any {clause.defect}{on}."
    if isinstance(clause, Only):
        return f"Nothing counts but {_article(clause.defect)}."
    if isinstance(clause, Requirement) and clause.count == 1:
        on = f" on the {clause.part}" if clause.part else ""
        return f"There must be {_article(clause.feature)}{on}."
    if isinstance(clause, Knowledge):
        on = f" on the {clause.part}" if clause.part else ""
        return f"Watch for this defect{on}: {clause.name}."
    return ""


def _article(name: str) -> str:
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"

"""Questions that suppose other rules → the rule as a sentence that instructions are read from, and the question left.

"Would it pass if stains up to 3 mm were acceptable?" → "stains up to 3 mm are acceptable". In: a question in plain
characters. Out: the two sentences, or nothing where a question supposes nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MARKERS = (
    r"what if|if|suppose(?: that)?|supposing(?: that)?|assuming(?: that)?|assume(?: that)?|imagine(?: that)?|"
    r"provided(?: that)?|given that|in case|let us say(?: that)?|let'?s say(?: that)?|say that"
)
VERBS_OF_QUESTIONS = "would|will|is|does|may|can|could|do|should|how|what|then|might|are"
WHETHER = re.compile(
    r"\b(?:know|tell|tell me|check|see|say|said|wonder|wondering|ask|find out|look|sure|clear|determine|verify|"
    r"happens?|happen|do|done|act) if\b",
    re.IGNORECASE,
)
"""Words in front of an "if" that supposes no rule: "tell me if", "what happens if"."""
AT_START = re.compile(
    rf"^\W*(?:and |but |so |then )?(?:{MARKERS})\b\s*"
    rf"(?P<rule>[^,;?]*(?:,(?! ?(?:{VERBS_OF_QUESTIONS}))[^,;?]*)*)"
    r"(?:[,;]\s*(?:then )?(?P<rest>[^?]*))?\??\s*$",
    re.IGNORECASE,
)
BEHIND = re.compile(
    rf"^(?P<rest>.*?)\b(?:{MARKERS}|when|as long as|so long as)\b\s+(?P<rule>[^?]*)\??\s*$", re.IGNORECASE
)
UNDER = re.compile(
    r"^(?P<rest>.*?)\b(?:with|under|at|given)\s+"
    r"(?P<rule>(?:an? |the )?(?:tolerance|limit|rule|instruction)s? (?:of|for|that|:) ?[^?]*)\??\s*$",
    re.IGNORECASE,
)
CHANGES = re.compile(
    r"^(?P<rest>\W*(?:would|could|will|does) )(?:an? |the )?(?P<rule>(?:tolerance|limit)s? (?:of|for) .+?) "
    r"(?:change|alter|affect|help|make|matter)\b[^?]*\??\s*$",
    re.IGNORECASE,
)
WITHOUT = re.compile(
    r"^(?P<rest>.*?\b(?:would|could)\b.*?)\bwithout (?:the |its |any )?(?P<name>[^?,]+?)\??\s*$",
    re.IGNORECASE,
)
ASKS = re.compile(
    r"\b(?:would|could|pass|fail|ship|accept\w*|reject\w*|ok|okay|fine|good|verdict|decision|judge\w*|within|"
    r"release\w*|through)\b",
    re.IGNORECASE,
)
"""What a question for a verdict holds."""
WHO = r"\b(?:we|you|i|one) (?:were to |would )?"
LOOK = r"(?:looked|look|inspected|inspect|checked|check|judged|judge)(?: at)?"
TENSES = (
    (r"\bwould (?:still )?be\b", "are"),
    (r"\bwould not\b|\bdid not\b|\bdidn't\b|\bdoes not\b", "do not"),
    (r"\bwere\b", "are"),
    (r"\bwas\b", "is"),
    (r"\bcounted\b", "count"),
    (r"\b(?:matters|mattered)\b", "matter"),
    (r"\bapplied\b", "applies"),
    (rf"{WHO}(?:ignored?|disregarded?)\b", "ignore"),
    (rf"{WHO}(?:accepted|accept|allowed|allow|tolerated|tolerate)\b", "accept"),
    (rf"{WHO}(?:only )?{LOOK}(?: for)? only(?: at)?\b", "inspect only"),
    (rf"{WHO}only {LOOK}\b", "inspect only"),
    (rf"{WHO}(?:rejected|reject)\b", "reject"),
)
"""What is said of a rule that does not hold → how the rule says it."""
SINGULAR_RULE = re.compile(
    r"^(?P<only>only )?(?P<the>the (?P<noun>\w+(?: \w+)?)) (?P<verb>count|matter|are|do not)\b", re.IGNORECASE
)
VERBS = {"count": "counts", "matter": "matters", "are": "is", "do not": "does not"}


class Supposition(NamedTuple):
    """What a question supposes, and what it asks then (may be empty: "what if scratches were ignored?")."""

    rule: str
    rest: str


def supposed(question: str) -> Supposition | None:
    """The rule that a question supposes; None where it supposes none."""
    text = " ".join(question.split())
    if WHETHER.search(text):
        return None
    if match := AT_START.match(text):
        return Supposition(as_rule(match["rule"]), (match["rest"] or "").strip(" ?"))
    if match := CHANGES.match(text):
        return Supposition(as_rule(match["rule"]), "what is the verdict")
    if match := UNDER.match(text):
        return Supposition(as_rule(match["rule"]), match["rest"].strip())
    if (match := WITHOUT.match(text)) and not re.match(r"defects?\b|damage\b|flaws?\b", match["name"]):
        return Supposition(f"ignore {match['name'].strip()}", match["rest"].strip())
    match = BEHIND.match(text)
    if match and ASKS.search(match["rest"]) and not re.match(r"\W*(?:where|when)\b", text, re.IGNORECASE):
        return Supposition(as_rule(match["rule"]), match["rest"].strip())
    return None


def as_rule(words: str) -> str:
    """A supposition as the sentence that states it: "stains were ignored" → "stains are ignored"."""
    text = words.strip(" ,.;?")
    text = re.sub(r"^that ", "", text)
    for pattern, present in TENSES:
        text = re.sub(pattern, present, text, flags=re.IGNORECASE)
    text = re.sub(r"^(?:a|an|the) (?=(?:tolerance|rule|instruction)\b)", "", text, flags=re.IGNORECASE)
    if (match := SINGULAR_RULE.match(text)) and not match["noun"].endswith("s"):
        verb = VERBS[match["verb"].lower()]
        text = f"{match['only'] or ''}{match['the']} {verb}{text[match.end() :]}"
    return text

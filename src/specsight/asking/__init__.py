"""Questions about pictures → answers that rest on evidence.

A question becomes a typed `Query` by rules; the query is answered from findings, decision, part map, calibration and
knowledge file, each sentence with what it rests on; where they do not say, the answer says what would be needed.
"""

from specsight.asking.answer import Answer, Evidence, Rewording, Sentence, SentenceCheck
from specsight.asking.conversation import Conversation, ask
from specsight.asking.names import ProductNames, names_of
from specsight.asking.query import Bound, Query
from specsight.asking.understanding import ParsedQuestion, check_question, understand

__all__ = [
    "Answer",
    "Bound",
    "Conversation",
    "Evidence",
    "ParsedQuestion",
    "ProductNames",
    "Query",
    "Rewording",
    "Sentence",
    "SentenceCheck",
    "ask",
    "check_question",
    "names_of",
    "understand",
]

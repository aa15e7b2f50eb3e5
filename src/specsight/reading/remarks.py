"""Remarks around a demand → the demand alone: politeness, references to documents, who asked for it.

In: a statement in plain characters. Out: the same without remarks at either end, however many there are. Nothing that
may narrow a demand ("if possible", "for the front axle") is a remark.
"""

from __future__ import annotations

import re

_POLITE = (
    r"(?:please|kindly|many thanks|thank you(?: very much| in advance| so much)?|thanks(?: a lot| in advance)?|cheers"
    r"|if you (?:would|please)|if i may(?: ask)?|(?:hello|hi|dear|good morning)(?: (?:all|team|colleagues?|everyone|everybody))?)"  # noqa: E501
)
_NOTE = r"(?:(?:please |kindly )?(?:note|remember|be aware|bear in mind)(?: that)?|for your information|fyi|nb|n\.b\.)"
_PAPER = (
    r"(?:drawings?|sections?|clauses?|specifications?|spec|standards?|documents?|paragraphs?|pages?|sheets?|annex|appendix"
    r"|notes?|tables?|figures?|fig\.|orders?|work instructions?|agreements?|contracts?|procedures?|quality plans?"
    r"|iso|din|astm|ece|en|e-?mails?|minutes|revisions?|rev\.)"
)
_NUMBER = r"(?: (?:no\.? ?|nr\.? ?|number |rev\.? ?)?[a-z]{0,4}-?\d[\w./-]*| [a-z]\b)"
_PAPERS = rf"(?:(?:the|our|your|their|its) )?(?:(?:customer|latest|current|valid|enclosed)(?:'s)? )?{_PAPER}{_NUMBER}{{0,2}}"  # noqa: E501
_REFERENCE = (
    rf"(?:as per|as in|per|according to|in accordance with|in line with|acc\. to|with reference to|referring to|see|cf\.|ref\.|refer to)"  # noqa: E501
    rf" {_PAPERS}(?: (?:of|in) {_PAPERS})?"
)
_WHO = r"(?:the customer|our customer|the client|customers|they|we|quality|management|engineering|the line|the auditor)"
_AGREED = (
    rf"as (?:{_WHO} )?(?:agreed|discussed|requested|usual|always|before|mentioned|stated|specified|described|asked|ordered"  # noqa: E501
    rf"|wished|demanded|wanted)(?: (?:with|by|in) (?:{_WHO}|{_PAPERS}|the meeting|our call|our meeting))?"
)
_RELATIVE = (
    rf"which (?:{_WHO} (?:has |have |had )?(?:asked(?: us)?(?: for)?|wants?|wanted|requested|requests|agreed(?: to| on)?"  # noqa: E501
    rf"|demands?|demanded|wishes|wished(?: for)?|insists? on|insisted on)"
    rf"|(?:is|was|has been) (?:agreed|requested|asked for|demanded|wanted)(?: (?:with|by) {_WHO})?)"
)
_ANY = rf"(?:{_POLITE}|{_REFERENCE}|{_AGREED})"
LEADING = re.compile(rf"(?i)(?:{_ANY}\s*[,:;!.–-]+|{_NOTE}\s*[,:–-]*|please|kindly)\s+")
TRAILING = re.compile(
    rf"(?i)(?:\s*[,;–.!-]\s+(?:{_ANY}|{_RELATIVE})|\s*\((?:{_ANY}|{_RELATIVE})\)|\s+please)[\s.!]*$"
)


def without_remarks(text: str) -> str:
    """The statement without remarks before and behind it; as it was where it has none, or nothing else."""
    left = text.strip()
    while True:
        if match := LEADING.match(left):
            shorter = left[match.end() :]
        elif match := TRAILING.search(left):
            shorter = left[: match.start()]
        else:
            return left
        if not shorter.strip(" .,;:!"):
            return left
        left = shorter

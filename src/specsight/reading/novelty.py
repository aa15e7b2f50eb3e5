"""Sentences that report a kind of defect as new → the names that they teach.

In: a statement in plain characters, and the names of a product. Out: `Fact`s of kind "knowledge", or none. A kind that
the product knows already is taught by no sentence. What is to be reported "on the tread" is taught for that part; where
a new kind was seen so far confines nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from specsight.reading.facts import Fact
from specsight.reading.names import Names
from specsight.reading.quantities import quantities

_FAULT = r"(?:faults?|defects?|problems?|flaws?|issues?|failure modes?)"
_NEW = rf"(?:(?:a|an|another|one more) )?(?:new|further|additional|another|unknown)(?: (?:kind|type|sort) of)? {_FAULT}"
_IT = r"(?:it|them|these|those|this|both|that)"
_ACT = (
    rf"(?:please )?(?:start )?(?:also )?(?:report|flag|record|log|mark|include|add|treat|count)(?:ing)? {_IT}\b.*"
    rf"|(?:please )?(?:add|include) {_IT}\b.*|{_IT} (?:is|are) to be (?:added|included|reported|flagged).*"
)
_N = r"(?P<n>[^:;.!?]{3,90}?)"
_ON = r"(?: (?:on|in|at|along) (?:the )?[\w ]{2,30}?)?"
_END = rf"(?:(?:[.;!,]| –| and) *(?:{_ACT}))?[.! ]*"
_LEAD = (
    r"(?:we (?:have|are seeing|see|got)|there is|we've got|keep an eye on|(?:be )?aware of|watch out for|look out for|"
    r"note|attention|beware of)"
)
_MORE = r"(?: too| also| as well| from now on| in future| from today| from today on| henceforth)"
_ASIDE = (
    r"(?:, (?:even though|although|which (?:we|nobody|is|was|were|are)|an? (?:type|kind|sort) of) [^.;]*)?"
)
_REPORT = r"(?:report|flag|record|log|watch(?: out)? for|look out for|keep an eye out for|look for)"
PATTERNS = tuple(
    re.compile(rf"(?i){pattern}")
    for pattern in (
        rf"(?:{_LEAD} )?{_NEW}(?: (?:has|have) (?:appeared|come up|turned up|emerged|occurred|been found))?{_ON}"
        rf" ?[:,–] ?{_N}{_END}",
        rf"(?:another|one more) (?:fault|defect|thing|flaw) to (?:look|watch)(?: out)? for: ?{_N}{_END}",
        rf"something (?:we|that we) (?:have not|haven't|had not|hadn't|never)[^:]{{2,30}}: ?{_N}{_END}",
        rf"(?:we|i|the customer|our customer)(?: have|'ve| has) (?:lately|recently|just)? ?(?:seen|noticed|found|had) "
        rf"{_N}(?: lately| recently)?(?:[.;,] *| and )(?:{_ACT})",
        rf"(?:lately,? |recently,? )?{_N} (?:have|has) (?:recently |lately )?(?:started to appear|started appearing|been "  # noqa: E501
        rf"(?:seen|noticed|found|reported)|appeared|turned up|come up)(?P<where>[^.;]*?)[.;,] *(?:{_ACT})",
        rf"{_N} (?:is|are) (?:a|an) (?:new )?{_FAULT} (?:we|that|which|nobody)[^.;]*[.;,] *(?:{_ACT})",
        rf"(?:from (?:now|today)(?: on)?,? )(?:please )?(?:also )?{_REPORT} {_N}{_MORE}?{_ASIDE}[. ]*",
        rf"(?:please )?also (?:please )?{_REPORT} {_N}{_MORE}?{_ASIDE}[. ]*",
        rf"(?:please )?{_REPORT} {_N}{_MORE}{_ASIDE}[. ]*",
        rf"(?:please )?{_REPORT} {_N}, which (?:we|nobody) (?:had|have|has)[^.;]*[. ]*",
        rf"(?:[\w' ]{{3,60}})(?:complain\w*|sending \w+ back|sent back [\w ]{{2,20}}|returned [\w ]{{2,20}}) "
        rf"(?:about|because of|on account of|over|due to) {_N}[.;,] *(?:{_ACT})",
        rf"(?:[\w' ]{{3,60}})(?:about|because of|on account of|over|due to) {_N}[.;,] *(?:so )?(?:please )?treat "
        rf"[\w ]{{3,40}} as (?:a |an )?{_FAULT}[\w ]*[. ]*",
        rf"(?:customer )?(?:complaint [\w-]{{1,12}}|new(?: since [\w ]{{2,15}})?): ?{_N}[.;,] *(?:{_ACT})",
        rf"(?:please )?add to (?:your|the|our) list(?: of {_FAULT})?: ?{_N}[. ]*",
        rf"from now on,? {_N} counts? as (?:a |an )?{_FAULT}[. ]*",
        rf"(?:please )?(?:include|add) {_N} (?:in|to) the list(?: of {_FAULT})?[. ]*",
    )
)
PLACE = re.compile(
    r"(?i) (on|in|at|along|beneath|under|underneath|near|of|around|from) (?:the |every |each )?(?=\w)"
)
ON = ("on", "in", "at", "along")
"""Words for a place on a part, and not beside or below it."""
OTHER_WORDS = re.compile(
    r"(?i)\b(?:not|no|none|only|any|all|except|unless|if|or|it|they|them|these|those|what|everything|anything|nothing"
    r"|longer|larger|bigger|smaller|over|under|than|is|are|be|whether|list|defect|fault|problem)\b"
)
MOST_WORDS = 6
"""Words of a name."""


def taught(text: str, names: Names) -> list[Fact]:
    """The facts that a sentence teaches; empty where it reports no new kind."""
    for pattern in PATTERNS:
        match = pattern.fullmatch(text.strip())
        if not match:
            continue
        found = [_name(piece, names) for piece in _pieces(match["n"])]
        if found and all(name for name, _ in found):
            return [Fact("knowledge", part, name, confidence=0.85) for name, part in found]
    return []


def _pieces(given: str) -> Sequence[str]:
    return [piece for piece in re.split(r"(?i),? and |, ", given.strip()) if piece]


def _name(given: str, names: Names) -> tuple[str, str | None]:
    """The name without article and place, and the part that it is on; an empty name where it is none, or one that the
    product knows."""
    words = re.sub(r"(?i)^(?:a|an|the|some|any) ", "", given.strip(" '\"–-")).casefold()
    part = None
    for match in PLACE.finditer(words):
        rest = words[match.end() :].split()
        parts = (
            [m.name for m in names.matches(rest, 0) if m.kind == "part" and m.length == len(rest)]
            if rest
            else []
        )
        if parts:
            words, part = words[: match.start()], parts[0] if match[1] in ON else None
            break
    bare = words.replace("-", " ").split()
    if not bare or len(bare) > MOST_WORDS or OTHER_WORDS.search(words) or any(quantities(words)):
        return "", None
    own = any(one.kind != "product" and one.length == len(bare) for one in names.matches(bare, 0))
    return ("", None) if own else (words, part)

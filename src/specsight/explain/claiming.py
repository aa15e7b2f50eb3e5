"""Mentions → claims: what a text says, sentence by sentence.

In: the mentions of a text. Out: claims in the order of the text. A sentence without a head goes on with the finding of
the sentence before (`describing`). Whatever cannot be put to a claim is one of words that were not understood.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specsight.explain.claims import (
    Attribute,
    Claim,
    CleanClaim,
    FeatureClaim,
    FindingsClaim,
    Mention,
    NoRegionClaim,
    NumberClaim,
    Quantity,
    RepeatedClaim,
    RestClaim,
    ThresholdClaim,
    UnreadClaim,
    VerdictClaim,
)
from specsight.explain.describing import ATTRIBUTES, HARD, HEADS, SOFT, Descriptions, Modifiers
from specsight.records import Verdict

FLAGS = {
    "hedges": "hedged", "or": "either", "alternatives": "either", "only": "only", "every": "every", "all": "of_all",
}  # fmt: skip
"""Kind → the modifier that it sets."""
BOUNDS = ("at least", "more than", "at most", "less than", "about")
VALUES = ("score words", "threshold words", "limit words")
NOT_SAID = ("unread", "modal", "other measures", "question")
SILENT = (
    "as", "apposition", "copula", "definite", "existence", "joined", "length words", "neutral", "product",
    "severity words",
)  # fmt: skip
"""Kinds that say nothing by themselves."""


def claims_of(found: Sequence[Mention]) -> list[Claim]:
    """All claims of a text, in their order."""
    claims: list[Claim] = []
    last: FindingsClaim | None = None
    for number, sentence in enumerate(_sentences(found)):
        reader = _Reader(sentence, last, number)
        claims += reader.read()
        last = reader.found.last
    return claims


def _sentences(found: Sequence[Mention]) -> Iterator[list[Mention]]:
    sentence: list[Mention] = []
    for mention in found:
        sentence.append(mention)
        if mention.kind in ("stop", "question"):
            # "1." numbers what follows.
            if [one.kind for one in sentence] != ["number", "stop"]:
                yield sentence
            sentence = []
    if sentence:
        yield sentence


class _Reader:
    """One sentence, from left to right, in segments that "but" and its like part."""

    def __init__(self, sentence: Sequence[Mention], last: FindingsClaim | None, number: int) -> None:
        self.sentence = sentence
        self.claims: list[Claim] = []
        self.found = Descriptions(sentence, last, number, self.claims)
        self._begin_segment()

    def read(self) -> list[Claim]:
        """The claims of the sentence."""
        for place, mention in enumerate(self.sentence):
            self._take(mention, place)
        self._end_segment()
        return self.claims

    def _begin_segment(self) -> None:
        self.words = Modifiers()
        self.expects: Mention | None = None
        """A word for a number that is to follow, such as "score"."""
        self.excused: tuple[bool, str] | None = None
        self.cleaned: CleanClaim | None = None
        self.judged = False

    def _take(self, mention: Mention, place: int) -> None:
        kind = mention.kind
        if kind in HEADS:
            self.expects = None
            self.found.head(mention, place, self.words)
        elif kind in ("size", "number") and self.expects is not None:
            self._value(mention, self.expects)
        elif kind in ATTRIBUTES:
            self.found.attribute(mention, place, self.words)
        elif kind == "verdict":
            self._verdict(mention)
        elif kind in VALUES:
            self._expect(mention)
        elif kind == "number":
            self._number(mention)
        elif kind == "feature":
            self.claims.append(FeatureClaim(mention.value, not self.words.negated, mention.said))
            self.words.negated = False
        elif kind == "saying":
            self.claims.append(RepeatedClaim(mention.value))
        elif kind == "existence":
            self._exists()
        elif kind == "rest":
            self._rest(mention)
        elif kind in NOT_SAID:
            self.claims.append(UnreadClaim(mention.said))
        elif kind in HARD:
            self._end_segment()
        else:
            self._change(mention)

    def _change(self, mention: Mention) -> None:
        """Words that change what stands beside them."""
        kind, words = mention.kind, self.words
        if kind in FLAGS:
            setattr(words, FLAGS[kind], True)
        elif kind == "negations":
            words.negated = not words.negated
        elif kind == "nothing":
            words.negated = True
            self.found.describe(Mention("generic", said=mention.said), len(self.sentence), words)
        elif kind == "other":
            behind = self.found.here[-1] if self.found.here else None
            if behind is not None and [head.said for head in behind.heads] == ["nothing"]:
                behind.other = True  # "Nothing else".
            else:
                words.other = True
        elif kind == "no region":
            self.claims.append(NoRegionClaim(mention.said))
        elif kind == "plenty":
            self._plenty(mention)
        elif kind in BOUNDS:
            words.bound, words.bound_said = kind, mention.said  # type: ignore[assignment]
        elif kind == "area words":
            self._area()
        elif kind == "clean":
            self.cleaned = CleanClaim(mention.said, negated=words.negated)
            words.negated = False
        elif kind in ("excused", "counts"):
            self.excused = ((kind == "excused") is not words.negated, mention.said)
            words.negated = False
        elif kind == "indefinite":
            if words.number is not None and words.number.said == "both":
                words.number = words.least = None  # "Both a cut and a stain".
        elif kind in SOFT:
            self._pause(kind)
        elif kind not in SILENT:
            self.claims.append(UnreadClaim(mention.said))

    def _pause(self, kind: str) -> None:
        self.expects = None
        if kind == "semicolon":
            self.found.open = False
            self._leave_pending()
        elif kind == "colon":
            self.found.listed()

    def _plenty(self, mention: Mention) -> None:
        """ "Several", "many"; "both" and "a dozen" are exact."""
        exact = {"both": 2, "dozen": 12}.get(str(mention.value))
        if exact is None:
            self.words.least = int(mention.value)
        else:
            self.words.number = Mention("number", Quantity(exact, "", 0.5), mention.said)

    def _area(self) -> None:
        """The size before it, or else the one behind it, is that of an area."""
        self.words.area = True
        last = self.found.last
        if last is not None and last.attributes and last.attributes[-1].mention.kind == "size":
            sized = last.attributes[-1]
            last.attributes[-1] = Attribute(sized.mention, sized.negated, sized.bound, True)

    def _verdict(self, mention: Mention) -> None:
        verdict: Verdict | None = mention.value
        if self.words.negated and verdict is not None:
            verdict = "accept" if verdict == "reject" else "reject"
        self.claims.append(VerdictClaim(verdict, mention.said, self.words.hedged))
        self.words.negated = self.words.hedged = False
        self.judged = True

    def _expect(self, mention: Mention) -> None:
        self.expects, words = mention, self.words
        if mention.kind == "threshold words" and words.bound:
            above = (words.bound not in ("at most", "less than")) is not words.negated
            self.claims.append(ThresholdClaim(above, f"{words.bound_said} the {mention.said}"))
            words.bound, words.negated = "", False
        elif words.bound:
            self.claims.append(UnreadClaim(f"{words.bound_said} {mention.said}"))
            words.bound = ""

    def _number(self, mention: Mention) -> None:
        if self.words.number is not None:
            self.claims.append(UnreadClaim(mention.said))
        else:
            self.words.number = mention

    def _value(self, mention: Mention, of: Mention) -> None:
        self.claims.append(
            NumberClaim(of.kind.removesuffix(" words"), mention.value, f"{of.said} {mention.said}")
        )
        self.expects = None

    def _exists(self) -> None:
        """ "Found", "visible": a negation before it is that of what was described, or required, before."""
        if not self.words.negated:
            return
        for number, claim in reversed(list(enumerate(self.claims))):
            if isinstance(claim, FeatureClaim):
                self.claims[number] = FeatureClaim(claim.feature, not claim.present, claim.said)
                self.words.negated = False
                return
            if isinstance(claim, FindingsClaim) and self.found.here and not self.found.here[-1].negated:
                for group in self.found.joined():
                    group.negated = True
                self.words.negated = False
                return

    def _rest(self, mention: Mention) -> None:
        """ "And 2 smaller ones"."""
        number, self.words.number = self.words.number, None
        count = int(number.value.value) if number else 1
        self.claims.append(RestClaim(count, mention.said))
        if self.found.listing is not None:
            self.found.listing.listed = (self.found.listing.listed or 0) + count

    def _leave_pending(self) -> None:
        if self.cleaned is not None:
            where = (*self.cleaned.where, *self.found.pending)
            self.cleaned = CleanClaim(self.cleaned.said, where, self.cleaned.negated)
            self.found.pending = []
        self.found.leave_pending(self.words)

    def _counts(self, number: Mention) -> bool:
        """Whether a number at the end counts what stands before a colon: "number of defects: 2"."""
        group = self.found.here[-1] if self.found.here else None
        kinds = [one.kind for one in self.sentence if one.kind not in ("stop", "neutral")]
        value = number.value.value
        if (
            group is None
            or kinds[-2:] != ["colon", "number"]
            or group.count is not None
            or value != int(value)
        ):
            return False
        group.count, group.least = int(value), 1
        return True

    def _excuse(self) -> None:
        """Findings of the segment do not count, or do."""
        if self.excused is None:
            return
        does_not, said = self.excused
        last = self.found.last
        if self.found.here:
            for group in self.found.here:
                group.excused = does_not
        elif said in ("acceptable", "tolerable", "permissible"):
            self.claims.append(VerdictClaim("accept" if does_not else "reject", said))
        elif last is not None and not self.judged:
            last.excused = does_not
        else:
            self.claims.append(UnreadClaim(said))

    def _end_segment(self) -> None:
        self._leave_pending()
        if self.cleaned is not None:
            self.claims.append(self.cleaned)
        self._excuse()
        words = self.words
        if words.negated and words.other:  # "And no others".
            self.claims.append(
                FindingsClaim(heads=[Mention("generic", said="others")], negated=True, other=True)
            )
            words.negated = words.other = False
        if words.number is not None and self._counts(words.number):
            words.number = None
        self.claims += [UnreadClaim(said) for said in words.unused()]
        self.found.here, self.found.open = [], False
        self._begin_segment()

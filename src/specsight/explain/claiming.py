"""Mentions → claims: what stands beside what in a sentence.

In: the mentions of a text. Out: claims in the order of the text. Attributes belong to the head before them, or to one
that follows; a sentence without a head goes on with the finding of the sentence before. Whatever cannot be put to a
claim is one of words that were not understood.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from specsight.explain.claims import (
    Attribute,
    Claim,
    Clean,
    Described,
    Featured,
    Judged,
    NoRegion,
    NotUnderstood,
    Related,
    Repeated,
    Rest,
    Valued,
)
from specsight.explain.mentions import Mention, Quantity
from specsight.records import Verdict

ATTRIBUTES = ("place", "part", "size", "severity")
HEADS = ("type", "generic")
SOFT = ("comma", "semicolon", "colon", "joint", "joints", "open", "close")
BOUNDS = ("at least", "more than", "at most", "about")
JOINING = frozenset({"comma", "joint", "joints", "or", "alternatives"})
HARD = ("breaks", "stop", "question")
SILENT = (
    "copula",
    "neutral",
    "product",
    "apposition",
    "severity words",
    "definite",
    "indefinite",
    "joined",
    "as",
    "length words",
    "existence",
)
"""Kinds that say nothing by themselves."""


def claims_of(found: Sequence[Mention]) -> list[Claim]:
    """All claims of a text, in their order."""
    claims: list[Claim] = []
    last: Described | None = None
    for number, sentence in enumerate(_sentences(found)):
        reader = _Reader(sentence, last, number)
        claims += reader.read()
        last = reader.last
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
    """One sentence."""

    def __init__(self, sentence: Sequence[Mention], last: Described | None, number: int) -> None:
        self.sentence, self.number = sentence, number
        self.last = last
        self.claims: list[Claim] = []
        self.listing: Described | None = None
        self.here: list[Described] = []
        """Those of the segment, which "but" or the end of the sentence ends."""
        self.open = False
        """Whether what follows may go on with the last description."""
        self._reset()

    def read(self) -> list[Claim]:
        for place, mention in enumerate(self.sentence):
            self._take(mention, place)
        self._end_segment()
        return self.claims

    def _reset(self) -> None:
        self.pending: list[Attribute] = []
        self.negated = self.hedged = self.either = self.other = self.only = self.every = self.all = False
        self.number_: Mention | None = None
        self.least: int | None = None
        self.bound = self.bound_said = ""
        self.expects: Mention | None = None
        """A word for a number that is to follow, such as "score"."""
        self.scored: list[str] = []
        self.area = False
        self.excused: tuple[bool, str] | None = None
        self.verdicts = 0
        self.cleaned: Clean | None = None

    def _take(self, mention: Mention, place: int) -> None:
        kind = mention.kind
        if kind in HEADS:
            self._head(mention, place)
        elif kind in ATTRIBUTES:
            self._attribute(mention, place)
        elif kind == "verdict":
            self._verdict(mention)
        elif kind in ("score words", "threshold words", "limit words", "peak words"):
            self._expect(mention)
        elif kind == "number":
            self._number(mention)
        elif kind == "feature":
            self._feature(mention)
        elif kind == "saying":
            self.claims.append(Repeated(mention.value))
        elif kind == "existence":
            self._exists()
        elif kind == "rest":
            self._rest(mention)
        elif kind in ("unread", "modal", "other measures", "question"):
            self.claims.append(NotUnderstood(mention.said))
        elif kind in HARD:
            self._end_segment()
        else:
            self._flag(mention)

    def _flag(self, mention: Mention) -> None:
        """Words that change what stands beside them."""
        kind = mention.kind
        if kind == "negations":
            self.negated = not self.negated
        elif kind == "hedges":
            self.hedged = True
        elif kind in ("or", "alternatives"):
            self.either = True
        elif kind == "nothing":
            self.negated = True
            self._describe(Mention("generic", said=mention.said), len(self.sentence))
        elif kind == "other":
            behind = self.here[-1] if self.here else None
            if behind and behind.heads and behind.heads[-1].said == "nothing":
                behind.other = True  # "Nothing else".
            else:
                self.other = True
        elif kind == "only":
            self.only = True
        elif kind == "every":
            self.every = True
        elif kind == "no region":
            self.claims.append(NoRegion(mention.said))
        elif kind == "all":
            self.all = True
        elif kind == "plenty":
            self.least = {"both": 2, "dozen": 12}.get(str(mention.value)) or int(mention.value)
            exact = mention.value in ("both", "dozen")
            self.number_ = Mention("number", Quantity(self.least, "", 0.5), mention.said) if exact else None
        elif kind in BOUNDS:
            self.bound, self.bound_said = kind, mention.said
        elif kind == "area words":
            self.area = True
            if self.last and self.last.attributes and self.last.attributes[-1].mention.kind == "size":
                sized = self.last.attributes[-1]
                self.last.attributes[-1] = Attribute(sized.mention, sized.negated, sized.bound, True)
        elif kind == "clean":
            self.cleaned = Clean(mention.said, negated=self.negated)
            self.negated = False
        elif kind in ("excused", "counts"):
            self.excused = ((kind == "excused") is not self.negated, mention.said)
            self.negated = False
        elif kind == "indefinite":
            if self.number_ is not None and self.number_.said == "both":
                self.number_, self.least = None, None  # "Both a cut and a stain".
        elif kind in SOFT:
            self._pause(kind)
        elif kind not in SILENT:
            self.claims.append(NotUnderstood(mention.said))

    def _pause(self, kind: str) -> None:
        self.expects = None
        if kind == "semicolon":
            self.open = False
            self._leave_pending()
        elif kind == "colon" and self.here and self.listing is None:
            group = self.here[-1]
            if group.count is not None and all(head.kind == "generic" for head in group.heads):
                self.listing, group.listed = group, 0
                self.open = False

    def _head(self, mention: Mention, place: int) -> None:
        before = self.sentence[place - 1] if place else None
        group = self.here[-1] if self.here else None
        named = group is not None and all(head.kind == "generic" for head in group.heads)
        behind = self._between(place)
        if before is not None and before.kind == "type" and mention.kind == "generic" and group is not None:
            group.heads[-1] = Mention("type", group.heads[-1].value, group.heads[-1].said, mention.plural)
            group.least = 2 if mention.plural and group.count is None else group.least
            return
        if group and self.either and not group.negated and "colon" not in behind:
            group.heads.append(mention)
            group.any_of = True
            self.either = False
            return
        told = "apposition" in behind or ("copula" in behind and not set(behind) & {*JOINING, "existence"})
        alone = group is not None and group.count is None and group.least == 1
        # "A minor defect: a cut", "a defect, a cut".
        told = told or (
            alone and bool(set(behind) & {"colon", "comma"}) and not set(behind) & {"joint", "joints"}
        )
        same = {"copula", "apposition", "as"} & set(behind) and not set(behind) & {
            *JOINING,
            "existence",
            "colon",
        }
        if group and mention.kind == "type" and same and not (named or group.negated or self.negated):
            # "The cut is a slit": one finding that is both.
            group.heads.append(mention)
            return
        if named and group and mention.kind == "type" and told:
            group.heads = [mention]
            group.hedged = group.hedged or self.hedged
            group.negated, self.negated = group.negated or self.negated, False
            return
        self._describe(mention, place)

    def _describe(self, mention: Mention, place: int) -> None:
        quantity = self.number_.value if self.number_ else None
        count = int(quantity.value) if quantity and quantity.value == int(quantity.value) else None
        if quantity and count is None:
            self.claims.append(NotUnderstood(str(self.number_.said if self.number_ else "")))
        definite = any(one.kind == "definite" for one in self.sentence[max(place - 3, 0) : place])
        inherited = self._inherited(place)
        group = Described(
            heads=[mention],
            attributes=[*inherited, *self.pending],
            inherited=inherited,
            opened=self.pending,
            count=None if self.bound in ("at least", "more than") else count,
            least=_least(count, self.bound)
            or self.least
            or (2 if mention.plural and not self.negated else 1),
            negated=self.negated or self._coordinated(place),
            hedged=self.hedged,
            definite=definite,
            other=self.other,
            only=self.only,
            only_of_type=definite and mention.kind == "type",
            every=self.every,
            of_all=self.all,
            sentence=self.number,
            joined=set(self._between(place)) <= {*JOINING, "number", "indefinite", "definite", "plenty"},
        )
        if self.bound and (count is None or self.bound in ("at most", "about")):
            self.claims.append(NotUnderstood(f"{self.bound} {mention.said}"))
        if count == 0:
            group.count, group.least, group.negated = None, 1, True
        if self.listing is not None and self.listing is not group and not group.negated:
            self.listing.listed = (self.listing.listed or 0) + (group.count or group.least)
        self.pending, self.number_, self.least = [], None, None
        if group.negated and (group.only or group.every or group.hedged or group.count):
            self.claims.append(NotUnderstood(f"a negation of {group.said}"))
        self.negated = self.hedged = self.other = self.only = self.every = self.all = self.either = False
        self.bound, self.expects = "", None
        self.open = True
        self.claims.append(group)
        self.here.append(group)
        self.last = group

    def _inherited(self, place: int) -> list[Attribute]:
        """Where a head lies by what stands before the one it is joined with: "the tread shows a cut and a stain"."""
        kinds = set(self._between(place))
        if not self.here or not kinds & {"joint", "joints", "comma"} or kinds & {"semicolon", "colon"}:
            return []
        own = {one.mention.kind for one in self.pending}
        before = self.here[-1]
        return [
            one
            for one in (*before.opened, *before.inherited)
            if one.mention.kind in ("place", "part") and one.mention.kind not in own
        ]

    def _coordinated(self, place: int) -> bool:
        """Whether a head is joined with one that is negated: "no cuts, stains or dents"."""
        kinds = set(self._between(place))
        return bool(self.here) and self.here[-1].negated and bool(kinds & JOINING) and kinds <= JOINING

    def _attribute(self, mention: Mention, place: int) -> None:
        if mention.kind == "size" and self.expects is not None:
            self._value(mention)
            return
        if mention.kind == "place" and self._of_another(place):
            self.claims.append(NotUnderstood(f"{mention.said} of something"))
        attribute = Attribute(mention, self.negated and not self._negates_head(place), self.bound, self.area)  # type: ignore[arg-type]
        if attribute.negated:
            self.negated = False
        if self.bound and mention.kind != "size":
            self.claims.append(NotUnderstood(f"{self.bound} {mention.said}"))
        self.bound, self.area = "", False
        if self.open and self.here and not self._opens_next(place):
            for group in self._joined():
                group.attributes = [
                    one
                    for one in group.attributes
                    if one.mention.kind != mention.kind or one not in group.inherited
                ]
                group.attributes.append(attribute)
        else:
            self.pending.append(attribute)

    def _joined(self) -> list[Described]:
        """The last description, and those that are joined with it: "a cut and a stain on the tread"."""
        groups = [self.here[-1]]
        for group in reversed(self.here[:-1]):
            later = groups[-1]
            same = list(map(id, group.attributes)) == list(map(id, later.attributes))
            if not same or not later.joined or group.negated is not later.negated or group is self.listing:
                break
            groups.append(group)
        return groups

    def _between(self, place: int) -> list[str]:
        """Kinds of what stands between the last head and a place."""
        kinds: list[str] = []
        for mention in reversed(self.sentence[:place]):
            if mention.kind in HEADS:
                break
            kinds.append(mention.kind)
        return kinds

    def _of_another(self, place: int) -> bool:
        """Whether a place is beside another finding: "left of the stain"."""
        after = [one for one in self.sentence[place + 1 : place + 4] if one.kind != "definite"]
        return len(after) > 1 and after[0].said == "of" and after[1].kind in HEADS

    def _opens_next(self, place: int) -> bool:
        """Whether an attribute belongs to a head that follows: "a cut and a 4 mm stain"."""
        before = self._between(place)
        if not set(before) & {*SOFT, "indefinite", "number"}:
            return False
        for mention in self.sentence[place + 1 :]:
            if mention.kind in HEADS:
                return True
            if mention.kind in (*SOFT, *HARD, "or", "alternatives"):
                return False
        return False

    def _negates_head(self, place: int) -> bool:
        """Whether a negation before an attribute is that of a head behind it: "no 6 mm cut", "no major defects"."""
        for mention in self.sentence[place + 1 :]:
            if mention.kind in HEADS:
                return True
            if mention.kind not in (*ATTRIBUTES, "number", "neutral", "length words"):
                return False
        return False

    def _verdict(self, mention: Mention) -> None:
        verdict: Verdict | None = mention.value
        if self.negated and verdict is not None:
            verdict = "accept" if verdict == "reject" else "reject"
        self.claims.append(Judged(verdict, mention.said, self.hedged))
        self.negated = self.hedged = False
        self.verdicts += 1

    def _expect(self, mention: Mention) -> None:
        what = mention.kind.removesuffix(" words")
        self.expects = mention
        self.scored.append(what)
        if what == "threshold" and self.bound:
            self.claims.append(
                Related(
                    (self.bound != "at most") is not self.negated, f"{self.bound_said} the {mention.said}"
                )
            )
            self.bound, self.negated = "", False
        if what == "limit" and self.bound:
            self.claims.append(NotUnderstood(f"{self.bound} {mention.said}"))
            self.bound = ""

    def _number(self, mention: Mention) -> None:
        if self.expects is not None:
            self._value(mention)
        elif self.number_ is not None:
            self.claims.append(NotUnderstood(mention.said))
        else:
            self.number_ = mention
            if self.here and self.here[-1].negated:
                self.negated = False

    def _value(self, mention: Mention) -> None:
        what = self.expects.kind.removesuffix(" words") if self.expects else ""
        said = f"{self.expects.said if self.expects else ''} {mention.said}"
        self.claims.append(Valued(what, mention.value, said))
        self.expects = None

    def _feature(self, mention: Mention) -> None:
        self.claims.append(Featured(mention.value, not self.negated, mention.said))
        self.negated = False

    def _exists(self) -> None:
        """ "Found", "visible": a negation before it is that of what was described, or required, before."""
        if not self.negated:
            return
        for k in range(len(self.claims) - 1, -1, -1):
            claim = self.claims[k]
            if isinstance(claim, Featured):
                self.claims[k] = Featured(claim.feature, not claim.present, claim.said)
                self.negated = False
                return
            if isinstance(claim, Described) and claim in self.here and not claim.negated:
                for group in self._joined():
                    group.negated = True
                self.negated = False
                return

    def _rest(self, mention: Mention) -> None:
        number = self.number_
        count = int(number.value.value) if number else 1
        self.claims.append(Rest(count, mention.said))
        self.number_ = None
        if self.listing is not None:
            self.listing.listed = (self.listing.listed or 0) + count

    def _leave_pending(self) -> None:
        """Attributes without a head are said of the finding before, or of any."""
        if not self.pending:
            return
        pending, self.pending = self.pending, []
        if self.cleaned is not None:
            self.cleaned = Clean(self.cleaned.said, (*self.cleaned.where, *pending), self.cleaned.negated)
        elif self.last is not None and not self.last.negated and not self.only:
            self.last.attributes += pending
        else:
            group = Described(attributes=pending, sentence=self.number, definite=True, only=self.only)
            self.only = False
            self.claims.append(group)
            self.here.append(group)
            self.last = group

    def _counted(self, number: Mention) -> bool:
        """Whether a number at the end counts what stands before a colon: "number of defects: 2"."""
        group = self.here[-1] if self.here else None
        kinds = [one.kind for one in self.sentence if one.kind not in ("stop", "neutral")]
        if group is None or kinds[-2:] != ["colon", "number"] or group.count is not None:
            return False
        group.count, group.least = int(number.value.value), 1
        return bool(number.value.value == group.count)

    def _end_segment(self) -> None:
        self._leave_pending()
        if self.cleaned is not None:
            self.claims.append(self.cleaned)
        if self.excused is not None:
            does_not, said = self.excused
            if self.here:
                for group in self.here:
                    group.excused = does_not
            elif said in ("acceptable", "tolerable", "permissible"):
                self.claims.append(Judged("accept" if does_not else "reject", said))
            elif self.last is not None and not self.verdicts:
                self.last.excused = does_not
            else:
                self.claims.append(NotUnderstood(said))
        if self.negated and self.other:
            nothing = Described(heads=[Mention("generic", said="others")], negated=True, other=True)
            self.claims.append(nothing)
            self.negated = self.other = False
        if self.number_ is not None and not self._counted(self.number_):
            self.claims.append(NotUnderstood(self.number_.said))
        if self.hedged:
            self.claims.append(NotUnderstood("a hedge"))
        if self.bound:
            self.claims.append(NotUnderstood(self.bound))
        if self.only or self.every:
            self.claims.append(NotUnderstood("only" if self.only else "every"))
        if self.negated:
            self.claims.append(NotUnderstood("a negation"))
        self.here, self.open = [], False
        self._reset()


def _least(count: int | None, bound: str) -> int | None:
    """How many findings a count asks for."""
    return None if count is None else count + (bound == "more than")

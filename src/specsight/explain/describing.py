"""Heads with their attributes → descriptions of findings: which attribute is said of which head in one sentence.

In: the mentions of a sentence, one after the other, with the words that change them (`Modifiers`). Out: `FindingsClaim`
claims. Attributes belong to the head before them, or to one that follows; what stands before one head holds for another
that is joined with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from specsight.explain.claims import Attribute, Bound, Claim, FindingsClaim, Mention, UnreadClaim

ATTRIBUTES = ("place", "part", "size", "severity")
HEADS = ("type", "generic")
SOFT = ("comma", "semicolon", "colon", "joint", "joints", "open", "close")
HARD = ("breaks", "stop", "question")
JOINING = frozenset({"comma", "joint", "joints", "or", "alternatives"})
EQUATING = frozenset({"copula", "apposition", "as"})


@dataclass
class Modifiers:
    """Words that change what stands beside them, as far as they have not been used up."""

    negated: bool = False
    hedged: bool = False
    either: bool = False
    other: bool = False
    only: bool = False
    every: bool = False
    of_all: bool = False
    area: bool = False
    bound: Bound = ""
    bound_said: str = ""
    number: Mention | None = None
    least: int | None = None

    def use_up(self) -> None:
        """Forget all but what is said of an attribute to come."""
        for name, empty in vars(Modifiers(area=self.area)).items():
            setattr(self, name, empty)

    def unused(self) -> list[str]:
        """What was said and changed nothing."""
        flags = ("negated", "hedged", "other", "only", "every", "bound")
        words = [f"{name} without what it is said of" for name in flags if getattr(self, name)]
        return [*words, *([self.number.said] if self.number else []), *(["several"] if self.least else [])]


class Descriptions:
    """The findings that a sentence describes.

    Parameters: `last` is the description that the text before ends with; `claims` are those of the sentence, to which
    new ones are added in their order.
    """

    def __init__(
        self, sentence: Sequence[Mention], last: FindingsClaim | None, number: int, claims: list[Claim]
    ) -> None:
        self.sentence, self.number, self.claims = sentence, number, claims
        self.last = last
        self.listing: FindingsClaim | None = None
        """What is counted before a colon: "2 regions: ..."."""
        self.here: list[FindingsClaim] = []
        """Those of the segment, which "but" or the end of the sentence ends."""
        self.pending: list[Attribute] = []
        """Attributes that wait for a head."""
        self.open = False
        """Whether what follows may go on with the last description."""

    def head(self, mention: Mention, place: int, words: Modifiers) -> None:
        """A type, or a general word for a defect: of a new description, or the name of the one before."""
        group = self.here[-1] if self.here else None
        before = self.sentence[place - 1] if place else None
        behind = set(between(self.sentence, place))
        if group is None:
            self.describe(mention, place, words)
            return
        if before is not None and before.kind == "type" and mention.kind == "generic":
            # "A cut defect".
            group.heads[-1] = Mention("type", group.heads[-1].value, group.heads[-1].said, mention.plural)
            group.least = 2 if mention.plural and group.count is None else group.least
            return
        if words.either and not group.negated and "colon" not in behind:
            group.heads.append(mention)
            group.any_of, words.either = True, False
            return
        general = all(head.kind == "generic" for head in group.heads)
        told = behind & EQUATING and not ("copula" in behind and behind & {*JOINING, "existence"})
        if mention.kind == "type" and general and (told or _is_one(group, behind)):
            # "A defect of type cut", "the defect is a cut", "a minor defect: a cut".
            group.heads = [mention]
            group.hedged = group.hedged or words.hedged
            group.negated, words.negated = group.negated or words.negated, False
            return
        equated = behind & EQUATING and not behind & {*JOINING, "existence", "colon"}
        if mention.kind == "type" and equated and not (general or group.negated or words.negated):
            group.heads.append(mention)  # "The cut is a slit": one finding that is both.
            return
        self.describe(mention, place, words)

    def describe(self, mention: Mention, place: int, words: Modifiers) -> None:
        """Begin a description; what was said of number, negation and the like is used up."""
        count = self._count(mention, words)
        kinds = set(between(self.sentence, place))
        definite = any(one.kind == "definite" for one in self.sentence[max(place - 3, 0) : place])
        inherited = self._inherited(kinds)
        group = FindingsClaim(
            heads=[mention],
            attributes=[*inherited, *self.pending],
            opened=self.pending,
            inherited=inherited,
            count=None if words.bound in ("at least", "more than") else count,
            least=words.least or (2 if mention.plural and not words.negated else 1),
            negated=words.negated or self._coordinated(kinds),
            hedged=words.hedged,
            definite=definite,
            other=words.other,
            only=words.only,
            only_of_type=definite and mention.kind == "type",
            every=words.every,
            of_all=words.of_all,
            sentence=self.number,
            joined=kinds <= {*JOINING, "number", "indefinite", "definite", "plenty"},
        )
        if count == 0:
            group.count, group.negated = None, True
        elif count is not None:
            group.least = count + (words.bound == "more than")
        if group.negated and (group.only or group.every or group.hedged or group.count):
            self.claims.append(UnreadClaim(f"a negation of {group.said}"))
        if self.listing is not None and not group.negated:
            self.listing.listed = (self.listing.listed or 0) + (group.count or group.least)
        words.use_up()
        self.pending, self.open = [], True
        self._add(group)

    def attribute(self, mention: Mention, place: int, words: Modifiers) -> None:
        """A place, part, size or severity: of the last description, or of one that follows."""
        if mention.kind == "place" and _of_another(self.sentence, place):
            self.claims.append(UnreadClaim(f"{mention.said} of something"))
        if words.bound and mention.kind != "size":
            self.claims.append(UnreadClaim(f"{words.bound_said} {mention.said}"))
        negated = words.negated and not _negates_head(self.sentence, place)
        attribute = Attribute(mention, negated, words.bound, words.area)
        words.negated = words.negated and not negated
        words.bound, words.area = "", False
        if not (self.open and self.here) or _opens_next(self.sentence, place):
            self.pending.append(attribute)
            return
        for group in self.joined():
            kept = (
                one
                for one in group.attributes
                if one.mention.kind != mention.kind or one not in group.inherited
            )
            group.attributes = [*kept, attribute]

    def joined(self) -> list[FindingsClaim]:
        """The last description, and those that are joined with it: "a cut and a stain on the tread"."""
        groups = [self.here[-1]]
        for group in reversed(self.here[:-1]):
            later = groups[-1]
            same = list(map(id, group.attributes)) == list(map(id, later.attributes))
            if not same or not later.joined or group.negated is not later.negated or group is self.listing:
                break
            groups.append(group)
        return groups

    def listed(self) -> None:
        """A colon behind a counted general word: what follows are its items."""
        group = self.here[-1] if self.here else None
        if group is None or self.listing is not None or group.count is None:
            return
        if all(head.kind == "generic" for head in group.heads):
            self.listing, group.listed = group, 0
            self.open = False

    def leave_pending(self, words: Modifiers) -> None:
        """Attributes without a head are said of the finding before, or of any."""
        if not self.pending:
            return
        pending, self.pending = self.pending, []
        if self.last is not None and not self.last.negated and not words.only:
            self.last.attributes += pending
            return
        self._add(FindingsClaim(attributes=pending, sentence=self.number, definite=True, only=words.only))
        words.only = False

    def _add(self, group: FindingsClaim) -> None:
        self.claims.append(group)
        self.here.append(group)
        self.last = group

    def _count(self, mention: Mention, words: Modifiers) -> int | None:
        """As many as a number says; what is no number of things was not understood."""
        number = words.number.value.value if words.number else None
        count = int(number) if number is not None and number == int(number) else None
        if number is not None and count is None:
            self.claims.append(UnreadClaim(f"{number:g} {mention.said}"))
        if words.bound and (count is None or words.bound in ("at most", "less than", "about")):
            self.claims.append(UnreadClaim(f"{words.bound_said} {mention.said}"))
        return count

    def _inherited(self, kinds: set[str]) -> list[Attribute]:
        """Where a head lies by what stands before the one it is joined with: "the tread shows a cut and a stain"."""
        if not self.here or not kinds & {"joint", "joints", "comma"} or kinds & {"semicolon", "colon"}:
            return []
        own = {one.mention.kind for one in self.pending}
        before = self.here[-1]
        leading = (*before.opened, *before.inherited)
        return [
            one for one in leading if one.mention.kind in ("place", "part") and one.mention.kind not in own
        ]

    def _coordinated(self, kinds: set[str]) -> bool:
        """Whether a head is joined with one that is negated: "no cuts, stains or dents"."""
        return bool(self.here) and self.here[-1].negated and bool(kinds & JOINING) and kinds <= JOINING


def between(sentence: Sequence[Mention], place: int) -> list[str]:
    """Kinds of what stands between the last head and a place."""
    kinds: list[str] = []
    for mention in reversed(sentence[:place]):
        if mention.kind in HEADS:
            break
        kinds.append(mention.kind)
    return kinds


def _is_one(group: FindingsClaim, behind: set[str]) -> bool:
    """Whether a type behind a general word names it: "a minor defect: a cut", "a defect, a cut"."""
    alone = group.count is None and group.least == 1
    return alone and bool(behind & {"colon", "comma"}) and not behind & {"joint", "joints"}


def _of_another(sentence: Sequence[Mention], place: int) -> bool:
    """Whether a place is beside another finding: "left of the stain"."""
    after = [one for one in sentence[place + 1 : place + 4] if one.kind != "definite"]
    return len(after) > 1 and after[0].said == "of" and after[1].kind in HEADS


def _opens_next(sentence: Sequence[Mention], place: int) -> bool:
    """Whether an attribute belongs to a head that follows: "a cut and a 4 mm stain"."""
    if not set(between(sentence, place)) & {*SOFT, "indefinite", "number"}:
        return False
    for mention in sentence[place + 1 :]:
        if mention.kind in HEADS:
            return True
        if mention.kind in (*SOFT, *HARD, "or", "alternatives"):
            return False
    return False


def _negates_head(sentence: Sequence[Mention], place: int) -> bool:
    """Whether a negation before an attribute is that of a head behind it: "no 6 mm cut", "no major defects"."""
    for mention in sentence[place + 1 :]:
        if mention.kind in HEADS:
            return True
        if mention.kind not in (*ATTRIBUTES, "number", "neutral", "length words"):
            return False
    return False

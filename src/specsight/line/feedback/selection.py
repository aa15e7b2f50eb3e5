"""Which confirmed good parts join the calibration, and what their choice does to its promise.

A threshold promises a rate of false rejects because good parts stand behind it that nobody chose. Parts that persons
looked at are chosen: false rejects are the good parts with the largest scores. Three ways to sample them:

`overruled`: false rejects alone. Scores of such parts lie above those of good parts at large, so that the threshold
lies at least as high as one from as many parts that nobody chose: it rejects fewer good parts than it promises, and
lets more defects pass. That holds where persons do not prefer false rejects with small scores.
`all`: besides them the accepted parts that were confirmed as good. Nearer to the line; false rejects still weigh more
than on it, where a larger share of rejected than of accepted parts was looked at.
`even`: as `all`, but of either verdict only as large a share as was looked at of the other: as if parts had been
drawn from the line at that share. The promise stands as it is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from specsight.errors import SpecsightError
from specsight.line.counting import counted
from specsight.line.feedback.confirming import ALL, Looked, Reviewed, looked_at, reviewed
from specsight.line.store import LineStore

Way = Literal["overruled", "all", "even"]
WAYS: tuple[Way, ...] = get_args(Way)
SHARE_ALIKE = 1.25
"""Shares of rejected and accepted parts that were confirmed count as alike up to this ratio."""


@dataclass(frozen=True)
class Selection:
    """Confirmed good parts that are to join a calibration."""

    way: Way
    parts: tuple[Reviewed, ...]
    looked: dict[str, Looked]
    """By verdict: how many parts were judged and looked at."""
    left_out: dict[str, int]
    """Why → how many confirmed good parts do not join."""

    def sentences(self) -> str:
        """What joins, how it was chosen, and what that does to the promise."""
        rejected = sum(one.part.verdict == "reject" for one in self.parts)
        accepted = len(self.parts) - rejected
        said = [
            f"{counted(rejected, 'false reject')} and {counted(accepted, 'accepted part')} confirmed as good"
        ]
        shares = [
            f"{self.looked[verdict].good + self.looked[verdict].defects} of {self.looked[verdict].judged} {word}"
            for verdict, word in (("reject", "rejected"), ("accept", "accepted"))
        ]
        said.append(f"confirmed were {' and '.join(shares)} parts")
        said += [f"{count} left out: {why}" for why, count in self.left_out.items()]
        return f"{'; '.join(said)}. {self.promise()}"

    def promise(self) -> str:
        """What the choice does to the promise, in a sentence."""
        reject, accept = self.looked["reject"].share, self.looked["accept"].share
        alike = accept > 0 and accept / SHARE_ALIKE <= reject <= SHARE_ALIKE * accept
        if self.way == "even" or (self.way == "all" and alike):
            return (
                "As large a share of rejected as of accepted parts joined, as if drawn from the line: the promise on "
                "false rejects holds as it is said."
            )
        if self.way == "all" and reject < accept:
            return (
                "Rejected parts joined more rarely than accepted ones, so that the threshold may lie too low: the "
                "promise on false rejects does not hold. Confirm more of the rejected parts, or choose 'even'."
            )
        return (
            "They are chosen, and score higher than good parts at large: the promise on false rejects holds and is "
            "cautious, but the threshold lies higher than parts that nobody chose would put it, so that more defects "
            "pass. The preview counts them."
        )


def select(
    store: LineStore, model: str, way: str = "all", under_words: bool = False, seed: int = 0
) -> Selection:
    """The confirmed good parts of a model that join its calibration, sampled in one of `WAYS` under `seed`.

    Parts that were judged under words join only with `under_words`: who accepts what an instruction tolerates does not
    say that the part is good without it. Raises SpecsightError for another way, and where no part is left.
    """
    if way not in WAYS:
        raise SpecsightError(f"parts are sampled as {', '.join(WAYS)}, not as '{way}'")
    found = reviewed(store, model, waiting=False, limit=ALL)
    good = [one for one in found if one.outcome == "good" and one.part.verdict]
    left_out = dict[str, int]()
    kept = [one for one in good if under_words or not one.part.words]
    if len(kept) < len(good):
        left_out["judged under words"] = len(good) - len(kept)
    looked, before = looked_at(store, model), len(kept)
    if way == "overruled":
        kept = [one for one in kept if one.part.verdict == "reject"]
        if len(kept) < before:
            left_out["accepted by the line"] = before - len(kept)
    elif way == "even":
        kept = _evened(kept, looked, seed)
        if len(kept) < before:
            left_out["thinned, so that both verdicts join at the same share"] = before - len(kept)
    if not kept:
        why = "; ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise SpecsightError(
            f"no part of '{model}' is confirmed as good{f' and of use here ({why})' if why else ''}: confirm "
            "false rejects, and parts that were rightly accepted"
        )
    return Selection(way, tuple(kept), looked, left_out)


def _evened(good: Sequence[Reviewed], looked: dict[str, Looked], seed: int) -> list[Reviewed]:
    """Of each verdict the share that was confirmed of the other, where that is less."""
    shares = {verdict: looked[verdict].share for verdict in looked if looked[verdict].judged}
    if any(share == 0 for share in shares.values()):
        none = next(
            "accepted" if verdict == "accept" else "rejected" for verdict, s in shares.items() if s == 0
        )
        raise SpecsightError(
            f"no {none} part was confirmed: look at some of them, drawn at random, or sample as 'overruled'"
        )
    least = min(shares.values())
    generator, kept = np.random.default_rng(seed), []
    for verdict, share in shares.items():
        own = sorted((one for one in good if one.part.verdict == verdict), key=lambda one: one.part.number)
        count = round(len(own) * least / share)
        kept += [own[k] for k in sorted(generator.permutation(len(own))[:count])]
    return kept

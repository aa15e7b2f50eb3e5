"""A source of pictures → judged parts, in a store and at outlets, and the pictures sorted by their verdict.

In: a model that is loaded, a source, a folder for what comes out. Each picture is claimed (`claims`), judged as the
server judges it (`judging.judge`), stored, handed to the outlets and put away. What fails on the way, a full disk or a
database that is gone, is tried again until it works; nothing is skipped.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from specsight.errors import SpecsightError
from specsight.line.claims import Claim, Claims
from specsight.line.fleet import SYSTEM, LiveModel
from specsight.line.judging import judge
from specsight.line.outlets import Outlets
from specsight.line.records import JudgedPart
from specsight.line.requests import PartRequest, digests_of
from specsight.line.sources import Arrival, Source
from specsight.line.store import LineStore
from specsight.storage import only_writer

STATE = ".watch"
"""Folder in the output that holds claims and what waits for outlets."""
ID = re.compile(r"\b[0-9a-f]{32}\b")
"""Of a claim, which is another one each time a picture is taken."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds until what failed is tried again: the first time, and at most."""


@dataclass
class Account:
    """What was done."""

    words: Counter[str] = field(default_factory=Counter)
    """Word of a verdict → pictures."""
    resumed: int = 0
    """Of them, those that a former process had taken."""

    def __str__(self) -> str:
        total = sum(self.words.values())
        each = ", ".join(f"{count} {word}" for word, count in sorted(self.words.items()))
        before = f", {self.resumed} of them taken before" if self.resumed else ""
        return f"{total} judged{f' ({each})' if each else ''}{before}"


class Watch:
    """One line that is watched.

    Parameters:
        model: gives the model that judges the next picture: always the same, or what is live (`Fleet.live`).
        out: folder of the sorted pictures; this process holds it alone.
        line: name of the line.
        words: instruction for pictures that bring none.
        store: where records go, if anywhere.
        addresses: outlets (`outlets.outlet`).
        tell: prints a line.

    Raises SpecsightError where the words are no instruction, and where `out` cannot be used.
    """

    def __init__(
        self,
        model: Callable[[], LiveModel],
        out: Path,
        line: str,
        words: str = "",
        store: LineStore | None = None,
        addresses: tuple[str, ...] = (),
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.model, self.line, self.words, self.store, self.tell = model, line, words, store, tell
        if words:
            model().clauses(words)
        self.account = Account()
        self._failures: set[str] = set()
        """What was told since the last picture came through."""
        self._refused: dict[str, str] = {}
        """File → why it could not be taken, when that was last tried."""
        self._held = ExitStack()
        self._held.enter_context(only_writer(out / STATE))
        try:
            self.claims = Claims(out / STATE / "taken", out)
            self.outlets = Outlets(addresses, out / STATE / "outlets", tell=tell)
        except BaseException:
            self._held.close()
            raise

    def run(self, source: Source, stop: threading.Event) -> Account:
        """Judge what was taken before, then what comes, until the source ends or `stop` is set."""
        for claim in self.claims.pending():
            self.account.resumed += self._until_done(claim, stop)
        away = ""
        while not stop.is_set() and not source.ended:
            try:
                arrival, away = source.next(), ""
            except OSError as error:  # a share that is away for a while
                before, away = away, f"{error.strerror}: '{error.filename}'; looking again"
                if away != before:
                    self.tell(away)
                stop.wait(FIRST_PAUSE)
                continue
            if arrival is None:
                stop.wait(source.pause)
            elif (taken := self._take(source, arrival)) is not None:
                self._until_done(taken, stop)
        return self.account

    def close(self, seconds: float = 5.0) -> None:
        """Let outlets send what waits, for so many seconds at most, and let go of the folder."""
        self.outlets.close(seconds)
        self._held.close()

    def _take(self, source: Source, arrival: Arrival) -> Claim | None:
        try:
            taken = self.claims.take(arrival)
            self._refused.pop(arrival.file, None)
            return taken
        except FileNotFoundError:
            return None  # somebody took it away
        except (SpecsightError, OSError) as error:
            reason = str(error) if isinstance(error, SpecsightError) else f"{error.strerror}: cannot be taken"
            if self._refused.get(arrival.file) != (same := ID.sub("", reason)):
                self._refused[arrival.file] = same
                self._once(f"{arrival.file}: ", f"{reason}; trying again")
            source.put_off(arrival, reason)
            return None

    def _until_done(self, claim: Claim, stop: threading.Event) -> bool:
        """Bring a claim to its end, however often that is refused; False where it is left for the next start."""
        pause = FIRST_PAUSE
        while True:
            try:
                self._finish(claim)
                self._failures.clear()
                return True
            except (SpecsightError, OSError) as error:
                reason = (
                    str(error)
                    if isinstance(error, SpecsightError)
                    else f"{error.strerror}: '{error.filename}'"
                )
                self._once(f"{claim.part}: ", f"{reason}; trying again")
            if stop.wait(pause):
                return False
            pause = min(2 * pause, LONGEST_PAUSE)

    def _finish(self, claim: Claim) -> None:
        part = self.claims.judged(claim)
        if part is None:
            part = self._judge(claim)
            self.claims.record(claim, part)
        if not self.outlets.send(part):
            raise SpecsightError("its record could not be kept for the outlets")
        self.claims.put_away(claim, part)
        self.account.words[part.word] += 1
        self.tell(_said(part))

    def _judge(self, claim: Claim) -> JudgedPart:
        if self.store is not None and (found := self.store.by_key(self.line, claim.id)) is not None:
            return found
        picture = claim.content("picture")
        assert picture is not None
        model = self.model()
        words = self.words if claim.words is None else claim.words
        request = PartRequest(
            self.line,
            claim.part,
            model.name,
            picture,
            claim.content("depth"),
            claim.signals(),
            words,
            key=claim.id,
            person=SYSTEM,
            id=claim.id,
            received=claim.received,
        )
        judging = judge(model, request)
        if self.store is not None:
            return self.store.add([judging])[0]
        return replace(judging.part, **digests_of(request))  # as a store makes it, without number and map

    def _once(self, about: str, reason: str) -> None:
        """Tell of a failure, but not again of the same one before a picture has come through: it is the next one's,
        too."""
        same = ID.sub("", reason)
        if same not in self._failures:
            self._failures.add(same)
            self.tell(about + reason)


def _said(part: JudgedPart) -> str:
    about = part.error or part.clause or part.statement
    compared = "" if part.score is None else f" {part.score:.4g}"
    if part.score is not None and part.threshold is not None:
        compared += f" {'>' if part.score > part.threshold else '<='} {part.threshold:.4g}"
    return f"{part.part}: {part.word}{compared}  {about}".rstrip()

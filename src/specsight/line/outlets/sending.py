"""Judged parts on their way to outlets: `Outlets.send` keeps a part on disk and returns; one thread per outlet sends.

A slow or dead outlet stops neither judging nor the other outlets. It is tried again with growing, random pauses
(exponential backoff with full jitter), and what waits for it is bounded (`spool`).
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from specsight.errors import SpecsightError
from specsight.line.outlets.contract import NotTaken, Outlet, OutletDown, outlet
from specsight.line.outlets.spool import PLACES, Counts, Spool
from specsight.line.records import JudgedPart
from specsight.storage.locks import only_writer

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
"""Seconds: the longest first pause before an outlet is tried again, and the longest of all."""
OVERLAP = 100
"""Numbers before the last one that are looked at again: those of several lines may be stored in another order."""
Tell = Callable[[str], None]


@dataclass(frozen=True)
class OutletState:
    """How an outlet fares."""

    address: str
    down: str
    """Why it takes nothing now; empty: it does."""
    counts: Counts

    def __str__(self) -> str:
        counts = self.counts
        words = [f"{counts.sent} sent"]
        for number, word in ((counts.waiting, "wait"), (counts.refused, "refused"), (counts.lost, "lost")):
            if number:
                words.append(f"{number} {word}")
        return f"{self.address}: {', '.join(words)}{f' ({self.down})' if self.down else ''}"


class Outlets:
    """Outlets at `addresses`; what waits for them lies in `folder`, which this process holds alone.

    Parameters:
        places: records that an outlet may stay behind.
        tell: is told in a line when an outlet goes down and comes back; by any thread.

    Raises SpecsightError for an address that is none, and where the folder cannot be used.
    """

    def __init__(
        self, addresses: Sequence[str], folder: Path, places: int = PLACES, tell: Tell = lambda line: None
    ) -> None:
        twice = next((one for one in addresses if addresses.count(one) > 1), None)
        if twice is not None:
            raise SpecsightError(f"--to {twice} is given twice: leave one out")
        made = [outlet(address) for address in addresses]
        self._held = ExitStack()
        self._held.enter_context(only_writer(folder))
        self._spool: Spool | None = None
        try:
            self._spool = Spool(folder / "waiting.db", places)
            self._senders = [_Sender(one, self._spool, tell) for one in made]
        except BaseException:
            self._held.close()
            raise
        self._tell = tell
        self.missed = 0
        """Parts that could not be kept for the outlets, because the disk refused."""
        self._failing = ""
        for sender in self._senders:
            sender.start()

    def send(self, part: JudgedPart) -> bool:
        """Keep a part for all outlets, on disk, and return; a part that was given before is not sent again.

        Never raises, for it is called by threads that others wait for: False where the disk refuses, and a line on the
        screen as it begins to.
        """
        if not self._senders or self._spool is None:
            return True
        try:
            self._spool.add(
                part.id, json.dumps(part.to_json(), separators=(",", ":"), allow_nan=False), part.number
            )
        except (SpecsightError, ValueError) as error:
            self.missed += 1
            if str(error) != self._failing:
                self._tell(f"{part.part}: {error}")
            self._failing = str(error)
            return False
        self._failing = ""
        for sender in self._senders:
            sender.wake.set()
        return True

    def told(self, part: JudgedPart) -> None:
        """`send`, as a listener of `PartJudge`."""
        self.send(part)

    def catch_up(self, parts_after: Callable[[int], Sequence[JudgedPart]]) -> None:
        """Send what a store has that a killed server had no time to hand over: `parts_after` gives the parts behind a
        number, the oldest first. Before anything was sent, nothing is missing."""
        last = self._spool.last_number() if self._spool is not None else 0
        if last:
            for part in parts_after(max(0, last - OVERLAP)):
                self.send(part)

    def states(self) -> list[OutletState]:
        """How each outlet fares."""
        return [sender.state() for sender in self._senders]

    def close(self, seconds: float = 5.0) -> None:
        """Stop after what waits was sent, an outlet was found down, or so many seconds; what is left stays on disk, and
        is sent by the next process that is given the same outlet and folder."""
        until = time.monotonic() + seconds
        for sender in self._senders:
            sender.stop.set()
            sender.wake.set()
        for sender in self._senders:
            sender.join(max(0.0, until - time.monotonic()))
            sender.given_up.set()
        self._final = self.states()
        if self._spool is not None:
            self._spool.close()
        self._held.close()

    @property
    def final(self) -> list[OutletState]:
        """How each outlet fared, after `close`."""
        return self._final


class _Sender(threading.Thread):
    """Sends what waits for one outlet."""

    def __init__(self, to: Outlet, spool: Spool, tell: Tell) -> None:
        super().__init__(name=f"outlet {to.address}", daemon=True)  # one that hangs does not keep the process
        self._outlet, self._spool, self._tell = to, spool, tell
        self.wake, self.stop, self.given_up = threading.Event(), threading.Event(), threading.Event()
        self._down, self._pause, self._open = "", FIRST_PAUSE, False
        spool.join(to.address)

    def state(self) -> OutletState:
        return OutletState(self._outlet.address, self._down, self._spool.counts(self._outlet.address))

    def run(self) -> None:
        try:
            while not self.given_up.is_set():
                try:
                    more = self._send_some()
                except Exception as error:  # libraries of outlets raise anything; one outlet stops no other
                    if self.given_up.is_set():
                        break
                    self._fell(error)
                    if self.stop.is_set():
                        break
                    self.stop.wait(self._pause_after(error))
                    continue
                if not more:
                    if self.stop.is_set():
                        break
                    self.wake.wait()
                    self.wake.clear()
        finally:
            self._give_up()

    def _send_some(self) -> bool:
        """Send what waits, a few records; False where none does."""
        if not self._open:
            self._outlet.open()
            self._open = True
        waiting = self._spool.waiting(self._outlet.address)
        for seq, body in waiting:
            taken = True
            try:
                self._outlet.send(JudgedPart.from_json(json.loads(body)))
            except NotTaken as error:
                taken = False
                self._tell(f"{self._outlet.address}: refuses a part for good: {error}")
            if self.given_up.is_set():
                return False
            self._spool.finished(self._outlet.address, seq, taken)
            self._stands()
        return bool(waiting)

    def _stands(self) -> None:
        if self._down:
            self._tell(f"{self._outlet.address}: takes parts again")
        self._down, self._pause = "", FIRST_PAUSE

    def _fell(self, error: Exception) -> None:
        reason = str(error) if isinstance(error, SpecsightError) else f"{type(error).__name__}: {error}"
        if not self._down:
            self._tell(f"{self._outlet.address}: down, parts wait for it: {reason}")
        self._down = reason
        self._give_up()

    def _give_up(self) -> None:
        self._open = False
        try:
            self._outlet.close()
        except Exception as error:  # it is given up in any case
            self._down = self._down or f"{type(error).__name__}: {error}"

    def _pause_after(self, error: Exception) -> float:
        told = error.seconds if isinstance(error, OutletDown) else None
        pause = min(told, 10 * LONGEST_PAUSE) if told else random.uniform(0.2, 1) * self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        return pause

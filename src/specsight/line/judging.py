"""Parts → judged parts: one after the other, in the order in which they came, each stored before it is told.

One thread looks and judges, another stores what is finished (several at once, where the disk is slower than the
eye), so that neither waits for the other. Places in the queue are limited: where there is none, whoever asks is told at
once, and nothing grows.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from specsight.errors import SpecsightError
from specsight.inspector.pictures import SENT
from specsight.line.fleet import Fleet, LiveModel
from specsight.line.kept_maps import encode_kept
from specsight.line.monitoring.features import measure
from specsight.line.records import JudgedPart, now
from specsight.line.requests import PartRequest
from specsight.line.store import Judging, LineStore
from specsight.records import Inspection

PLACES = 64
"""Parts that may wait, of all lines together: at 20 a second, some three seconds."""
TOGETHER = 16
"""Most parts that are stored in one transaction."""

Listener = Callable[[JudgedPart], None]


class Busy(SpecsightError):
    """The queue is full: ask again in `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__("too many parts wait for their turn: send this one again in a moment")
        self.seconds = seconds


class Closed(SpecsightError):
    """The judge is stopping, and takes no further parts."""


@dataclass(frozen=True)
class _Finished:
    judging: Judging
    map: NDArray[np.float32] | None
    future: Future[JudgedPart]


class PartJudge:
    """Judges parts by the models of `fleet`, and stores them in `store`. Each of `listeners` is told of every part, by
    the thread that stores, after it was stored: they must return at once.
    """

    def __init__(
        self, fleet: Fleet, store: LineStore, listeners: Sequence[Listener] = (), places: int = PLACES
    ) -> None:
        self.fleet, self.store, self.listeners = fleet, store, tuple(listeners)
        self._asked: queue.Queue[tuple[PartRequest, Future[JudgedPart]] | None] = queue.Queue(places)
        self._finished: queue.Queue[_Finished | None] = queue.Queue(places)
        self._closing = threading.Lock()
        self._closed = False
        self.pace = 0.05
        """Seconds that a part takes, of the last ones: how long who is refused should wait."""
        self._threads = [
            threading.Thread(target=self._judge_all, name="judging"),
            threading.Thread(target=self._store_all, name="storing"),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Parts that wait for their turn."""
        return self._asked.qsize()

    @property
    def alive(self) -> bool:
        """Whether it judges and stores."""
        return not self._closed and all(one.is_alive() for one in self._threads)

    @property
    def places(self) -> int:
        """Parts that may wait."""
        return self._asked.maxsize

    def submit(self, request: PartRequest) -> Future[JudgedPart]:
        """Ask for a part; the future holds the stored record. Raises Busy where no place is left in the queue, and
        Closed after `close`.

        What the future raises: Unavailable where the record could not be stored (nothing is on record then, and it may
        be asked again with the same key), SpecsightError for an unknown model or an instruction that is none.
        """
        future: Future[JudgedPart] = Future()
        with self._closing:
            if self._closed:
                raise Closed("the server is stopping: send this part again in a moment")
            try:
                self._asked.put_nowait((request, future))
            except queue.Full:
                raise self.busy() from None
        return future

    def busy(self) -> Busy:
        """What whoever finds no place is told: when half of those who wait will have had their turn."""
        return Busy(max(1.0, self.pace * self.places / 2))

    def close(self) -> None:
        """Finish what waits, and stop."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._asked.put(None)
        for thread in self._threads:
            thread.join()

    def _judge_all(self) -> None:
        while (asked := self._asked.get()) is not None:
            request, future = asked
            if not future.set_running_or_notify_cancel():
                continue
            start = time.monotonic()
            try:
                done = self._known(request)
                if done is not None:
                    future.set_result(done)
                    continue
                judging, map_ = _judged(self.fleet.live(request.model), request)
                self._finished.put(_Finished(judging, map_, future))
            except Exception as error:
                future.set_exception(error)
            self.pace += 0.1 * (time.monotonic() - start - self.pace)
        self._finished.put(None)

    def _known(self, request: PartRequest) -> JudgedPart | None:
        """The record of a part that was asked for before, under the same key."""
        return self.store.by_key(request.line, request.key) if request.key else None

    def _store_all(self) -> None:
        last = False
        while not last:
            finished = [self._finished.get()]
            while len(finished) < TOGETHER and not self._finished.empty():
                finished.append(self._finished.get())
            last = None in finished
            self._store([one for one in finished if one is not None])

    def _store(self, finished: Sequence[_Finished]) -> None:
        if not finished:
            return
        try:
            # Encoded by this thread: the one that judges goes on with the next part meanwhile.
            stored = self.store.add([_with_map(one.judging, one.map) for one in finished])
        except Exception as error:
            self._one_by_one(finished, error)
            return
        for one, part in zip(finished, stored, strict=True):
            one.future.set_result(part)
            if part.id == one.judging.part.id:  # otherwise another server was first
                self._tell(part)

    def _tell(self, part: JudgedPart) -> None:
        """A listener that fails keeps no part from being stored."""
        for listener in self.listeners:
            try:
                listener(part)
            except Exception:
                logging.getLogger(__name__).exception("part %s could not be told", part.id)

    def _one_by_one(self, finished: Sequence[_Finished], error: Exception) -> None:
        """One record that the database refuses keeps no other one out."""
        if len(finished) == 1:
            finished[0].future.set_exception(error)
            return
        for one in finished:
            self._store([one])


def judge(model: LiveModel, request: PartRequest) -> Judging:
    """Judge a part: what is to be stored of it. A picture that cannot be judged is a record as well, which says why."""
    return _with_map(*_judged(model, request))


def _with_map(judging: Judging, map_: NDArray[np.float32] | None) -> Judging:
    return judging if map_ is None else replace(judging, map=encode_kept(map_))


def _judged(model: LiveModel, request: PartRequest) -> tuple[Judging, NDArray[np.float32] | None]:
    """What is to be stored, and the map that belongs to it (H, W)."""
    part = JudgedPart(
        line=request.line,
        part=request.part,
        model=model.name,
        version=model.version,
        id=request.id,
        key=request.key,
        received=request.received,
        words=request.words,
    )
    waited = time.monotonic() - request.begun
    map_ = None
    try:
        instruction = model.clauses(request.words) if request.words else None
        observation = model.inspector.look(request.picture, depth=request.depth, signals=request.signals)
        part = replace(part, measured=measure(observation.picture.rgb))
        inspection = model.inspector.judge(observation, instruction)
        if not np.isfinite(inspection.score) or inspection.map is None:
            raise SpecsightError("the picture has a score that is not a number: check it")
        if not np.isfinite(
            inspection.map
        ).all():  # one such pixel would leave nothing of the map that is kept
            raise SpecsightError("the picture has a map that is not a number everywhere: check it")
    except SpecsightError as error:
        reason = str(error).replace(SENT, f"the picture of part '{request.part}'")
        part = replace(part, error=reason, seconds={"wait": waited}, judged=now())
    else:
        part = _answered(part, inspection, waited)
        map_ = inspection.map
    given = request.picture, request.depth, request.signals
    return Judging(part, *given, person=request.person, role=request.role), map_


def _answered(part: JudgedPart, inspection: Inspection, waited: float) -> JudgedPart:
    decision = inspection.decision
    return replace(
        part,
        judged=now(),
        verdict=decision.verdict,
        score=decision.score,
        threshold=decision.threshold,
        clause="" if decision.deciding is None else decision.deciding.words,
        statement=inspection.statement,
        findings=len(inspection.findings),
        seconds={"wait": waited, **inspection.seconds},
        inspection=replace(inspection, id=part.id).to_json(),
    )

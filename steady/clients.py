"""Programs that send parts to servers until each is answered, and note what they were told."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx

from steady.parts import Pictures

AGAIN = 0.1
"""Seconds before a request that was not answered is sent again."""
LINE = "a"


@dataclass
class Told:
    """What all clients together were told."""

    ids: dict[str, str] = field(default_factory=dict)
    """Key → id of the inspection that was acknowledged."""
    wrong: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    """From the first attempt to the answer."""
    longest_silence: float = 0.0
    """Seconds in which no client was answered."""
    last: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, key: str, id_: str, seconds: float) -> None:
        """A part was acknowledged."""
        with self.lock:
            if self.ids.setdefault(key, id_) != id_:
                self.wrong.append(f"{key} is {id_} and {self.ids[key]}")
            self.seconds.append(seconds)
            now = time.monotonic()
            self.longest_silence = max(self.longest_silence, now - self.last)
            self.last = now


class Clients:
    """`count` programs that each send part after part to the servers in turn, while the block runs."""

    def __init__(
        self,
        urls: Sequence[str],
        token: str,
        pictures: Pictures,
        count: int,
        twice: bool = False,
        pause: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.urls, self.pictures, self.twice, self.pause = urls, pictures, twice, pause
        self.headers = {"Authorization": f"Bearer {token}"}
        self.told = Told()
        self._name = uuid.uuid4().hex[:8]
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(count)]

    def __enter__(self) -> Told:
        self.told.last = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self.told

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, client: int) -> None:
        number = 0
        with httpx.Client(headers=self.headers, timeout=30) as http:
            while not self._over.is_set():
                number += 1
                key, index = (
                    f"{self._name}-{client}-{number}",
                    (client * 7 + number) % len(self.pictures.content),
                )
                for server in range(2 if self.twice else 1):
                    self._ask(http, self.urls[(client + number + server) % len(self.urls)], key, index)
                time.sleep(self.pause())

    def _ask(self, http: httpx.Client, url: str, key: str, index: int) -> None:
        """Send a part until it is acknowledged, even where the block is over: nothing is left in doubt."""
        begun = time.monotonic()
        files = {"picture": (f"{key}.png", self.pictures.content[index])}
        while time.monotonic() - begun < 120:
            try:
                answer = http.post(
                    f"{url}/inspect", files=files, data={"line": LINE}, headers={"Idempotency-Key": key}
                )
            except httpx.HTTPError as error:
                self.told.statuses[type(error).__name__] += 1
                time.sleep(AGAIN)
                continue
            self.told.statuses[str(answer.status_code)] += 1
            if answer.status_code == 200:
                (part,) = answer.json()
                if self.pictures.wrong(index, part):
                    self.told.wrong.append(f"{key}: {part['verdict']} {part['score']} by {part['version']}")
                self.told.answered(key, part["id"], time.monotonic() - begun)
                return
            if answer.status_code not in (429, 503):
                self.told.wrong.append(f"{key}: {answer.status_code} {answer.text[:200]}")
                return
            time.sleep(AGAIN)
        self.told.wrong.append(f"{key}: never answered")

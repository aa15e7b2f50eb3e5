"""A server in a process of its own, started, killed and started again on the same port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import httpx
import psutil

from specsight.line.store import LineStore
from specsight.line.tokens import Tokens

PATIENCE = 60.0


class Server:
    """`specsight serve` on `models` and `db`; `token` is an engineer's, good on every server of the database."""

    def __init__(self, models: Path, db: str, token: str | None = None, words: tuple[str, ...] = ()) -> None:
        self.models, self.db, self.words = models, db, words
        self.token = token or new_token(db)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it; returns after how many seconds it was ready."""
        begun = time.monotonic()
        command = [sys.executable, "-m", "specsight.cli", "serve", str(self.models), "--db", self.db]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), "--rate", "1000000", *self.words],
            stdout=subprocess.DEVNULL,
        )
        with httpx.Client(base_url=self.url) as client:
            while time.monotonic() - begun < PATIENCE:
                try:
                    if client.get("/health", timeout=2).status_code == 200:
                        return time.monotonic() - begun
                except httpx.HTTPError:
                    if self.process.poll() is not None:
                        break
                time.sleep(0.05)
        raise AssertionError("the server does not become ready")

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """End it at once, as a power cut of the process does."""
        os.kill(self.pid, signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end; returns with what."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(60)

    def resident(self) -> float:
        """MiB of memory that it has at the moment."""
        return float(psutil.Process(self.pid).memory_info().rss) / (1 << 20)

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()


def new_token(db: str) -> str:
    """A token of an engineer, in the database of a line."""
    store = LineStore.open(db)
    try:
        return Tokens(store).add("steady", "engineer")[0]
    finally:
        store.close()

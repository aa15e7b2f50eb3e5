"""A server in a process of its own, started, killed and started again on the same port."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType

import httpx
import psutil

from specsight.line.store import LineStore
from specsight.line.tokens import Tokens

PATIENCE = 60.0


IMPORTED = ["specsight.cli.serving", "specsight.service.line.application", "specsight.service.local"]


class Server:
    """`specsight serve` on `models` and `db`; `token` is an engineer's, good on every server of the database.

    `forked`: each start is a fork of a process that has imported the program already, so that a hundred starts take
    minutes and not half an hour. `options` are further ones of `serve`.
    """

    def __init__(
        self,
        models: Path,
        db: str,
        token: str | None = None,
        forked: bool = False,
        options: Sequence[str] = (),
    ) -> None:
        self.models, self.db, self.forked, self.options = models, db, forked, tuple(options)
        self.token = token or new_token(db)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | _Forked | None = None

    def start(self) -> float:
        """Start it; returns after how many seconds it was ready."""
        begun = time.monotonic()
        words = [str(self.models), "--db", self.db, "--port", str(self.port), "--rate", "1000000"]
        words += self.options
        if self.forked:
            self.process = _Forked(words)
        else:
            command = [sys.executable, "-m", "specsight.cli", "serve", *words]
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
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


class _Forked:
    """A server forked from a process without threads."""

    def __init__(self, words: list[str]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(IMPORTED)
        self._process: ForkServerProcess = context.Process(target=_serve, args=(words,))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        assert code is not None
        return code


def _serve(words: list[str]) -> None:
    from specsight.cli.serving import serve

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    serve.main(words, standalone_mode=False)


def new_token(db: str) -> str:
    """A token of an engineer, in the database of a line."""
    store = LineStore.open(db)
    try:
        return Tokens(store).add("steady", "engineer")[0]
    finally:
        store.close()

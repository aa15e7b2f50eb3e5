"""A real PostgreSQL server of its own, from Debian's packages, for as long as a test needs one."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
BINARIES = PLACES[0] if PLACES else None
USER = "postgres"


def why_absent() -> str:
    """Why no server can be started here; empty where one can."""
    if BINARIES is None:
        return "PostgreSQL is not installed (Debian: postgresql)"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(USER)
        except KeyError:
            return f"PostgreSQL does not run as root, and there is no user '{USER}'"
    return ""


def _binary(program: str) -> str:
    assert BINARIES is not None
    return str(BINARIES / program)


class Postgres:
    """A server in a folder of its own, on a free port of this machine; with `fsync`, what it commits is on the disk."""

    def __init__(self, fsync: bool = False) -> None:
        self.fsync = fsync
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, USER)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "-D", self.folder / "data", "-A", "trust", "-U", USER, "-N", "--encoding=UTF8")
        self.process: subprocess.Popen[bytes] | None = None
        self.databases = 0
        self.start()

    def start(self) -> None:
        """Start it; returns when it answers."""
        options = (
            "-c",
            f"fsync={'on' if self.fsync else 'off'}",
            "-c",
            "listen_addresses=127.0.0.1",
            "-k",
            self.folder,
            "-p",
            str(self.port),
        )
        command = self._command("postgres", "-D", self.folder / "data", *options)
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        for _ in range(200):
            ready = subprocess.run(
                [_binary("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False
            )
            if ready.returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError("PostgreSQL does not answer")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it; connections are cut."""
        if self.process is not None:
            pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
            os.kill(pid, how)
            self.process.wait(20)
            self.process = None

    def close(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def database(self) -> str:
        """The URL of a new database."""
        self.databases += 1
        name = f"line{self.databases}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, name)
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{name}"

    def _command(self, program: str, *words: object) -> list[str]:
        become = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
        return [*become, _binary(program), *map(str, words)]

    def _run(self, program: str, *words: object) -> None:
        subprocess.run(self._command(program, *words), check=True, capture_output=True, cwd="/")


@contextmanager
def postgres(fsync: bool = False) -> Iterator[Postgres]:
    """A server while the block runs."""
    server = Postgres(fsync)
    try:
        yield server
    finally:
        server.close()

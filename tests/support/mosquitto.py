"""A real MQTT broker of Debian's, on a free port, for tests."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import until

PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Broker:
    """A broker that can be killed and started again at the same port."""

    def __init__(
        self, folder: Path, port: int, password_file: Path | None = None, tls: tuple[Path, Path] | None = None
    ) -> None:
        self.port, self._config = port, folder / "mosquitto.conf"
        access = (
            f"password_file {password_file}\nallow_anonymous false\n"
            if password_file
            else "allow_anonymous true\n"
        )
        if tls is not None:
            access += f"certfile {tls[0]}\nkeyfile {tls[1]}\n"
        self._config.write_text(f"listener {port} 127.0.0.1\n{access}user root\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        assert PROGRAM
        self._process = subprocess.Popen(
            [PROGRAM, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._listens)

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _listens(self) -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def broker(
    folder: Path, password_file: Path | None = None, tls: tuple[Path, Path] | None = None
) -> Iterator[Broker]:
    """A broker that runs meanwhile; `tls`: certificate and key."""
    one = Broker(folder, free_port(), password_file, tls)
    one.start()
    try:
        yield one
    finally:
        one.kill()

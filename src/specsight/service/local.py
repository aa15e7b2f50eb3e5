"""A server (uvicorn), for as long as it is wanted: on this machine alone, unless another address is named."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from specsight.errors import SpecsightError
from specsight.service.access import Access
from specsight.service.guard import ENTER, App, Guard
from specsight.service.rules import Rules

HOST = "127.0.0.1"


class LocalServer:
    """Serves a page to the persons of `access`, on `port`, or on a free one where it is 0.

    `proxy`: the address of a proxy in front of it, whose word on a client's address is taken. Raises SpecsightError
    where another program has the port.
    """

    def __init__(
        self,
        app: App,
        access: Access,
        port: int = 0,
        rules: Rules | None = None,
        host: str = HOST,
        proxy: str | None = None,
        around: Callable[[App], App] = lambda guarded: guarded,
    ) -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            self._socket.listen(128)  # who comes before `run` waits
        except (OSError, OverflowError) as error:
            self._socket.close()
            reason = getattr(error, "strerror", None) or error
            raise SpecsightError(
                f"--port {port} on {host}: {reason}; choose another, or 0 for a free one"
            ) from error
        self.port = int(self._socket.getsockname()[1])
        self._access = access
        config = uvicorn.Config(
            around(Guard(app, access, self.port, rules)),
            log_config=None,
            access_log=False,  # addresses are secrets
            server_header=False,
            proxy_headers=proxy is not None,
            forwarded_allow_ips=proxy or "",
            timeout_keep_alive=30,
            timeout_graceful_shutdown=3,
        )
        self._server = uvicorn.Server(config)

    @property
    def addresses(self) -> dict[str, str]:
        """Code → what that person's browser opens."""
        return {
            code: f"http://{HOST}:{self.port}{ENTER}{secret}" for code, secret in self._access.secrets.items()
        }

    def run(self) -> None:
        """Serve until `close`, or Ctrl-C."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def close(self) -> None:
        """End `run`; from another thread."""
        self._server.should_exit = True

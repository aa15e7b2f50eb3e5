"""The page's server: on this machine alone, under an address that cannot be guessed, until it is closed.

In: a picture and the specification's file. Out: what the page posts, saved into that file. It answers requests that
name this machine as their host and carry the token of the address, takes at most `LONGEST` bytes, and writes nothing
but that one file.
"""

from __future__ import annotations

import hmac
import http.server
import json
import re
import secrets
import sys
import threading
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from specsight import images
from specsight.errors import SpecsightError
from specsight.parts.outlines import outlined
from specsight.parts.outlining.saving import check_new_part, save_outlines
from specsight.parts.overlays import COLOURS, png
from specsight.specification import Outline, Part, Specification, load_specification
from specsight.specification.fields import Name

HOST = "127.0.0.1"
LONGEST = 1 << 20
"""Bytes of what the page sends."""
POLICY = "default-src 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'; connect-src 'self'"
FILES = {
    "": ("page.html", "text/html"),
    "page.js": ("page.js", "text/javascript"),
    "page.css": ("page.css", "text/css"),
}
Sent = TypeVar("Sent")
OUTLINES = TypeAdapter(dict[str, Outline | None])
NAMES = TypeAdapter(Annotated[list[Name], Field(min_length=1)])


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away before its answer is no mistake of anybody's."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class OutliningServer:
    """Serves the page for one picture; `address` is what a browser opens. `said` is told what was saved."""

    def __init__(
        self, picture: Path, specification: Path, said: Callable[[str], None] = lambda line: None
    ) -> None:
        self.picture, self.specification, self._said = picture, specification, said
        self._pixels = images.read_rgb(picture)
        self._words()  # what cannot be read is said before a page opens
        self.token = secrets.token_urlsafe(24)
        self.png = png(self._pixels)
        self._writing = threading.Lock()
        self._server = _Server((HOST, 0), type("Handler", (_Handler,), {"outlining": self}))
        self._server.daemon_threads = True

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.port}/{self.token}/"

    @property
    def port(self) -> int:
        """Of this machine, that it listens on."""
        return self._server.server_port

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        return int(self._pixels.shape[1]), int(self._pixels.shape[0])

    def run(self) -> None:
        """Serve until the page is closed by its button, or `close` is called."""
        self._server.serve_forever(poll_interval=0.2)
        self._server.server_close()

    def close(self) -> None:
        """End `run`; from another thread."""
        threading.Thread(target=self._server.shutdown, daemon=True).start()

    def state(self) -> dict[str, Any]:
        """What the page begins with: the picture's size, and parts with their outlines on this picture."""
        words = self._words()
        pictures = outlined(words) if words else []
        here = self._outlines(words) if words else {}
        first = pictures[0][0].picture if pictures else str(self.picture)
        return {
            "picture": self.picture.name,
            "specification": str(self.specification),
            "size": list(self.size),
            "colours": [list(colour) for colour in COLOURS],
            "parts": [
                {
                    "name": part.name,
                    "description": part.description,
                    "outline": [
                        s.model_dump(mode="json", exclude_none=True) for s in here.get(part.name, ())
                    ],
                }
                for part in (words.parts if words else ())
            ],
            "first": None if Path(first).resolve() == self.picture.resolve() else Path(first).name,
        }

    def save(self, content: bytes) -> str:
        """Save what the page sent: part → shapes, or null for a part that was removed, as JSON. Returns what was done;
        raises SpecsightError."""
        outlines = _validated(OUTLINES, content)
        with self._writing:
            words = save_outlines(self.specification, self.picture, self.size, outlines)
        named = ", ".join(self._outlines(words))
        said = f"saved to {self.specification}: {named or 'no outline on this picture'}"
        self._said(said)
        return said

    def check_name(self, content: bytes) -> str:
        """The name of a part that can be added; raises SpecsightError where it cannot. `content` is the name and those
        of the parts that the page holds, a list as JSON."""
        name, *held = _validated(NAMES, content)
        words = self._words()
        known = {part.name: part for part in (words.parts if words else ())}
        check_new_part(name, [known.get(one) or Part(name=one) for one in held])
        return name

    def _words(self) -> Specification | None:
        return load_specification(self.specification) if self.specification.exists() else None

    def _outlines(self, words: Specification) -> dict[str, Outline]:
        """Those on this picture."""
        own = self.picture.resolve()
        return next((o for one, o in outlined(words) if Path(one.picture).resolve() == own), {})


def _validated(form: TypeAdapter[Sent], content: bytes) -> Sent:
    """What the page sent. Raises SpecsightError for anything else."""
    try:
        return form.validate_json(content)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(step) for step in problem["loc"]) or "what the page sent"
        raise SpecsightError(f"{where}: {problem['msg'].removeprefix('Value error, ')}") from error


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers what the page of one `OutliningServer` asks for."""

    outlining: OutliningServer
    server_version, sys_version = "specsight", ""
    timeout = 30

    def do_GET(self) -> None:
        """The page, its files, the picture, and what it begins with."""
        name = self._asked()
        if name is None:
            return
        if name in FILES:
            file, kind = FILES[name]
            content = resources.files(__package__).joinpath("page").joinpath(file).read_bytes()
            self._answer(200, f"{kind}; charset=utf-8", content)
        elif name == "picture.png":
            self._answer(200, "image/png", self.outlining.png)
        elif name == "state":
            self._tell(self.outlining.state)
        else:
            self._answer(404, "text/plain", b"not found")

    def do_POST(self) -> None:
        """Save outlines, say whether a part may be called so, or end."""
        name = self._asked()
        if name is None:
            return
        given = self.headers.get("Content-Length", "")
        length = int(given) if re.fullmatch(r"[0-9]{1,9}", given) else LONGEST + 1
        if length > LONGEST or self.headers.get_content_type() != "application/json":
            self._answer(400, "text/plain", b"too long, or no JSON")
        elif name == "save":
            content = self.rfile.read(length)
            self._tell(lambda: {"said": self.outlining.save(content)})
        elif name == "name":
            content = self.rfile.read(length)
            self._tell(lambda: {"name": self.outlining.check_name(content)})
        elif name == "close":
            self._answer(200, "application/json", b"{}")
            self.outlining.close()
        else:
            self._answer(404, "text/plain", b"not found")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the address is a secret."""

    def _asked(self) -> str | None:
        """What is asked for below the token; None for a request that was refused."""
        port = self.outlining.port
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        _, _, rest = self.path.partition("/")
        token, _, name = rest.partition("/")
        here = {f"{HOST}:{port}", f"localhost:{port}"}
        known = hmac.compare_digest(token.encode("utf-8", "replace"), self.outlining.token.encode())
        if host in here and known and (origin is None or origin.removeprefix("http://") in here):
            return name
        self._answer(403, "text/plain", b"not allowed")
        return None

    def _tell(self, ask: Callable[[], dict[str, Any]]) -> None:
        try:
            answer, status = ask(), 200
        except SpecsightError as error:
            answer, status = {"error": str(error)}, 422
        self._answer(status, "application/json", json.dumps(answer).encode())

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(content))),
            ("Content-Security-Policy", POLICY),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

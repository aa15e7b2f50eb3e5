"""The last verdict of each line as nodes of an OPC UA server, for controllers and SCADA systems to subscribe to.

In: an endpoint, opcua:opc.tcp://127.0.0.1:4840/specsight. Out: Objects/Specsight/LINE with the variables below, which
clients can read and not write; counters since the server started. Source: OPC 10000-3 (address space), by `asyncua`.
"""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from specsight.errors import SpecsightError, require
from specsight.line.outlets.contract import Outlet, OutletDown, outlets
from specsight.line.outlets.secrets import split_address
from specsight.line.records import JudgedPart, now

if TYPE_CHECKING:
    from asyncua.sync import Server, SyncNode

NAMESPACE = "urn:specsight:line"
WORDS = ("accept", "reject", "undecided", "unreadable")


@outlets.register("opcua")
class OpcUa(Outlet):
    """The last verdict, score, part and counters as nodes of an OPC UA server: opcua:opc.tcp://127.0.0.1:4840/specsight"""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        parts, _ = split_address(address, self.target, ())
        if parts.scheme != "opc.tcp" or parts.port is None:
            raise SpecsightError(
                f"--to {address}: give where to listen, such as opc.tcp://127.0.0.1:4840/specsight"
            )
        self._endpoint = parts.geturl()
        require("asyncua", "opcua")
        self._server: Server | None = None
        self._lines: dict[str, dict[str, SyncNode]] = {}
        self._counts: dict[str, dict[str, int]] = {}
        """Line → word → parts, kept where the server is started anew."""

    def open(self) -> None:
        """Start to listen. Raises OutletDown where the address is in use."""
        from asyncua import ua
        from asyncua.sync import Server

        self._check_free()
        # Every client that leaves without a word would be a traceback on the screen.
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)
        server = Server()
        # By default a client that calls itself "admin" may change everything, without a password.
        server.aio_obj.allow_remote_admin(False)
        try:
            server.set_endpoint(self._endpoint)
            server.set_server_name("Specsight")
            server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
            server.set_identity_tokens([ua.AnonymousIdentityToken])
            self._space = server.register_namespace(NAMESPACE)
            self._root = server.nodes.objects.add_object(self._space, "Specsight")
            server.start()
        except OSError as error:
            server.tloop.stop()
            raise OutletDown(f"cannot listen at {self._endpoint}: {error.strerror or error}") from error
        self._server = server

    def send(self, part: JudgedPart) -> None:
        """Set the nodes of the part's line."""
        counts = self._counts.setdefault(part.line, dict.fromkeys(WORDS, 0))
        counts[part.word] += 1
        nodes = self._lines.get(part.line) or self._add_line(part.line)
        values = _values(part, counts)
        # The id comes last: a client that is told of a new id finds everything else in place.
        for name in (*(one for one in values if one != "Id"), "Id"):
            nodes[name].write_value(*values[name])

    def close(self) -> None:
        """Stop to listen."""
        server, self._server, self._lines = self._server, None, {}
        if server is not None:
            server.stop()

    def _check_free(self) -> None:
        """Raise OutletDown where nothing can listen, before seconds go into building the address space."""
        parts = urlsplit(self._endpoint)
        try:
            with socket.create_server((str(parts.hostname), int(parts.port or 0))):
                pass
        except OSError as error:
            raise OutletDown(f"cannot listen at {self._endpoint}: {error.strerror or error}") from error

    def _add_line(self, line: str) -> dict[str, SyncNode]:
        from asyncua import ua

        parent = self._root.add_object(ua.NodeId(line, self._space), ua.QualifiedName(line, self._space))
        empty = _values(JudgedPart(line, "", "", "", id=""), dict.fromkeys(WORDS, 0))
        nodes = {
            name: parent.add_variable(
                ua.NodeId(f"{line}.{name}", self._space), ua.QualifiedName(name, self._space), value, kind
            )
            for name, (value, kind) in empty.items()
        }
        parent.add_variable(
            ua.NodeId(f"{line}.Since", self._space), ua.QualifiedName("Since", self._space), now()
        )
        self._lines[line] = nodes
        return nodes


def _values(part: JudgedPart, counts: dict[str, int]) -> dict[str, tuple[Any, Any]]:
    """Name of a variable → value and type. Scores that are not there are NaN, as doubles have it."""
    from asyncua.ua import VariantType

    def number(value: float | None) -> tuple[Any, Any]:
        return (float("nan") if value is None else value, VariantType.Double)

    return {
        "Verdict": (part.word, VariantType.String),
        "Score": number(part.score),
        "Threshold": number(part.threshold),
        "Part": (part.part, VariantType.String),
        "Statement": (part.statement or part.error, VariantType.String),
        "Number": (part.number, VariantType.Int64),
        "Judged": (part.judged, VariantType.DateTime),
        "Id": (part.id, VariantType.String),
        **{f"{word.capitalize()}Count": (counts[word], VariantType.Int64) for word in WORDS},
    }

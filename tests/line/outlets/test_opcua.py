"""The last verdict as a real OPC UA client sees it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.line.outlets.conftest import Make
from tests.support.mosquitto import free_port
from tests.support.waiting import until

pytest.importorskip("asyncua")

from asyncua import ua
from asyncua.sync import Client, SyncNode

from specsight.line.outlets import Outlets


@pytest.mark.long
def test_clients_read_the_last_verdict_and_counters_and_write_nothing(folder: Path, part: Make) -> None:
    endpoint = f"opc.tcp://127.0.0.1:{free_port()}/specsight"
    to = Outlets([f"opcua:{endpoint}"], folder)
    to.send(part(1))
    to.send(part(2, verdict="accept"))
    to.send(part(3, verdict=None, score=None, threshold=None, error="no picture"))
    until(lambda: to.states()[0].counts.sent == 3)
    with Client(endpoint) as client:
        space = client.get_namespace_index("urn:specsight:line")

        def node(name: str) -> SyncNode:
            return client.nodes.root.get_child(
                ["0:Objects", f"{space}:Specsight", f"{space}:a", f"{space}:{name}"]
            )

        assert node("Verdict").read_value() == "unreadable"
        assert node("Part").read_value() == "p3"
        assert node("Number").read_value() == 3
        assert node("Statement").read_value() == "Rejected."
        assert math.isnan(node("Score").read_value())
        counts = [
            node(f"{word}Count").read_value() for word in ("Accept", "Reject", "Undecided", "Unreadable")
        ]
        assert counts == [1, 1, 0, 1]
        with pytest.raises(ua.UaStatusCodeError):
            node("Verdict").write_value("accept")
        assert node("Verdict").read_value() == "unreadable"
    admin = Client(endpoint)
    admin.set_user("admin")
    with pytest.raises(ua.UaError), admin:
        admin.get_node(f"ns={space};s=a.Verdict").write_value("accept")
    second = Outlets([f"opcua:{endpoint}"], folder.with_name("second"))
    second.send(part(4))
    until(lambda: "cannot listen" in second.states()[0].down)
    second.close(0)
    to.close()

"""What programs ask of a line's records, over real sockets."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from numpy.typing import NDArray
from tests.support.factory import specsight
from tests.support.lines import ServedLine, served_line

from specsight.line.fleet import version_of
from specsight.line.kept_maps import decode_kept
from specsight.line.store import LineStore


def judged(plates: Path, line: ServedLine, *numbers: int) -> list[dict[str, object]]:
    found = []
    for number in numbers:
        picture = (plates / "new" / f"{number}.png").read_bytes()
        found += line.inspect(picture, f"{number}.png").json()
    return found


def pixels(answer: httpx.Response) -> NDArray[Any]:
    found = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found is not None
    return found


def test_records_are_listed_found_and_paged(plates: Path, any_line: ServedLine) -> None:
    parts = judged(plates, any_line, 40, 41, 42)
    ask = any_line.program("auditor").get
    assert ask("/inspections").json() == parts[::-1]
    assert ask("/inspections", params={"limit": 2}).json() == [parts[2], parts[1]]
    assert ask("/inspections", params={"before": str(parts[1]["number"])}).json() == [parts[0]]
    assert ask("/inspections", params={"verdict": "reject"}).json() == [parts[1]]
    assert ask("/inspections", params={"since": "2100-01-01", "line": "a"}).json() == []
    assert ask(f"/inspections/{parts[0]['id']}").json() == {**parts[0], "reviews": []}
    assert ask(f"/inspections/{'0' * 32}").json() == {"detail": "there is no such inspection"}
    for wrong in (
        "limit=0",
        "after=-1",
        f"after={10**30}",
        "since=0001-01-01T00:00:00%2B14:00",
        "verdict=good",
    ):
        assert ask(f"/inspections?{wrong}").status_code == 422, wrong
    assert ask("/inspections/../../etc/passwd").status_code == 404
    assert ask("/inspections?line=%00").status_code == 422


def test_pictures_maps_and_layers(plates: Path, line: ServedLine) -> None:
    (part,) = judged(plates, line, 41)
    ask = line.program("auditor").get
    place = f"/inspections/{part['id']}"
    shown = ask(f"{place}/picture", params={"side": 32})
    assert (shown.headers["Content-Type"], shown.headers["X-Content-Type-Options"]) == (
        "image/webp",
        "nosniff",
    )
    assert pixels(shown).shape == (32, 32, 3)
    layers = [pixels(ask(f"{place}/overlay", params={"opacity": opacity})) for opacity in (1, 0)]
    assert layers[0][20:24, 30:38, 3].min() > 100
    assert layers[1][..., 3].mean() < layers[0][..., 3].mean()
    assert decode_kept(ask(f"{place}/map").content).argmax() // 64 in range(18, 26)
    given = ask(f"{place}/original")
    assert given.content == (plates / "new" / "41.png").read_bytes()
    assert given.headers["Content-Disposition"].startswith("attachment")


def test_what_persons_say_is_added(plates: Path, any_line: ServedLine) -> None:
    (part,) = judged(plates, any_line, 41)
    place = f"/inspections/{part['id']}/reviews"
    say = any_line.program("operator").post
    assert (
        say(place, json={"verdict": "accept", "reason": "a reflection"}).json()["person"]
        == "operator program"
    )
    assert any_line.program("engineer").post(place, json={"verdict": "reject"}).status_code == 200
    found = any_line.program("auditor").get(f"/inspections/{part['id']}").json()["reviews"]
    assert [one["verdict"] for one in found] == ["accept", "reject"]
    assert any_line.program("auditor").post(place, json={"verdict": "accept"}).status_code == 403
    for wrong in (
        {"verdict": "good"},
        {"verdict": "accept", "reason": "\0"},
        {"verdict": "accept", "person": "me"},
    ):
        assert say(place, json=wrong).status_code == 422
    raw = {
        "content": b'{"verdict": "accept", "reason": "\\ud800"}',
        "headers": {"Content-Type": "application/json"},
    }
    assert say(place, **raw).status_code == 422  # type: ignore[arg-type]
    raw["content"] = b"[" * 60000
    assert say(place, **raw).status_code in (400, 422)  # type: ignore[arg-type]
    assert say(f"/inspections/{'0' * 32}/reviews", json={"verdict": "accept"}).status_code == 404


def test_versions_go_live_and_back_while_parts_come(
    plates: Path, sqlite_store: LineStore, tmp_path: Path
) -> None:
    import shutil

    models = tmp_path / "models"
    shutil.copytree(plates / "models" / "plate", models / "plate")
    with served_line(models, sqlite_store) as line:
        engineer = line.program("engineer")
        first = engineer.get("/models").json()[0]["version"]
        specsight("set-threshold", models / "plate", "--threshold", 1e9)
        second = version_of(models / "plate")
        assert engineer.post("/models/scan").json()[0]["version"] == first
        assert [one["version"] for one in engineer.get("/models/plate/versions").json()["versions"]] == [
            first,
            second,
        ]
        assert judged(plates, line, 41)[0]["verdict"] == "reject"
        place = "/models/plate/live"
        refused = engineer.post(place, json={"version": second, "reason": "try"})
        assert (refused.status_code, "nobody has seen" in refused.json()["detail"]) == (422, True)
        wanted = {"version": second, "without_preview": "try"}
        assert engineer.post(place, json=wanted).json()["version"] == second
        (part,) = judged(plates, line, 41)
        assert (part["verdict"], part["version"]) == ("accept", second)
        engineer.post(place, json={"version": first, "reason": "back"})
        assert judged(plates, line, 41)[0]["version"] == first
        assert engineer.post(place, json={"version": "0" * 12}).status_code == 404
        assert engineer.get("/models/plates/versions").status_code == 404
        assert line.program("operator").post(place, json={"version": second}).status_code == 403
        (models / ".versions" / "plate" / second / "detector.json").write_text("{}")
        assert engineer.post(place, json={"version": second}).status_code == 422
        assert engineer.get("/models").json()[0]["loaded"] == first


def read_events(answer: httpx.Response, count: int) -> list[tuple[int, dict[str, object]]]:
    found: list[tuple[int, dict[str, object]]] = []
    number = 0
    for text in answer.iter_lines():
        name, _, value = text.partition(": ")
        if name == "id":
            number = int(value)
        elif name == "data":
            found.append((number, json.loads(value)))
            if len(found) == count:
                break
    return found


def test_followers_are_told_and_resume_where_they_were(plates: Path, any_line: ServedLine) -> None:
    (before,) = judged(plates, any_line, 40)
    told: list[tuple[int, dict[str, object]]] = []
    opened = threading.Event()

    def follow() -> None:
        with any_line.program("auditor").stream("GET", "/events") as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            opened.set()
            told.extend(read_events(answer, 2))

    thread = threading.Thread(target=follow)
    thread.start()
    assert opened.wait(10)
    while any_line.context.metrics.open < 1:
        opened.wait(0.01)
    parts = judged(plates, any_line, 41, 42)
    thread.join(10)
    assert [one for _, one in told] == parts
    resumed = {"Last-Event-ID": str(before["number"])}
    with any_line.program("auditor").stream("GET", "/events?line=a", headers=resumed) as answer:
        assert read_events(answer, 2) == told


def test_health_and_metrics(plates: Path, line: ServedLine) -> None:
    judged(plates, line, 40, 41)
    nobody = line.program(None)
    assert nobody.get("/health").json() == {"live": True, "ready": True}
    found = line.program("auditor").get("/health").json()
    assert found["queue"] == {"waiting": 0, "places": 64}
    assert found["database"] == ""
    assert list(found["models"]) == ["plate"]
    text = nobody.get("/metrics").text  # this server is reached from this machine alone
    assert 'specsight_parts_total{line="a",model="plate",verdict="reject"} 1.0' in text
    assert 'specsight_stage_seconds_count{stage="wait"} 2.0' in text
    assert "specsight_queue_places 64.0" in text
    assert 'specsight_model_live{model="plate",version="' in text


def test_the_interface_describes_itself(line: ServedLine) -> None:
    about = line.program("auditor").get("/openapi.json").json()
    assert {"/inspect", "/inspections/{id}/overlay", "/models/{name}/live", "/events"} <= about[
        "paths"
    ].keys()
    assert "JudgedPart" in about["components"]["schemas"]
    page = line.program("auditor").get("/docs", headers={"Accept": "text/html"})
    assert "POST /inspect" in page.text
    assert re.findall(r'\b(?:src|href)="(?!/)([^"]+)', page.text) == ["data:,"]  # nothing from anywhere else

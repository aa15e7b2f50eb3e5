"""Strangers, wrong roles, other sites, and too much of anything are turned away; secrets are noted nowhere."""

from __future__ import annotations

import io
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from PIL import Image
from tests.support.factory import refused, specsight
from tests.support.lines import ServedLine

from specsight.line import trail
from specsight.line.fleet import Fleet
from specsight.line.store import LineStore
from specsight.line.tokens import Tokens
from specsight.service.access import Access
from specsight.service.limits import Rates
from specsight.service.line.access import LineAccess
from specsight.service.line.application import application, close_line, line_context
from specsight.service.line.context import LineContext
from specsight.service.line.log import logged
from specsight.service.line.rules import line_rules
from specsight.service.local import LocalServer
from specsight.service.rules import Rules


@contextmanager
def running(
    context: LineContext, access: Access, rules: Rules, log: Path | None = None
) -> Iterator[httpx.Client]:
    """A program without a token that asks a server of these rules."""
    server = LocalServer(application(context), access, rules=rules, around=logged(log))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
            yield client
    finally:
        server.close()
        thread.join(20)
        close_line(context)


PUBLIC = {"/enter": 200, "/health": 200, "/static/style.css": 200, "/metrics": 200}


def test_strangers_reach_nothing(line: ServedLine) -> None:
    paths = line.program("auditor").get("/openapi.json").json()["paths"]
    stranger = line.program(None)
    for path in paths.keys() - PUBLIC.keys() | {"/", "/docs", "/openapi.json", "/static/../x"}:
        assert stranger.get(path).status_code in (401, 405), path
        assert stranger.post(path, files={"picture": b"x"}).status_code == 401, path
    assert {path: stranger.get(path).status_code for path in PUBLIC} == PUBLIC
    to = stranger.get("/docs", headers={"Accept": "text/html"})
    assert (to.status_code, to.headers["Location"]) == (303, "/enter")


def test_a_token_enters_once_and_becomes_a_cookie(line: ServedLine) -> None:
    browser = line.program(None)
    wrong = browser.post("/enter", data={"token": "specsight_wrong"})
    assert wrong.headers["Location"] == "/enter?unknown=1"
    assert "not known" in browser.get("/enter?unknown=1").text
    entered = browser.post("/enter", data={"token": line.secrets["auditor"]})
    assert (entered.status_code, entered.headers["Location"]) == (303, "/")
    cookie = entered.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Max-Age=43200"))
    assert browser.get("/inspections").json() == []
    left = browser.post("/leave", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert left.headers["Location"] == "/enter"
    assert browser.get("/inspections").status_code == 401


def test_writes_of_browsers_carry_what_other_sites_do_not_know(plates: Path, line: ServedLine) -> None:
    picture = (plates / "new" / "40.png").read_bytes()
    browser = line.browser("operator")
    files = {"picture": ("40.png", picture)}
    assert browser.post("/inspect", files=files).status_code == 403
    page = browser.get("/docs")
    assert page.status_code == 200
    secret = line.server.addresses["operator"].rpartition("/")[2]
    person = line.server._access.person(secret)
    assert person is not None
    own = {"X-CSRF-Token": person.csrf}
    assert browser.post("/inspect", files=files, headers=own).status_code == 200
    for foreign in (
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
    ):
        assert browser.post("/inspect", files=files, headers={**own, **foreign}).status_code == 403, foreign
    other = line.browser("engineer")
    assert other.post("/inspect", files=files, headers=own).status_code == 403


def test_answers_forbid_other_sites(line: ServedLine) -> None:
    for answer in (
        line.program().get("/docs"),
        line.program(None).get("/x"),
        line.program().get("/inspections"),
    ):
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "server" not in answer.headers


def test_bodies_are_bounded_before_they_are_read(line: ServedLine) -> None:
    bearer = f"Authorization: Bearer {line.secrets['operator']}"
    start = f"POST /inspect HTTP/1.1\r\nHost: 127.0.0.1:{line.server.port}\r\n{bearer}\r\n"
    form = "Content-Type: multipart/form-data; boundary=x\r\n"
    for headers, status in (
        (f"{form}Content-Length: 999999999\r\n", 413),
        (f"{form}Content-Length: 99999999999999999999\r\n", 413),
        (f"{form}Transfer-Encoding: chunked\r\n", 411),
        (form, 411),
        ("Content-Type: application/json\r\nContent-Length: 70000\r\n", 413),
        ("Content-Type: text/xml\r\nContent-Length: 7\r\n", 415),
    ):
        with socket.create_connection(("127.0.0.1", line.server.port), timeout=10) as raw:
            raw.sendall(f"{start}{headers}\r\n".encode())
            assert raw.recv(65536).decode().startswith(f"HTTP/1.1 {status}"), headers


def test_a_picture_of_too_many_pixels_is_not_decoded(line: ServedLine) -> None:
    buffer = io.BytesIO()
    Image.new("1", (30000, 30000)).save(buffer, "PNG")
    assert len(buffer.getvalue()) < 1 << 20
    answer = line.inspect(buffer.getvalue())
    assert answer.status_code == 422
    assert "megapixels" in answer.json()[0]["error"]
    assert answer.json()[0]["seconds"]["wait"] < 5


def test_many_requests_and_unknown_tokens_are_slowed_down(plates: Path, sqlite_store: LineStore) -> None:
    context = line_context(Fleet(plates / "models", sqlite_store), sqlite_store)
    tokens = Tokens(sqlite_store)
    access = LineAccess(tokens, {})
    rules = line_rules(rates=Rates(person=5, address=1000, unknown=3))
    secret, _ = tokens.add("anna", "auditor")
    with running(context, access, rules) as client:
        known = {"Authorization": f"Bearer {secret}"}
        assert client.get("/inspections", headers=known).status_code == 200
        # Windows move along: a few more may pass while one ends.
        wrong = [
            client.get("/inspections", headers={"Authorization": f"Bearer specsight_{n}"}).status_code
            for n in range(8)
        ]
        assert wrong[:3] == [401] * 3
        assert wrong[-1] == 429
        codes = [client.get("/inspections", headers=known) for _ in range(12)]
        assert [one.status_code for one in codes[:4]] == [200] * 4
        assert codes[-1].status_code == 429
        assert 1 <= int(codes[-1].headers["Retry-After"]) <= 60


def test_a_revoked_token_opens_nothing(line: ServedLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specsight.service.line.access.MEMORY", 0.05)
    program = line.program("auditor")
    assert program.get("/inspections").status_code == 200
    number = next(one.number for one in line.tokens.all() if one.role == "auditor")
    line.tokens.revoke(number)
    time.sleep(0.1)
    assert program.get("/inspections").status_code == 401


def test_secrets_are_noted_nowhere(plates: Path, sqlite_store: LineStore, tmp_path: Path) -> None:
    context = line_context(Fleet(plates / "models", sqlite_store), sqlite_store)
    tokens = Tokens(sqlite_store)
    secret, _ = tokens.add("anna", "operator")
    access = LineAccess(tokens, {"operator": "operator"})
    log = tmp_path / "log.jsonl"
    with running(context, access, line_rules(), log) as client:
        client.get(f"/enter/{access.secrets['operator']}")
        client.get("/enter/guess")
        client.post("/enter", data={"token": secret})
        client.get(f"/inspections?line=a&token={secret}", headers={"Authorization": f"Bearer {secret}"})
        client.post("/inspect", files={"picture": b"x"}, headers={"Authorization": f"Bearer {secret}"})
    text = log.read_text()
    noted = [json.loads(one) for one in text.splitlines()]
    assert [one["path"] for one in noted] == ["/enter/…", "/enter/…", "/enter", "/inspections", "/inspect"]
    assert noted[3]["person"] == "anna"
    database = b"".join(one.read_bytes() for one in tmp_path.glob("line.db*"))
    for one in (secret, access.secrets["operator"]):
        assert one not in text
        assert one.encode() not in database


def test_tokens_are_given_out_listed_and_taken_back(tmp_path: Path) -> None:
    place = ("--db", f"sqlite:///{tmp_path}/line.db")
    secret = specsight("line", "token", "add", "anna", "--role", "engineer", "--days", 7, *place).split()[-1]
    assert re.fullmatch(r"specsight_[\w-]{32}", secret)
    store = LineStore.open(place[1])
    assert Tokens(store).of(secret) == Tokens(store).all()[0]
    assert "engineer  valid until" in specsight("line", "token", "list", *place)
    specsight("line", "token", "revoke", 1, *place)
    assert Tokens(store).of(secret) is None
    assert "revoked" in specsight("line", "token", "list", *place)
    assert json.loads(specsight("line", "token", "list", "--json", *place))[0]["revoked"]
    assert "no token 2" in refused("line", "token", "revoke", 2, *place)
    assert "name the person" in refused("line", "token", "add", " ", "--role", "engineer", *place)
    entries = store.entries("")
    assert [one.action for one in entries] == ["token made", "token revoked"]
    assert trail.check(entries) is None
    store.close()


def test_other_machines_need_a_token_and_a_name(plates: Path, tmp_path: Path) -> None:
    words = ("serve", plates / "models", "--db", f"sqlite:///{tmp_path}/line.db", "--host", "0.0.0.0")
    assert "--allow-host" in refused(*words)
    assert "nobody has a token" in refused(*words, "--allow-host", "line7")

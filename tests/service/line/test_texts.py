"""Odd texts in addresses, and names of lines that look like other addresses, on both kinds of database."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from urllib.parse import quote

import pytest
from tests.support.factory import refused
from tests.support.lines import ServedLine, served_line

from specsight.line.records import JudgedPart
from specsight.line.store import Judging, LineStore

ODD = {"zero": "a%00b", "half of a pair": "%ED%A0%80%ff", "long": "x" * 10_240}
REFUSED = ("zero", "long")
TOLD = ("psycopg", "sqlite3", "line.db", "text fields")
ENDLESS = ("/events", "/live")


@pytest.mark.long
def test_every_address_takes_any_text_or_says_what_is_wrong(any_line: ServedLine) -> None:
    browser = any_line.browser("engineer")
    asked, faults = 0, []
    for route in any_line.routes:
        if "GET" not in (route.methods or ()):
            continue
        places = dict.fromkeys((one.alias for one in route.dependant.path_params), "0" * 32)
        words = [one.alias for one in route.dependant.query_params]
        plain = route.path_format.format(**places)
        for kind, text in ODD.items():
            addresses = [route.path_format.format(**{**places, one: text}) for one in places]
            addresses += [
                f"{plain}?{one}={text}" for one in words if route.path not in ENDLESS or kind in REFUSED
            ]
            for address in addresses:
                answer = browser.get(address)
                asked += 1
                bad = answer.status_code >= 500 or (kind in REFUSED and answer.status_code not in (404, 422))
                if bad or any(word in answer.text for word in TOLD):
                    faults.append(f"{answer.status_code} {kind} {address[:100]} {answer.text[-200:]}")
    assert not faults, "\n".join(faults)
    assert asked > 100


SHADOWING = ("a/live", "a/pane/1", "live", "a/health", "a b?c#d", "Käfig/2")
WRONG = ("", ".", "..", "a/../b", "a//b", "/a", " a", "a\nb", "a\x1b", "a\u202eb", "a" * 201)


def test_no_line_hides_another_page(plates: Path, sqlite_store: LineStore) -> None:
    for name in (*SHADOWING, "."):  # the last one from before such names were refused
        sqlite_store.add([Judging(JudgedPart(name, "p", "plate", "0" * 12, error="none"), b"")])
    with served_line(plates / "models", sqlite_store, lines=()) as line:
        browser, program = line.browser("operator"), line.program()
        overview = browser.get("/").text
        for name in (*SHADOWING, "."):
            assert f'href="/line?name={quote(name)}"' in overview
            page = browser.get(f"/line?name={quote(name, safe='')}").text
            assert f'sse-connect="/live?line={quote(name)}&amp;after=' in page
            if name != ".":
                assert browser.get(f"/line/{quote(name, safe='')}").status_code == 200
            assert program.get(f"/lines/{quote(name, safe='')}/health").status_code in (200, 404)
        assert program.get("/inspections", params={"line": "."}).json()[0]["line"] == "."
        wrong = {name: line.inspect(b"x", line=name).status_code for name in WRONG if name}
        assert wrong == dict.fromkeys(wrong, 422)
        assert line.inspect(b"x", line="a/live").json()[0]["line"] == "a/live"


@pytest.mark.parametrize("name", WRONG)
def test_names_that_no_address_holds_are_refused_at_every_entrance(tmp_path: Path, name: str) -> None:
    for verb in (
        ("serve", tmp_path / "models", "--db", f"sqlite:///{tmp_path}/line.db"),
        ("watch", tmp_path / "in", "--model", tmp_path / "model", "-o", tmp_path / "out"),
    ):
        line = refused(*verb, "--line", name)
        assert "no name of a line" in line
        assert line.isprintable()
    assert not list(tmp_path.iterdir())


def test_a_model_under_watch_has_a_name_as_on_a_server(plates: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    copytree(plates / "models" / "plate", tmp_path / "rim no. 2")
    line = refused("watch", tmp_path / "in", "--model", tmp_path / "rim no. 2", "-o", tmp_path / "out")
    assert line.startswith("'rim no. 2' is no name for a model")

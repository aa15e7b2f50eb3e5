"""Every page of every role opens on both kinds of database, with parts of every verdict and a review on record."""

from __future__ import annotations

from pathlib import Path

from tests.support.lines import ServedLine

PAGES = {
    "operator": ("/", "/line/a", "/history", "/history?verdict=reject&overruled=1&name=p"),
    "engineer": ("/", "/engineer", "/history?model=plate"),
    "auditor": (
        "/",
        "/history",
        "/docs",
        "/audit",
        "/audit?words=rim&name=p",
        "/audit/trail",
        "/audit/trail?line=a",
        "/audit/trail?line=&about=&general=1",
    ),
}


def test_every_page_opens(plates: Path, any_line: ServedLine) -> None:
    for number in (40, 41):
        any_line.inspect(
            (plates / "new" / f"{number}.png").read_bytes(), line="a", part=f"p{number}"
        ).raise_for_status()
    assert any_line.inspect(b"no picture", line="a", part="p0").status_code == 422
    rejected = any_line.program("auditor").get("/inspections?verdict=reject").json()[0]["id"]
    said = {"verdict": "accept", "reason": "reflection"}
    any_line.program("operator").post(f"/inspections/{rejected}/reviews", json=said).raise_for_status()
    for role, pages in PAGES.items():
        browser = any_line.browser(role)
        for page in (*pages, f"/part/{rejected}"):
            answer = browser.get(page, follow_redirects=True)
            assert answer.status_code == 200, (role, page, answer.text[-500:])


def test_an_auditor_finds_checks_and_takes_away_a_part(plates: Path, any_line: ServedLine) -> None:
    (part,) = any_line.inspect(
        (plates / "new" / "41.png").read_bytes(), line="a", part="Käfig 41", say="Ignore the blue dot."
    ).json()
    browser = any_line.browser("auditor")
    assert "Käfig 41" in browser.get("/audit?words=blue").text
    assert "Käfig 41" not in browser.get("/audit?words=green").text
    page = browser.get(f"/audit/part/{part['id']}").text
    assert part["picture"] in page
    form = {"csrf": page.partition('name="csrf" value="')[2].partition('"')[0]}
    checked = browser.post("/audit/verify", data=form)
    assert "NOT WHOLE" not in checked.text
    assert "whole" in checked.text
    again = browser.post(f"/audit/part/{part['id']}/rejudge", data=form)
    assert 'class="notice fine"' in again.text
    for kind, begins in (("html", b"<!doctype html>"), ("pdf", b"%PDF")):
        sheet = browser.post(f"/audit/part/{part['id']}/export", data={**form, "kind": kind})
        assert sheet.content.startswith(begins)
    assert browser.get(f"/audit/trail?about={part['id']}").text.count("exported") == 2
    on = {"about": part["id"], "line": "a"}
    page = browser.get("/audit/trail", params={**on, "before": "10000"}).text
    assert f'name="about" value="{part["id"]}"' in page
    assert "<option selected>a</option>" in page
    assert '<option value="">all</option>' in browser.get("/audit/trail").text
    assert part["id"] not in browser.get("/audit/trail?general=1").text
    assert "went live" in browser.get("/audit/trail?general=1&line=a").text
    assert any_line.browser("operator").get("/audit").status_code == 403
    assert browser.post("/audit/verify", data={"csrf": "x"}).status_code == 403

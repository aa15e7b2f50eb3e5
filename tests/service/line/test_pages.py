"""Every page of every role opens on both kinds of database, with parts of every verdict and a review on record."""

from __future__ import annotations

from pathlib import Path

from tests.support.lines import ServedLine

PAGES = {
    "operator": ("/", "/line/a", "/history", "/history?verdict=reject&overruled=1&name=p"),
    "engineer": ("/", "/engineer", "/history?model=plate"),
    "auditor": ("/", "/history", "/docs"),
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

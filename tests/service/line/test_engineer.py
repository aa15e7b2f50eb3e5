"""The engineer's page in a real browser: from an overruled verdict to another version that is live, and back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.lines import ServedLine, served_line
from tests.support.waiting import until

from specsight.line.history import Wanted, find
from specsight.line.store import LineStore


@pytest.fixture
def own(plates: Path, sqlite_store: LineStore, tmp_path: Path) -> Iterator[ServedLine]:
    """A server on models of its own."""
    shutil.copytree(plates / "models" / "plate", tmp_path / "models" / "plate")
    with served_line(tmp_path / "models", sqlite_store) as one:
        yield one


def verdict(plates: Path, line: ServedLine, number: int, name: str = "") -> Any:
    content = (plates / "new" / f"{number}.png").read_bytes()
    return line.inspect(content, name or f"p{number}.png").json()[0]["verdict"]


@pytest.mark.long
def test_a_verdict_changes_from_an_overruled_part_to_a_version_that_is_live_and_back(
    plates: Path, own: ServedLine, browser: Any
) -> None:
    assert verdict(plates, own, 41) == "reject"
    (part,) = find(own.context.store, Wanted(part="p41.png"))
    browser.get(own.server.addresses["operator"])
    browser.find_element("css selector", "details.overrule > summary").click()
    browser.find_element("css selector", "details.overrule button.reason").click()
    until(
        lambda: [one.verdict for one in own.context.store.reviews([part.id]).get(part.id, [])] == ["accept"]
    )
    browser.get("about:blank")  # leaves the stream of the operator's page
    browser.get(own.server.addresses["engineer"])
    browser.get(f"{own.url}/engineer")

    def press(selector: str, wait: str) -> None:
        browser.find_element("css selector", selector).click()
        until(lambda: bool(browser.find_elements("css selector", wait)))

    browser.find_element("css selector", "body").send_keys("g")
    until(lambda: not browser.find_elements("css selector", ".reviewed"))
    press("form[action$='/candidate'] button", "#task.fine")
    until(lambda: "threshold" in browser.page_source and len(own.context.store.versions("plate")) == 2)
    press("form[action$='/preview'] button", "a[href*='/preview/']")
    assert "false rejects: nobody looked at another such part" in browser.find_element("id", "versions").text
    browser.find_element("css selector", "a[href*='/preview/']").click()
    until(lambda: bool(browser.find_elements("css selector", ".flipped li img")))
    assert "1 part that the candidate was made of does not count here." in browser.page_source
    press("button.main", "#rollback")
    assert verdict(plates, own, 41, "again.png") == "accept"
    browser.find_element("css selector", "#rollback").click()
    until(lambda: not browser.find_elements("css selector", "#rollback"))
    assert verdict(plates, own, 41, "back.png") == "reject"
    browser.get("about:blank")


def test_the_page_says_how_each_line_is_watched(plates: Path, own: ServedLine) -> None:
    engineer = own.browser("engineer")
    assert "specsight line health a plate --reference FIRST-LAST" in engineer.get("/engineer/plate").text
    for line in ("a", "press 1"):
        assert own.inspect((plates / "new" / "40.png").read_bytes(), line=line).status_code == 200
    until(lambda: {"a", "press 1"} <= set(own.context.feed.latest))
    own.context.watcher.look()
    text = engineer.get("/engineer/plate").text
    for line in ("a", "&#39;press 1&#39;"):
        assert f"specsight line health {line} plate --reference FIRST-LAST" in text


def test_only_engineers_change_anything(own: ServedLine) -> None:
    refused = own.browser("operator").get("/engineer/plate", headers={"Accept": "text/html"})
    assert refused.status_code == 403
    assert "you have the role &#39;operator&#39;: enter with a token" in refused.text
    assert 'href="/enter"' in refused.text
    assert own.browser("auditor").get("/engineer/plate").status_code == 200
    assert own.browser("auditor").post("/engineer/plate/scan", data={}).status_code == 403
    assert own.browser("engineer").get("/engineer/nothing").status_code == 404
    assert own.browser("engineer").get("/engineer/plate/preview/7").status_code == 404

"""The rating page: a rater with a keyboard in a real browser, and nobody reaches another's statements."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.rated_caps import write_caps, write_run

pytest.importorskip("fastapi")

from specsight.benchmark.rating.planning import RatingConfig, plan_rating
from specsight.benchmark.rating.scales import SCALES
from specsight.benchmark.rating.store import RatingStore
from specsight.service.access import Access
from specsight.service.local import LocalServer
from specsight.service.rating.application import application

EVIL = "<script>window.owned = 1</script><img src=x onerror='window.owned = 2'>"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[RatingStore, LocalServer]]:
    benchmark = write_caps(tmp_path / "bench", 4)
    runs = [
        write_run(benchmark, tmp_path / name, lambda id_: f"{EVIL} {id_}")
        for name in ("alpha-model", "beta-model")
    ]
    config = RatingConfig(("r1", "r2"), statements=4)
    store = RatingStore(plan_rating(benchmark, runs, tmp_path / "rating", config))
    server = LocalServer(application(store), Access({"r1": "rater", "r2": "rater"}))
    thread = threading.Thread(target=server.run)
    thread.start()
    yield store, server
    server.close()
    thread.join(15)
    assert not thread.is_alive()


def test_a_rater_rates_with_the_keyboard_and_sees_no_model(
    browser: Any, served: tuple[RatingStore, LocalServer]
) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    store, server = served
    browser.get_log("browser")
    browser.get(server.addresses["r1"])
    wait = WebDriverWait(browser, 20)

    def press(*keys: str) -> None:
        ActionChains(browser).send_keys(*keys).perform()

    def at(place: int) -> None:
        wait.until(lambda page: page.current_url.endswith(f"/statement/{place}"))
        wait.until(lambda page: page.execute_script("return document.readyState") == "complete")

    wait.until(lambda page: page.find_elements(By.ID, "go-on"))
    assert "There is no defect" in browser.find_element(By.CSS_SELECTOR, ".examples").text
    assert browser.execute_script("return [...document.images].every((one) => one.naturalWidth > 0)")
    press("n")
    at(1)
    assert EVIL in browser.find_element(By.ID, "statement").text
    assert browser.execute_script("return window.owned === undefined")
    assert "model" not in browser.page_source
    # What is not whole is said, and nothing is saved.
    press("1", "2", "3")
    press("s")
    wait.until(lambda page: page.find_elements(By.ID, "problem"))
    assert "usefulness" in browser.find_element(By.ID, "problem").text
    assert store.rated() == {}
    press("4", "5")
    press("s")
    at(2)
    assert list(store.rated("r1")["r1", 1].values.values()) == [1, 2, 3, 4, 5]
    press("b")
    at(1)
    assert len(browser.find_elements(By.CSS_SELECTOR, "input:checked")) == 5
    press("n")
    for place in range(2, 6):
        at(place)
        press(*"33333")
        press("s")
    wait.until(lambda page: page.find_elements(By.ID, "done"))
    assert len(store.rated("r1")) == 5
    assert store.rated("r2") == {}
    severe = [one for one in browser.get_log("browser") if one["level"] == "SEVERE"]
    assert [one for one in severe if "422" not in one["message"]] == []


def test_nobody_reaches_what_is_not_theirs(served: tuple[RatingStore, LocalServer]) -> None:
    store, server = served
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)

    def ask(path: str, body: str | None = None, cookie: str = "") -> tuple[int, bytes]:
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("GET" if body is None else "POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    cookie = f"specsight-{server.port}={server.addresses['r2'].rpartition('/')[2]}"
    assert ask("/statement/1")[0] == 403
    assert ask("/statement/1", cookie=cookie)[0] == 200
    assert ask("/statement/99", cookie=cookie)[0] == 404
    assert ask("/statement/1/picture/0", cookie=cookie)[0] == 200
    assert ask("/statement/1/picture/9", cookie=cookie)[0] == 404
    assert ask("/anchor/0/marks", cookie=cookie)[0] == 200
    for path in ("/anchor/9/picture", "/anchor/-1/picture"):
        assert ask(path, cookie=cookie)[0] == 404
    whole = "&".join(f"{name}=3" for name in SCALES)
    assert ask("/statement/1", whole, cookie)[0] == 403
    assert store.rated() == {}

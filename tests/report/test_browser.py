"""The page in a real browser: nothing fails, nothing is fetched, every picture is drawn, the table obeys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.synthetic_run import METRICS_EXAMPLE, NASTY, PROTOCOL, make_run

from specsight.report.page import render

pytest.importorskip("selenium", reason="selenium is not installed (extra dev)")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_run(
        tmp_path_factory.mktemp("page"), sizes=((64, 64), (40, 640)), good=60, defective=60, names=[NASTY]
    )
    render(made)
    return made


@pytest.fixture
def page(browser: Any, run: Path) -> Any:
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get((run / "report.html").as_uri())
    return browser


def visible_rows(page: Any) -> list[Any]:
    script = "return [...document.querySelectorAll('#table tbody tr')].filter(row => row.offsetHeight > 0)"
    return list(page.execute_script(script))


def visible_scores(page: Any) -> list[float]:
    script = "return arguments[0].map(row => Number(row.querySelector('td.number').textContent))"
    return list(page.execute_script(script, visible_rows(page)))


def opened(page: Any) -> str | None:
    """Name of the picture that is open large; None where none is."""
    name = page.execute_script(
        "const d = document.getElementById('large');"
        "return d.open ? d.querySelector('.caption b').textContent : null"
    )
    return None if name is None else str(name)


def press(page: Any, key: str) -> None:
    page.switch_to.active_element.send_keys(key)


def test_no_error_and_no_request_but_the_page_itself(page: Any, run: Path) -> None:
    assert page.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    requested = [
        m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in requested if not url.startswith("data:")] == [(run / "report.html").as_uri()]
    assert [m for m in messages if m["method"] == "Network.loadingFailed"] == []


def test_every_picture_is_decoded(page: Any) -> None:
    widths = page.execute_async_script(
        "const done = arguments[0];"
        "const drawn = i => { i.loading = 'eager'; return i.decode().then(() => i.naturalWidth); };"
        "Promise.all([...document.images].map(drawn)).then(done, e => done(String(e)));"
    )
    assert isinstance(widths, list), widths
    assert len(widths) > 20
    assert min(widths) > 0


def test_headline_numbers_equal_metrics_json(page: Any) -> None:
    for key in ("image_auroc", "pixel_auroc", "aupro_30"):
        shown = page.find_element("css selector", f"[data-metric={key}]").text
        assert float(shown) == pytest.approx(METRICS_EXAMPLE[key]["value"], abs=0.0005)
    tiles = page.find_element("css selector", ".tiles").text
    assert "0.971" in tiles
    assert "75.0 %" in tiles


def test_markup_in_a_file_name_stays_text(page: Any) -> None:
    assert page.execute_script("return document.querySelectorAll('img[src=x]').length") == 0
    cells = page.execute_script(
        "return [...document.querySelectorAll('#table tbody th')].map(c => c.textContent)"
    )
    assert NASTY in cells


def test_the_table_pages_filters_and_sorts(page: Any) -> None:
    assert len(visible_rows(page)) == 100
    page.find_element("id", "page-next").click()
    assert len(visible_rows(page)) == 20
    page.find_element("css selector", "#filter-verdict option[value=reject]").click()
    rejected = page.execute_script("return document.querySelectorAll('tr[data-verdict=reject]').length")
    shown = visible_rows(page)
    assert 0 < len(shown) == rejected < 100
    assert {row.get_attribute("data-verdict") for row in shown} == {"reject"}
    assert page.find_element("id", "filter-count").text == f"{rejected} of 120 pictures"
    page.find_element("id", "filter-text").send_keys("PART 061")
    assert [row.find_element("css selector", "th").text for row in visible_rows(page)] in (
        [],
        ["test/part 061"],
    )
    page.find_element("id", "filter-text").clear()
    page.find_element("id", "filter-text").send_keys("no such picture")
    assert visible_rows(page) == []


@pytest.mark.parametrize("width", [1000, 1600])
def test_statements_are_wrapped_and_not_cut_off(page: Any, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    inside, seen = page.execute_script(
        "const e = document.getElementById('table').closest('.scroll'); return [e.scrollWidth, e.clientWidth]"
    )
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert inside == seen


def test_the_table_sorts_by_number_with_the_keyboard(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    head = page.find_element("css selector", "#table th.number button")
    head.send_keys(Keys.ENTER)
    assert (scores := visible_scores(page)) == sorted(scores)
    head.send_keys(Keys.ENTER)
    assert (scores := visible_scores(page)) == sorted(scores, reverse=True)
    assert head.find_element("xpath", "..").get_attribute("aria-sort") == "descending"


@pytest.mark.parametrize("width", [1280, 480, 390])
def test_the_page_never_scrolls_sideways(page: Any, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    inside, seen = page.execute_script(
        "const e = document.documentElement; return [e.scrollWidth, e.clientWidth]"
    )
    assert inside == seen > width - 30
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_an_inspection_of_one_picture(browser: Any, tmp_path: Path) -> None:
    numbers = {"protocol": PROTOCOL, "seconds": {}}
    alone = make_run(tmp_path, kind="inspection", good=1, defective=0, metrics=numbers)
    browser.get_log("browser")
    browser.get(render(alone).as_uri())
    assert browser.get_log("browser") == []
    assert len(visible_rows(browser)) == 1
    assert browser.find_element("id", "filter-count").text == "1 of 1 pictures"


def test_a_picture_of_the_gallery_opens_large_with_its_layers(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    link = page.find_element("css selector", "#gallery a.zoom")
    id_ = link.find_element("xpath", "ancestor::article//h4").text
    link.send_keys(Keys.ENTER)
    assert opened(page) == id_
    board = page.find_element("css selector", "#large .board")
    window = page.execute_script("return [innerWidth, innerHeight]")
    assert board.size["width"] > 0.5 * min(window)
    assert board.size["height"] <= window[1]
    photo, map_ = (board.find_element("css selector", f"img.{name}") for name in ("photo", "heat"))
    assert page.execute_script(
        "return [arguments[0].naturalWidth, arguments[1].naturalWidth]", photo, map_
    ) > [0, 0]
    assert map_.is_displayed()
    press(page, "m")
    assert not map_.is_displayed()
    assert photo.is_displayed()
    width = board.size["width"]
    press(page, "z")
    assert board.size["width"] > 2 * width
    press(page, Keys.ESCAPE)
    assert opened(page) is None
    assert page.switch_to.active_element.get_attribute("data-large") == link.get_attribute("data-large")
    assert page.get_log("browser") == []
    assert page.current_url.endswith("report.html"), "nothing was left for the sheet beside the page"


def test_arrows_go_through_the_pictures_that_the_filter_leaves(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    page.find_element("css selector", "#filter-truth option:nth-child(2)").click()
    left = page.execute_script(
        "return [...document.querySelectorAll('#table tbody tr:not(.out)')].map(r => r.querySelector('th').textContent)"
    )
    assert len(left) == 60, "all good parts"
    page.execute_script("document.querySelector('#table tr:not(.out) a.zoom').focus()")
    press(page, Keys.ENTER)
    seen = [opened(page)]
    for _ in range(3):
        press(page, Keys.ARROW_RIGHT)
        seen.append(opened(page))
    press(page, Keys.ARROW_LEFT)
    assert seen == left[:4]
    assert opened(page) == left[2]
    assert page.find_element("css selector", "#large .position").text == "3 of 60"
    page.find_element("css selector", "#large [data-do=close]").click()
    assert opened(page) is None


def test_all_pictures_can_be_seen_as_a_grid_of_thumbnails(page: Any) -> None:
    page.find_element("css selector", "#view option[value=pictures]").click()
    first, second = visible_rows(page)[:2]
    assert first.location["y"] == second.location["y"], "side by side"
    assert first.find_element("css selector", ".thumb img").size["width"] > 60
    assert not first.find_element("css selector", ".statement").is_displayed()
    page.find_element("css selector", "#filter-verdict option[value=reject]").click()
    assert {row.get_attribute("data-verdict") for row in visible_rows(page)} == {"reject"}

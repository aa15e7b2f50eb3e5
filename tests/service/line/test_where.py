"""A person draws where a defect lies, in a real browser: by mouse and by keys; it is on record and on the pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.lines import ServedLine
from tests.support.waiting import until

from specsight.line.records import Review

BOX = [[0.2, 0.2], [0.4, 0.2], [0.4, 0.4]]


def missed(plates: Path, line: ServedLine) -> str:
    """The id of a part that was accepted, and that a person rejects."""
    (part,) = line.inspect((plates / "new" / "40.png").read_bytes(), line="a").json()
    assert part["verdict"] == "accept"
    line.context.store.review(Review(part["id"], "anna", "operator", "reject", "", "scratch"))
    return str(part["id"])


def test_what_is_drawn_joins_the_review(plates: Path, line: ServedLine, browser: Any) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    id_ = missed(plates, line)
    browser.get(line.server.addresses["operator"])
    browser.get(f"{line.url}/part/{id_}")
    browser.find_element("css selector", "a.where").click()
    drawing = browser.find_element("id", "drawing")
    until(lambda: drawing.size["height"] > 100)
    assert not browser.find_element("id", "save").is_enabled()
    corner = ActionChains(browser).move_to_element_with_offset(drawing, -100, -100)
    corner.click_and_hold().move_by_offset(60, 40).release().perform()
    browser.find_element("css selector", "[data-draw=polygon]").click()
    drawing.send_keys(" ", Keys.RIGHT * 5, " ", Keys.DOWN * 5, " ", Keys.ENTER)
    browser.find_element("id", "save").click()
    until(lambda: browser.current_url.endswith(f"/part/{id_}"))
    review = line.context.store.reviews([id_])[id_][-1]
    assert (review.verdict, review.type, review.person) == ("reject", "scratch", "operator")
    assert review.region is not None
    box, polygon = review.region
    side = 100 / (0.5 - box[0][0])  # of the square picture, in pixels of the screen
    assert abs((box[2][0] - box[0][0]) * side - 60) < 2
    assert abs((box[2][1] - box[0][1]) * side - 40) < 2
    across, down = polygon[1][0] - polygon[0][0], polygon[2][1] - polygon[1][1]
    assert abs(across - 0.1) < 1e-4
    assert abs(down - 0.1) < 1e-4
    drawn = f"/part/{id_}/where/{review.number}"
    engineer = line.browser("engineer")
    assert engineer.get("/engineer/plate").text.count(drawn) == 1
    assert engineer.get(f"/part/{id_}").text.count(drawn) == 1
    assert engineer.get(drawn).text.count("M") == 2
    assert engineer.get(f"/part/{id_}/where/1").status_code == 404


def test_nothing_but_a_region_is_taken(plates: Path, line: ServedLine) -> None:
    id_ = missed(plates, line)
    engineer = line.browser("engineer")
    page = engineer.get(f"/part/{id_}/where?back=engineer").text
    form = {"csrf": page.partition('name="csrf" value="')[2].partition('"')[0], "back": "engineer"}
    for region in ("", "[]", "[[[0,0],[1,1]]]", "[" * 5000, '"x"'):
        answer = engineer.post(f"/part/{id_}/where", data={**form, "region": region})
        assert answer.status_code == 422, region
    assert line.browser("auditor").get(f"/part/{id_}/where").status_code == 403
    done = engineer.post(f"/part/{id_}/where", data={**form, "type": "dent", "region": f"[{BOX}]"})
    assert done.headers["location"] == f"/engineer/plate#part-{id_}"
    program = line.program("operator")
    said = {"verdict": "reject", "type": "dent", "region": [BOX]}
    assert program.post(f"/inspections/{id_}/reviews", json=said).json()["region"] == [BOX]
    said["verdict"] = "accept"
    assert program.post(f"/inspections/{id_}/reviews", json=said).status_code == 422
    assert [one.type for one in line.context.store.reviews([id_])[id_]] == ["scratch", "dent", "dent"]


def test_a_long_type_is_refused_not_cut(plates: Path, line: ServedLine) -> None:
    id_ = missed(plates, line)
    engineer = line.browser("engineer")
    page = engineer.get(f"/part/{id_}/where").text
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    drawn, reviewed, confirmed = f"/part/{id_}/where", f"/part/{id_}/review", "/engineer/plate/confirm"
    for address, form in (
        (drawn, {"type": "x" * 201, "region": f"[{BOX}]"}),
        (reviewed, {"say": f"reject:type:{'x' * 201}"}),
        (confirmed, {"inspection": id_, "outcome": "defect", "type": "x" * 201}),
    ):
        answer = engineer.post(address, data={"csrf": csrf, **form})
        assert answer.status_code == 422
        assert answer.json()["detail"] == "the type is longer than 200 characters: shorten it"
    engineer.post(drawn, data={"csrf": csrf, "type": "x" * 200, "region": f"[{BOX}]"})
    assert [one.type for one in line.context.store.reviews([id_])[id_]] == ["scratch", "x" * 200]


def test_all_fits_on_the_screen_and_no_more_is_drawn_than_is_taken(
    plates: Path, line: ServedLine, browser: Any
) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    id_ = missed(plates, line)
    size = {"width": 1280, "height": 757, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get(line.server.addresses["operator"])
        browser.get(f"{line.url}/part/{id_}/where")
        drawing, save = browser.find_element("id", "drawing"), browser.find_element("id", "save")
        until(lambda: drawing.size["height"] > 500)
        fits = "return document.documentElement.scrollHeight <= innerHeight"
        assert browser.execute_script(fits)
        assert save.location["x"] > drawing.location["x"] + drawing.size["width"]
        field = browser.find_element("css selector", "[name=type]")
        assert field.value_of_css_property("color") == browser.find_element(
            "tag name", "h1"
        ).value_of_css_property("color")
        full = browser.find_element("id", "full")
        drawing.send_keys((" " + Keys.RIGHT + Keys.DOWN + " ") * 10)
        ActionChains(browser).move_to_element_with_offset(drawing, -101, -77).click_and_hold().move_by_offset(
            33, 41
        ).release().perform()
        shapes = json.loads(browser.find_element("id", "region").get_property("value"))
        assert len(shapes) == 11
        assert all(len(str(value)) <= 7 for shape in shapes for point in shape for value in point)
        assert not full.is_displayed()
        browser.find_element("css selector", "[data-draw=polygon]").click()
        drawing.send_keys((Keys.LEFT + " " + Keys.UP + " ") * 251)
        assert full.is_displayed()
        drawing.send_keys(Keys.ENTER)
        browser.find_element("css selector", "[data-draw=box]").click()
        drawing.send_keys((" " + Keys.RIGHT + Keys.DOWN + " ") * 40)
        assert full.is_displayed()
        shapes = json.loads(browser.find_element("id", "region").get_property("value"))
        assert len(shapes) == 50
        assert max(map(len, shapes)) <= 500
        save.click()
        until(lambda: browser.current_url.endswith(f"/part/{id_}"))
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert line.context.store.reviews([id_])[id_][-1].region == shapes

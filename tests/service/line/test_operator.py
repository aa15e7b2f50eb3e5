"""The operator's page: a real browser, a real server, plates that are judged; what a form may say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from tests.support.lines import ServedLine, served_line

from specsight.line.history import Wanted, find
from specsight.line.records import JudgedPart, Review
from specsight.line.requests import PartRequest
from specsight.line.store import Judging, LineStore
from specsight.line.verdicts import UNDONE, standing
from specsight.service.line.shown import Shown
from specsight.service.line.tally import shift_begin
from specsight.storage.database import Unavailable

EVIL = "<img src=x onerror='window.owned=1'>\"'%(name)s 100%"


@pytest.fixture
def press(plates: Path, sqlite_store: LineStore) -> Iterator[ServedLine]:
    with served_line(plates / "models", sqlite_store, lines=("press 1",)) as one:
        yield one


def judge(press: ServedLine, plates: Path, number: int, line: str = "press 1", name: str = "") -> JudgedPart:
    picture = (plates / "new" / f"{number}.png").read_bytes()
    request = PartRequest(line, name or f"plate {number}", "plate", picture)
    return press.context.judge.submit(request).result(20)


@pytest.fixture
def browser(browser: Any) -> Iterator[Any]:
    """Leaves the page before the server stops, which waits for its followers otherwise: a test asks for it last."""
    yield browser
    browser.get("about:blank")


class Page:
    """A person before the page."""

    def __init__(self, browser: Any, press: ServedLine, role: str = "operator", language: str = "en") -> None:
        self.browser = browser
        browser.get_log("browser")
        browser.get(press.server.addresses[role])
        browser.add_cookie({"name": "specsight-language", "value": language})
        browser.get(f"{press.url}/")

    def press(self, *keys: str) -> None:
        from selenium.webdriver import ActionChains

        ActionChains(self.browser).send_keys(*keys).perform()

    def find(self, selector: str) -> Any:
        return self.browser.find_element("css selector", selector)

    def until(self, condition: Callable[[Any], Any], seconds: float = 10) -> Any:
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.ui import WebDriverWait

        wait = WebDriverWait(
            self.browser, seconds, poll_frequency=0.05, ignored_exceptions=[StaleElementReferenceException]
        )
        return wait.until(condition)

    def shows(self, part: JudgedPart, word: str) -> None:
        self.until(lambda _: self.shown == part.id)
        assert self.find("#stage .verdict").text == word

    @property
    def shown(self) -> str:
        return str(self.find("#stage .pane").get_attribute("data-id"))

    def script(self, text: str, *values: Any) -> Any:
        return self.browser.execute_script(text, *values)

    def complaints(self) -> list[str]:
        return [one["message"] for one in self.browser.get_log("browser") if one["level"] == "SEVERE"]


def test_new_parts_appear_and_an_older_one_stays_as_long_as_it_is_looked_at(
    press: ServedLine, plates: Path, browser: Any
) -> None:
    first = judge(press, plates, 41)
    page = Page(browser, press)
    page.shows(first, "REJECT")
    second = judge(press, plates, 40)
    page.shows(second, "ACCEPT")
    assert page.find("#said").get_attribute("textContent") == "ACCEPT, plate 40"
    # Keyboard only: to the older part, which stays while others come.
    page.press("\ue014")
    page.shows(first, "REJECT")
    third, fourth = judge(press, plates, 42), judge(press, plates, 43)
    page.until(lambda _: page.find("#missed").text == "+2")
    assert page.shown == first.id
    assert len(browser.find_elements("css selector", "#queue li")) == 4
    page.until(
        lambda _: page.script("return document.querySelector('#counts .accept dd').textContent") == "3"
    )
    page.press("\ue00c")
    page.shows(fourth, "ACCEPT")
    assert not page.find("#go-live").is_displayed()
    assert [one.id for one in find(press.context.store, Wanted(verdict="accept"))] == [
        fourth.id,
        third.id,
        second.id,
    ]
    # The map lies exactly over the picture, and fades.
    picture, heat = (page.find(f".layers {one}") for one in ("img:first-child", ".heat"))
    assert picture.rect == heat.rect
    before = float(heat.value_of_css_property("opacity"))
    page.press("-")
    assert float(heat.value_of_css_property("opacity")) == pytest.approx(before - 0.1)
    page.press("m")
    assert not heat.is_displayed()
    assert page.complaints() == []


def test_a_review_brings_the_count_of_the_shift_at_once(press: ServedLine, plates: Path) -> None:
    part = judge(press, plates, 41)
    operator = press.browser("operator")
    page = operator.get("/line?name=press%201").text
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    for form, count in (({"say": "accept:reason:dust"}, 1), ({"undo": "1"}, 0)):
        data = {"csrf": csrf, "queued": "1", **form}
        answer = operator.post(f"/part/{part.id}/review", data=data, headers={"HX-Request": "true"}).text
        piece = answer.partition('<div id="counts" hx-swap-oob="innerHTML">')[2]
        assert f"<dt>overruled</dt><dd>{count}</dd>" in piece


def test_a_verdict_is_overruled_in_two_clicks_and_taken_back(
    press: ServedLine, plates: Path, browser: Any
) -> None:
    part = judge(press, plates, 41)
    page = Page(browser, press)
    store = press.context.store
    page.find(".overrule summary").click()
    judge(press, plates, 40)  # whoever reaches for a button keeps the part
    page.until(lambda _: page.find("#missed").text == "+1")
    page.find("button[value='accept:reason:dust']").click()
    page.until(lambda _: "overruled" in page.find(".said").text)
    assert page.find("#stage .verdict").text == "ACCEPT"
    (review,) = store.reviews([part.id])[part.id]
    assert (review.verdict, review.reason, review.person, review.role) == (
        "accept",
        "dust",
        "operator",
        "operator",
    )
    page.until(lambda _: "overruled" in page.find(f"#thumb-{part.id}").get_attribute("class"))
    page.press("u")
    page.until(lambda _: not browser.find_elements("css selector", ".said"))
    assert page.find("#stage .verdict").text == "REJECT"
    assert [one.reason for one in store.reviews([part.id])[part.id]] == ["dust", UNDONE]
    # Keys alone: agree.
    page.press("a")
    page.until(lambda _: "confirmed" in page.find(".said").text)
    assert store.reviews([part.id])[part.id][-1].verdict == "reject"
    # Words of a person stay words.
    page.press("o")
    page.find(".free input").send_keys(EVIL)
    page.find(".free button").click()
    page.until(lambda _: EVIL in page.find(".said").text)
    browser.get(f"{press.url}/part/{part.id}")
    assert EVIL in page.find("#reviews").text
    page.press("u")
    page.until(lambda _: EVIL not in page.find(".answer").text)
    assert page.complaints() == [], "the page of one part has no queue"
    page.press("o")
    page.find(".free input").send_keys(EVIL)
    page.find(".free button").click()
    page.until(lambda _: EVIL in page.find(".said").text)
    browser.get(f"{press.url}/history?overruled=1")
    assert EVIL in page.find(".past").text
    assert page.script("return window.owned === undefined")
    assert page.complaints() == []


def test_what_a_person_decides_of_an_unreadable_part_is_taken_back_and_found_as_it_holds(
    press: ServedLine, plates: Path
) -> None:
    request = PartRequest("press 1", "torn", "plate", b"no picture")
    whole, torn = judge(press, plates, 41), press.context.judge.submit(request).result(30)
    operator = press.browser("operator")
    html = {"Accept": "text/html"}
    csrf = re.findall(r'name="csrf" value="([^"]+)"', operator.get("/", headers=html).text)[0]

    def listed(**asked: str) -> set[str]:
        return set(
            re.findall(r'id="past-([0-9a-f]+)"', operator.get("/history", params=asked, headers=html).text)
        )

    def post(id: str, **fields: str) -> int:
        return operator.post(f"/part/{id}/review", data={**fields, "csrf": csrf}).status_code

    assert (listed(verdict="unreadable"), listed(verdict="reject")) == ({torn.id}, {whole.id})
    for one in (whole, torn):
        assert post(one.id, say="accept:reason:measured in hand") == 303
    page = operator.get(f"/part/{torn.id}", headers=html).text
    assert 'name="undo"' in page
    assert "decided by a person</b> · the model said: UNREADABLE" in page
    assert (listed(verdict="unreadable"), listed(verdict="reject")) == (set(), set())
    assert (listed(verdict="accept"), listed(overruled="1")) == ({whole.id, torn.id}, {whole.id})
    assert "overruled</b> · the model said: REJECT" in operator.get("/history", headers=html).text
    assert post(torn.id, undo="1") == 303
    assert (listed(verdict="unreadable"), listed(verdict="accept")) == ({torn.id}, {whole.id})
    assert post(torn.id, undo="1") == 422
    assert post(torn.id, say="accept:reason:", other="undone") == 422


def test_no_verdict_stays_on_screen_when_the_server_is_gone(
    press: ServedLine, plates: Path, browser: Any
) -> None:
    judge(press, plates, 40)
    page = Page(browser, press, language="de")
    page.until(lambda _: page.find("#stage .verdict").text == "IO")
    assert page.find(".agree").text.startswith("Stimmt")
    assert page.find("html").get_attribute("lang") == "de"
    press.server.close()
    page.until(lambda _: page.find("#lost").is_displayed(), 12)
    assert "KEINE VERBINDUNG" in page.find("#lost").text
    assert not page.find("#stage .verdict").is_displayed()
    assert not page.find("#state").is_displayed()


def test_a_database_that_is_away_is_said_and_covers_the_verdict(
    press: ServedLine, plates: Path, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = judge(press, plates, 40)
    page = Page(browser, press)
    page.shows(part, "ACCEPT")

    def unplugged() -> dict[str, int]:
        raise Unavailable("it was unplugged")

    with monkeypatch.context() as broken:
        broken.setattr(press.context.store, "latest", unplugged)
        page.until(lambda _: page.find("#lost").is_displayed())
        assert not page.find("#stage .verdict").is_displayed()
        assert "it was unplugged" in page.find("#state").text
    page.until(lambda _: not page.find("#lost").is_displayed())
    assert page.find("#stage .verdict").is_displayed()


def test_several_lines_have_tiles_and_names_of_parts_run_nowhere(
    browser: Any, plates: Path, sqlite_store: LineStore
) -> None:
    with served_line(plates / "models", sqlite_store, lines=("press 1", EVIL)) as press:
        part = judge(press, plates, 41, EVIL, EVIL)
        page = Page(browser, press, language="it")
        page.until(lambda _: len(browser.find_elements("css selector", ".tile")) == 2)
        assert EVIL in page.find(".tile:nth-of-type(2)").text
        other = judge(press, plates, 40, "press 1")
        page.until(lambda _: "CONFORME" in page.find(".tile:nth-of-type(1)").text)
        page.find(".tile:nth-of-type(2) h2 a").click()
        page.shows(part, "SCARTO")
        assert EVIL in page.find(".which").text
        judge(press, plates, 42, EVIL)
        page.until(lambda _: page.find("#stage .verdict").text == "CONFORME")
        browser.get(f"{press.url}/history?name=%25&line=press+1")
        assert not browser.find_elements("css selector", ".past")
        browser.get(f"{press.url}/history?verdict=accept&line=press+1")
        assert browser.find_elements("css selector", f"#past-{other.id}")
        assert len(browser.find_elements("css selector", ".past tbody tr")) == 1
        assert page.script("return window.owned === undefined")
        assert page.complaints() == []
        browser.get("about:blank")


CONTRAST = """
const rgb = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
const over = ([r, g, b, a = 1], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a)];
const light = (c) => c.slice(0, 3).map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
const low = [];
for (const one of document.querySelectorAll("body *")) {
  const text = [...one.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join("").trim();
  if (!text || !one.getClientRects().length || one.closest("option, .hidden, script")) continue;
  const chain = [];
  for (let up = one; up; up = up.parentElement) chain.unshift(getComputedStyle(up));
  let ground = [255, 255, 255], opacity = 1;
  for (const style of chain) { opacity *= Number(style.opacity); ground = over(rgb(style.backgroundColor), ground); }
  const ink = over([...rgb(chain.at(-1).color).slice(0, 3), opacity], ground);
  const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
  const ratio = (a + .05) / (b + .05);
  if (ratio < 4.5) low.push(`${text.slice(0, 30)}: ${ratio.toFixed(2)}`);
}
return low;
"""


def test_all_words_stand_out_from_their_ground_and_buttons_fit_a_finger(
    press: ServedLine, plates: Path, browser: Any
) -> None:
    for number in (40, 41):
        judge(press, plates, number)
    page = Page(browser, press)
    for theme in ("light", "dark"):
        page.find(".menu summary").click()
        page.find(f"button[name=theme][value={theme}]").click()
        page.until(lambda _: page.find("html").get_attribute("data-theme") == theme)  # noqa: B023
        ground = page.script("return getComputedStyle(document.body).backgroundColor")
        assert (int(re.findall(r"\d+", ground)[0]) > 128) == (theme == "light")
        page.find(".menu summary").click()
        page.find(".overrule summary").click()
        assert page.script(CONTRAST) == [], theme
        small = page.script(
            "return [...document.querySelectorAll('button, summary, .thumb a, nav a')]"
            ".filter((one) => one.getClientRects().length && one.getBoundingClientRect().height < 44)"
            ".map((one) => one.textContent)"
        )
        assert small == []
        browser.get(f"{press.url}/history")
        assert page.script(CONTRAST) == [], theme
        browser.get(f"{press.url}/")
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True},
    )
    browser.get(f"{press.url}/")
    assert page.script("return document.documentElement.scrollWidth <= innerWidth")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_forms_of_others_and_of_auditors_say_nothing(press: ServedLine, plates: Path) -> None:
    part = judge(press, plates, 41)
    operator, auditor = press.browser("operator"), press.browser("auditor")
    html = {"Accept": "text/html", "Accept-Language": "de"}
    csrf = [
        re.findall(r'name="csrf" value="([^"]+)"', one.get("/", headers=html).text)[0]
        for one in (operator, auditor)
    ]
    address = f"/part/{part.id}/review"
    said = {"say": "accept:reason:dust"}
    assert operator.post(address, data={**said, "csrf": csrf[1]}).status_code == 403
    assert auditor.post(address, data={**said, "csrf": csrf[1]}).status_code == 403
    assert "Stimmt" not in auditor.get("/", headers=html).text
    for wrong in ({"say": "perhaps"}, {}, {"undo": "1"}, {"say": "accept:reason:", "other": "x" * 501}):
        assert operator.post(address, data={**wrong, "csrf": csrf[0]}).status_code == 422, wrong
    assert press.context.store.reviews([part.id]) == {}
    assert operator.post(address, data={**said, "csrf": csrf[0]}).headers["Location"] == f"/part/{part.id}"
    assert operator.get("/line/nowhere", headers=html).status_code == 404
    back = {"csrf": csrf[0], "language": "it", "back": "//evil.example"}
    answer = operator.post("/preferences", data=back)
    assert answer.headers["Location"] == "/"
    assert "specsight-language=it" in answer.headers["Set-Cookie"]


def test_history_is_paged_by_number_and_searched(sqlite_store: LineStore) -> None:
    day = datetime(2026, 5, 1, tzinfo=timezone.utc)
    parts = sqlite_store.add(
        [
            Judging(
                JudgedPart(
                    "a" if number % 2 else "b",
                    f"cap_{number}",
                    "cap",
                    "0" * 12,
                    received=day + timedelta(hours=number),
                    verdict="reject" if number == 3 else "accept",
                    error="blurred" if number == 4 else "",
                ),
                b"",
            )
            for number in range(6)
        ]
    )
    names = lambda **wanted: [one.part for one in find(sqlite_store, Wanted(**wanted))]  # noqa: E731
    assert [one.part for one in find(sqlite_store, Wanted(before=parts[4].number), 2)] == ["cap_3", "cap_2"]
    assert names(line="a", verdict="accept") == ["cap_5", "cap_1"]
    assert names(verdict="unreadable") == ["cap_4"]
    assert names(name="p_3") == ["cap_3"]
    assert names(name="p%") == []
    assert names(since=day + timedelta(hours=2), until=day + timedelta(hours=4)) == ["cap_3", "cap_2"]
    sqlite_store.review(Review(parts[3].id, "eve", "operator", "accept", "dust"))
    sqlite_store.review(Review(parts[5].id, "eve", "operator", "reject"))
    sqlite_store.review(Review(parts[5].id, "eve", "operator", "accept", UNDONE))
    assert names(overruled=True) == ["cap_3"]
    reviews = sqlite_store.reviews([parts[5].id])[parts[5].id]
    assert standing(reviews) is None


def test_a_bar_holds_scores_of_any_sign() -> None:
    def bar(score: float, threshold: float) -> tuple[float, bool]:
        found = Shown(JudgedPart("a", "p", "m", "v", score=score, threshold=threshold)).bar
        assert found is not None
        return round(found.score), found.beyond

    assert bar(1, 2) == (25, False)
    assert bar(2, 2) == (50, False)
    assert bar(9, 2) == (100, True)
    assert bar(-1, -0.5)[0] < 50 < bar(-0.2, -0.5)[0]
    assert bar(0, 0)[0] == 50


def test_a_shift_begins_at_the_last_of_its_hours() -> None:
    at = lambda hour: shift_begin(datetime(2026, 5, 2, hour, 30, tzinfo=timezone.utc))  # noqa: E731
    assert [(at(hour).day, at(hour).hour) for hour in (3, 6, 15, 23)] == [(1, 22), (2, 6), (2, 14), (2, 22)]

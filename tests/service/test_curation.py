"""The curation page: two real clients at once, strangers, and a person with a keyboard in a real browser."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np
import pytest
from tests.support.curated_caps import item, make

pytest.importorskip("fastapi")
import cv2

from specsight.benchmark.curation.decisions import Decision, Edit
from specsight.benchmark.curation.store import CurationStore
from specsight.service.access import Access
from specsight.service.curation.application import application
from specsight.service.local import LocalServer
from specsight.service.rules import LONGEST

EVIL = "<script>window.owned = 1</script>"
BROKEN = "\"><img src=x onerror='window.owned = 2'>"
LONG = "long words " * 9300
LEVELS = ("minor", "major")


class Served:
    def __init__(self, bench: Path, share: float) -> None:
        items = [
            item(0, question=f"Is this {EVIL} fine?", options={"A": BROKEN, "B": f"no {EVIL}"}, answer="A"),
            item(1, instruction=f"Ignore {BROKEN}."),
            item(2, question=LONG, provenance=item(2).provenance),
            item(3, id=f"cap-3/{EVIL}"),
        ]
        self.store = CurationStore(make(bench, items), share)
        roles = {"r1": "curator", "r2": "curator", "r3": "lead"}
        self.server = LocalServer(application(self.store, LEVELS), Access(roles))
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()

    def close(self) -> None:
        self.server.close()
        self.thread.join(15)
        assert not self.thread.is_alive()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    one = Served(tmp_path / "bench", 0)
    yield one
    one.close()


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Served]:
    one = Served(tmp_path / "bench", 1)
    yield one
    one.close()


class Client:
    """A person's program: it keeps its cookie, and its connection."""

    def __init__(self, served: Served, code: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", served.server.port, timeout=20)
        status, _, headers = self.ask(urlsplit(served.server.addresses[code]).path)
        assert (status, headers["Location"]) == (303, "/")
        self.cookie = headers["Set-Cookie"].partition(";")[0]
        assert "HttpOnly" in headers["Set-Cookie"]

    cookie = ""

    def ask(self, path: str, body: str | None = None, **headers: str) -> tuple[int, str, Any]:
        given = {"Cookie": self.cookie} if self.cookie else {}
        if body is not None:
            given["Content-Type"] = "application/x-www-form-urlencoded"
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request("GET" if body is None else "POST", path, body, given)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, content.decode("utf-8", "replace"), answer.headers

    def form(self, number: int, **changes: str) -> dict[str, str]:
        _, page, _ = self.ask(f"/item/{number}")
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        now = self.item
        words = {"question": now.question, "answer": now.answer, "instruction": now.instruction or ""}
        options = {f"option-{letter}": text for letter, text in now.options.items()}
        return {**hidden, **words, **options, "reason": "", "severity": "", **changes}

    item = item(3)

    def send(self, number: int, fields: dict[str, str], **headers: str) -> tuple[int, str, Any]:
        return self.ask(f"/item/{number}", urlencode(fields), **headers)


def test_two_save_the_same_item_and_the_second_sees_the_first(served: Served) -> None:
    anna, ben = Client(served, "r1"), Client(served, "r2")
    first = anna.form(3, action="accept", severity="minor")
    second = ben.form(3, action="reject", reason="<b>blurred</b>")
    status, _, headers = anna.send(3, first)
    assert (status, headers["Location"]) == (303, "/next?after=3")
    status, page, _ = ben.send(3, second)
    assert status == 409
    assert "was decided by r1 meanwhile" in page
    assert "accept, severity minor" in page
    assert "&lt;b&gt;blurred&lt;/b&gt;</textarea>" in page
    assert [s.curator for s in served.store.history(3)] == ["r1"]
    again = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert ben.send(3, {**second, **again})[0] == 303
    (saved,) = served.store.entry(3).decisions
    assert (saved.curator, saved.revision, saved.decision.action) == ("r2", 2, "reject")


def test_many_clients_at_once_save_each_item_once(served: Served) -> None:
    clients = [Client(served, code) for code in ("r1", "r2", "r3")]
    forms = [client.form(3, action="accept") for client in clients]
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda c=client, f=form: statuses.append(c.send(3, f)[0]))
        for client, form in zip(clients, forms)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(statuses) == [303, 409, 409]


def test_two_persons_do_not_see_each_other_and_a_lead_adjudicates(shared: Served) -> None:
    anna, ben, lead = (Client(shared, code) for code in ("r1", "r2", "r3"))
    anna.send(3, anna.form(3, action="reject", reason="annas reason"))
    for client in (ben, lead):
        assert "annas reason" not in client.ask("/item/3")[1]
    ben.send(3, ben.form(3, action="accept"))
    assert "annas reason" not in ben.ask("/item/3")[1]
    assert ben.ask("/")[1].count("Decided differently") == 0
    overview = lead.ask("/")[1]
    assert "Decided differently: 1" in overview
    assert "r1 reject, r2 accept" in overview
    page = lead.ask("/item/3")[1]
    assert "annas reason" in page
    assert "You adjudicate" in page
    assert lead.send(3, lead.form(3, action="accept"))[0] == 303
    assert shared.store.entry(3).standing == Decision(action="accept")
    assert "Nothing can be decided here" in anna.ask("/item/3")[1]
    status, page, _ = anna.send(3, lead.form(3, action="accept"))
    assert status == 403
    own = {**lead.form(3, action="accept"), "csrf": anna.form(0)["csrf"]}
    assert anna.send(3, own)[0] == 409


def test_a_lead_starts_from_one_of_two_edits(shared: Served) -> None:
    anna, ben, lead = (Client(shared, code) for code in ("r1", "r2", "r3"))
    anna.send(3, anna.form(3, action="edit", question="Annas question?"))
    ben.send(3, ben.form(3, action="edit", question="Bens question?"))
    page = lead.ask("/item/3?start=2")[1]
    assert ">Bens question?</textarea>" in page
    assert ">Bens question?</textarea>" not in anna.ask("/item/3?start=2")[1]
    assert lead.send(3, lead.form(3, action="edit", question="Bens question?"))[0] == 303
    assert shared.store.entry(3).standing == Decision(action="edit", edit=Edit(question="Bens question?"))


def test_what_makes_no_sense_is_said_and_kept_in_the_form(served: Served) -> None:
    anna = Client(served, "r1")
    for changes, words in (
        ({"action": "reject"}, "a rejection needs a reason"),
        ({"action": "edit"}, "nothing is changed"),
        ({"action": "accept", "question": "Other?"}, "accept keeps no changes"),
        ({"action": "edit", "answer": "Q"}, "none of the options"),
        ({"action": "keep"}, "action"),
    ):
        status, page, _ = anna.send(3, anna.form(3, **changes))
        assert (status, words in page) == (422, True), words
        assert changes.get("question", "Is anything wrong") in page
    assert served.store.entry(3).decisions == ()
    assert anna.send(3, {"csrf": anna.form(3)["csrf"]})[0] == 422
    assert anna.ask("/item/99")[0] == 404
    assert anna.ask("/item/x")[0] == 422


def test_strangers_and_other_sites_get_nothing(served: Served) -> None:
    anna = Client(served, "r1")
    fields = anna.form(3, action="accept")
    assert anna.send(3, {**fields, "csrf": "guess"})[0] == 403
    assert anna.send(3, fields, Origin="http://evil.example")[0] == 403
    assert anna.send(3, fields, Sec_Fetch_Site="cross-site")[0] == 403
    assert anna.send(3, fields, Host="evil.example")[0] == 403
    assert anna.send(3, fields, Content_Type="application/json")[0] == 415
    anna.connection.close()
    assert anna.ask("/", "", Content_Length=str(LONGEST + 1))[0] == 413
    anna.connection.close()
    assert anna.ask("/", "", Content_Length="\u00b2")[0] in (400, 411)
    anna.connection.close()
    stranger = Client(served, "r2")
    stranger.cookie = ""
    for path in ("/", "/item/0", "/item/1/picture/0", "/static/keys.js", "/enter/guess", "/openapi.json"):
        assert stranger.ask(path)[0] == 403, path
    assert stranger.ask("/", Cookie=f"specsight-{served.server.port}=guess")[0] == 403
    assert anna.ask("/static/..%2Fapplication.py")[0] == 404
    assert served.store.entry(3).decisions == ()


def test_every_answer_forbids_what_other_sites_could_do(served: Served) -> None:
    anna = Client(served, "r1")
    for path in ("/", "/item/0", "/item/1/marks/0", "/nothing", "/static/style.css"):
        headers = anna.ask(path)[2]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Server"] is None


def test_a_picture_and_its_defects_are_shown_and_one_that_is_gone_is_said(served: Served) -> None:
    anna = Client(served, "r1")

    def drawn(path: str) -> np.ndarray:
        anna.connection.request("GET", path, headers={"Cookie": anna.cookie})
        content = np.frombuffer(anna.connection.getresponse().read(), np.uint8)
        return np.asarray(cv2.imdecode(content, cv2.IMREAD_UNCHANGED))

    assert drawn("/item/1/picture/0").shape == (128, 128, 3)
    layer = drawn("/item/1/marks/0")
    assert (layer[60:64, 40:80, 3] == 70).all()
    assert (layer[59, 40:80, 3] == 255).all()
    assert layer[:50, :, 3].max() == 0
    assert anna.ask("/item/0/marks/0")[0] == 404
    assert anna.ask("/item/1/picture/7")[0] == 404
    served.store.benchmark.picture("cap-1.png").unlink()
    assert anna.ask("/item/1/picture/0")[0] == 404
    status, page, _ = anna.ask("/item/1")
    assert status == 200
    assert "cannot be shown" in page


def test_a_person_curates_with_the_keyboard_and_no_words_of_an_item_run(
    browser: Any, served: Served, tmp_path: Path
) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get_log("browser")
    browser.get(served.server.addresses["r1"])
    wait = WebDriverWait(browser, 20)

    def press(*keys: str) -> None:
        ActionChains(browser).send_keys(*keys).perform()

    def send() -> None:
        ActionChains(browser).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()

    def at(number: int) -> None:
        wait.until(lambda page: f"/item/{number}" in page.current_url)
        wait.until(lambda page: page.execute_script("return document.readyState") == "complete")

    wait.until(lambda page: page.find_elements(By.ID, "go-on"))
    assert served.server.addresses["r1"].rpartition("/")[2] not in browser.current_url
    press("n")
    at(0)
    assert browser.find_element(By.ID, "question").text == f"Is this {EVIL} fine?"
    assert BROKEN in browser.find_element(By.CSS_SELECTOR, ".options").text
    assert browser.execute_script("return window.owned === undefined")
    assert browser.find_elements(By.CSS_SELECTOR, ".question img, .question script") == []
    # Accepted with a severity.
    press("s")
    press(Keys.ARROW_DOWN, Keys.ESCAPE)
    press("a")
    at(1)
    assert served.store.entry(0).standing == Decision(action="accept", severity="minor")
    # The outlines lie over the picture and go with a key.
    picture, marks = browser.find_elements(By.CSS_SELECTOR, ".layers img")
    assert picture.rect == marks.rect
    assert browser.execute_script("return arguments[0].naturalWidth", marks) == 128
    press("m")
    assert not marks.is_displayed()
    # Edited: the words of the item come back unchanged from the form.
    press("e")
    question = browser.switch_to.active_element
    assert question.get_attribute("id") == "edit-question"
    question.send_keys(Keys.CONTROL, "a")
    question.send_keys("Is the cap fine?")
    send()
    at(2)
    edit = Edit(question="Is the cap fine?")
    assert served.store.entry(1).standing == Decision(action="edit", edit=edit)
    # A hundred thousand characters neither break the page out of its width nor out of reach.
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.find_element(By.CSS_SELECTOR, "button[value=accept]").rect["y"] < 2000
    press("r")
    press("too long")
    send()
    at(3)
    assert served.store.entry(2).standing == Decision(action="reject", reason="too long")
    # Somebody else was faster.
    served.store.save("r2", 3, Decision(action="reject", reason=EVIL), 0)
    press("a")
    wait.until(lambda page: page.find_elements(By.ID, "problem"))
    assert "was decided by r2 meanwhile" in browser.find_element(By.ID, "problem").text
    assert EVIL in browser.find_element(By.ID, "current").text
    press("n")
    wait.until(lambda page: page.find_elements(By.ID, "done"))
    assert browser.execute_script("return window.owned === undefined")
    severe = [one for one in browser.get_log("browser") if one["level"] == "SEVERE"]
    assert [one for one in severe if "409" not in one["message"]] == []

"""The page: a person draws over a picture in a real browser and saves; strangers get nothing."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from tests.support.caps import cap

from specsight.errors import SpecsightError
from specsight.parts.outlining import OutliningServer
from specsight.parts.outlining.server import LONGEST
from specsight.specification import load_specification

WRITTEN = "product: cap  # kept\nparts:\n- name: rim\n- name: <b>face</b>\n"
SHAPE = {"ring": {"centre": [64, 64], "outer": 40, "inner": 20}}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[OutliningServer]:
    Image.fromarray(cap()[0]).save(tmp_path / "good.png")
    (tmp_path / "cap.yaml").write_text(WRITTEN)
    server = OutliningServer(tmp_path / "good.png", tmp_path / "cap.yaml")
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server
    server.close()
    thread.join(10)
    assert not thread.is_alive()


def ask(
    server: OutliningServer, name: str, body: str | None = None, token: str | None = None, **headers: str
) -> tuple[int, bytes, Any]:
    address = urlsplit(server.address)
    assert address.hostname == "127.0.0.1"
    connection = http.client.HTTPConnection("127.0.0.1", address.port or 0, timeout=10)
    path = address.path if token is None else f"/{token}/"
    given = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    connection.request("GET" if body is None else "POST", path + name, body, given)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def test_what_the_page_sends_is_saved_and_read_again(served: OutliningServer) -> None:
    status, content, _ = ask(served, "save", json.dumps({"rim": [SHAPE], "<b>face</b>": []}))
    assert (status, "saved to" in json.loads(content)["said"]) == (200, True)
    words = load_specification(served.specification)
    assert words.parts[0].outline[0].ring is not None
    assert "# kept" in served.specification.read_text()
    state = json.loads(ask(served, "state")[1])
    assert state["size"] == [128, 128]
    assert state["parts"][0]["outline"] == [SHAPE]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("{", "Invalid JSON"),
        ('{"rim": [{"ring": {"centre": [1, 1], "outer": -3}}]}', "greater than 0"),
        ('{"rim": [{"polygon": [[1, 1], [2, 2]]}]}', "at least 3"),
        ('{"rim": [{}]}', "one of polygon, ring and ellipse"),
        ('{"": [{"polygon": [[1, 1], [2, 2], [3, 1]]}]}', "name"),
    ],
)
def test_what_makes_no_sense_is_answered_in_words_and_not_saved(
    served: OutliningServer, sent: str, words: str
) -> None:
    status, content, _ = ask(served, "save", sent)
    assert status == 422
    assert words in json.loads(content)["error"]
    assert served.specification.read_text() == WRITTEN


def test_strangers_get_nothing(served: OutliningServer) -> None:
    sent = json.dumps({"rim": [SHAPE]})
    assert ask(served, "", token="guess")[0] == 403
    assert ask(served, "save", sent, token="")[0] == 403
    assert ask(served, "save", sent, Host="evil.example")[0] == 403
    assert ask(served, "save", sent, Origin="http://evil.example")[0] == 403
    assert ask(served, "save", sent, Content_Type="text/plain")[0] == 400
    assert ask(served, "save", sent, Content_Length=str(LONGEST + 1))[0] == 400
    assert ask(served, "../cap.yaml")[0] == 404
    assert ask(served, "server.py")[0] == 404
    assert served.specification.read_text() == WRITTEN
    status, _, headers = ask(served, "")
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_a_picture_or_specification_that_cannot_be_read_is_said_before_a_page_opens(tmp_path: Path) -> None:
    with pytest.raises(SpecsightError, match=r"none\.png"):
        OutliningServer(tmp_path / "none.png", tmp_path / "cap.yaml")
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "cap.yaml").write_text("product: [")
    with pytest.raises(SpecsightError, match="not valid YAML"):
        OutliningServer(tmp_path / "a.png", tmp_path / "cap.yaml")


def test_a_part_of_a_name_that_means_another_is_refused_when_it_is_added(served: OutliningServer) -> None:
    served.specification.write_text("product: cap\nparts:\n- {name: rim, phrases: [edge]}\n")
    for name, words in (
        ("Rim", "there is a part 'rim' already, and 'Rim' means the same"),
        ("edge", "'rim'"),
    ):
        status, content, _ = ask(served, "name", json.dumps([name, "rim"]))
        assert (status, words in json.loads(content)["error"]) == (422, True)
    assert ask(served, "name", json.dumps(["label", "rim"]))[0] == 200
    assert ask(served, "name", json.dumps(["Rim"]))[0] == 200, "the page has removed it"
    assert ask(served, "name", json.dumps(["labels", "rim", "label"]))[0] == 422
    for sent in ("[]", '[""]', "{}"):
        assert ask(served, "name", sent)[0] == 422
    status, content, _ = ask(served, "save", json.dumps({"rim": [], "Rim": [SHAPE]}))
    assert (status, "line" in json.loads(content)["error"]) == (422, False), "no line of the file is at fault"


def test_a_person_draws_a_ring_and_a_polygon_and_saves(browser: Any, served: OutliningServer) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get_log("browser")
    browser.get(served.address)
    wait = WebDriverWait(browser, 10)
    wait.until(lambda page: page.find_elements(By.CSS_SELECTOR, "#parts button"))
    drawing = browser.find_element(By.ID, "drawing")
    scale = drawing.rect["width"] / 128

    def to(x: float, y: float) -> Any:
        return ActionChains(browser).move_to_element_with_offset(
            drawing, round((x - 64) * scale), round((y - 64) * scale)
        )

    def tool(name: str) -> None:
        browser.find_element(By.CSS_SELECTOR, f"[data-tool={name}]").click()

    tool("ring")
    to(64, 64).click_and_hold().perform()
    to(90, 64).perform()
    to(112, 64).release().perform()
    inner = browser.find_element(By.CSS_SELECTOR, "input[aria-label=inner]")
    inner.send_keys(Keys.CONTROL, "a")
    inner.send_keys("28", Keys.TAB)
    browser.find_elements(By.CSS_SELECTOR, "#parts button")[1].click()
    tool("polygon")
    for x, y in ((40, 40), (88, 40), (88, 88), (40, 88)):
        to(x, y).click().perform()
    to(40, 40).click().perform()
    browser.find_element(By.ID, "part-name").send_keys("label", Keys.ENTER)
    wait.until(lambda page: len(page.find_elements(By.CSS_SELECTOR, "#parts button")) == 3)
    assert [b.text.split("\n")[0] for b in browser.find_elements(By.CSS_SELECTOR, "#parts button")] == [
        "rim",
        "<b>face</b>",
        "label",
    ]
    browser.find_element(By.ID, "save").click()
    wait.until(lambda page: "aved to" in page.find_element(By.ID, "status").text)
    words = load_specification(served.specification)
    (ring,), (polygon,) = words.parts[0].outline, words.parts[1].outline
    assert ring.ring is not None
    assert ring.ring.centre == pytest.approx((64, 64), abs=0.5)
    assert (ring.ring.outer, ring.ring.inner) == (pytest.approx(48, abs=0.5), 28)
    assert polygon.polygon is not None
    assert np.abs(np.array(polygon.polygon) - [(40, 40), (88, 40), (88, 88), (40, 88)]).max() < 0.5
    assert [part.name for part in words.parts] == ["rim", "<b>face</b>", "label"]
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []

    # A name that means a part is refused at once, and a removed part leaves the file when that is saved.
    assert browser.find_element(By.ID, "target").text == f"Save writes to {served.specification}."
    name = browser.find_element(By.ID, "part-name")
    name.send_keys("Rim", Keys.ENTER)
    wait.until(lambda page: "means the same" in page.find_element(By.ID, "status").text)
    name.clear()
    browser.find_element(By.ID, "remove-part").click()
    browser.find_element(By.ID, "save").click()
    wait.until(lambda page: [p.name for p in load_specification(served.specification).parts][2:] == [])
    browser.find_element(By.ID, "undo").click()
    browser.find_element(By.ID, "save").click()
    wait.until(lambda page: [p.name for p in load_specification(served.specification).parts][2:] == ["label"])

    # Undo takes the polygon back; a reload shows what was saved.
    for _ in range(2):
        browser.find_element(By.ID, "undo").click()
    assert len(browser.find_elements(By.CSS_SELECTOR, "#drawing .shape")) == 1
    browser.execute_script("window.onbeforeunload = null; saved = JSON.stringify(outlines())")
    browser.refresh()
    wait.until(lambda page: len(page.find_elements(By.CSS_SELECTOR, "#drawing .shape")) == 2)


@pytest.mark.parametrize("length", ["\u00b2", "-1", "1e3", "9" * 5000, ""])
def test_a_length_that_is_no_number_is_refused(
    served: OutliningServer, capsys: pytest.CaptureFixture[str], length: str
) -> None:
    status, content, _ = ask(served, "save", "{}", Content_Length=length)
    assert (status, content) == (400, b"too long, or no JSON")
    assert not capsys.readouterr().err


def test_what_is_no_json_is_said_of_what_the_page_sent(served: OutliningServer) -> None:
    status, content, _ = ask(served, "save", "{")
    assert status == 422
    assert json.loads(content)["error"].startswith("what the page sent: Invalid JSON")

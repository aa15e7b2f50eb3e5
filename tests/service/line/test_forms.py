"""Whatever changes something and came with a cookie shows that a page of ours sent it, on every route."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.lines import ROLES, ServedLine

FORM = "application/x-www-form-urlencoded"
SENT: tuple[tuple[dict[str, str], bytes], ...] = (
    ({"Content-Type": FORM}, b""),
    ({"Content-Type": FORM}, b"csrf=x&verdict=accept"),
    ({"Content-Type": FORM, "X-CSRF-Token": "x"}, b"back=/"),
    ({"Content-Type": "application/json"}, b'{"verdict": "accept"}'),
    ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--\r\n"),
    ({}, b""),
)


@pytest.mark.long
def test_no_other_site_changes_anything_in_a_persons_name(plates: Path, line: ServedLine) -> None:
    changing = [one for one in line.routes if "GET" not in (one.methods or ())]
    assert len(changing) > 15
    assert all(one.methods == {"POST"} for one in changing)
    before = line.context.store.entries(limit=1000)
    for role in ROLES:
        browser = line.browser(role)
        for route in changing:
            places = {one.alias: "plate" for one in route.dependant.path_params}
            address = route.path_format.format(**places)
            for headers, body in SENT if role == "engineer" else SENT[:1]:
                answer = browser.post(address, headers=headers, content=body)
                assert answer.status_code == 403, (role, address, headers, answer.text)
                assert re.search("open the page anew", answer.text), (role, address, headers, answer.text)
    assert line.context.store.entries(limit=1000) == before


def test_a_page_of_ours_is_known_by_its_field_and_by_its_header(line: ServedLine) -> None:
    browser = line.browser("engineer")
    secret = browser.get("/engineer/plate").text.partition('name="csrf" value="')[2].partition('"')[0]
    assert browser.post("/models/scan", data={"csrf": secret}).status_code == 200
    assert browser.post("/models/scan", headers={"X-CSRF-Token": secret}).status_code == 200
    assert line.program("engineer").post("/models/scan").status_code == 200

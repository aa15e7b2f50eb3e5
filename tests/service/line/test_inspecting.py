"""Pictures through HTTP are judged as the inspector judges them, and on record before the answer."""

from __future__ import annotations

import io
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.support.counted import counts
from tests.support.lines import ServedLine, served_line

from specsight.inspector import Inspector
from specsight.line.records import JudgedPart
from specsight.line.store import LineStore
from specsight.service.line.inspecting import FIELDS
from specsight.storage.database import Unavailable


def png(plates: Path, number: int) -> bytes:
    return (plates / "new" / f"{number}.png").read_bytes()


def test_answers_are_those_of_the_inspector_and_on_record(plates: Path, any_line: ServedLine) -> None:
    inspector = Inspector.load(plates / "models" / "plate")
    for number in range(40, 46):
        answer = any_line.inspect(png(plates, number), f"C:\\fakepath\\{number}.png", line="b")
        assert answer.status_code == 200, answer.text
        (part,) = (JudgedPart.from_json(one) for one in answer.json())
        alone = inspector.inspect(png(plates, number))
        assert (part.verdict, part.score, part.part) == (alone.verdict, alone.score, f"{number}.png")
        assert any_line.context.store.part(part.id) == part
    entries = any_line.context.store.entries("b")
    assert {(one.person, one.role, one.action) for one in entries} == {
        ("operator program", "operator", "judged")
    }


def test_several_pictures_at_once_in_their_order(plates: Path, line: ServedLine) -> None:
    files = [("picture", (f"{n}.png", png(plates, n))) for n in (40, 41, 44)] + [("picture", ("x.png", b"x"))]
    asked = [
        line.program("operator").post("/inspect", files=files, headers={"Idempotency-Key": "k"}) for _ in "ab"
    ]
    first, again = (one.json() for one in asked)
    assert [one["verdict"] for one in first] == ["accept", "reject", "reject", None]
    assert first[3]["error"]
    assert first == again
    assert sum(counts(line.context.store).values()) == 4


def test_a_key_belongs_to_one_picture(plates: Path, line: ServedLine) -> None:
    assert line.inspect(png(plates, 40), key="7").status_code == 200
    other = line.inspect(png(plates, 41), key="7")
    assert (other.status_code, other.json()["detail"]) == (
        409,
        "key '7' belongs to another question of this line",
    )
    assert line.inspect(png(plates, 41), key="7", line="b").status_code == 200


def test_of_several_pictures_none_is_judged_where_one_key_is_taken(plates: Path, line: ServedLine) -> None:
    assert line.inspect(png(plates, 40), key="7 #2", part="p").status_code == 200
    files = [("picture", (f"{n}.png", png(plates, n))) for n in (41, 42, 43)]
    answer = line.program("operator").post("/inspect", files=files, data={"key": "7"})
    assert (answer.status_code, "'7 #2' belongs to another" in answer.text) == (409, True)
    assert sum(counts(line.context.store).values()) == 1
    assert line.context.store.by_key("a", "7") is None


def test_of_two_requests_at_once_under_one_key_one_is_answered_whole_and_the_other_leaves_nothing(
    plates: Path, line: ServedLine
) -> None:
    few = [("picture", ("0.png", png(plates, 40)))]
    many = [("picture", (f"{n}.png", png(plates, n))) for n in range(41, 44)]
    ask = line.program("operator").post
    for attempt in range(4):
        key = f"at once {attempt}"
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(ask, "/inspect", files=files, data={"key": key}) for files in (few, many)]
        answers = [one.result() for one in asked]
        assert sorted(one.status_code for one in answers) == [200, 409]
        stored = [line.context.store.by_key("a", f"{key}{end}") for end in ("", " #2", " #3")]
        expected = next(len(one.json()) for one in answers if one.status_code == 200)
        assert sum(one is not None for one in stored) == expected


def test_depth_goes_with_its_picture(plates: Path, line: ServedLine, tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", np.full((64, 64), 400, np.float32))
    ask = line.program("operator").post
    depth = (tmp_path / "d.npy").read_bytes()
    files = {"picture": ("40.png", png(plates, 40)), "depth": ("d.npy", depth)}
    (part,) = ask("/inspect", files=files).json()
    assert line.context.store.content(part["depth"]) == depth
    two = [("picture", ("40.png", png(plates, 40))), *[("depth", ("d.npy", depth))] * 2]
    assert ask("/inspect", files=two).status_code == 422


def test_signals_go_with_their_picture_by_name(plates: Path, any_line: ServedLine) -> None:
    ask, store = any_line.program("operator").post, any_line.context.store
    warm = [npy(20 + number) for number in range(2)]
    files = [("picture", (f"{n}.png", png(plates, n))) for n in (40, 41)]
    files += [("signal.ir", ("ir.npy", one)) for one in warm]
    files += [("signal.light_1", ("l.png", png(plates, n))) for n in (42, 43)]
    first = ask("/inspect", files=files, data={"key": "7"}).json()
    assert [store.content(one["signals"]["ir"]) for one in first] == warm
    assert [store.content(one["signals"]["light_1"]) for one in first] == [png(plates, n) for n in (42, 43)]
    assert [store.part(one["id"]) for one in first] == [JudgedPart.from_json(one) for one in first]
    assert ask("/inspect", files=files, data={"key": "7"}).json() == first
    read, address = any_line.program("auditor").get, f"/inspections/{first[1]['id']}/original"
    assert read(address, params={"of": "signal.ir"}).content == warm[1]
    assert read(address).content == png(plates, 41)
    assert read(address, params={"of": "depth"}).status_code == 404
    for other in (files[:4], [*files[:3], files[2], *files[4:]]):
        assert ask("/inspect", files=other, data={"key": "7"}).status_code == 409


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("signal.ir", "2 pictures but 1 files of signal.ir"),
        ("signal.masks", "which is taken"),
        ("signal.a b", "a name has 1 to 64"),
        ("signal.", "a name has 1 to 64"),
        ("signal_ir", "there is no field 'signal_ir'"),
    ],
)
def test_what_no_picture_would_be_judged_with_is_refused(
    plates: Path, line: ServedLine, field: str, said: str
) -> None:
    files = [("picture", (f"{n}.png", png(plates, n))) for n in (40, 41)]
    answer = line.program().post("/inspect", files=[*files, (field, ("x.npy", npy(1)))])
    assert (answer.status_code, said in answer.json()["detail"]) == (422, True), answer.text
    assert counts(line.context.store) == {}


def test_the_description_names_the_fields_that_there_are(line: ServedLine) -> None:
    about = line.program().get("/openapi.json").json()
    schema = about["paths"]["/inspect"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    body = about["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    assert body["properties"].keys() == FIELDS
    (pattern,) = schema["patternProperties"]
    assert re.match(pattern, "signal.light_1")
    assert not re.match(pattern, "signal.a b")
    assert "signal.NAME" in line.program().get("/docs").text


def npy(value: float) -> bytes:
    file = io.BytesIO()
    np.save(file, np.full((64, 64), value, np.float32))
    return file.getvalue()


def test_what_cannot_be_judged_says_why(plates: Path, line: ServedLine) -> None:
    answer = line.inspect(b"no picture", say="Only the rim.")
    assert answer.status_code == 422
    assert "not a picture" in answer.json()[0]["error"]
    assert counts(line.context.store) == {"unreadable": 1}
    missing = line.inspect(png(plates, 40), model="plates")
    assert (missing.status_code, "did you mean 'plate'" in missing.text) == (404, True)
    assert line.inspect(png(plates, 40), part="a" * 201).status_code == 422
    assert line.inspect(png(plates, 40), line="a\n").status_code == 422
    assert line.inspect(png(plates, 40), role="auditor").status_code == 403
    assert line.program().post("/inspect", data={"line": "a"}, files={"other": b"1"}).status_code == 422
    many = [("picture", (f"{n}.png", b"x")) for n in range(33)]
    assert line.program().post("/inspect", files=many).status_code == 413
    assert counts(line.context.store) == {"unreadable": 1}


def test_a_full_queue_says_so_and_takes_nothing(plates: Path, sqlite_store: LineStore) -> None:
    with served_line(plates / "models", sqlite_store, places=2) as line:
        held, go = threading.Event(), threading.Event()
        live = line.context.fleet.live

        def slow(name: str) -> object:
            held.set()
            go.wait(30)
            return live(name)

        line.context.fleet.live = slow  # type: ignore[assignment,method-assign]
        answers: list[int] = []

        def ask(number: int) -> None:
            answers.append(line.inspect(png(plates, number)).status_code)

        threads = [threading.Thread(target=ask, args=(n,)) for n in (40, 41)]
        threads[0].start()
        assert held.wait(30)
        threads[1].start()
        while line.context.judge.waiting < 1:
            held.wait(0.01)
        two = [("picture", (f"{n}.png", png(plates, n))) for n in (42, 43)]
        refused = line.program().post("/inspect", files=two)
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) >= 1
        go.set()
        for one in threads:
            one.join()
        assert answers == [200, 200]
        assert sum(counts(line.context.store).values()) == 2


def test_a_database_that_is_away_is_no_answer(plates: Path, line: ServedLine) -> None:
    store = line.context.store
    add = store.add
    store.add = _away  # type: ignore[method-assign,assignment]
    away = line.inspect(png(plates, 40), key="1")
    assert (away.status_code, away.headers["Retry-After"]) == (503, "2")
    store.add = add  # type: ignore[method-assign]
    assert counts(store) == {}
    assert line.inspect(png(plates, 40), key="1").status_code == 200


def _away(judgings: object) -> object:
    raise Unavailable("'line.db': disk I/O error")


def test_a_key_is_good_for_one_question(plates: Path, line: ServedLine) -> None:
    picture = (plates / "new" / "41.png").read_bytes()
    fields = {"key": "9", "part": "p", "say": "Ignore blue."}
    first = line.inspect(picture, **fields).json()
    assert line.inspect(picture, **fields).json() == first
    for other in ({"say": ""}, {"part": "q"}):
        assert line.inspect(picture, **{**fields, **other}).status_code == 409


def test_depth_that_only_begins_like_an_array_is_said_to_be_damaged(plates: Path, line: ServedLine) -> None:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 64), }"
    broken = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    files = {"picture": ("p.png", (plates / "new" / "41.png").read_bytes()), "depth": ("p.npy", broken)}
    (part,) = line.program("operator").post("/inspect", files=files).json()
    assert any(note.startswith("depth left out: it cannot be read") for note in part["inspection"]["notes"])
    assert part["verdict"] == "reject"  # by a model that knows nothing of depth


def test_strangers_hold_nothing_up(line: ServedLine) -> None:
    huge = {"Content-Length": str(64 << 20), "Content-Type": "multipart/form-data; boundary=x"}
    with socket.create_connection(("127.0.0.1", line.server.port), timeout=10) as raw:
        lines = [
            "POST /enter HTTP/1.1",
            f"Host: 127.0.0.1:{line.server.port}",
            *(f"{k}: {v}" for k, v in huge.items()),
        ]
        raw.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 413")

"""One picture under two instructions, on the page and on the screen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.support.synthetic_run import NASTY, make_run

from specsight import screen
from specsight.records import Verdict
from specsight.report.instructed import is_right, kinds_of_pairs, pairs_of
from specsight.report.page import render
from specsight.report.renderer import Renderer
from specsight.report.suite_page import render_suite
from specsight.runs.folder import RunFolder
from specsight.runs.instructed import COUNTED, INSPECTED, LEFT_OUT, OBSERVED, Answer, Instructed
from specsight.runs.suite_record import SuiteRecord, SuiteRow
from specsight.specification import Scope, Unread

RIM = Scope(parts=("rim",), text="Inspect the rim only.")


def answer(verdict: Verdict, clause: Scope | None = None) -> Answer:
    return Answer(verdict, 1.4, 1.2, clause, (None,), 1, (), f"{verdict}ed because of words")


def instructed(
    id_: str, number: int, truth: Verdict, given: Verdict, kind: str = "scope", text: str = ""
) -> Instructed:
    text = text or f"Words {number} of {id_}."
    read = (RIM,) if given == truth else (Unread(text=text),)
    answers = {"text": answer(given, RIM if given == "accept" else None), "ignored": answer("reject")}
    return Instructed(
        0,
        id_,
        number,
        None,
        kind,
        f"{id_} {number // 2}",
        text,
        truth,
        False,
        (RIM,),
        read,
        answers,
        drawn=True,
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Three defective pictures: a scope pair right, one wrong, and a tolerance pair that is right."""
    run = RunFolder(make_run(tmp_path, good=1, defective=3))
    ids = [p.id for p in run.predictions() if p.label == "defective"]
    answers = [
        instructed(ids[0], 0, "accept", "accept"),
        instructed(ids[0], 1, "reject", "reject"),
        instructed(ids[1], 0, "reject", "reject"),
        instructed(ids[1], 1, "accept", "reject", text=NASTY),
        instructed(ids[2], 0, "reject", "reject", "tolerance"),
        instructed(ids[2], 1, "accept", "accept", "tolerance"),
    ]
    for one in answers:
        pixels = np.full((120, 120), INSPECTED, np.uint8)
        pixels[:60] = LEFT_OUT
        pixels[20:40, 20:40], pixels[80:100, 80:100] = OBSERVED, COUNTED
        run.write_drawn(one, pixels, None)
    run.add_instructed(answers)
    return run.path


def test_pairs_are_grouped_by_kind_and_begin_with_what_calls_for_rejection(run: Path) -> None:
    pairs = pairs_of(RunFolder(run).instructed())
    assert {kind: len(of_kind) for kind, of_kind in pairs.items()} == {"scope": 2, "tolerance": 1}
    assert [one.truth for one in pairs["scope"][0]] == ["reject", "accept"]
    assert [is_right(pair) for pair in pairs["scope"]] == [True, False]


def test_cards_show_right_pairs_first_with_what_is_veiled(run: Path) -> None:
    folder = RunFolder(run)
    predictions = folder.predictions()
    renderer = Renderer(folder, predictions, folder.fits()[0].calibration)
    scope, tolerance = kinds_of_pairs(folder, renderer, predictions, 0)
    assert (scope.right, scope.total, tolerance.right, tolerance.total) == (1, 2, 1, 1)
    assert [card.right for card in scope.cards] == [True, False]
    sides = scope.cards[0].sides
    assert [(side.verdict, side.decided) for side in sides] == [
        ("reject", ""),
        ("accept", "Inspect the rim only."),
    ]
    assert sides[0].read == "inspect only rim"
    assert scope.cards[1].sides[1].read.startswith("not understood")
    assert all(side.picture.startswith("data:image/webp;base64,") for side in sides)


def test_the_page_shows_both_verdicts_and_text_stays_text(run: Path) -> None:
    page = render(run).read_text("utf-8")
    assert "The same picture, two instructions" in page
    assert "1 of 2 pairs right both ways" in page
    assert page.count('class="card pair"') == 3
    assert "Decided by the clause <q>Inspect the rim only.</q>." in page
    assert "<img src=x" not in page
    assert "alert(2)</script>" not in page


def test_a_page_without_instructions_has_no_such_section(tmp_path: Path) -> None:
    assert "two instructions" not in render(make_run(tmp_path, good=1, defective=1)).read_text("utf-8")


def test_the_page_of_the_suite_shows_pairs_of_its_best_row_in_tables_by_block(run: Path) -> None:
    names = ("image_auroc", "pairs_scope_text", "pairs_text", "scope_drop_text")
    row = SuiteRow(
        name="PatchCore", group="methods", detector="patchcore", folder="run", protocol="", published="",
        values=dict.fromkeys(names, 0.5), deviations=dict.fromkeys(names),
        intervals=dict.fromkeys(names, (0.4, 0.6)),
    )  # fmt: skip
    SuiteRecord("instructions", "plate", None, (0,), (row,)).write(run.parent)
    page = render_suite(run.parent).read_text("utf-8")
    assert "The same picture, two instructions: PatchCore" in page
    assert "Pairs decided right both ways, from the raw text" in page
    assert "from the true clauses" not in page, "no such number was measured"
    lines = (run.parent / "suite.md").read_text("utf-8").splitlines()
    assert "| PatchCore | 50.0 % (40.0 to 60.0 %) | 50.0 % (40.0 to 60.0 %) |" in lines
    assert "## One part to be inspected" in lines


def test_the_screen_tells_one_picture_with_two_verdicts(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    screen.instructed(run)
    said = capsys.readouterr().out
    assert "right both ways: scope 1 of 2, tolerance 1 of 1 (0 if words were ignored)" in said
    assert ": rejected\n" in said
    assert "accepted, because of 'Inspect the rim only.'" in said


def test_a_damaged_line_of_instructions_names_file_and_line(run: Path) -> None:
    file = run / "instructions.jsonl"
    first = json.loads(file.read_text().splitlines()[0])
    file.write_text(json.dumps({**first, "truth": "perhaps"}) + "\n")
    with pytest.raises(Exception, match=r"instructions.jsonl', line 1: damaged \(truth"):
        RunFolder(run).instructed()

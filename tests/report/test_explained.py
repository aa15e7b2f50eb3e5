"""A picture's explanation on the page: every check has its mark, and what others wrote is escaped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tests.support.explained import BOTH, EXPLAINER
from tests.support.synthetic_run import make_run

from specsight.records import Check, Explanation, Rewrite, Statement
from specsight.report.page import render

INJECTED = "<script>alert(1)</script>"


def page_with(explanation: Explanation, folder: Path) -> str:
    """The page of a run, the first of whose pictures has this explanation."""
    run = make_run(folder, good=2, defective=1, kind="inspection")
    lines = [json.loads(line) for line in (run / "predictions.jsonl").read_text("utf-8").splitlines()]
    for line in lines:
        if line["findings"]:
            line["explanation"] = explanation.to_json()
    (run / "predictions.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return render(run).read_text("utf-8")


def test_each_check_has_its_mark_and_no_word_of_others_is_markup(tmp_path: Path) -> None:
    checks = (
        Check("type", INJECTED, "supported", INJECTED, 0),
        Check("size", "6.4 mm", "contradicted", "6.23 mm"),
        Check("words", "horrible", "unsupported", "not understood"),
    )
    told = Explanation(
        (Statement(f"A cut {INJECTED}.", "findings", (0,), INJECTED, checks),),
        EXPLAINER.explain(BOTH).knowledge,
        Rewrite("speaker", INJECTED, False, checks[1:]),
    )
    page = page_with(told, tmp_path)
    assert "✗ 1 of 3 claims supported" in page
    assert "rewrite rejected" in page
    assert page.count("✗ contradicted") == page.count("? unsupported") > 0
    assert "rests on finding 1" in page
    assert "6.23 mm" in page
    assert "Reject the part and remove the sharp edge." in page
    assert INJECTED not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_an_explanation_that_holds_says_so_and_a_picture_without_one_shows_none(tmp_path: Path) -> None:
    whole = EXPLAINER.explain(BOTH)
    assert whole.sound
    sound = replace(whole, statements=tuple(replace(one, findings=(), checks=()) for one in whole.statements))
    assert "0 of 0 claims supported" in page_with(sound, tmp_path / "a")
    assert '<details class="explained">' not in render(
        make_run(tmp_path / "b", good=1, defective=1)
    ).read_text("utf-8")

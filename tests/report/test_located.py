"""What the page calls a rejected defective picture: located, not located, or rightly rejected without a true mask."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.support.synthetic_run import make_run

from specsight.report.page import render
from specsight.runs.folder import RunFolder


def badges(run: Path) -> dict[str, str]:
    """Picture → what the table of all pictures says of it."""
    rows = re.findall(r"<tr data-verdict.*?</tr>", render(run).read_text("utf-8"), re.DOTALL)
    cells = r'<th scope="row">(.*?)</th>.*?<span class="badge [^"]*">(.*?)</span>'
    found = [re.search(cells, row, re.DOTALL) for row in rows]
    return {match[1].replace("<wbr>", ""): match[2] for match in found if match}


def test_a_rejected_picture_is_located_only_where_a_finding_touches_the_defect(tmp_path: Path) -> None:
    path = make_run(tmp_path, good=2, defective=4)
    rejected = [p.id for p in RunFolder(path).predictions() if p.defects and p.inspection.verdict == "reject"]
    assert len(rejected) >= 3
    located = {rejected[0]: True, rejected[1]: False}
    numbers = json.loads((path / "metrics.json").read_text())
    (path / "metrics.json").write_text(json.dumps({**numbers, "located_pictures": {"0": located}}))
    shown = badges(path)
    assert len(shown) == 6
    assert shown[rejected[0]] == "Located"
    assert shown[rejected[1]] == "Rejected, defect not located"
    assert shown[rejected[2]] == "Rightly rejected"
    assert "Found" not in shown.values()

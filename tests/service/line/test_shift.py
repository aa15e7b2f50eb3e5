"""The commands of the page on a shift, in its order, against a real server."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.support.factory import photograph, run
from tests.support.lines import ServedLine, served_line
from tests.support.watched_line import line_of

from specsight.line.records import Review
from specsight.line.store import LineStore

PAGE = Path(__file__).parents[3] / "docs" / "shift.md"
HERE = "http://127.0.0.1:8000"


class Shift:
    """Runs one command after the other; what one printed stands for a variable of the next."""

    def __init__(self, served: ServedLine, names: dict[str, str]) -> None:
        self.served, self.names = served, names

    def said(self, command: str) -> str:
        """What a command of the page prints, without what it says beside that."""
        for name, value in self.names.items():
            command = command.replace(f"${name}", value)
        if kept := re.fullmatch(r"export (\w+)=\$\((.*)\)", command):
            self.names[kept[1]] = self.said(kept[2]).strip()
            return ""
        program, *words = shlex.split(command.replace(HERE, self.served.url))
        if program == "curl":
            done = subprocess.run(["curl", "-sS", *words], capture_output=True, text=True, check=True)
            return done.stdout
        result = run(*words)
        assert result.exception is None, f"{command}: {result.exception}"
        return result.stdout


@pytest.mark.long
def test_a_shift_as_the_page_tells_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="the default encoder needs the extra 'models'")
    pytest.importorskip("reportlab", reason="a PDF needs the extra 'audit'")
    if shutil.which("curl") is None:
        pytest.skip("the page asks by curl")
    monkeypatch.chdir(tmp_path)
    photograph(Path("photos/ok"), 24)
    photograph(Path("photos/new"), 1, 41, (41,))
    Path("rules.yaml").write_text("accepted: {pictures: 30}\n", "utf-8")
    commands = [
        line
        for block in re.findall(r"```\n(.*?)```", PAGE.read_text("utf-8"), re.S)
        for line in block.splitlines()
    ]
    (serve,) = [one for one in commands if one.startswith("specsight serve")]
    assert "--db sqlite:///line.db" in serve
    assert run(*shlex.split(commands[0])[1:]).exception is None
    store = LineStore.open("sqlite:///line.db")
    with served_line(Path("models"), store, lines=("press 1",)) as served:
        version = served.context.fleet.live("plate").version
        line_of(store, 300, 1, line="press 1", version=version)
        shift = Shift(served, {})
        for command in commands[2:]:
            said = shift.said(command)
            if command.startswith("curl"):
                (part,) = json.loads(said)
                assert part["verdict"] == "reject"
                shift.names["INSPECTION"] = part["id"]
                store.review(Review(part["id"], "anna", "operator", "accept", "a reflection"))
            elif "candidate" in command:
                shift.names["VERSION"] = next(
                    v for v in re.findall(r"\b[0-9a-f]{12}\b", said) if v != version
                )
        assert [one.reason for one in store.activations("plate")][-2:] == [
            "reflections of the new lamp",
            "rolled back: scratches passed",
        ]
    assert Path("A-41.pdf").read_bytes().startswith(b"%PDF")

"""Code on the pages and in the notebooks runs as it stands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(code: str, folder: Path) -> str:
    """What a fresh interpreter prints of `code` in `folder`."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_page_on_python(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the page uses an encoder that reads: needs the extra 'models'")
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    printed = run("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), tmp_path)
    assert "false rejects with 95 % confidence" in printed
    assert "Not applied: 'Inspect nothing but the moon.' (the part map has no 'moon'" in printed
    assert (tmp_path / "inspection.png").is_file()
    assert (tmp_path / "runs" / "tyres" / "metrics.json").is_file()


@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks(notebook: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the notebook uses an encoder that reads: needs the extra 'models'")
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    printed = run(code, tmp_path)
    assert "Rejected" in printed
    assert "Accepted" in printed

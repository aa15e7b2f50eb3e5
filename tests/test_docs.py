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


@pytest.mark.long
def test_the_page_on_python(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the page uses an encoder that reads: needs the extra 'models'")
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    printed = run("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), tmp_path)
    assert "false rejects with 95 % confidence" in printed
    assert "'moon' is no part of the product" in printed
    assert "Inspect nothing but the moon. had no effect: 'moon' is no part of the product" in printed
    assert (tmp_path / "inspection.png").is_file()
    assert (tmp_path / "runs" / "tyres" / "metrics.json").is_file()


def test_the_readme(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the default encoder needs the extra 'models'")
    page = (ROOT / "README.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (specification,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "product.yaml").write_text(specification, "utf-8")
    make = "; ".join(
        (
            "import pathlib, numpy as np",
            "from PIL import Image",
            "g = np.random.default_rng(0)",
            "new, ok = pathlib.Path('photos/new'), pathlib.Path('photos/ok')",
            "new.mkdir(parents=True), ok.mkdir()",
            "good = [g.normal(130, 5, (96, 96, 3)).astype('uint8') for _ in range(9)]",
            "[Image.fromarray(rgb).save(ok / f'{k}.png') for k, rgb in enumerate(good)]",
            "good[0][30:60, 40:70] = 20",
            "Image.fromarray(good[0]).save(new / '0001.jpg')",
        )
    )
    printed = run(make + "\n" + code, tmp_path)
    assert printed.startswith("reject Rejected: ")
    # The detector names no types, and the limit acts all the same.
    assert "Not applied" not in printed
    assert (tmp_path / "inspection.png").is_file()


@pytest.mark.long
@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks(notebook: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the notebook uses an encoder that reads: needs the extra 'models'")
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    printed = run(code, tmp_path)
    assert "Rejected" in printed
    assert "Accepted" in printed

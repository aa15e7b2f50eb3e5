"""The image's steps, one by one, without a container runtime: what they make runs a server."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest
from tests.support.factory import FITTED, photograph, specsight
from tests.support.image import run_first_stage

ROOT = Path(__file__).parents[2]


@pytest.mark.long
@pytest.mark.skipif(
    "SPECSIGHT_IMAGE" not in os.environ, reason="fetches and installs 1 GB: set SPECSIGHT_IMAGE=1"
)
def test_what_the_first_stage_makes_serves_a_model(tmp_path: Path) -> None:
    try:
        ran = run_first_stage(ROOT / "deploy" / "Dockerfile", ROOT, tmp_path)
    except RuntimeError as error:
        if any(
            one in str(error) for one in ("Connection", "Temporary failure", "Could not fetch", "No matching")
        ):
            pytest.skip(f"packages cannot be fetched here: {str(error)[:200]}")
        raise
    assert len(ran) == 4
    specsight(
        "fit", "--good", photograph(tmp_path / "good", 24), "-o", tmp_path / "models" / "plate", *FITTED
    )
    program = tmp_path / "opt" / "specsight" / "bin" / "specsight"
    assert shutil.which("pip", path=str(program.parent)) is None
    command = [program, "serve", tmp_path / "models", "--db", f"sqlite:///{tmp_path}/line.db", "--port", "0"]
    server = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    try:
        assert server.stdout is not None
        address = next(line for line in server.stdout if "http" in line).split()[-1]
        with urllib.request.urlopen(f"{address.partition('/enter')[0]}/health", timeout=20) as answer:
            assert answer.status == 200
    finally:
        server.terminate()
        server.wait(20)

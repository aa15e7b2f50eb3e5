"""The interface under requests that nobody would send (Schemathesis, from its own description)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from steady.server import Server

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
STREAMS = "/events"
"""Left out: an answer that does not end."""


def fuzzed(models: Path, db: str, examples: int, seed: int = 0) -> dict[str, Any]:
    """So many examples for every operation; answers must be those that are described, and none a 500."""
    with Server(models, db) as server:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"),
            *("--header", f"Authorization: Bearer {server.token}"),
            *("--checks", ",".join(CHECKS), "--exclude-path", STREAMS),
            *("--max-examples", str(examples), "--seed", str(seed), "--request-timeout", "30"),
            *("--phases", "examples,coverage,fuzzing", "--no-color"),
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        alive = server.process is not None and server.process.poll() is None
    found = re.search(r"(\d+) generated", done.stdout)
    return {
        "examples": int(found[1]) if found else 0,
        "wrong": int(done.returncode != 0),
        "server ended": int(not alive),
        "report": "" if done.returncode == 0 else done.stdout[-6000:] + done.stderr[-2000:],
    }

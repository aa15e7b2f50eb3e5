"""The command line as a reader of the documents would type it, in a process of its own, whose memory is its own."""

from __future__ import annotations

import shlex
import subprocess
import sys


def specsight(*arguments: str) -> bool:
    """Prints and runs `specsight` with these arguments, without its output but for errors; whether it succeeded."""
    print("specsight", shlex.join(arguments), flush=True)
    command = [sys.executable, "-m", "specsight.cli", *arguments]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0

"""A preview in a process of its own, at low priority: the line goes on at its pace.

The process is the verb `specsight line preview`, which tells how far it is; stopping it leaves nothing behind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from specsight.errors import SpecsightError
from specsight.line.fleet import Fleet

URL = "SPECSIGHT_DB"
"""The address of the database, in the environment: command lines are read by everybody on a machine."""
SECONDS = 20


@dataclass(frozen=True)
class Running:
    """How far a preview is."""

    model: str
    candidates: tuple[str, ...]
    done: int = 0
    of: int = 0
    finished: bool = False
    error: str = ""
    """Why there is no preview, where it finished without one."""


class PreviewRunner:
    """Runs one preview at a time."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._state: Running | None = None
        self._cancelled = False

    @property
    def state(self) -> Running | None:
        """How far the last preview that was asked for is; None: none was."""
        return self._state

    def start(self, model: str, candidates: Sequence[str], person: str, days: float, most: int) -> None:
        """Begin a preview. Raises SpecsightError where one runs already."""
        with self._lock:
            if self._process is not None:
                raise SpecsightError("a preview is being made: wait for it, or cancel it")
            url = self._fleet.store.engine.url.render_as_string(hide_password=False)
            command = [
                sys.executable,
                "-m",
                "specsight.cli",
                "line",
                "preview",
                str(self._fleet.folder),
                model,
            ]
            options = ("--days", str(days), "--most", str(most), "--person", person, "--progress")
            self._state, self._cancelled = Running(model, tuple(candidates)), False
            self._process = subprocess.Popen(
                [*command, *candidates, *options],
                env={**os.environ, URL: url},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            threading.Thread(target=self._follow, args=(self._process, self._state), daemon=True).start()

    def cancel(self) -> None:
        """Stop the preview that is being made, if one is."""
        with self._lock:
            if self._process is not None:
                self._cancelled = True
                self._process.terminate()

    def close(self) -> None:
        """Stop it, and wait until it has."""
        process = self._process
        self.cancel()
        if process is not None:
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()

    def _follow(self, process: subprocess.Popen[str], state: Running) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            try:
                done, of = json.loads(line)["progress"]
            except (ValueError, LookupError, TypeError):
                continue
            self._state = Running(state.model, state.candidates, int(done), int(of))
        said = process.stderr.read().strip()
        code = process.wait()
        last = self._state or state
        error = (
            "" if code == 0 else "cancelled" if self._cancelled else said[-500:] or f"it ended with {code}"
        )
        with self._lock:
            self._process = None
            self._state = Running(last.model, last.candidates, last.done, last.of, True, error)

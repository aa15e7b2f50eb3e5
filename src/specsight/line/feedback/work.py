"""Candidates and previews, made in a process of their own at low priority: the line goes on at its pace.

The process is the verb that does the same on the command line; previews tell how far they are. Stopping it leaves
nothing half done: versions are kept, and previews stored, whole or not at all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from specsight.errors import SpecsightError
from specsight.line.fleet import Fleet

URL = "SPECSIGHT_DB"
"""The address of the database, in the environment: command lines are read by everybody on a machine."""
LOW = 10
"""The niceness of the process: whatever judges parts goes first."""
SECONDS = 10
"""How long a process that is stopped may take to end."""
LONGEST = 1000
"""Characters of what it says of its failure."""


@dataclass(frozen=True)
class Task:
    """What is being made, and how far it is."""

    what: Literal["candidate", "preview"]
    model: str
    done: int = 0
    of: int = 0
    """Parts that a preview judges; 0: not known yet."""
    finished: bool = False
    error: str = ""
    """Why nothing came of it, where it finished without."""


class Work:
    """Makes one thing at a time, for the models of `fleet`."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet, self._lock = fleet, threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._cancelled = False
        self.task: Task | None = None
        """What is being made, or was last; None: nothing."""

    def candidate(self, model: str, person: str, kind: str, way: str, under_words: bool = False) -> None:
        """Begin to make a candidate (`candidates`). Raises SpecsightError where something is being made."""
        words = ("--under-words",) if under_words else ()
        verb = (
            "feedback",
            "candidate",
            str(self._fleet.folder),
            model,
            "--from",
            kind,
            "--sample",
            way,
            *words,
        )
        self._start(Task("candidate", model), verb, person)

    def preview(self, model: str, versions: Sequence[str], person: str, days: float, most: int) -> None:
        """Begin a preview (`preview`). Raises as `candidate`."""
        options = ("--days", str(days), "--most", str(most), "--progress")
        verb = ("preview", str(self._fleet.folder), model, *versions, *options)
        self._start(Task("preview", model), verb, person)

    def cancel(self) -> None:
        """Stop what is being made, if anything is."""
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

    def _start(self, task: Task, verb: Sequence[str], person: str) -> None:
        url = self._fleet.store.engine.url.render_as_string(hide_password=False)
        self._fleet.check(task.model)
        command = [
            sys.executable,
            "-m",
            "specsight.cli",
            "line",
            *verb,
            "--person",
            person,
            *self._fleet.loading.options,
        ]
        with self._lock:
            if self._process is not None:
                raise SpecsightError("something is being made already: wait for it, or cancel it")
            self.task, self._cancelled = task, False
            self._process = subprocess.Popen(
                command,
                env={**os.environ, URL: url},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
            if hasattr(os, "setpriority"):
                os.setpriority(os.PRIO_PROCESS, self._process.pid, LOW)
            threading.Thread(target=self._follow, args=(self._process, task), daemon=True).start()

    def _follow(self, process: subprocess.Popen[str], task: Task) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        said: list[str] = []
        listening = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
        listening.start()  # apart, so that neither pipe fills while the other one is read
        for line in process.stdout:
            try:
                done, of = json.loads(line)["progress"]
                task = self.task = replace(task, done=int(done), of=int(of))
            except (ValueError, LookupError, TypeError):
                continue
        code = process.wait()
        listening.join()
        words = (
            "".join(said).strip().removeprefix("specsight: ")[-LONGEST:] or f"the process ended with {code}"
        )
        with self._lock:
            self._process = None
            error = "" if code == 0 else "cancelled" if self._cancelled else words
            self.task = replace(task, finished=True, error=error)

"""A Dockerfile's steps, and those of its first stage run one by one where no container runtime is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """One instruction."""

    verb: str
    words: str


def dockerfile(path: Path) -> list[Step]:
    """The instructions of a Dockerfile, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", path.read_text("utf-8"))
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.partition(" ") for line in lines if line and not line.startswith("#")]
    return [Step(verb.upper(), words.strip()) for verb, _, words in pairs]


def run_first_stage(path: Path, context: Path, root: Path) -> list[str]:
    """Do what the first stage does, with `root` for "/"; returns the commands that ran, as the Dockerfile says them.

    Not the same as building: Python is this machine's, and there is no container.
    """
    environment = {**os.environ}
    environment.pop("PYTHONPATH", None)
    where, ran = root, []
    steps = dockerfile(path)
    ends = [number for number, one in enumerate(steps) if one.verb == "FROM"]
    for step in steps[ends[0] + 1 : ends[1]]:
        if step.verb in ("ENV", "ARG"):
            environment.update(dict(one.split("=", 1) for one in step.words.split()))
        elif step.verb == "WORKDIR":
            where = root / step.words.lstrip("/")
            where.mkdir(parents=True, exist_ok=True)
        elif step.verb == "COPY":
            *sources, target = step.words.split()
            for source in sources:
                _copy(context / source, where / target, len(sources) == 1)
        elif step.verb == "RUN":
            command = step.words.replace("/opt/", f"{root}/opt/")
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=where,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise RuntimeError(f"{step.words}: {done.stderr[-600:]}")
            ran.append(step.words)
    return ran


def _copy(source: Path, target: Path, alone: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    else:
        shutil.copy(source, target / source.name if target.is_dir() or not alone else target)

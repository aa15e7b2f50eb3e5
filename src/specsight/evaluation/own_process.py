"""An evaluation in a process of its own, which ends with this one, whatever ends it.

In: a configuration and its folder. Out: nothing but the run folder, or the reason why there is none, in one line.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from specsight.errors import SpecsightError
from specsight.evaluation.config import EvaluationConfig
from specsight.evaluation.run import run_evaluation
from specsight.images import max_megapixels, set_max_megapixels
from specsight.machine import end_with_parent
from specsight.storage import remove_leftovers

GRACE = 10.0
"""Seconds that a process is given to remove its temporary files before it is killed."""


class RowError(SpecsightError):
    """Why an evaluation in another process failed."""


def evaluate_in_own_process(
    config: EvaluationConfig, folder: Path, trainings: Path, features: Path | None = None
) -> None:
    """`run_evaluation` in a fresh process. Raises RowError where it fails there, or is killed.

    The process is ended where this one is interrupted.
    """
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    arguments = (sending, config, folder, trainings, features, max_megapixels())
    process = context.Process(target=_evaluate, args=arguments)
    with receiving:
        process.start()
        sending.close()
        try:
            try:
                failure = receiving.recv()
            except EOFError:
                process.join()
                failure = _ended(process.exitcode or 0)
            process.join()
        finally:
            _end(process)
            if process.exitcode:
                # A signal may come between the making of a temporary file and the promise to remove it.
                for place in (folder, trainings):
                    remove_leftovers(place, deep=True)
    if failure is not None:
        raise RowError(failure)


def _end(process: BaseProcess) -> None:
    """Make sure that a process has ended."""
    if process.is_alive():
        process.terminate()
        process.join(GRACE)
    if process.is_alive():
        process.kill()
        process.join()


def _ended(code: int) -> str:
    """How a process ended that did not say why."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return (
                f"its process was ended by {signal.Signals(-code).name}, as systems do that run out of memory"
            )
    return f"its process ended with code {code}"


def _evaluate(
    sending: Connection,
    config: EvaluationConfig,
    folder: Path,
    trainings: Path,
    features: Path | None,
    megapixels: float,
) -> None:
    """What the process runs: it sends None, or why it failed. Ctrl-C is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    end_with_parent()
    set_max_megapixels(megapixels)
    try:
        run_evaluation(config, folder, trainings, features)
    except SpecsightError as error:
        sending.send(str(error))
    except Exception as error:  # a defect of ours: its traceback is kept, and the other rows go on
        traceback.print_exc()
        sending.send(f"{type(error).__name__}: {error}")
    else:
        sending.send(None)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)

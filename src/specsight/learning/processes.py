"""Several processes on one run (`torchrun`): each learns from its own batches, their gradients are averaged.

Without `torchrun` nothing here has an effect. On shared cores two processes that wait for each other once a step get
further than two threads that do so at every operation.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import distributed

LAST_EXCHANGE = 0.2
"""Seconds that the threads of the last exchange between processes get to end in."""


def rank() -> int:
    """Number of this process, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def size() -> int:
    """How many processes there are."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def batch_number(step: int) -> int:
    """Number of the batch that this process learns from at a step: of n processes, each takes every n-th batch."""
    return step * size() + rank()


@contextmanager
def connected() -> Iterator[None]:
    """Context in which the processes that `torchrun` started are connected."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    distributed.init_process_group("gloo")
    try:
        yield
        # None closes its connections while another still uses them.
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
        # A worker thread that still lets go of the last exchange while the interpreter ends aborts the process.
        time.sleep(LAST_EXCHANGE)


@contextmanager
def first_process_first() -> Iterator[None]:
    """Context whose block the first process runs alone; the others follow, and find the files that it has written."""
    if rank() > 0:
        distributed.barrier()
    yield
    if rank() == 0 and size() > 1:
        distributed.barrier()


def meet() -> None:
    """Wait until every process has come this far."""
    if size() > 1:
        distributed.barrier()


def of_first(value: float) -> float:
    """The first process's `value`, in every process."""
    if size() == 1:
        return value
    shared = torch.tensor([value], dtype=torch.float64)
    distributed.broadcast(shared, 0)
    return float(shared)


def average_gradients(parameters: Sequence[torch.nn.Parameter]) -> None:
    """Replace every gradient by the mean over processes; where a process has none, it counts as zero."""
    if size() == 1:
        return
    flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in parameters])
    distributed.all_reduce(flat)
    flat /= size()
    for parameter, piece in zip(parameters, torch.split(flat, [p.numel() for p in parameters]), strict=True):
        parameter.grad = piece.view_as(parameter)

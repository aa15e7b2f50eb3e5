"""How many threads a matrix product takes.

OpenBLAS spreads even small products over all processors, and its threads then wait by spinning: on a machine that does
anything else (running the encoder, for one) that costs several times what it brings.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which matrix products of this process run on the calling thread."""
    limited: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return limited


@cache
def _controller() -> Any:
    # Finding the loaded libraries takes milliseconds, setting their limits microseconds.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()

"""How independent pieces of work (pictures, questions, whole evaluations) are spread over workers: one after the other
in this process (`local`), or over the workers of a Ray cluster (`ray`). What is done to a piece is the same in both."""

from __future__ import annotations

from specsight.engine.contract import Engine
from specsight.engine.local import LOCAL, Local
from specsight.engine.opening import ENGINES, opened

__all__ = ["ENGINES", "LOCAL", "Engine", "Local", "opened"]

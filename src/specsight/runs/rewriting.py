"""Statements of a run in a language model's words, by whichever worker: each loads the model for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from specsight.explain.rewriting import rewritten
from specsight.inspector import Inspector
from specsight.records import Inspection

if TYPE_CHECKING:
    from specsight.language import LanguageModel


class Rewriting:
    """Rewrites the statement of an inspection, under its checks (`explain.rewriting`).

    `load` gives the language model; it is called here, and again by workers in other processes.
    """

    def __init__(self, load: Callable[[], LanguageModel]) -> None:
        self._load = load
        self.model = load()

    def __call__(self, inspector: Inspector, inspection: Inspection) -> Inspection:
        """The inspection as `inspector` explained it, with its statement rewritten where that passes its checks."""
        return rewritten(inspection, inspector.explainer, self.model)

    def __reduce__(self) -> tuple[type[Rewriting], tuple[Callable[[], LanguageModel]]]:
        return Rewriting, (self._load,)

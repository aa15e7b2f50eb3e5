"""Names that the commands take, and what they stand for."""

from __future__ import annotations

import importlib
from typing import Any

from specsight.errors import SpecsightError, did_you_mean, printable
from specsight.registry import Registry
from specsight.screen.printing import say, show

REGISTRIES = {
    "detectors": "specsight.detectors.contract:detectors",
    "encoders": "specsight.encoders.contract:encoders",
    "datasets": "specsight.datasets.contract:readers",
    "language-models": "specsight.language:language_models",
    "metrics": "specsight.metrics:metrics",
    "outlets": "specsight.line.outlets:outlets",
    "readers": "specsight.reading:readers",
    "stressors": "specsight.stress:stressors",
}
"""What can be listed → where its registry is."""
KINDS = {
    "detectors": "methods, for --detector",
    "encoders": "what turns pixels and words into features, for --encoder",
    "datasets": "layouts of folders and lists that are recognised, for --layout",
    "language-models": "what answers in words, in Python",
    "metrics": "the numbers of an evaluation",
    "outlets": "where records of a line go, for watch --to",
    "readers": "what turns sentences into clauses, for read --reader",
    "stressors": "what makes pictures harder to judge, for stress --name and evaluate --stress",
}
"""What can be listed → what it is for."""


def kinds() -> None:
    """What can be listed, and how."""
    for what, about in KINDS.items():
        say(f"specsight list {what:16} {about}")
    say("specsight list detectors NAME   needs and parameters of one detector")


def names(what: str) -> None:
    """Everything of one kind that the commands take, with a line about it."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    registry = registry_of(what)
    table = Table(box=box.SIMPLE, show_header=False)
    for name, words in _catalogue(what):
        table.add_row(f"[bold]{escape(name)}[/]", escape(printable(words)))
    for name, reason in registry.broken.items():
        table.add_row(f"[bold red]{escape(name)}[/]", f"broken: {escape(printable(reason))}")
    show(table)


def detector(name: str) -> None:
    """What one detector is, what it needs, and its parameters with defaults, ranges and meaning."""
    import inspect
    import sys

    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from specsight.detectors import detectors
    from specsight.detectors.parameters import parameters_of

    kind = detectors[name]
    source = (inspect.getdoc(sys.modules[kind.__module__]) or "").partition("\n")[0]
    say(f"{name}: {(kind.__doc__ or '').partition(chr(10))[0]}", f"{source}")
    say(f"regime: {kind.regime.value}", f"needs: {kind.needs}")
    table = Table("parameter", "default", "values", "meaning", box=box.SIMPLE)
    for declared in parameters_of(kind).values():
        default = "the method's choice" if declared.default is None else declared.written_default
        table.add_row(f"[bold]{declared.name}[/]", escape(default), declared.values, escape(declared.help))
    show(table)


def registry_of(what: str) -> Registry[Any]:
    """The registry of one of the kinds in `REGISTRIES`; imports its room.

    Raises SpecsightError with a suggestion for anything else.
    """
    if what not in REGISTRIES:
        raise SpecsightError(f"nothing called '{what}' to list: {did_you_mean(what, REGISTRIES)}")
    module, _, name = REGISTRIES[what].partition(":")
    registry: Registry[Any] = getattr(importlib.import_module(module), name)
    return registry


def _catalogue(what: str) -> list[tuple[str, str]]:
    """(name, one line) of everything of one kind."""
    if what == "detectors":
        from specsight.detectors import detectors

        return [
            (
                name,
                f"{(kind.__doc__ or '').strip().partition(chr(10))[0]} Needs: {', '.join(kind.needs.names)}.",
            )
            for name, kind in detectors.items()
        ]
    if what == "datasets":
        from specsight.datasets import readers

        return [(name, reader.title) for name, reader in readers.items()]
    if what == "metrics":
        from specsight.metrics import metrics

        return [
            (
                name,
                f"{metric.description} ({metric.direction} is better{', oracle' if metric.oracle else ''})",
            )
            for name, metric in metrics.items()
        ]
    if what == "language-models":
        from specsight.language import language_models

        return [
            (name, (adapter.__doc__ or "").partition("\n")[0]) for name, adapter in language_models.items()
        ]
    if what == "readers":
        from specsight.reading import readers as of_text

        return [(name, (kind.__doc__ or "").partition("\n")[0]) for name, kind in of_text.items()]
    if what == "outlets":
        from specsight.line.outlets import outlets

        return [(name, (kind.__doc__ or "").partition("\n")[0]) for name, kind in outlets.items()]
    if what == "stressors":
        from specsight.stress import stressors

        return [
            (name, f"{one.description}; {one.unit}: {', '.join(f'{level:g}' for level in one.levels)}")
            for name, one in stressors.items()
        ]
    from specsight.encoders import encoder_names

    return list(encoder_names().items())

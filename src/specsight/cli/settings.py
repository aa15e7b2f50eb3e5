"""`--set NAME=VALUE`: hyper-parameters of the chosen detector, read as YAML and completed by the shell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from specsight.errors import SpecsightError

OWN_OPTIONS = ("device", "encoder", "resolution", "seed", "tile")
"""Parameters that have an option of their own."""


def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completions of a NAME=VALUE pair: parameters of the detector that `--detector` names, then their choices.

    There are none for an unknown detector.
    """
    from specsight.detectors import detectors
    from specsight.detectors.parameters import parameters_of

    detector = ctx.params.get("detector") or "patchcore"
    if detector not in detectors:
        return []
    declared = {k: p for k, p in parameters_of(detectors[detector]).items() if k not in OWN_OPTIONS}
    name, equals, value = incomplete.partition("=")
    if not equals:
        return [CompletionItem(f"{k}=", help=p.help) for k, p in declared.items() if k.startswith(name)]
    choices = declared[name].written_choices if name in declared else ()
    return [CompletionItem(f"{name}={choice}") for choice in choices if choice.startswith(value)]


def parameters(settings: Sequence[str]) -> dict[str, Any]:
    """Hyper-parameters by name from NAME=VALUE pairs, values as YAML writes them: numbers, true, [stride8, stride16].

    Raises SpecsightError for a pair that is none and for parameters that have an option of their own.
    """
    from specsight.storage import parse_yaml

    parameters: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        try:
            parsed = parse_yaml(value)
        except ValueError:
            equals = ""
        if not equals or not name:
            raise SpecsightError(f"--set {setting}: write NAME=VALUE, such as --set coreset_ratio=0.01")
        if name in OWN_OPTIONS:
            raise SpecsightError(f"--set {setting}: that has an option of its own, --{name} (or --seeds)")
        parameters[name] = tuple(parsed) if isinstance(parsed, list) else parsed
    return parameters


def parameters_of_fit(
    detector: str, settings: Sequence[str], minutes: float | None, candidates: int | None
) -> dict[str, Any]:
    """Hyper-parameters by name, those of an automatic choice among them.

    Raises SpecsightError as `parameters` does, and where a limit of the choice is given and no detector is chosen.
    """
    from specsight.choosing import AUTO

    given = {"minutes": minutes, "candidates": candidates}
    limits = {name: value for name, value in given.items() if value is not None}
    if len(limits) > 1:
        raise SpecsightError("--minutes and --candidates both end the choice: give one of them")
    if limits and AUTO not in detector.split(","):
        raise SpecsightError(
            f"--{next(iter(limits))} is for --detector {AUTO}, and {detector} is not chosen: leave it out"
        )
    return {**parameters(settings), **limits}

"""From a preview to the line, and back: which version of a model judges, who let it, and why.

In: a version that is kept here. Out: an activation, which all servers of the line follow. A version goes live after a
preview of it against exactly what is live, or with a reason why not; the former one comes back without either.
"""

from __future__ import annotations

from collections.abc import Sequence

from specsight.errors import SpecsightError
from specsight.line.feedback.preview import previews
from specsight.line.fleet import Fleet
from specsight.line.records import Activation


def go_live(
    fleet: Fleet,
    model: str,
    version: str,
    person: str,
    reason: str = "",
    instead_of: str | None = None,
    override: str = "",
) -> Activation:
    """Let a version of a model go live.

    `instead_of`: what was live when the person decided (None: what is live now). `override`: why it goes live without a
    preview; it lands in the audit trail. Raises SpecsightError where something else went live meanwhile, where there is
    no preview of this version against what is live and no `override`, where it is live already, and where the version
    does not lie here or is damaged.
    """
    live = _live(fleet, model, instead_of)
    if version == live.version:
        raise SpecsightError(f"version {version} of '{model}' is live already")
    seen = previews(fleet.store, model, live.version, version)
    if not seen and not override.strip():
        others = previews(fleet.store, model, candidate=version)
        why = (
            f"its preview was made against {others[0].live}, and {live.version} is live"
            if others
            else "nobody has seen what it would change"
        )
        raise SpecsightError(
            f"version {version} of '{model}' cannot go live yet: {why}. First look at a preview ('specsight line "
            f"preview MODELS {model} {version}', or the engineer's page); where there can be none, say why "
            "(--without-preview)"
        )
    words = reason if seen else f"without a preview: {override.strip()}"
    return fleet.go_live(Activation(model, version, person, words), instead_of=live.version)


def roll_back(
    fleet: Fleet, model: str, person: str, reason: str = "", instead_of: str | None = None
) -> Activation:
    """Let the version go live that was live before the one that is; rolled back twice, the one before that.

    Raises SpecsightError where there is none, and as `go_live`.
    """
    live = _live(fleet, model, instead_of)
    former = version_before(fleet.store.activations(model))
    if former is None:
        raise SpecsightError(f"no version of '{model}' was live before {live.version}: nothing to go back to")
    words = f"rolled back: {reason}" if reason else "rolled back"
    return fleet.go_live(Activation(model, former, person, words), instead_of=live.version)


def change(
    fleet: Fleet, model: str, version: str, person: str, reason: str = "", override: str = ""
) -> Activation:
    """`roll_back` where `version` is the one before, `go_live` for any other."""
    if version == version_before(fleet.store.activations(model)):
        return roll_back(fleet, model, person, reason)
    return go_live(fleet, model, version, person, reason, override=override)


def version_before(activations: Sequence[Activation]) -> str | None:
    """What was live before the version that is; None: nothing. A version that goes live again takes back all that went
    live since."""
    stack: list[str] = []
    for one in activations:
        if one.version in stack:
            del stack[stack.index(one.version) + 1 :]
        else:
            stack.append(one.version)
    return stack[-2] if len(stack) > 1 else None


def _live(fleet: Fleet, model: str, instead_of: str | None) -> Activation:
    live = fleet.check(model)
    if instead_of is not None and live.version != instead_of:
        raise SpecsightError(
            f"meanwhile {live.person} let version {live.version} of '{model}' go live: look again, and decide anew"
        )
    return live

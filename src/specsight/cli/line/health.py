"""`line health`: whether a line still is as it was, and what persons say to alarms."""

from __future__ import annotations

import getpass
import json

import click

from specsight import screen
from specsight.cli.options import DATABASE
from specsight.cli.records import records_at
from specsight.errors import SpecsightError


@click.command()
@click.argument("name")
@click.argument("model")
@click.option(
    "--reference",
    help="FIRST-LAST: from now on compare with the parts of these numbers, which are as wanted.",
)
@click.option(
    "--promised", type=float, help="With --reference: the largest share of good parts that may be rejected."
)
@click.option(
    "--alpha", type=float, help="With --reference: risk of ever raising a false alarm; default: 0.01."
)
@click.option("--acknowledge", type=int, help="Say that you know of this alarm.")
@click.option(
    "--reset",
    "what",
    type=click.Choice(["drift", "promise"]),
    help="The cause is removed: begin this watch anew after the last part.",
)
@click.option("--note", default="", help="With --acknowledge or --reset: why.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@DATABASE
def health(
    name: str,
    model: str,
    reference: str | None,
    promised: float | None,
    alpha: float | None,
    acknowledge: int | None,
    what: str | None,
    note: str,
    as_json: bool,
    db: str,
) -> None:
    """Say whether line NAME still is as it was under MODEL: drift of pictures and scores, false rejects.

    Ends with 1 where an alarm stands that nobody acknowledged.
    """
    from specsight.line.auditing.checking import check_line
    from specsight.line.monitoring import alarms, references, watch

    if reference is None and (promised is not None or alpha is not None):
        raise SpecsightError("--promised and --alpha belong to a reference: give --reference FIRST-LAST, too")
    if note and acknowledge is None and what is None:
        raise SpecsightError("--note says why: give it with --acknowledge or --reset")
    person = getpass.getuser()
    with records_at(db) as store:
        check_line(store, name)
        if reference is not None:
            first, last = _numbers(reference)
            risk = references.ALPHA if alpha is None else alpha
            references.take_reference(store, name, model, first, last, person, promised=promised, alpha=risk)
        if acknowledge is not None:
            alarms.acknowledge(store, acknowledge, person, note, "engineer")
        if what is not None:
            references.reset(store, name, model, what, person, note)  # type: ignore[arg-type]
        found = watch.status(store, name, model)
    screen.say(*(json.dumps(found.to_json(), indent=1).split("\n") if as_json else found.lines()))
    if found.state == "drifted":
        raise SystemExit(1)


def _numbers(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise SpecsightError(f"--reference is '{text}': give the first and the last number, such as 1-300")
    return int(first), int(last)

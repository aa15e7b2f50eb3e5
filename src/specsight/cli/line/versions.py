"""`line feedback`, `preview`, `live`, `rollback`: what persons said of parts becomes another version, and back."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from specsight import screen
from specsight.cli.options import DATABASE, PATH, Verbs, line_loading
from specsight.cli.records import records_at
from specsight.learning.device import AUTO
from specsight.line.counting import counted

if TYPE_CHECKING:
    from specsight.line.feedback.preview import Preview
    from specsight.line.fleet import Fleet

MODELS = click.argument("models", type=PATH)
MODEL = click.argument("model")
KINDS = {"given": "put in the folder", "threshold": "another threshold", "supervised": "from defects"}
"""How a version came about."""
PERSON = click.option("--person", default=getpass.getuser, help="Who does it; default: who is logged in.")


@contextmanager
def _fleet(models: Path, url: str, encoder: str | None = None, device: str = AUTO) -> Iterator[Fleet]:
    from specsight.line.fleet import Fleet, Loading

    with records_at(url) as store:
        yield Fleet(models, store, Loading(encoder, device))


@click.group(cls=Verbs)
def feedback() -> None:
    """What persons said of parts: list what waits, confirm, make a version of it."""


@feedback.command("list")
@MODELS
@MODEL
@click.option("--all", "everything", is_flag=True, help="Parts that are confirmed already, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@DATABASE
def list_reviewed(models: Path, model: str, everything: bool, as_json: bool, db: str) -> None:
    """Parts of MODEL that persons reviewed and that wait for a confirmation."""
    from specsight.line.feedback.confirming import looked_at, reviewed

    with _fleet(models, db) as fleet:
        fleet.check(model)
        found = reviewed(fleet.store, model, waiting=None if everything else True)
        looked = looked_at(fleet.store, model)
    if as_json:
        values = [
            {
                "inspection": one.part.id,
                "part": one.part.part,
                "line": one.part.line,
                "how": one.how,
                "review": one.review.to_json(),
                "confirmation": one.confirmation.to_json() if one.confirmation else None,
            }
            for one in found
        ]
        screen.say(*json.dumps(values, indent=1).split("\n"))
        return
    for one in found:
        outcome = f", {one.confirmation.outcome}" if one.confirmation else ""
        said = " ".join(filter(None, (one.review.type, one.review.reason)))
        screen.say(f"{one.part.id}  {one.how}{outcome}  {one.part.part}  {one.review.person}: {said}")
    for verdict, count in looked.items():
        screen.say(
            f"{verdict}: {count.judged} judged, {count.reviewed} reviewed, {count.overruled} overruled, "
            f"{count.good} confirmed as good, {count.defects} as defective"
        )


@feedback.command()
@MODELS
@click.argument("outcome", type=click.Choice(["good", "defect", "unused"]))
@click.argument("inspections", nargs=-1, required=True)
@click.option("--type", "type_", default="", help="Which defect it is.")
@PERSON
@DATABASE
def confirm(
    models: Path, outcome: str, inspections: tuple[str, ...], type_: str, person: str, db: str
) -> None:
    """Take reviewed INSPECTIONS (ids) for good, for defective, or for nothing."""
    from specsight.line.feedback.confirming import confirm as confirmed

    with _fleet(models, db) as fleet:
        for one in inspections:
            confirmed(fleet.store, one, outcome, person, type_)
    screen.say(f"{len(inspections)} confirmed as {outcome}")


@feedback.command()
@MODELS
@MODEL
@click.option(
    "--from",
    "kind",
    type=click.Choice(["good", "defects"]),
    default="good",
    show_default=True,
    help="good: another threshold from confirmed good parts; defects: learn from confirmed defects.",
)
@click.option(
    "--sample",
    type=click.Choice(["overruled", "all", "even"]),
    default="all",
    show_default=True,
    help="Which good parts join: false rejects alone; all that are confirmed; both verdicts at the same share.",
)
@click.option(
    "--under-words", is_flag=True, help="Good parts that were judged under an instruction join, too."
)
@PERSON
@line_loading
@DATABASE
def candidate(
    models: Path,
    model: str,
    kind: str,
    sample: str,
    under_words: bool,
    person: str,
    encoder: str | None,
    device: str,
    db: str,
) -> None:
    """Make another version of MODEL from what is confirmed. It does not go live."""
    from specsight.line.feedback.candidates import supervised_candidate, threshold_candidate

    with _fleet(models, db, encoder, device) as fleet:
        if kind == "good":
            made = threshold_candidate(fleet, model, person, sample, under_words)
        else:
            made = supervised_candidate(fleet, model, person)
    screen.say(f"version {made.version.version}: {made.version.note}")
    screen.say(f"see what it would change: specsight line preview {models} {model} {made.version.version}")


@click.command()
@MODELS
@MODEL
@click.argument("versions", nargs=-1, required=True)
@click.option("--days", default=7.0, show_default=True, help="How far back parts are judged again.")
@click.option("--most", default=300, show_default=True, help="Parts at most; more are drawn from by --seed.")
@click.option("--seed", default=0, show_default=True, help="Of that drawing.")
@click.option("--progress", is_flag=True, help="Say how far it is, in lines of JSON.")
@PERSON
@line_loading
@DATABASE
def preview(
    models: Path,
    model: str,
    versions: tuple[str, ...],
    days: float,
    most: int,
    seed: int,
    progress: bool,
    person: str,
    encoder: str | None,
    device: str,
    db: str,
) -> None:
    """Judge recent parts by VERSIONS of MODEL that are not live: which would be judged otherwise."""
    from specsight.line.feedback import preview as previewing

    def tell(done: int, of: int) -> None:
        if progress:
            screen.say(json.dumps({"progress": [done, of]}))

    with _fleet(models, db, encoder, device) as fleet:
        made = previewing.preview(fleet, model, versions, person, days, most, seed, tell)
    for one in made:
        _print(one)
    if len(made) == 2:
        screen.say(f"on {counted(len(previewing.disagreeing(*made)), 'part')} these two differ")


def _print(one: Preview) -> None:
    found = one.found
    drawn = f", drawn from {found['stored']} under seed {found['seed']}" if found["sampled"] else ""
    screen.say(f"{one.candidate} against {one.live}: {counted(found['judged'], 'part')}{drawn}")
    for word, flips in found["flips"].items():
        screen.say(
            f"  {word}: {flips['all']} ({flips['good']} good, {flips['defect']} defective, "
            f"{flips['unknown']} that nobody looked at)"
        )
    for word, count in found.get("by_clause", {}).items():
        if count:
            screen.say(f"  {word} because a clause decides, whatever the threshold: {count}")
    for name in ("false rejects", "misses"):
        live, after = (_share(found["wrong"][which][name]) for which in ("live", "candidate"))
        unknown = f"nobody looked at {'another such' if found['made_of'] else 'such a'} part"
        screen.say(f"  {name}: {f'{live} → {after}' if live else unknown}")
    if found["made_of"]:
        screen.say(f"  left out of these: {counted(found['made_of'], 'part')} that the candidate was made of")
    for why, count in found["left_out"].items():
        screen.say(f"  {count} not judged: {why}")


def _share(number: dict[str, Any]) -> str:
    if not number["of"]:
        return ""
    return f"{number['count']} of {number['of']} ({100 * number['low']:.1f} to {100 * number['high']:.1f} %)"


@click.command()
@MODELS
@MODEL
@click.argument("version", required=False)
@click.option("--reason", default="", help="Why, for the audit trail.")
@click.option(
    "--without-preview", "override", default="", help="Why it goes live although nobody has previewed it."
)
@PERSON
@line_loading
@DATABASE
def live(
    models: Path,
    model: str,
    version: str | None,
    reason: str,
    override: str,
    person: str,
    encoder: str | None,
    device: str,
    db: str,
) -> None:
    """Let VERSION of MODEL go live; without one, list all versions and what was live when."""
    from specsight.line.feedback.going_live import go_live

    with _fleet(models, db, encoder, device) as fleet:
        if version is not None:
            done = go_live(fleet, model, version, person, reason, override=override)
            screen.say(f"live: {done.model} {done.version}")
            return
        fleet.check(model)
        known, went = fleet.store.versions(model), fleet.store.activations(model)
    for one in known:
        mark = "live" if one.version == went[-1].version else "    "
        screen.say(
            f"{mark}  {one.version}  {KINDS[one.kind]:17}  {one.at:%Y-%m-%d %H:%M}  {one.person}  {one.note}"
        )
    for each in went:
        screen.say(f"{each.at:%Y-%m-%d %H:%M}  {each.version}  {each.person}: {each.reason}")


@click.command()
@MODELS
@MODEL
@click.option("--reason", default="", help="Why, for the audit trail.")
@PERSON
@line_loading
@DATABASE
def rollback(
    models: Path, model: str, reason: str, person: str, encoder: str | None, device: str, db: str
) -> None:
    """Let the version of MODEL go live that was live before."""
    from specsight.line.feedback.going_live import roll_back

    with _fleet(models, db, encoder, device) as fleet:
        done = roll_back(fleet, model, person, reason)
    screen.say(f"live: {done.model} {done.version}")


VERBS = (feedback, preview, live, rollback)

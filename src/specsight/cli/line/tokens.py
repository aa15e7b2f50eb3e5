"""`line token`: who may ask a line's servers, given out and taken back."""

from __future__ import annotations

import getpass
import json
from contextlib import closing

import click

from specsight import screen
from specsight.cli.options import DATABASE, Verbs
from specsight.cli.records import begun_records, records_at


@click.group(cls=Verbs)
def token() -> None:
    """Tokens of persons and programs: give out, list, revoke."""


@token.command()
@click.argument("person")
@click.option(
    "--role",
    type=click.Choice(["operator", "engineer", "auditor"]),
    required=True,
    help="operator: judges and reviews; engineer: also versions and tokens; auditor: reads and exports.",
)
@click.option("--days", type=float, help="Good for so long; default: until it is revoked.")
@DATABASE
def add(person: str, role: str, days: float | None, db: str) -> None:
    """Give PERSON, or a program of that name, a token. It is printed once and kept nowhere.

    The first one may be given before the first 'specsight serve': it makes the database.
    """
    from specsight.line.tokens import Tokens

    with closing(begun_records(db)) as store:
        secret, made = Tokens(store).add(person, role, days, getpass.getuser())  # type: ignore[arg-type]
    screen.say(f"token {made.number} for {made.person} ({made.role}), shown this once:", err=True)
    screen.say(secret)


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@DATABASE
def list_tokens(as_json: bool, db: str) -> None:
    """All tokens that were ever given out."""
    from specsight.line.tokens import Tokens

    with records_at(db) as store:
        now, found = store.clock(), Tokens(store).all()
    if as_json:
        screen.say(*json.dumps([one.to_json() for one in found], indent=1).split("\n"))
        return
    for one in found:
        state = "valid" if one.valid(now) else "revoked" if one.revoked else "expired"
        until = f" until {one.expires:%Y-%m-%d}" if one.expires else ""
        screen.say(f"{one.number:4}  {one.role:8}  {state}{until}  {one.person}")


@token.command()
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
@DATABASE
def revoke(number: int, db: str) -> None:
    """Take token NUMBER back; servers follow within seconds."""
    from specsight.line.tokens import Tokens

    with records_at(db) as store:
        gone = Tokens(store).revoke(number, getpass.getuser())
    screen.say(f"token {gone.number} of {gone.person} opens nothing any more")

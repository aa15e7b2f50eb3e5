"""`specsight line`: records of a line, and what may be done to them."""

from __future__ import annotations

import click

from specsight.cli.line import health, records, tokens, versions
from specsight.cli.options import Verbs


@click.group(cls=Verbs)
def line() -> None:
    """A line's records: who may open its pages, versions of models, exports, its health."""


for verb in (health.health, tokens.token, *records.VERBS, *versions.VERBS):
    line.add_command(verb)

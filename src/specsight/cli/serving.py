"""`serve`: a line's pages and its HTTP interface."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.options import DEVICE_HELP, PATH
from specsight.learning.device import AUTO

DATABASE = "sqlite:///line.db"
PERSONS = {"operator": "operator", "engineer": "engineer", "auditor": "auditor"}
"""Who may open the pages of a server on this machine alone."""


@click.command()
@click.argument("models", type=PATH)
@click.option(
    "--db", default=DATABASE, show_default=True, help="Where records lie: sqlite:///FILE or postgresql://…"
)
@click.option("--line", "lines", multiple=True, help="Name of a line that is shown; may be given again.")
@click.option("--port", default=8000, show_default=True, help="0: a free one.")
@click.option("--encoder", help="Where the models' encoder lies now, if it has moved.")
@click.option("--device", default=AUTO, show_default=True, help=DEVICE_HELP)
def serve(models: Path, db: str, lines: tuple[str, ...], port: int, encoder: str | None, device: str) -> None:
    """Judge the parts of lines over HTTP, with pages for operators, engineers and auditors.

    MODELS is a folder that holds saved models, each under its name. Every part is stored before it is answered.
    """
    from specsight.inspector import Inspector
    from specsight.line.fleet import Fleet
    from specsight.line.store import LineStore
    from specsight.service.access import Access
    from specsight.service.line.application import application, close_line, line_context
    from specsight.service.local import LocalServer

    store = LineStore.open(db)
    fleet = Fleet(models, store, lambda folder: Inspector.load(folder, encoder, device))
    context = line_context(fleet, store, lines)
    try:
        for name in fleet.names():
            fleet.live(name)
        server = LocalServer(application(context), Access(PERSONS), port)
        for name, why in fleet.broken.items():
            screen.say(f"left out: {name}: {why}", err=True)
        screen.say(f"models: {', '.join(fleet.names())}")
        for person, address in server.addresses.items():
            screen.say(f"{person}: {address}")
        server.run()
    finally:
        close_line(context)

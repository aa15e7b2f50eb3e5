"""`serve`: a line's pages and its HTTP interface."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.options import DATABASE, PATH, line_loading
from specsight.cli.records import begun_records

PERSONS = {"operator": "operator", "engineer": "engineer", "auditor": "auditor"}
"""Who may open the pages of a server on this machine alone."""


@click.command()
@click.argument("models", type=PATH)
@DATABASE
@click.option("--line", "lines", multiple=True, help="Name of a line that is shown; may be given again.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Others than this machine need tokens.")
@click.option("--port", default=8000, show_default=True, help="0: a free one.")
@click.option("--allow-host", "names", multiple=True, help="A name that browsers call this server by.")
@click.option("--proxy", help="Address of a proxy in front, whose word on clients' addresses is taken.")
@click.option(
    "--largest",
    type=click.FloatRange(0.01, 4096),
    default=64.0,
    show_default=True,
    help="MiB of a request with pictures.",
)
@click.option(
    "--rate",
    type=click.IntRange(1),
    default=6000,
    show_default=True,
    help="Requests a minute of one person or program.",
)
@click.option(
    "--queue",
    type=click.IntRange(1, 10_000),
    default=64,
    show_default=True,
    help="Parts that may wait; beyond, clients are told so.",
)
@click.option(
    "--to",
    multiple=True,
    metavar="KIND:WHERE",
    help="Where records go besides, as of watch: jsonl:FILE, webhook:https://…; may be given again.",
)
@click.option(
    "--waiting", type=PATH, default=Path("outlets"), show_default=True, help="Of --to: folder for what waits."
)
@click.option(
    "--retention", type=PATH, help="How long what is kept (YAML, as of line retain), applied once a day."
)
@click.option("--log", type=PATH, help="File that notes every request as a line of JSON.")
@click.option("--open", "opened", is_flag=True, help="Open the operator's page in a browser.")
@line_loading
def serve(
    models: Path,
    db: str,
    lines: tuple[str, ...],
    host: str,
    port: int,
    names: tuple[str, ...],
    proxy: str | None,
    largest: float,
    rate: int,
    queue: int,
    to: tuple[str, ...],
    waiting: Path,
    retention: Path | None,
    log: Path | None,
    opened: bool,
    encoder: str | None,
    device: str,
) -> None:
    """Judge the parts of lines over HTTP, with pages for operators, engineers and auditors.

    MODELS is a folder that holds saved models, each under its name. Every part is stored before it is answered. On this
    machine alone, addresses for an operator, an engineer and an auditor are printed; anybody else needs a token
    (specsight line token add).
    """
    from specsight.line.fleet import Fleet, Loading
    from specsight.line.history import Wanted, find
    from specsight.line.names import check_line
    from specsight.line.outlets import Outlets
    from specsight.line.store import MOST
    from specsight.line.tokens import Tokens
    from specsight.service.limits import Rates
    from specsight.service.line.access import LineAccess
    from specsight.service.line.application import application, close_line, line_context
    from specsight.service.line.daily import Daily
    from specsight.service.line.log import logged
    from specsight.service.line.rules import LOOPBACK, check_reach, line_rules
    from specsight.service.local import LocalServer

    for name in lines:
        check_line(name, "--line")
    store = begun_records(db)
    tokens = Tokens(store)
    check_reach(host, names, tokens)
    daily = Daily(store, retention, lambda text: screen.say(text, err=True))
    fleet = Fleet(models, store, Loading(encoder, device))
    outlets = Outlets(to, waiting, tell=screen.say) if to else None
    context = line_context(fleet, store, lines, queue, daily)
    try:
        if outlets is not None:
            outlets.catch_up(lambda number: find(store, Wanted(after=number), MOST, oldest_first=True))
            context.judge.listeners += (outlets.told,)
        server = LocalServer(
            application(context),
            LineAccess(tokens, PERSONS if host in LOOPBACK else {}),
            port,
            line_rules(host, names, largest, Rates(person=rate, address=2 * rate), proxy is not None),
            host,
            proxy,
            logged(log),
        )
        for name, why in context.problems().items():
            screen.say(f"left out: {name}: {why}", err=True)
        screen.say(f"models: {', '.join(fleet.loaded())}")
        for person, address in server.addresses.items():
            screen.say(f"{person}: {address}")
        if not server.addresses:
            screen.say(f"serving on {host}:{server.port}: enter with a token at /enter")
        if opened and server.addresses:
            click.launch(server.addresses["operator"])
        server.run()
    finally:
        close_line(context)
        if outlets is not None:
            outlets.close()
            for state in outlets.final:
                screen.say(str(state))

"""The command line: verbs over the rooms, nothing else. Heavy rooms are imported by the verb that needs them."""

from __future__ import annotations

import sys

import click

from specsight import screen
from specsight.cli import (
    asking,
    benchmark,
    changing,
    ending,
    evaluating,
    exporting,
    inspecting,
    line,
    making,
    measuring,
    outlining,
    reading,
    serving,
    watching,
)
from specsight.cli.options import ENCODER, Verbs
from specsight.errors import SpecsightError
from specsight.version import __version__


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="specsight")
def cli() -> None:
    """Multimodal anomaly detection for industrial products."""


for verb in (
    inspecting.fit,
    inspecting.inspect,
    asking.ask,
    reading.read,
    outlining.parts,
    changing.set_threshold,
    changing.update,
    changing.adapt,
    exporting.export,
    evaluating.evaluate,
    measuring.report,
    measuring.check,
    benchmark.benchmark,
    making.tyres,
    making.stress,
    making.train,
    serving.serve,
    watching.watch,
    line.line,
):
    cli.add_command(verb)


@cli.command(name="list")
@click.argument("what", metavar=f"[{'|'.join(screen.REGISTRIES)}]", required=False)
@click.argument("name", required=False)
def list_(what: str | None, name: str | None) -> None:
    """Names that the other commands take; with the NAME of a detector, its parameters.

    Alone, it says what can be listed.
    """
    if what is None:
        screen.kinds()
    elif name is None:
        screen.names(what)
    elif what == "detectors":
        screen.detector(name)
    else:
        raise SpecsightError(f"list {what} {name}: only detectors have a page of their own")


@cli.command()
@click.option("--encoder", default=ENCODER, show_default=True, help="The encoder to look at.")
def doctor(encoder: str) -> int:
    """What is installed, which encoder would run, threads, memory and disk."""
    from specsight.doctor import examine

    lines = examine(encoder)
    for one in lines:
        mark = click.style("ok", fg="green") if one.fine else click.style("--", fg="yellow")
        click.echo(f"{mark}  {one.what:24} {one.found}")
        if one.hint:
            click.echo(f"    {'':24} {one.hint}")
    return 0 if all(one.fine for one in lines) else 1


def main() -> None:
    """Entry point: a person's mistake is one line on standard error, never a traceback."""
    sys.exit(ending.run(lambda: cli(standalone_mode=False)))

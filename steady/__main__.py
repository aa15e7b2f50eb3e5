"""`python -m steady VERB`: figures as JSON; 1 where one of them is wrong."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

MUST_BE_0 = (
    "wrong",
    "lost",
    "under another id",
    "twice",
    "parts without their entry",
    "entries without their part",
    "breaks of the trail",
    "pictures missing",
    "damage",
    "server ended",
)


def fine(figures: dict[str, Any]) -> bool:
    """Whether nothing is wrong."""
    return not any(figures.get(name) for name in MUST_BE_0) and figures.get("memory bounded", True)


def _show(
    measure: Callable[[Path, Path, str], dict[str, Any]], side: int, encoder: str, int8: str = ""
) -> None:
    from steady.parts import make_models

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        figures = measure(make_models(place, side, encoder, int8), place, f"sqlite:///{place}/line.db")
    click.echo(json.dumps(figures, indent=1))
    sys.exit(0 if fine(figures) else 1)


SIDE = click.option("--side", default=64, show_default=True, help="Pixels of a picture.")
ENCODER = click.option("--encoder", default="filters", show_default=True)


@click.group()
def steady() -> None:
    """A line's server under load and under faults."""


@steady.command()
@click.option("--minutes", default=10.0)
@click.option("--count", default=24, help="Programs.")
@SIDE
@ENCODER
def clients(minutes: float, count: int, side: int, encoder: str) -> None:
    """Many programs at once, every answer compared with the bare inspector's."""
    from steady.load import many_clients

    _show(lambda models, _, db: many_clients(models, db, side, minutes * 60, count), side, encoder)


@steady.command()
@click.option("--seconds", default=30.0)
@SIDE
@ENCODER
def servers(seconds: float, side: int, encoder: str) -> None:
    """Two servers on one database."""
    from steady.load import two_servers

    _show(lambda models, _, db: two_servers(models, db, side, seconds), side, encoder)


@steady.command()
@click.option("--seconds", default=30.0)
@SIDE
@ENCODER
def swap(seconds: float, side: int, encoder: str) -> None:
    """A model swapped under load."""
    from steady.load import swapped

    _show(lambda models, _, db: swapped(models, db, side, seconds), side, encoder)


@steady.command()
@click.option("--times", default=100)
@SIDE
@ENCODER
def kills(times: int, side: int, encoder: str) -> None:
    """The server killed under load."""
    from steady.faults import killed

    _show(lambda models, _, db: killed(models, db, side, times), side, encoder)


@steady.command()
@click.option("--rounds", default=3)
@SIDE
@ENCODER
def database(rounds: int, side: int, encoder: str) -> None:
    """PostgreSQL gone and back."""
    from steady.faults import without_database

    _show(lambda models, _, db: without_database(models, side, rounds), side, encoder)


@steady.command()
@SIDE
@ENCODER
def disk(side: int, encoder: str) -> None:
    """The disk full, and not any more."""
    from steady.faults import full_disk

    _show(lambda models, place, db: full_disk(models, place, side), side, encoder)


@steady.command()
@click.option("--examples", default=100, help="Of each operation.")
@click.option("--seed", default=0)
@SIDE
@ENCODER
def fuzz(examples: int, seed: int, side: int, encoder: str) -> None:
    """Requests that nobody would send."""
    from steady.fuzzing import fuzzed

    _show(lambda models, _, db: fuzzed(models, db, examples, seed), side, encoder)


@steady.command()
@click.option("--rate", default=5.0, help="Parts a second.")
@click.option("--seconds", default=20.0)
@click.option("--rounds", default=3)
@click.option("--side", default=256, show_default=True, help="Pixels of a picture.")
@click.option("--encoder", default="bundled", show_default=True)
@click.option("--runtime", default="fast", show_default=True, help="What runs the encoder, on both sides.")
@click.option(
    "--int8", default="", help="Export the model in whole numbers for this runtime: openvino or onnx."
)
def pace(rate: float, seconds: float, rounds: int, side: int, encoder: str, runtime: str, int8: str) -> None:
    """Start, answers at a pace, and the rate against the bare inspector."""
    from steady.pace import pace as measure

    def measured(models: Path, _: Path, db: str) -> dict[str, Any]:
        return measure(models, db, side, rate, seconds, rounds, runtime)

    _show(measured, side, encoder, int8)


if __name__ == "__main__":
    steady()

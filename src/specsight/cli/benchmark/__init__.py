"""The verbs of `specsight benchmark`."""

from __future__ import annotations

import click

from specsight.cli.benchmark import (
    building,
    checking,
    composing,
    counterfactual,
    curating,
    exporting,
    hiding,
    rating,
    releasing,
    reporting,
    running,
)
from specsight.cli.options import Verbs


@click.group(cls=Verbs)
def benchmark() -> None:
    """Turn a visual anomaly set into a benchmark of text and pictures; curate, check and run it."""


VERBS: tuple[click.Command, ...] = (
    building.build,
    checking.check,
    composing.panels,
    counterfactual.counterfactuals,
    curating.curate,
    exporting.export,
    hiding.hide,
    rating.rate,
    releasing.release,
    reporting.report,
    running.run,
)

for verb in VERBS:
    benchmark.add_command(verb)

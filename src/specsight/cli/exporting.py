"""The verb that brings a saved model to another runtime: `export`."""

from __future__ import annotations

from pathlib import Path

import click

from specsight import screen
from specsight.cli.options import MAX_MEGAPIXELS, PATH, REPLACE


@click.command()
@click.argument("model", type=PATH)
@click.option(
    "--to",
    "runtime",
    type=click.Choice(["onnx", "openvino"]),
    required=True,
    help="What is to run the encoder.",
)
@click.option("-o", "--out", type=PATH, required=True, help="Where to save the exported model.")
@click.option(
    "--int8", is_flag=True, help="Compute in whole numbers: smaller, not exact; see docs/runtimes.md."
)
@click.option(
    "--good", type=PATH, help="Good parts that --int8 takes its ranges from; default: those it was fitted on."
)
@click.option("--encoder", help="Where the model's encoder lies now, if it has moved.")
@MAX_MEGAPIXELS
@REPLACE
def export(
    model: Path, runtime: str, out: Path, int8: bool, good: Path | None, encoder: str | None, replace: bool
) -> None:
    """Save a model with its encoder as a graph for ONNX Runtime or OpenVINO.

    The exported model is used like any other, and starts without torch. What is in the graph stands in its
    runtime/CARD.md.
    """
    from specsight.inspector.exporting import export_model

    exported = export_model(model, runtime, out, int8, good, encoder, replace)
    screen.say(f"difference from torch: {exported.described.difference:.1e} of the largest feature")
    if exported.pictures:
        screen.say(
            f"int8: ranges from {exported.pictures} pictures of good parts; thresholds are those of float32",
            f"next: specsight set-threshold {out} --good FURTHER_GOOD_PARTS",
        )
    screen.say(f"saved: {out}", f"next: specsight inspect {out} PICTURES -o out/")

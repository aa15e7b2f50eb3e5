"""Graphs that saved models bring: in the folder `runtime` of a model, sealed with it.

In: a model's folder. Out: the encoder that lies in it, where the wanted runtime is its own.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from specsight.encoders.contract import Encoder
from specsight.encoders.runtimes.exported import ExportedEncoder
from specsight.encoders.runtimes.folders import DESCRIPTION, FILES, read_graph
from specsight.encoders.runtimes.kept import check_device
from specsight.encoders.runtimes.names import AUTO, FAST, chosen_runtime

GRAPH = "runtime"
"""Folder in that of a model."""
CARD = "CARD.md"
"""What is in the graph, for people."""


def brings_graph(model: Path, runtime: str = AUTO) -> bool:
    """Whether the saved model `model` brings a graph that `runtime` asks for."""
    runtime = chosen_runtime(runtime)
    place = model / GRAPH
    return (place / DESCRIPTION).is_file() and (
        runtime in (AUTO, FAST) or (place / FILES.get(runtime, "none")).is_file()
    )


def brought_encoder(model: Path, device: str = AUTO) -> ExportedEncoder:
    """The encoder that the model brings. Raises SpecsightError where it is damaged, where its runtime is not installed,
    and for a device other than the CPU. Nothing is fetched for words, as for `load_detector`."""

    def origin(name: str) -> Encoder:
        from specsight.encoders import load_encoder, names_same_encoder

        names_same_encoder(name, encoder.fingerprint, model)
        return load_encoder(name, AUTO, "torch")

    encoder = read_graph(model / GRAPH, origin)
    check_device(device, encoder.runtime)
    encoder.brought = True
    return encoder


def bring_along(encoder: Encoder, model: Path) -> None:
    """Write the graph of an encoder that came with a model into the folder of another one that is being saved."""
    if not isinstance(encoder, ExportedEncoder) or not encoder.brought:
        return
    (model / GRAPH).mkdir()
    for place in encoder.folder.iterdir():  # also the graph of what a detector learned
        if place.is_file():
            shutil.copyfile(place, model / GRAPH / place.name)

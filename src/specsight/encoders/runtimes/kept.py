"""Graphs of encoders that are kept on this machine: made when a runtime is first asked for, found again afterwards.

In: an encoder's name and a runtime. Out: the encoder, run by it. A graph lies in a sealed folder below `folder()`,
named by the fingerprint of the weights and by the runtime, so that another encoder never answers for it; a damaged
one is made anew. Making one takes torch and some seconds; using it takes neither.
"""

from __future__ import annotations

import os
from pathlib import Path

from specsight.checkpoints import checkpoint_folder, fingerprint
from specsight.encoders.contract import Encoder
from specsight.encoders.runtimes.exported import ExportedEncoder
from specsight.encoders.runtimes.folders import FORMAT, read_graph, write_graph
from specsight.encoders.runtimes.names import GRAPHS, check_runtime
from specsight.errors import SpecsightError, require
from specsight.storage import read_folder, whole_folder

HOME = "SPECSIGHT_RUNTIMES"
"""Environment variable that names another folder."""


def folder() -> Path:
    """Where graphs are kept: `SPECSIGHT_RUNTIMES`, or `specsight/runtimes` in the user's folder for caches."""
    if said := os.environ.get(HOME):
        return Path(said)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "specsight" / "runtimes"


def kept_encoder(name: str, device: str, runtime: str) -> ExportedEncoder:
    """The checkpoint `name` (a folder, a hub id or "bundled"), run by `runtime`.

    Raises SpecsightError where the runtime is not installed, for a device other than the CPU, where the graph is not
    there and torch is not, and as `write_graph` does.
    """
    from specsight.encoders.checkpoint import BUNDLED, SHIPPED, WHAT, load_checkpoint

    check_runtime(runtime, tuple(GRAPHS))
    check_device(device, runtime)
    require(GRAPHS[runtime], runtime)
    weights = SHIPPED if name == BUNDLED else checkpoint_folder(name, WHAT, "'bundled'")
    place = folder() / f"{fingerprint(weights)[:32]}-{runtime}-{FORMAT}"

    def origin(named: str) -> Encoder:
        return load_checkpoint(named, "cpu")

    try:
        return read_folder(place, lambda: read_graph(place, origin, name), "it is made again")[0]
    except SpecsightError:
        encoder = load_checkpoint(name, "cpu")
    with whole_folder(place, replace=True) as temporary:
        write_graph(temporary, encoder, runtime)
    return read_graph(place, lambda _: encoder, name)


def check_device(device: str, runtime: str) -> None:
    """Raise SpecsightError unless graphs run on `device`."""
    if device not in ("auto", "cpu"):
        raise SpecsightError(
            f"runtime {runtime} runs on the CPU: give --device cpu, or --runtime torch for '{device}'"
        )

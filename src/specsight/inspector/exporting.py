"""A saved model → the same model with its encoder as a graph that ONNX Runtime or OpenVINO runs.

In: the folder of a model and a runtime. Out: another sealed folder, a copy with the graph in `runtime/` and a card that
says what is in the graph; it is used like any model. Where a detector's own arithmetic is exact as a graph
(`Detector.exact`), it has one, too; all else (maps, thresholds) stays in numpy, the same code for every runtime.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from specsight.detectors import Detector
from specsight.encoders import Images
from specsight.encoders.runtimes.brought import CARD, GRAPH
from specsight.encoders.runtimes.exported import Described
from specsight.encoders.runtimes.folders import write_graph
from specsight.encoders.runtimes.names import GRAPHS, TORCH, check_runtime
from specsight.errors import SpecsightError, UnreadableFile
from specsight.images import load_picture
from specsight.inspector import saved
from specsight.inspector.inspector import Inspector
from specsight.inspector.request import read_request
from specsight.inspector.sources import good_sources
from specsight.records import Sample
from specsight.storage import check_model_output, copy_folder, given_path, whole_folder, write_bytes

if TYPE_CHECKING:
    from specsight.encoders.pretrained import PretrainedEncoder

CALIBRATED = 64
"""Pictures that ranges of int8 are taken from at most."""


@dataclass(frozen=True)
class Exported:
    """What was written."""

    folder: Path
    described: Described
    pictures: int
    """Pictures of good parts that int8 was calibrated on; 0 in float32."""
    detector: float | None
    """Largest difference of the detector's graph from numpy, as a share of the largest distance; None: it has none."""


def export_model(
    model: str | Path,
    runtime: str,
    out: str | Path,
    int8: bool = False,
    good: Path | None = None,
    encoder: str | None = None,
    replace: bool = False,
) -> Exported:
    """Copy the model to `out` with its encoder as a graph for `runtime` ("onnx" or "openvino").

    `int8`: the graph computes in whole numbers; their ranges are taken from pictures of good parts in the folder
    `good`, or from those that the model was fitted on. `encoder` as for `Inspector.load`. Raises SpecsightError for an
    encoder that is no network, or no graph can be made of, where pictures of good parts are needed and not there, and
    where `out` holds anything else, or a model without `replace`.
    """
    check_runtime(runtime, tuple(GRAPHS))
    out = given_path(out, "the exported model")
    check_model_output(out, replace)
    folder = saved.located(model)
    inspector = Inspector.load(folder, encoder, "cpu", TORCH)
    network = inspector.detector.get_encoder()
    if network.towers is None or network.runtime != TORCH:
        raise SpecsightError(
            f"encoder '{network.name}' runs on {network.runtime} and has no network to export"
        )
    pictures = _framed(inspector.detector, _good(folder, good)) if int8 else None
    with whole_folder(out, replace) as temporary:
        copy_folder(folder, temporary)
        shutil.rmtree(temporary / GRAPH, ignore_errors=True)
        (temporary / GRAPH).mkdir()
        described = write_graph(temporary / GRAPH, cast("PretrainedEncoder", network), runtime, pictures)
        exact = inspector.detector.exact()
        difference = None if exact is None else exact.write(temporary / GRAPH, runtime)
        exported = Exported(out, described, len(pictures or ()), difference)
        write_bytes(temporary / GRAPH / CARD, _card(exported, inspector.detector).encode())
    return exported


def _good(folder: Path, good: Path | None) -> list[Sample]:
    places = [good] if good else _fitted_on(folder)
    if not places or not all(place.exists() for place in places):
        raise SpecsightError(
            "int8 takes its ranges from pictures of good parts: give a folder of them with --good"
        )
    samples = good_sources(places).samples
    step = max(1, len(samples) // CALIBRATED)
    return list(samples[::step][:CALIBRATED])


def _fitted_on(folder: Path) -> list[Path]:
    """Folders of the good parts that a model was fitted on; none where it does not say."""
    try:
        return [Path(place) for place in read_request(folder).good]
    except SpecsightError:
        return []


def _framed(detector: Detector, samples: Sequence[Sample]) -> list[Images]:
    framed = []
    for sample in samples:
        try:
            framed.append(
                detector.framed(load_picture(sample, detector.needs.depth, uses=detector.needs.uses))
            )
        except UnreadableFile:
            continue
    return framed


def _card(exported: Exported, detector: Detector) -> str:
    described = exported.described
    precision = (
        f"int8, with ranges from {exported.pictures} pictures of good parts"
        if exported.pictures
        else "float32, exact up to rounding"
    )
    threshold = (
        "\nThresholds were made in float32: make them anew with `specsight set-threshold MODEL --good FOLDER`.\n"
        if exported.pictures
        else ""
    )
    return (
        f"# {detector.name} on {described.name}, exported for {described.runtime}\n\n"
        f"- Precision: {precision}.\n"
        f"- In the graph: normalisation of pixels and the whole vision tower; outputs {', '.join(described.outputs)}; "
        f"any height and width that are multiples of {described.multiple} px.\n"
        f"{_detector(exported)}"
        "- In numpy, the same for every runtime: framing, what the detector learned otherwise, scores, maps, "
        "thresholds, findings, words of the explanation.\n"
        "- In torch, only where words are compared with pictures or a method reaches into the network's blocks: the "
        "text tower, and those blocks.\n"
        f"- Largest difference of a feature from torch: {described.difference:.1e} of the largest of its output.\n"
        f"{threshold}"
    )


def _detector(exported: Exported) -> str:
    if exported.detector is None:
        return ""
    return (
        "- In a graph of its own, in float32: distances of patches to those of good parts; largest difference from "
        f"numpy {exported.detector:.1e} of the largest distance.\n"
    )

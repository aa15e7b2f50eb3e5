"""Trained detectors on other devices. Placement is checked on torch's "meta" device, which has shapes but no values and
refuses to mix with tensors of the CPU as a GPU does, except in matrix products; numbers are compared where there is a
GPU."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from safetensors.numpy import load_file
from tests.support.labelled_panels import panel_words, panels
from tests.support.prompted_colours import colours_for
from tests.support.reading_checkpoints import FAMILIES

from specsight.detectors import Detector, create_detector
from specsight.detectors.clad import fitting
from specsight.detectors.cross_set.detector import CrossSetDetector
from specsight.detectors.text_aligned import alignment
from specsight.encoders import load_encoder
from specsight.learning import engine
from specsight.learning.device import choose_device
from specsight.learning.schedule import Schedule
from specsight.learning.task import Task
from specsight.records import Picture, Sample

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU to compare with the CPU")
META = torch.device("meta")
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "clad": ("clad", {"steps": 20, "synthetic_defects": 8}),
    "clad literal": ("clad", {"steps": 20, "synthetic_defects": 8, "contrast": "literal", "patches": 0.0}),
    "clad without contrast": ("clad", {"steps": 20, "synthetic_defects": 8, "contrast": "none"}),
    "clad good only": ("clad", {"steps": 20, "synthetic_defects": 8, "reconstruct_good_only": True}),
    "april_gan": ("april_gan", {"epochs": 2}),
    "multiads": ("multiads", {"epochs": 2}),
    "anomalyclip": ("anomalyclip", {"epochs": 2}),
    "text_aligned": ("text_aligned", {"steps": 20, "synthetic_defects": 8}),
}


class Placed(Exception):
    """Ends a training whose placement has been checked."""


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Five good plates and five stained ones."""
    return panels(tmp_path_factory.mktemp("plates"), ("stain",), product="plate")


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Panels with two types of defect, for cross-set methods to learn from."""
    return panels(tmp_path_factory.mktemp("panels"))


def fit(case: str, plates: list[Sample], others: list[Sample], **parameters: Any) -> Detector:
    """A detector, trained where it is one that must be, and fitted to plates."""
    name, given = CASES[case]
    defaults = {"encoder": colours_for(name), "resolution": 64, "seed": 3}
    detector = create_detector(name, **{**defaults, **given, **parameters})
    good = [sample for sample in plates if sample.label == "good"]
    words = panel_words(product="plate")
    if isinstance(detector, CrossSetDetector):
        return detector.train(others, {"panel": panel_words()}).fit([], words)
    return detector.fit(plates if name == "clad" else good, words)


def check_placement(task: Task, schedule: Schedule, *, seed: int, **given: Any) -> None:
    """In place of `train`: the loss of a batch and its gradients are where the modules are."""
    assert (given["device"], given["precision"]) == ("cpu", "float32")
    for module in task.modules.values():
        module.to(META)
    loss, _ = task.loss(task.maker()(seed, 0), 0)
    loss.backward()
    gradients = [p.grad for m in task.modules.values() for p in m.parameters() if p.grad is not None]
    assert gradients
    assert {tensor.device for tensor in (loss, *gradients)} == {META}
    raise Placed


@pytest.fixture
def on_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detectors hand their tasks to `check_placement`."""
    monkeypatch.setattr(fitting, "train_task", check_placement)
    monkeypatch.setattr(alignment, "train", check_placement)
    monkeypatch.setattr(engine, "train", check_placement)
    # torch has no mixed precision for a device without values.
    monkeypatch.setattr(Task, "mixed_precision", lambda task: nullcontext())


@pytest.mark.usefixtures("on_meta")
@pytest.mark.parametrize("case", [case for case in CASES if case != "anomalyclip"])
def test_losses_are_computed_on_the_device_of_the_modules(
    case: str, plates: list[Sample], others: list[Sample]
) -> None:
    with pytest.raises(Placed):
        fit(case, plates, others, device="cpu")


@pytest.mark.usefixtures("on_meta")
def test_prompts_are_read_on_the_device_of_the_text_tower(
    plates: list[Sample], others: list[Sample], tmp_path: Path
) -> None:
    encoder = load_encoder(FAMILIES["siglip"](tmp_path), "cpu")
    assert encoder.towers is not None
    assert encoder.towers.text is not None
    encoder.towers.text.model.to(META)
    encoder.towers.text.projection.to(META)
    with pytest.raises(Placed):
        fit("anomalyclip", plates, others, encoder=encoder, device="cpu")


@pytest.mark.usefixtures("on_meta")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_tail_is_tuned_on_the_device_of_the_modules(
    family: str, plates: list[Sample], others: list[Sample], tmp_path: Path
) -> None:
    encoder = load_encoder(FAMILIES[family](tmp_path), "cpu")
    with pytest.raises(Placed):
        fit("clad", plates, others, encoder=encoder, device="cpu", tune_encoder=True)


def test_detectors_train_on_their_device(
    plates: list[Sample], others: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []

    def noted(name: str) -> torch.device:
        names.append(name)
        return choose_device("cpu")

    monkeypatch.setattr(engine, "choose_device", noted)
    monkeypatch.setattr(fitting, "choose_device", noted)
    for case in ("clad", "april_gan", "multiads", "anomalyclip", "text_aligned"):
        names.clear()
        fit(case, plates, others, device="cuda:1")
        assert set(names) == {"cuda:1"}, case


def same_within_rounding(first: Detector, second: Detector, folder: Path) -> None:
    """Two fits agree: saved arrays to 5 % of their mean size (or 0.002), scores and maps to 5 % (or 0.01).

    Noise of 1e-3 on every gradient, as TF32's rounding is, moves the weights of 20 steps by at most 1 % and scores and
    maps by 0.5 %. Of a gradient that is nothing but rounding, 20 steps of Adam make 0.002 in a tuned tail: such is that
    of the keys' bias in attention.
    """
    saved = []
    for number, detector in enumerate((first, second)):
        (folder / str(number)).mkdir()
        detector.save(folder / str(number))
        saved.append(load_file(folder / str(number) / "detector.safetensors"))
    assert saved[0].keys() == saved[1].keys()
    for name, array in saved[0].items():
        if array.dtype == np.float32:
            assert saved[1][name].dtype == np.float32
            difference, size = (float(np.sqrt(np.mean(x**2))) for x in (array - saved[1][name], array))
            assert difference <= 0.05 * size + 0.002, name
    stained = np.random.default_rng(5).integers(110, 140, (64, 80, 3)).astype(np.uint8)
    stained[10:30, 10:30] = (210, 25, 25)
    judgements = [d.judge(d.look([Picture(stained)])[0]) for d in (first, second)]
    assert judgements[1].score == pytest.approx(judgements[0].score, rel=0.05, abs=0.01)
    maps = [judgement.map for judgement in judgements]
    assert np.abs(maps[0] - maps[1]).max() <= 0.05 * np.abs(maps[0]).max() + 0.01


@gpu
@pytest.mark.parametrize("case", CASES)
def test_a_gpu_learns_what_the_cpu_learns(
    case: str, plates: list[Sample], others: list[Sample], tmp_path: Path
) -> None:
    fitted = [fit(case, plates, others, device=name) for name in ("cpu", "cuda")]
    same_within_rounding(fitted[0], fitted[1], tmp_path)


@gpu
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("case", "parameters"), [("clad", {"tune_encoder": True}), ("anomalyclip", {})])
def test_towers_on_a_gpu_learn_what_they_learn_on_the_cpu(
    family: str,
    case: str,
    parameters: dict[str, Any],
    plates: list[Sample],
    others: list[Sample],
    tmp_path: Path,
) -> None:
    folder = FAMILIES[family](tmp_path)
    fitted = [
        fit(case, plates, others, encoder=load_encoder(folder, name), device=name, **parameters)
        for name in ("cpu", "cuda")
    ]
    same_within_rounding(fitted[0], fitted[1], tmp_path)

"""Devices: every name a user may write, and the way out where there is no such device."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the extra 'models'")

import torch
from tests.support.slope import Slope, schedule

from specsight.errors import SpecsightError
from specsight.learning.device import choose_device
from specsight.learning.engine import train


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two CUDA devices."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.usefixtures("gpus")
def test_names_of_devices_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"auto": "cuda:0", "cpu": "cpu", "cuda": "cuda:0", "cuda:1": "cuda:1"}
    assert {name: str(choose_device(name)) for name in names} == names
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert str(choose_device("auto")) == str(choose_device("cuda")) == "cuda:1"
    assert str(choose_device("cuda:0")) == "cuda:0"
    with pytest.raises(SpecsightError, match="'cuda:2' does not exist, this machine has 2 CUDA devices: use"):
        choose_device("cuda:2")


@pytest.mark.usefixtures("no_gpu")
def test_devices_that_are_not_there() -> None:
    assert str(choose_device("auto")) == str(choose_device()) == "cpu"
    with pytest.raises(
        SpecsightError, match="'cuda' does not exist, this machine has no CUDA device: use auto"
    ):
        choose_device("cuda")
    with pytest.raises(
        SpecsightError, match="'mps' does not exist, torch sees no Apple GPU: use auto or cpu"
    ):
        choose_device("mps")
    with pytest.raises(SpecsightError, match="'cuda:1' does not exist"):
        train(Slope(), schedule(), seed=0, device="cuda:1")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "CPU", "", "cpu:0"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(SpecsightError, match=f"unknown device '{name}': use auto, cpu, cuda, cuda:N or mps"):
        choose_device(name)

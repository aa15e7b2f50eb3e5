"""Models that somebody changed and sealed again: values and shapes are checked, and nothing is fetched for them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file, save_file

from specsight import storage
from specsight.detectors import create_detector
from specsight.errors import SpecsightError
from specsight.inspector import Inspector
from specsight.inspector.fitting import Sources, fit_model

Change = Callable[[NDArray[Any]], NDArray[Any]]
SMALL: dict[str, Any] = {"encoder": "filters", "resolution": 48}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    for k in range(8):
        pixels = np.random.default_rng(k).integers(90, 130, (48, 48, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{k}.png")
    return folder


@pytest.fixture(scope="module", params=["patchcore", "spade", "subspacead", "anomalydino"])
def model(request: pytest.FixtureRequest, good: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / request.param
    Inspector.fit(good, detector=request.param, holdout=2, **SMALL).save(folder)
    return folder


@pytest.fixture
def patchcore(good: Path, tmp_path: Path) -> Path:
    Inspector.fit(good, holdout=2, **SMALL).save(tmp_path / "model")
    return tmp_path / "model"


def seal(folder: Path) -> None:
    files = [p for p in folder.iterdir() if p.name != storage.CHECKSUMS]
    storage.write_json(folder / storage.CHECKSUMS, {p.name: storage.sha256(p) for p in files})


def doubled(array: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(np.concatenate([array, array], -1))


@pytest.mark.parametrize(
    "change",
    [
        lambda array: array[..., : array.shape[-1] // 2],
        lambda array: array[:0],
        lambda array: array.reshape(-1)[:1],
        lambda array: array[None],
        lambda array: np.full_like(array, np.nan),
        lambda array: np.where(np.arange(array.size).reshape(array.shape) == 0, np.inf, array),
        doubled,
    ],
    ids=["half", "empty", "one", "deeper", "nan", "infinity", "double"],
)
def test_arrays_that_do_not_fit_are_refused_on_loading(model: Path, tmp_path: Path, change: Change) -> None:
    state = load_file(model / "detector.safetensors")
    for name, array in state.items():
        if array.dtype.kind != "f":
            continue
        copy = tmp_path / name.replace("/", "-")
        shutil.copytree(model, copy)
        changed = np.ascontiguousarray(change(array)).astype(array.dtype)
        save_file({**state, name: changed}, copy / "detector.safetensors")
        seal(copy)
        if changed.shape == array.shape and np.isfinite(changed).all():
            continue
        if model.name == "subspacead" and name == "axes" and changed.shape[:-1] == array.shape[:-1]:
            continue  # a subspace of other dimensions, which contradicts nothing
        with pytest.raises(SpecsightError, match="damaged") as refused:
            Inspector.load(copy)
        assert len(str(refused.value).splitlines()) == 1


def described(folder: Path, **changes: Any) -> None:
    description = json.loads((folder / "detector.json").read_text())
    for key, value in changes.items():
        if isinstance(value, dict):
            description[key].update(value)
        else:
            description[key] = value
    (folder / "detector.json").write_text(json.dumps(description))
    seal(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"parameters": {"resolution": 10**9}},
        {"parameters": {"resolution": "big"}},
        {"parameters": {"layers": []}},
        {"parameters": {"layers": ["../../etc/passwd"]}},
        {"parameters": {"seed": -1}},
        {"parameters": {"evil": "x"}},
        {"detector": "../../x"},
        {"detector": 5},
        {"format": "1"},
        {"encoder": {"name": None}},
        {"encoder": {"name": "a\0b"}},
        {"encoder": {"fingerprint": "x"}},
    ],
)
def test_values_out_of_range_are_refused_on_loading(patchcore: Path, changes: dict[str, Any]) -> None:
    described(patchcore, **changes)
    with pytest.raises(SpecsightError) as refused:
        Inspector.load(patchcore)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "name", ["somebody/model", "//server/share", "\\\\server\\share", "http://127.0.0.1:9/x"]
)
def test_nothing_is_fetched_because_a_model_names_it(
    patchcore: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def connect(*_: object) -> None:
        raise AssertionError("it reached for the network")

    monkeypatch.setattr(socket.socket, "connect", connect)
    described(patchcore, encoder={"name": name})
    with pytest.raises(
        SpecsightError, match="nothing is fetched because a model names it: give it with --encoder"
    ):
        Inspector.load(patchcore)
    assert Inspector.load(patchcore, "filters").detector.name == "patchcore"


def test_a_folder_that_a_model_names_is_compared_before_it_is_loaded(patchcore: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "config.json").write_text("[" * 100_000)
    described(patchcore, encoder={"name": str(tmp_path / "elsewhere")})
    with pytest.raises(SpecsightError, match="its fingerprint differs"):
        Inspector.load(patchcore)


def test_a_misspelt_encoder_gets_a_suggestion(good: Path) -> None:
    with pytest.raises(SpecsightError, match="unknown encoder 'filtres': did you mean 'filters'"):
        Inspector.fit(good, encoder="filtres", resolution=48)


def test_a_model_is_fitted_once_and_replaced_only_where_that_was_asked_for(
    good: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model"

    def fit(resolution: int = 48, replace: bool = False) -> Inspector:
        detector = create_detector("patchcore", encoder="filters", resolution=resolution)
        return fit_model(out, detector, Sources(good), replace=replace)

    first = fit()
    sums = (out / storage.CHECKSUMS).read_bytes()
    assert not first.reused
    again = fit()
    assert again.reused
    assert (out / storage.CHECKSUMS).read_bytes() == sums
    with pytest.raises(SpecsightError, match="holds a saved model already: add --replace"):
        fit(resolution=32)
    assert not fit(resolution=32, replace=True).reused
    assert Inspector.load(out).detector.resolution == 32
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("call", [lambda: Inspector.load(""), lambda: Inspector.fit("", encoder="filters")])
def test_empty_text_is_no_folder(call: Callable[[], object]) -> None:
    with pytest.raises(SpecsightError, match="is no path: it is empty"):
        call()

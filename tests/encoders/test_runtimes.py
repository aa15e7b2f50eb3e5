"""Graphs give what torch gives, serve detectors that torch has fitted, start without torch, refuse what is broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("onnx")

from tests.support.reading_checkpoints import FAMILIES as READING
from tests.support.vision_checkpoints import FAMILIES as VISION
from tests.support.vision_checkpoints import save_vision

from specsight.cli import cli
from specsight.detectors.nearest_graph import Nearest
from specsight.detectors.patchcore import PatchCore
from specsight.encoders import BUNDLED, FILTERS, Encoder, load_encoder, set_default_runtime
from specsight.encoders.runtimes import names
from specsight.encoders.runtimes.exported import ExportedEncoder
from specsight.encoders.runtimes.folders import TOLERANCE, difference_of
from specsight.encoders.runtimes.names import GRAPHS
from specsight.errors import MissingExtra, SpecsightError
from specsight.features.memory_bank import MemoryBank
from specsight.images import load_picture
from specsight.images.framing import shorter_side
from specsight.inspector import Inspector
from specsight.inspector.exporting import export_model
from specsight.inspector.thresholds import set_threshold
from specsight.records import Sample
from specsight.storage import verify_folder
from specsight.synthetic.tyres import generate

HERE = [runtime for runtime, library in GRAPHS.items() if find_spec(library)]
SIDE = 96


@pytest.fixture(scope="module")
def tyres(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    from specsight.datasets import load_dataset

    folder = tmp_path_factory.mktemp("tyres") / "set"
    generate(
        folder, count=20, seed=5, size=128, zones=("sidewall",), lights=("diffuse",), model="sport", workers=1
    )
    return list(load_dataset(folder).samples)


@pytest.fixture(scope="module")
def model(tyres: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tyre"
    good = [sample for sample in tyres if sample.label == "good"]
    Inspector.fit(good, resolution=SIDE, types=False, device="cpu").save(folder)
    return folder


@pytest.fixture(scope="module")
def exported(model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The model, exported for each runtime."""
    folder = tmp_path_factory.mktemp("exported")
    for runtime in HERE:
        assert export_model(model, runtime, folder / runtime).described.difference <= TOLERANCE
    return {runtime: folder / runtime for runtime in HERE}


@pytest.fixture
def default() -> Iterator[None]:
    yield
    set_default_runtime("auto")


def check_same(found: Inspector, expected: Inspector, samples: list[Sample]) -> None:
    """Scores and maps within the tolerance, as shares of the largest; verdicts equal."""
    for sample in samples:
        one, other = found.inspect(sample), expected.inspect(sample)
        assert one.map is not None
        assert other.map is not None
        assert abs(one.score - other.score) <= TOLERANCE * abs(other.score)
        assert np.abs(one.map - other.map).max() <= TOLERANCE * np.abs(other.map).max()
        assert one.decision.verdict == other.decision.verdict


@pytest.mark.long
@pytest.mark.parametrize("runtime", HERE)
@pytest.mark.parametrize("family", ["resnet", "vit", "dinov2", "clip", "siglip"])
def test_checkpoints_of_known_kinds(
    family: str, runtime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPECSIGHT_RUNTIMES", str(tmp_path / "kept"))
    if family not in VISION and family not in READING:
        pytest.skip(f"no small {family} here")
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    folder = save_vision(family, folder) if family in VISION else READING[family](folder)
    expected, found = load_encoder(folder, "cpu"), load_encoder(folder, "cpu", runtime)
    generator = np.random.default_rng(1)
    images = [
        generator.integers(0, 256, (1, rows * expected.multiple, columns * expected.multiple, 3), np.uint8)
        for rows, columns in ((3, 6), (7, 4), (9, 9))
    ]
    assert difference_of(found, expected, images) <= TOLERANCE
    assert found.fingerprint == expected.fingerprint
    assert found.placements == expected.placements


@pytest.mark.parametrize("runtime", HERE)
def test_padding_is_left_out_as_in_torch(runtime: str) -> None:
    expected, found = load_encoder(BUNDLED, "cpu"), load_encoder(BUNDLED, "cpu", runtime)
    image = np.random.default_rng(2).integers(0, 256, (1, 96, 128, 3), np.uint8)
    inside = ((10, 90), (0, 100))
    np.testing.assert_allclose(
        found.embed_images(image, inside), expected.embed_images(image, inside), atol=1e-5
    )
    np.testing.assert_array_equal(found.embed_texts(["a crack"]), expected.embed_texts(["a crack"]))
    assert found.misread(["\u2603"]) == expected.misread(["\u2603"])


@pytest.mark.shared
@pytest.mark.parametrize("runtime", HERE)
def test_real_pictures(runtime: str, shared: Path) -> None:
    expected, found = load_encoder(BUNDLED, "cpu"), load_encoder(BUNDLED, "cpu", runtime)
    paths = sorted((shared / "data" / "imagenet_samples").glob("*.jpg"))[:6]
    pictures = [load_picture(Sample(path.stem, path, "")) for path in paths]
    framed = [shorter_side(picture.rgb, 128, found.multiple)[0][None] for picture in pictures]
    assert difference_of(found, expected, framed) <= TOLERANCE


@pytest.mark.parametrize("runtime", HERE)
def test_an_exported_model_judges_alike(
    runtime: str, model: Path, exported: dict[str, Path], tyres: list[Sample], tmp_path: Path
) -> None:
    out = tmp_path / "exported"
    shutil.copytree(exported[runtime], out)
    verify_folder(out)
    found, expected = Inspector.load(out), Inspector.load(model, device="cpu")
    assert isinstance(found.detector.get_encoder(), ExportedEncoder)
    assert found.detector.get_encoder().runtime == runtime
    check_same(found, expected, tyres)
    assert Inspector.load(out, runtime="torch").detector.get_encoder().runtime == "torch"
    assert "In numpy" in (out / "runtime" / "CARD.md").read_text()
    # What changes a model keeps its graph.
    set_threshold(out, false_reject_rate=0.2)
    assert Inspector.load(out).detector.get_encoder().runtime == runtime
    found.save(tmp_path / "again")
    assert Inspector.load(tmp_path / "again").detector.get_encoder().runtime == runtime


@pytest.mark.parametrize("runtime", HERE)
def test_a_model_without_a_graph_runs_by_the_wanted_runtime(
    runtime: str, model: Path, tyres: list[Sample], default: None
) -> None:
    check_same(Inspector.load(model, runtime=runtime), Inspector.load(model, device="cpu"), tyres[:3])
    set_default_runtime(runtime)
    assert Inspector.load(model).detector.get_encoder().runtime == runtime
    assert load_encoder(BUNDLED).runtime == runtime
    assert load_encoder(FILTERS).runtime == "numpy"


@pytest.mark.skipif("onnx" not in HERE, reason="onnxruntime is not installed")
def test_torch_is_not_loaded(exported: dict[str, Path], tyres: list[Sample]) -> None:
    code = (
        "import sys; from specsight.inspector import Inspector; "
        f"Inspector.load({str(exported['onnx'])!r}).inspect({str(tyres[0].image)!r}); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.long
@pytest.mark.skipif("onnx" not in HERE, reason="onnxruntime is not installed")
def test_int8_is_near_and_says_so(model: Path, tyres: list[Sample], tmp_path: Path) -> None:
    good = tmp_path / "good"
    good.mkdir()
    for sample in tyres:
        if sample.label == "good":
            shutil.copy(sample.image, good)
    said = export_model(model, "onnx", tmp_path / "int8", int8=True, good=good)
    found, expected = Inspector.load(tmp_path / "int8"), Inspector.load(model, device="cpu")
    encoders: list[Encoder] = [one.detector.get_encoder() for one in (found, expected)]
    assert encoders[0].dtype == "int8"
    assert encoders[0].fingerprint == encoders[1].fingerprint
    assert encoders[0].runtime_fingerprint != encoders[1].runtime_fingerprint
    assert TOLERANCE < said.described.difference < 0.5
    assert "set-threshold" in (tmp_path / "int8" / "runtime" / "CARD.md").read_text()
    scores = np.array([[one.inspect(sample).score for sample in tyres] for one in (found, expected)])
    assert np.corrcoef(scores)[0, 1] > 0.9


@pytest.mark.skipif("onnx" not in HERE, reason="onnxruntime is not installed")
def test_what_is_broken_or_missing_is_told_in_one_line(
    model: Path, exported: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "exported"
    shutil.copytree(exported["onnx"], out)
    with pytest.raises(SpecsightError, match="--replace"):
        export_model(model, "onnx", out)
    with pytest.raises(SpecsightError, match="did you mean 'onnx'"):
        Inspector.load(model, runtime="onxx")
    with pytest.raises(SpecsightError, match="runs on the CPU"):
        load_encoder(BUNDLED, "cuda", "onnx")
    with pytest.raises(SpecsightError, match="--good"):
        export_model(model, "onnx", tmp_path / "other", int8=True)
    assert not (tmp_path / "other").exists()
    graph = out / "runtime" / "encoder.onnx"
    graph.write_bytes(graph.read_bytes()[:-1])
    with pytest.raises(SpecsightError, match="checksum differs"):
        Inspector.load(out)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"specsight\[onnx\]"):
        load_encoder(BUNDLED, "cpu", "onnx")


@pytest.mark.skipif("onnx" not in HERE, reason="onnxruntime is not installed")
def test_a_damaged_kept_graph_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECSIGHT_RUNTIMES", str(tmp_path))
    folder = save_vision("resnet", tmp_path / "checkpoint")
    load_encoder(folder, "cpu", "onnx")
    (graph,) = tmp_path.glob("*/encoder.onnx")
    graph.write_bytes(b"")
    assert load_encoder(folder, "cpu", "onnx").runtime == "onnx"
    assert graph.stat().st_size > 0


def test_fast_is_the_quickest_that_can(
    model: Path,
    exported: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    best = next((one for one in ("openvino", "onnx") if one in HERE), "torch")
    assert Inspector.load(model, device="cpu", runtime="fast").detector.get_encoder().runtime == best
    for runtime, folder in exported.items():
        assert Inspector.load(folder, runtime="fast").detector.get_encoder().runtime == runtime
    assert load_encoder(FILTERS, runtime="fast").runtime == "numpy"
    monkeypatch.setattr(names, "DRIVER", tmp_path)
    assert names.fastest("auto") == "torch"
    (tmp_path / "taken").write_text("a file where graphs should be kept")
    monkeypatch.setenv("SPECSIGHT_RUNTIMES", str(tmp_path / "taken"))
    assert load_encoder(BUNDLED, "cpu", "fast").runtime == "torch"
    assert best == "torch" or "is run by torch" in caplog.text
    monkeypatch.setattr(names, "GRAPHS", {one: f"no_such_{one}" for one in GRAPHS})
    assert names.fastest("cpu") == "torch"


def test_an_option_holds_for_its_command_alone(model: Path, tyres: list[Sample], tmp_path: Path) -> None:
    words = ["inspect", str(model), str(tyres[0].image), "--out", str(tmp_path / "out"), "--runtime", "fast"]
    assert CliRunner().invoke(cli, words).exit_code == 0
    assert names.chosen_runtime("auto") == "auto"


@pytest.mark.parametrize("runtime", HERE)
def test_distances_of_patches_are_a_graph_of_what_was_learned(
    runtime: str,
    exported: dict[str, Path],
    model: Path,
    tyres: list[Sample],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    alone = Inspector.load(exported[runtime]).detector
    assert isinstance(alone, PatchCore)
    assert alone.graph_ is None
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    plain, graphed = Inspector.load(model, device="cpu").detector, Inspector.load(exported[runtime]).detector
    assert isinstance(plain, PatchCore)
    assert isinstance(graphed, PatchCore)
    assert plain.graph_ is None
    assert graphed.graph_ is not None
    learned = graphed.exact()
    assert learned is not None
    assert learned.digest == plain.exact().digest  # type: ignore[union-attr]
    patches = np.random.default_rng(3).normal(size=(5000, learned.width)).astype(np.float32)
    expected = learned.distances(patches)
    assert np.abs(graphed.graph_.distances(patches) - expected).max() <= TOLERANCE * expected.max()
    folder = exported[runtime] / "runtime"
    other = Nearest(MemoryBank(learned.bank.vectors[1:]), learned.space)
    assert other.read(folder, runtime) is None
    assert learned.read(tmp_path, runtime) is None
    (tmp_path / "nearest.json").write_text("{}")
    with pytest.raises(SpecsightError, match="export the model again"):
        learned.read(tmp_path, runtime)
    graphed.fit([one for one in tyres if one.label == "good"][:4])
    assert graphed.graph_ is None


@pytest.mark.parametrize("runtime", HERE)
@pytest.mark.parametrize("variance", [0.99, 1.0])
def test_a_graph_of_distances_with_and_without_a_space(
    runtime: str, variance: float, tmp_path: Path, tyres: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    detector = PatchCore(encoder=FILTERS, resolution=SIDE, variance=variance, rotate=False)
    detector.fit([one for one in tyres if one.label == "good"][:3])
    learned = detector.exact()
    assert learned is not None
    assert learned.write(tmp_path, runtime) <= TOLERANCE
    detector.run_by(tmp_path, runtime)
    assert detector.graph_ is not None
    (view,) = detector.look([load_picture(tyres[-1])])
    found = detector.judge(view)
    detector.graph_ = None
    expected = detector.judge(view)
    assert found.score == pytest.approx(expected.score, rel=TOLERANCE)
    assert np.abs(found.map - expected.map).max() <= TOLERANCE * np.abs(expected.map).max()
